//! The report of one variant.

use super::ending::{ENDING, LINES, ending};
use super::format::{amount, rate};
use super::line::{GROUPS, line, moment, stretch};
use super::{budget, money, places, services, slos};
use flashcrowd_language::words::{count, duration};
use flashcrowd_results::{OneRun, Results, Scope, Worst, groups, of_one_run, verdicts, warnings_of};
use flashcrowd_scenario::{Resolved, ResolvedAutoscaler};
use std::fmt::Write;

/// Writes it.
pub(super) fn write(text: &mut String, results: &Results<'_>) {
    let resolved = &results.loaded.variants[0];
    header(text, results, resolved);
    let all = groups(resolved);
    let verdicts = verdicts(results, 0);
    let shown = slos::shown(&all, &verdicts);
    slos::write(text, results, &shown, &verdicts);
    services::write(text, results, 0, &shown);
    slos::rest(text, &all, &shown, &verdicts);
    let _ = writeln!(text);
    services::requests(text, results, 0);
    places::origins(text, results, 0);
    let mut rest = String::new();
    services::engines(&mut rest, results, 0);
    budget::write(&mut rest, results, &verdicts);
    money::write(&mut rest, results, 0);
    places::costs(&mut rest, results, 0);
    places::outages(&mut rest, results, 0);
    worst(&mut rest, results, 0);
    alone(&mut rest, results);
    let warnings = warnings_of(results, 0);
    // What was lost gives way to what is said of everything.
    let others = text.lines().count() + rest.lines().count() + ENDING + usize::from(!warnings.is_empty());
    services::lines_within(text, "capacity", &services::losses(results, 0), LINES.saturating_sub(others));
    text.push_str(&rest);
    ending(text, results, &warnings);
}

/// What is played, for how long, and how much of it.
fn header(text: &mut String, results: &Results<'_>, resolved: &Resolved) {
    let groups = groups(resolved);
    let shown = if groups.len() > GROUPS { 2 } else { groups.len() };
    let services: Vec<String> = groups
        .iter()
        .take(shown)
        .map(|group| {
            let service = &resolved.services[group.services[0]];
            let scaler = service.autoscaler.as_ref().map_or_else(
                || match service.config.initial_replicas {
                    1 => "1 replica".to_owned(),
                    n => format!("{n} replicas"),
                },
                ResolvedAutoscaler::describe,
            );
            let pool = &resolved.pools[service.config.pools[0] as usize];
            let model = service.model.as_ref().map_or_else(String::new, |model| format!(", {model}"));
            let gpus = service.config.gpus_per_group * service.config.groups;
            let name = if groups.len() > 1 { format!("{} ", group.name) } else { String::new() };
            let place = match group.services.len() {
                1 => resolved.regions[pool.region as usize].name.to_string(),
                n => format!("in each of {n} regions"),
            };
            format!("{name}{scaler}{model}, {} x{gpus}, {place}", pool.gpu)
        })
        .collect();
    let more = groups.len() - shown;
    let more = if more > 0 { format!("; and {} more services", count(more as u64)) } else { String::new() };
    let _ = writeln!(text, "{}: {}{more}", resolved.name, services.join("; "));
    let _ = writeln!(text, "{}\n", extent(results, resolved));
}

/// `2h from Mon 2025-11-03 00:00Z, 947,722 requests in 5 replicates (26/s, peak 86/s in 15s), seed 1`.
fn extent(results: &Results<'_>, resolved: &Resolved) -> String {
    let got = |id| results.got(0, &Scope::all(), id).unwrap_or(0.0);
    let replicates = match results.variants[0].figures.trials() {
        1 => "1 replicate".to_owned(),
        n => format!("each of {n} replicates"),
    };
    let warmup = resolved.warmup.as_s_f64();
    let warmup = if warmup > 0.0 {
        format!("; SLOs and latencies after a warm-up of {}", duration(warmup))
    } else {
        String::new()
    };
    format!(
        "{}, {} requests in {replicates} ({}/s, peak {}/s in {}), seed {}{warmup}",
        stretch(resolved),
        amount(got("requests")),
        rate(got("requests_per_s")),
        rate(got("peak_requests_per_s")),
        duration(resolved.series_period.as_s_f64()),
        resolved.seed
    )
}

/// How much one replicate says, where one long run says anything.
fn alone(text: &mut String, results: &Results<'_>) {
    const SHOWN: usize = 2;
    for (name, OneRun { share, batches, batch_s }) in of_one_run(results, 0).into_iter().take(SHOWN) {
        let by = format!("{batches} batches of {}", duration(batch_s));
        let content =
            format!("mean end-to-end time of `{name}` +-{:.1} % by this run alone (95 %, {by})", share * 100.0);
        line(text, "alone", &content);
    }
}

/// The stretch in which most requests were late, and what the fleet looked like then.
fn worst(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let Some(worst) = &results.variants[variant].worst else {
        if resolved.services.iter().any(|service| !service.config.slos.is_empty()) {
            line(text, "worst", "no request was late");
        }
        return;
    };
    let Worst { late, p99_s, replicas: [ready, starting, pending], waiting, .. } = worst;
    let service = if resolved.services.len() > 1 { format!("{}, ", worst.service) } else { String::new() };
    let trials = results.variants[variant].figures.trials();
    let replicate = if trials > 1 { format!(" of replicate {}", worst.replicate) } else { String::new() };
    let unplaced = if *pending > 0 { format!(", {pending} without a GPU") } else { String::new() };
    let at = |s| moment(resolved.starts_at, s);
    let span = format!("{} to {}", at(worst.from_s), at(worst.to_s));
    // No request of the stretch was completed.
    let p99 = if *p99_s > 0.0 { duration(*p99_s) } else { "-".to_owned() };
    let late = format!("{} late, end-to-end p99 {p99}", count(*late));
    let fleet = format!("{ready} ready, {starting} starting{unplaced}, queue {}", count(u64::from(*waiting)));
    line(text, "worst", &format!("{service}{span}{replicate}: {late}; at its peak {fleet}"));
}
