//! The text report: at most 30 lines, in plain words. First which promises held, then why not, then
//! latency and replicas, money, the worst moment, what was assumed, and what to type next.
//!
//! | file | holds |
//! | --- | --- |
//! | `format` | numbers in plain words |
//! | `promises` | which promises held, and why others did not |
//! | `services` | latency, replicas, requests not served |
//! | `money` | what was paid, for what |
//! | `places` | origins, markets, outages |
//! | `variants` | several variants, a line each and service |
//! | `trouble`, `loadless` | what to know before trusting a result; metrics that carry no load signal |

mod format;
mod loadless;
mod money;
mod places;
mod promises;
mod services;
mod trouble;
mod variants;

pub use format::{amount, count, duration, money, percent};
pub(crate) use format::{columns, duration_beside, listed, money_per, percent_beside};
pub(crate) use promises::late_because;
use promises::promise_row;
pub(crate) use trouble::warnings;

use crate::results::{Results, Scope, Worst, groups, verdicts};
use crate::scenario::resolve::{Resolved, ResolvedAutoscaler, Setting};
use format::rate;
use std::fmt::Write;

/// Most lines of a report, and of the warnings in it.
const LINES: usize = 30;
const WARNINGS: usize = 4;
/// Lines that the end of a report takes without a warning: what was assumed, how much more, what to type next.
const ENDING: usize = 3;
/// Routes and services that have rows of their own; of more, those that miss, and the first.
const GROUPS: usize = 6;

/// The report of a played scenario.
pub fn text(results: &Results<'_>) -> String {
    let mut text = String::new();
    if results.variants.len() > 1 {
        variants::write(&mut text, results);
    } else {
        single(&mut text, results);
    }
    text
}

fn single(text: &mut String, results: &Results<'_>) {
    let resolved = &results.loaded.variants[0];
    header(text, results, resolved);
    let all = groups(resolved);
    let verdicts = verdicts(results, 0);
    let shown = promises::shown(&all, &verdicts);
    promises::write(text, results, &shown, &verdicts);
    services::write(text, results, 0, &shown);
    promises::rest(text, &all, &shown, &verdicts);
    let _ = writeln!(text);
    services::requests(text, results, 0);
    places::origins(text, results, 0);
    let mut rest = String::new();
    services::engines(&mut rest, results, 0);
    money::write(&mut rest, results, 0);
    places::costs(&mut rest, results, 0);
    places::outages(&mut rest, results, 0);
    worst(&mut rest, results, 0);
    let warnings = trouble::of_variant(results, 0);
    // What was lost gives way to what is said of everything.
    let others = text.lines().count() + rest.lines().count() + ENDING + usize::from(!warnings.is_empty());
    services::lines_within(text, "capacity", &services::losses(results, 0), LINES.saturating_sub(others));
    text.push_str(&rest);
    ending(text, results, &warnings);
}

/// What was assumed, warnings, and what to type next, within the lines that are left.
fn ending(text: &mut String, results: &Results<'_>, warnings: &[String]) {
    let resolved = &results.loaded.variants[0];
    let left = LINES.saturating_sub(text.lines().count());
    // Two lines of assumptions and what to type next always have theirs.
    let shown = warnings.len().min(WARNINGS).min(left.saturating_sub(3));
    let more = usize::from(warnings.len() > shown);
    let room = left.saturating_sub(shown + more + 2);
    trust(text, resolved, &results.loaded.given, room.clamp(1, 4));
    for warning in warnings.iter().take(shown) {
        line(text, "warning", warning);
    }
    if warnings.len() > shown && left > shown + 3 {
        line(text, "", &format!("and {} more in summary.json", warnings.len() - shown));
    }
    line(text, "next", &next(results));
}

/// A labelled line.
fn line(text: &mut String, label: &str, content: &str) {
    let _ = writeln!(text, "{label:<11} {}", content.trim_end());
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
                || match service.initial_replicas() {
                    1 => "1 replica".to_owned(),
                    n => format!("{n} replicas"),
                },
                ResolvedAutoscaler::describe,
            );
            let pool = &resolved.pools[service.pools[0] as usize];
            let model = service.model.as_ref().map_or_else(String::new, |model| format!(", {model}"));
            let gpus = service.gpus_per_group * service.groups;
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

/// `2h, 947,722 requests in 5 replicates (26/s, peak 86/s in 15s), seed 1`.
fn extent(results: &Results<'_>, resolved: &Resolved) -> String {
    let got = |id| results.got(0, &Scope::all(), id).unwrap_or(0.0);
    let replicates = match results.variants[0].figures.trials() {
        1 => "1 replicate".to_owned(),
        n => format!("each of {n} replicates"),
    };
    let warmup = resolved.warmup.as_s_f64();
    let warmup = if warmup > 0.0 {
        format!("; promises and latencies after a warm-up of {}", duration(warmup))
    } else {
        String::new()
    };
    format!(
        "{}, {} requests in {replicates} ({}/s, peak {}/s in {}), seed {}{warmup}",
        duration(resolved.horizon.as_s_f64()),
        amount(got("requests")),
        rate(got("requests_per_s")),
        rate(got("peak_requests_per_s")),
        duration(resolved.series_period.as_s_f64()),
        resolved.seed
    )
}

/// The stretch in which most requests were late, and what the fleet looked like then.
fn worst(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let Some(worst) = &results.variants[variant].worst else {
        if resolved.services.iter().any(|service| !service.slos.is_empty()) {
            line(text, "worst", "no request was late");
        }
        return;
    };
    let Worst { late, p99_s, replicas: [ready, starting, pending], waiting, .. } = worst;
    let service = if resolved.services.len() > 1 { format!("{}, ", worst.service) } else { String::new() };
    let trials = results.variants[variant].figures.trials();
    let replicate = if trials > 1 { format!(" of replicate {}", worst.replicate) } else { String::new() };
    let unplaced = if *pending > 0 { format!(", {pending} without a GPU") } else { String::new() };
    let span = format!("{} to {}", since_start(worst.from_s), since_start(worst.to_s));
    let late = format!("{} late, end-to-end p99 {}", count(*late), duration(*p99_s));
    let fleet = format!("{ready} ready, {starting} starting{unplaced}, queue {}", count(u64::from(*waiting)));
    line(text, "worst", &format!("{service}{span}{replicate}: {late}; at its peak {fleet}"));
}

/// `1h12m` after the start.
fn since_start(s: f64) -> String {
    if s <= 0.0 { "the start".to_owned() } else { format!("+{}", duration(s)) }
}

/// What results lean on without the scenario saying so; the sources are one command away.
fn trust(text: &mut String, resolved: &Resolved, given: &str, shown: usize) {
    let mut assumed: Vec<&Setting> = resolved.settings.iter().filter(|setting| setting.is_assumed()).collect();
    // All latencies lean on the times of an engine.
    assumed.sort_by_key(|setting| !setting.path.ends_with(".serving.times"));
    for (i, setting) in assumed.iter().take(shown).enumerate() {
        line(text, if i == 0 { "trust" } else { "" }, &format!("assumed {} = {}", setting.path, setting.value));
    }
    match assumed.len() {
        0 => line(text, "trust", "nothing was assumed that the scenario does not give"),
        n => {
            let more = if n > shown { format!("{} more, and ", n - shown) } else { String::new() };
            line(text, "", &format!("{more}all sources: flashcrowd check {given} --print-resolved"));
        }
    }
}

fn next(results: &Results<'_>) -> String {
    let given = &results.loaded.given;
    let trials = results.variants[0].figures.trials();
    if results.variants.len() > 1 {
        let replicates = trials.max(20);
        format!("flashcrowd compare {given} --replicates {replicates}   for differences with intervals")
    } else if trials == 1 {
        format!("flashcrowd run {given} --replicates 10   for intervals")
    } else {
        format!("flashcrowd compare {given} YOUR-HPA.yaml --replicates {trials}   to try another policy")
    }
}
