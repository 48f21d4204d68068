//! The text report: at most 30 lines, in plain words. First whether the promises held, then why
//! not, then cost, the worst moment, what was assumed, and what to type next.

mod format;
pub(crate) mod groups;
mod latencies;
mod loadless;
mod places;
mod trouble;
mod variants;
mod worst;

pub use format::{count, duration, money, percent};
pub(crate) use places::egress_usd;
pub use trouble::warnings;

use crate::export::summary::Counts;
use crate::run::{Played, Run};
use crate::scenario::resolve::{Resolved, Setting};
use crate::statistics::Estimate;
use flashcrowd_core::ledger::{GpuState, RunRecord};
use flashcrowd_core::serving::{Discipline, EngineWork};
use format::rate;
use groups::groups;
use std::fmt::Write;

/// Most lines of a report, and of the warnings in it.
const LINES: usize = 30;
const WARNINGS: usize = 4;

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
    let groups = groups(resolved);
    for group in &groups {
        latencies::verdict(text, resolved, &runs, group, groups.len());
    }
    for (group, at) in groups.iter().zip(0..) {
        latencies::table(text, resolved, &runs, group, (at, groups.len()));
    }
    requests(text, &runs);
    places::origins(text, resolved, &runs);
    replicas(text, resolved, &runs);
    engines(text, resolved, &runs);
    cost(text, resolved, &runs);
    places::costs(text, resolved, &runs);
    places::outages(text, resolved, &runs);
    worst::write(text, resolved, &runs);
    let records: Vec<&RunRecord> = runs.iter().map(|run| &run.record).collect();
    let warnings = trouble::of_runs(resolved, &records);
    // What follows the assumptions: their sources, warnings, what to type next.
    let left = LINES.saturating_sub(text.lines().count());
    // Two lines of assumptions and what to type next always have theirs.
    let shown = warnings.len().min(WARNINGS).min(left.saturating_sub(3));
    let room = left.saturating_sub(shown + 2);
    trust(text, resolved, &played.loaded.given, room.clamp(1, 4));
    for warning in warnings.iter().take(shown) {
        line(text, "warning", warning);
    }
    line(text, "next", &next(played, &runs));
}

/// A labelled line.
fn line(text: &mut String, label: &str, content: &str) {
    let _ = writeln!(text, "{label:<11} {content}");
}

fn header(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let groups = groups(resolved);
    let services: Vec<String> = groups
        .iter()
        .map(|group| {
            let service = &resolved.services[group.services[0]];
            let scaler = service.autoscaler.as_ref().map_or_else(
                || match service.initial_replicas() {
                    1 => "1 replica".to_owned(),
                    n => format!("{n} replicas"),
                },
                super::scenario::resolve::ResolvedAutoscaler::describe,
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
        let (mean, ups, downs) = (of(|s| s.ready_replica_s) / horizon_s, of(|s| s.ups as f64), of(|s| s.downs as f64));
        let changes = match places::losses(resolved, runs, service) {
            // What was there matters more than how often it changed.
            Some(losses) => format!("{ups:.0} ups, {downs:.0} downs; {losses}"),
            None => format!(
                "{ups:.0} ups, {downs:.0} downs, {:.0} reversals; at the highest count {}",
                of(|s| s.reversals as f64),
                duration(of(|s| s.at_max.as_s_f64()))
            ),
        };
        line(text, "replicas", &format!("{name}mean {mean:.1}, most {max}; {changes}"));
    }
}

/// What token-level engines did: how full their caches were, and what that cost.
fn engines(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    for (config, service) in resolved.services.iter().zip(0..) {
        let Discipline::ContinuousBatch(engine) = &config.discipline else { continue };
        let records = || runs.iter().map(|run| &run.record.services[service].engine);
        let peak = records().map(|record| record.peak_blocks).max().unwrap_or(0);
        let sum = |pick: fn(&EngineWork) -> u64| records().map(pick).sum::<u64>();
        let prompts: u64 = runs.iter().map(|run| run.record.services[service].tokens[0]).sum();
        let (preemptions, cached) = (sum(|work| work.preemptions), sum(|work| work.cached_tokens));
        let full = peak as f64 / engine.blocks as f64;
        if resolved.services.len() > 2 && preemptions == 0 && full < 0.9 {
            continue;
        }
        let name = if resolved.services.len() > 1 { format!("{}: ", config.name) } else { String::new() };
        let mut parts = vec![format!("{name}KV cache at most {} full", percent(full))];
        if preemptions > 0 {
            parts.push(format!("{} preemptions", count(preemptions)));
        }
        if cached > 0 {
            parts.push(format!("{} of prompt tokens cached", percent(cached as f64 / prompts.max(1) as f64)));
        }
        parts.push(format!(
            "{:.1} tokens an iteration",
            sum(|work| work.tokens) as f64 / sum(|work| work.iterations).max(1) as f64
        ));
        line(text, "engine", &parts.join(", "));
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
    let tokens: u64 =
        runs.iter().flat_map(|run| &run.record.services).map(|service| service.tokens.iter().sum::<u64>()).sum();
    let serves_tokens = resolved.services.iter().any(|service| service.profile.is_some());
    let per_1m = if serves_tokens && tokens > 0 {
        format!("  {}/1M tokens", money(total * runs.len() as f64 / tokens as f64 * 1e6))
    } else {
        String::new()
    };
    let weekly = total / resolved.horizon.as_s_f64() * 7.0 * 86_400.0;
    line(
        text,
        "cost",
        &format!(
            "{} ({}/week)  {}/1k requests{per_1m}   {}",
            money(total),
            money(weekly),
            money(per_1k),
            states.join("  ")
        ),
    );
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

fn next(played: &Played, runs: &[&Run]) -> String {
    let given = &played.loaded.given;
    if runs.len() == 1 {
        format!("flashcrowd run {given} --replicates 10   for intervals")
    } else {
        format!("flashcrowd compare {given} YOUR-HPA.yaml --replicates {}   to try another policy", runs.len())
    }
}
