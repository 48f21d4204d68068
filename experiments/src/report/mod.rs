//! The text report: at most 30 lines, in plain words. First whether the promises held, then why
//! not, then cost, the worst moment, what was assumed, and what to type next.

mod format;
mod trouble;
mod variants;
mod worst;

pub use format::{count, duration, money, percent};
pub use trouble::warnings;

use crate::export::summary::{Counts, PARTS, Quantiles, SloResult, part_name};
use crate::run::{Played, Run};
use crate::scenario::resolve::{Resolved, Setting};
use crate::statistics::Estimate;
use flashcrowd_core::ledger::{GpuState, Latency};
use flashcrowd_core::serving::Slo;
use format::{quantile_name, rate};
use std::fmt::Write;

/// The report of a played scenario.
pub fn text(played: &Played) -> String {
    let mut text = String::new();
    if played.loaded.variants.len() > 1 {
        variants::write(&mut text, played);
    } else {
        single(&mut text, played);
    }
    text
}

fn single(text: &mut String, played: &Played) {
    let resolved = &played.loaded.variants[0];
    let runs: Vec<&Run> = played.of_variant(0).collect();
    header(text, resolved, &runs);
    for service in 0..resolved.services.len() {
        verdict(text, resolved, &runs, service);
        table(text, resolved, &runs, service);
    }
    requests(text, &runs);
    replicas(text, resolved, &runs);
    cost(text, resolved, &runs);
    worst::write(text, resolved, &runs);
    trust(text, resolved, &played.loaded.given);
    for warning in warnings(resolved, &runs[0].record).iter().take(4) {
        line(text, "warning", warning);
    }
    line(text, "next", &next(played, &runs));
}

/// A labelled line.
fn line(text: &mut String, label: &str, content: &str) {
    let _ = writeln!(text, "{label:<11} {content}");
}

fn header(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let services: Vec<String> = resolved
        .services
        .iter()
        .map(|service| {
            let scaler = service.autoscaler.as_ref().map_or_else(
                || format!("{} replicas", service.initial_replicas()),
                super::scenario::resolve::ResolvedAutoscaler::describe,
            );
            let pool = &resolved.pools[service.pools[0] as usize];
            let model = service.model.as_ref().map_or_else(String::new, |model| format!(", {model}"));
            let gpus = service.gpus_per_group * service.groups;
            format!("{scaler}{model}, {} x{gpus}, {}", pool.gpu, resolved.regions[pool.region as usize].name)
        })
        .collect();
    let _ = writeln!(text, "{}: {}", resolved.name, services.join("; "));
    let counts = runs.iter().map(|run| Counts::of(&run.record.clients).arrived).collect::<Vec<_>>();
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let horizon = resolved.horizon.as_s_f64();
    let period_s = resolved.series_period.as_s_f64();
    let peak = runs[0].record.series.iter().map(|row| row.arrived).max().unwrap_or(0) as f64 / period_s;
    let replicates = match runs.len() {
        1 => "1 replicate".to_owned(),
        n => format!("{n} replicates"),
    };
    let _ = writeln!(
        text,
        "{}, {} requests, mean {}/s, peak {}/s; {replicates}, seed {}\n",
        duration(horizon),
        count(mean.round() as u64),
        rate(mean / horizon),
        rate(peak),
        resolved.seed
    );
}

fn verdict(text: &mut String, resolved: &Resolved, runs: &[&Run], service: usize) {
    let config = &resolved.services[service];
    let name = if resolved.services.len() > 1 { format!("{}: ", config.name) } else { String::new() };
    if config.slos.is_empty() {
        let _ = writeln!(text, "{name}No SLO was given; add one: slo: [(quantile: 0.99, limit: \"2s\")]");
        return;
    }
    let mut broken = false;
    for (i, slo) in config.slos.iter().enumerate() {
        let results: Vec<SloResult> =
            runs.iter().map(|run| SloResult::of(&run.record.services[service], i, slo)).collect();
        let met = results.iter().filter(|result| result.met).count();
        broken |= met < runs.len();
        let word = match met {
            n if n == runs.len() => "HOLDS".to_owned(),
            0 => "MISSES".to_owned(),
            n => format!("MISSES in {} of {} replicates", runs.len() - n, runs.len()),
        };
        let _ = writeln!(
            text,
            "{name}{word} its SLO: {} {} {}, limit {}.",
            part_words(slo),
            quantile_name(slo.quantile),
            observed(&results),
            duration(slo.limit.as_s_f64())
        );
    }
    if broken {
        let _ = writeln!(text, "{}", why_late(runs, service));
    }
}

fn part_words(slo: &Slo) -> &'static str {
    match part_name(slo.part) {
        "queue" => "queue time",
        "cold_start" => "cold-start wait",
        "service" => "service time",
        _ => "end-to-end",
    }
}

/// The observed quantile with its interval over replicates.
fn observed(results: &[SloResult]) -> String {
    let values: Vec<f64> = results.iter().filter_map(|result| result.observed_s).collect();
    let never = results.len() - values.len();
    if never > 0 {
        let times =
            if results.len() > 1 { format!(" in {never} of {} replicates", results.len()) } else { String::new() };
        return format!("never came{times}, since too many requests had no answer");
    }
    let estimate = Estimate::of(&values);
    match estimate.half_width {
        Some(half) => format!("{} (+-{})", duration(estimate.mean), duration(half)),
        None => duration(estimate.mean),
    }
}

/// Causes in the order of `LateBecause`.
const WORDS: [&str; 6] = [
    "waited for a cold start",
    "in a queue",
    "were long in service",
    "were not served",
    "had lost time to retries",
    "waited for prompts to be computed",
];

fn why_late(runs: &[&Run], service: usize) -> String {
    let mut late = [0_u64; 6];
    for run in runs {
        for (sum, count) in late.iter_mut().zip(run.record.services[service].latency.late) {
            *sum += count;
        }
    }
    let total: u64 = late.iter().sum();
    let mut causes: Vec<(u64, &str)> = late.into_iter().zip(WORDS).filter(|cause| cause.0 > 0).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.0));
    let share = |count: u64| percent(count as f64 / total.max(1) as f64);
    let parts: Vec<String> = causes.iter().map(|(count, words)| format!("{} {words}", share(*count))).collect();
    format!("Of late requests {}.", parts.join(", "))
}

fn table(text: &mut String, resolved: &Resolved, runs: &[&Run], service: usize) {
    let config = &resolved.services[service];
    let merged = merge(runs, service);
    let _ = writeln!(
        text,
        "\n{:<11} {:<12} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "limit", "p50", "p95", "p99", "p99.9", "met"
    );
    for (name, part) in PARTS {
        let Some(q) = Quantiles::of(&merged, part) else { continue };
        let columns =
            format!("{:>9} {:>9} {:>9} {:>9}", duration(q.p50), duration(q.p95), duration(q.p99), duration(q.p999));
        let label = name.replace('_', " ");
        let mut slos = config.slos.iter().enumerate().filter(|(_, slo)| slo.part == part).peekable();
        if slos.peek().is_none() {
            let _ = writeln!(text, "{label:<11} {:<12} {columns}", "");
        }
        for (i, slo) in slos {
            let limit = format!("{} {}", quantile_name(slo.quantile), duration(slo.limit.as_s_f64()));
            let results: Vec<f64> =
                runs.iter().map(|run| SloResult::of(&run.record.services[service], i, slo).attainment).collect();
            let attainment = Estimate::of(&results).mean;
            let miss = if attainment < slo.quantile { "  MISS" } else { "" };
            let _ = writeln!(text, "{label:<11} {limit:<12} {columns} {:>9}{miss}", percent(attainment));
        }
    }
}

/// Latency over all replicates: counts add up exactly.
pub(crate) fn merge(runs: &[&Run], service: usize) -> Latency {
    let mut merged = runs[0].record.services[service].latency.clone();
    for run in &runs[1..] {
        merged.merge(&run.record.services[service].latency);
    }
    merged
}

fn requests(text: &mut String, runs: &[&Run]) {
    let all = runs.iter().flat_map(|run| &run.record.clients);
    let counts = Counts::of(all);
    let mut parts = vec![format!("{} completed", count(counts.completed))];
    let others = [
        (counts.rejected, "rejected"),
        (counts.expired, "expired"),
        (counts.failed, "failed"),
        (counts.live_at_end, "live at the end"),
    ];
    parts.extend(others.iter().filter(|other| other.0 > 0).map(|(n, word)| format!("{} {word}", count(*n))));
    if counts.attempts > counts.arrived {
        parts.push(format!("{:.2} attempts a request", counts.attempts as f64 / counts.arrived.max(1) as f64));
    }
    if counts.dropped_rows > 0 {
        parts.push(format!("{} rows dropped", count(counts.dropped_rows)));
    }
    let _ = writeln!(text);
    line(text, "requests", &format!("{} = {}", count(counts.arrived), parts.join(", ")));
}

fn replicas(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    for (config, service) in resolved.services.iter().zip(0..) {
        let of = |pick: fn(&flashcrowd_core::ledger::ServiceRecord) -> f64| {
            Estimate::of(&runs.iter().map(|run| pick(&run.record.services[service])).collect::<Vec<_>>()).mean
        };
        let horizon_s = resolved.horizon.as_s_f64();
        let max = runs.iter().map(|run| run.record.services[service].ready_max).max().unwrap_or(0);
        let name = if resolved.services.len() > 1 { format!("{}: ", config.name) } else { String::new() };
        line(
            text,
            "replicas",
            &format!(
                "{name}mean {:.1}, most {max}; {:.0} ups, {:.0} downs, {:.0} reversals; at the highest count {}",
                of(|s| s.ready_replica_s) / horizon_s,
                of(|s| s.ups as f64),
                of(|s| s.downs as f64),
                of(|s| s.reversals as f64),
                duration(of(|s| s.at_max.as_s_f64()))
            ),
        );
    }
}

fn cost(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let totals: Vec<f64> = runs.iter().map(|run| run.record.bill.usd(|_| true)).collect();
    let total = Estimate::of(&totals).mean;
    let completed: u64 = runs.iter().map(|run| Counts::of(&run.record.clients).completed).sum();
    let per_1k = total * runs.len() as f64 / completed.max(1) as f64 * 1e3;
    let states: Vec<String> = GpuState::ALL
        .iter()
        .filter_map(|&state| {
            let usd: f64 = runs.iter().map(|run| run.record.bill.usd(|line| line.state == state)).sum();
            let share = usd / (total * runs.len() as f64).max(f64::MIN_POSITIVE);
            (share >= 0.005).then(|| format!("{} {}", state.name(), percent(share)))
        })
        .collect();
    let weekly = total / resolved.horizon.as_s_f64() * 7.0 * 86_400.0;
    line(
        text,
        "cost",
        &format!("{} ({}/week)  {}/1k requests   {}", money(total), money(weekly), money(per_1k), states.join("  ")),
    );
}

/// What results lean on without the scenario saying so; the sources are one command away.
fn trust(text: &mut String, resolved: &Resolved, given: &str) {
    const SHOWN: usize = 4;
    let assumed: Vec<&Setting> = resolved.settings.iter().filter(|setting| setting.is_assumed()).collect();
    for (i, setting) in assumed.iter().take(SHOWN).enumerate() {
        line(text, if i == 0 { "trust" } else { "" }, &format!("assumed {} = {}", setting.path, setting.value));
    }
    match assumed.len() {
        0 => line(text, "trust", "nothing was assumed that the scenario does not give"),
        n => {
            let more = if n > SHOWN { format!("{} more, and ", n - SHOWN) } else { String::new() };
            line(text, "", &format!("{more}all sources: flashcrowd check {given} --print-resolved"));
        }
    }
}

fn next(played: &Played, runs: &[&Run]) -> String {
    let given = &played.loaded.given;
    if runs.len() == 1 {
        format!("flashcrowd run {given} --replicates 10   for intervals")
    } else {
        format!("flashcrowd compare {given} YOUR-HPA.yaml --replicates {}   to try another policy", runs.len())
    }
}
