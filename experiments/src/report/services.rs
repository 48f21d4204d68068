//! Latency, replicas and what was not served, by route or service.

use super::format::{amount, amount_parts, columns};
use super::line::line;
use flashcrowd_core::SimTime;
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::words::{count, duration, percent};
use flashcrowd_results::{Distribution, Group, Results, Scope, ScopeKind, groups};
use flashcrowd_scenario::Resolved;
use std::fmt::{Display, Write};

pub(super) fn write(text: &mut String, results: &Results<'_>, variant: usize, groups: &[Group]) {
    let header = ["", "", "p50", "p95", "p99", "p99.9", "max", "replicas: mean / most / max", "not served"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for group in groups {
        rows.extend(rows_of(results, variant, group, groups.len()));
    }
    let _ = write!(text, "{}", columns(&rows, &[2, 3, 4, 5, 6]));
}

fn rows_of(results: &Results<'_>, variant: usize, group: &Group, groups: usize) -> Vec<Vec<String>> {
    let resolved = &results.loaded.variants[variant];
    let scope = group.scope();
    let shown = Distribution::ALL.into_iter().filter(|of| is_shown(resolved, group, *of, groups));
    let mut rows: Vec<Vec<String>> = shown
        .map(|of| {
            let at = |name: &str| {
                let value = results.got(variant, &scope, &format!("{}.{name}", of.name()));
                value.map_or_else(|| "-".to_owned(), duration)
            };
            let mut row = vec![String::new(), of.name().replace('_', " ")];
            row.extend(["p50", "p95", "p99", "p999", "max"].map(at));
            row
        })
        .collect();
    rows[0][0].clone_from(&group.name);
    rows[0].extend([replicas(results, variant, group), not_served(results, variant, &scope)]);
    rows
}

/// With many services there is no room for every part: then for those that have an
/// SLO, and those that every user asks for.
fn is_shown(resolved: &Resolved, group: &Group, of: Distribution, groups: usize) -> bool {
    let config = &resolved.services[group.services[0]];
    let judged = group.slos(resolved).iter().any(|slo| Distribution::of(slo.part) == of);
    let tokens = matches!(config.config.discipline, Discipline::ContinuousBatch(_));
    let usual = match of {
        Distribution::E2e => groups <= 6 || group.slos(resolved).is_empty(),
        Distribution::Ttft | Distribution::Itl => tokens && groups <= 2,
        Distribution::Tpot => tokens && groups == 1,
        Distribution::Queue | Distribution::ColdStart => groups == 1,
        Distribution::NoCapacity | Distribution::Retries | Distribution::Network => false,
        // The service time of an engine is what its end-to-end time has beyond the waits.
        Distribution::Service => groups == 1 && !tokens,
    };
    judged || usual
}

/// `1.0 / 8 / 8 (8m at the maximum)`: the last is what its policy may ask for.
pub(super) fn replicas(results: &Results<'_>, variant: usize, group: &Group) -> String {
    let resolved = &results.loaded.variants[variant];
    let got = |id: &str| results.got(variant, &group.scope(), id).unwrap_or(0.0);
    // A policy of somebody's own has no maximum that is known.
    let most = |at: &usize| match &resolved.services[*at].autoscaler {
        Some(scaler) => scaler.max_replicas().map(u64::from),
        None => Some(u64::from(resolved.services[*at].config.initial_replicas)),
    };
    let max: Option<u64> = group.services.iter().map(most).sum();
    let Some(max) = max else { return format!("{:.1} / {:.0} / -", got("replicas_mean"), got("replicas_max")) };
    let scaled = group.services.iter().any(|&at| resolved.services[at].autoscaler.is_some());
    // Of a maximum that was never asked for there is no time to tell.
    let reached = scaled && group.services.len() == 1 && got("replicas_wanted_max") >= max as f64;
    let at_max = if reached { format!(" ({} at the maximum)", duration(got("at_max_s"))) } else { String::new() };
    format!("{:.1} / {:.0} / {max}{at_max}", got("replicas_mean"), got("replicas_max"))
}

/// Why requests failed.
const FAILED: [(&str, &str); 3] = [
    ("failed_drain", "cut at scale-down"),
    ("failed_lost", "lost with a replica"),
    ("failed_unreachable", "unreachable"),
];

/// Requests after the warm-up that were not served, and what became of them; means over replicates.
pub(crate) fn not_served(results: &Results<'_>, variant: usize, scope: &Scope) -> String {
    const REFUSED: [(&str, &str); 2] = [("not_served_rejected", "rejected"), ("not_served_expired", "given up")];
    let got = |id: &str| results.got(variant, scope, id).unwrap_or(0.0);
    let all = REFUSED.iter().chain(&FAILED).map(|(id, words)| (got(id), *words));
    let why: Vec<(f64, &str)> = all.filter(|one| one.0 > 0.0).collect();
    match why.as_slice() {
        [] => amount(got("not_served")),
        [(mean, words)] => format!("{} ({words})", amount(*mean)),
        several => sum_of(several),
    }
}

/// `12 = 10 given up + 2 rejected`.
fn sum_of(parts: &[(f64, impl Display)]) -> String {
    let means: Vec<f64> = parts.iter().map(|part| part.0).collect();
    // What shows as nothing is left out: a few of very many replicates.
    let shown = amount_parts(&means).into_iter().zip(parts).filter(|(n, _)| n != "0");
    let shown = shown.map(|(n, (_, words))| format!("{n} {words}"));
    format!("{} = {}", amount(means.iter().sum()), shown.collect::<Vec<_>>().join(" + "))
}

/// All requests of a replicate, in the mean: the parts add up.
pub(super) fn requests(text: &mut String, results: &Results<'_>, variant: usize) {
    let got = |id: &str| results.got(variant, &Scope::all(), id).unwrap_or(0.0);
    let of = |id: &str, words: &str| (got(id), words.to_owned());
    let mut parts = vec![of("completed", "completed"), of("rejected", "rejected"), of("expired", "given up")];
    parts.extend(failures(results, variant));
    parts.push(of("live_at_end", "live at the end"));
    let shown: Vec<(f64, String)> = parts.into_iter().filter(|(n, words)| *n > 0.0 || words == "completed").collect();
    let mut content = sum_of(&shown);
    if got("attempts") > got("requests") {
        let _ = write!(content, "; {:.2} attempts a request", got("attempts_per_request"));
    }
    if got("dropped_rows") > 0.0 {
        let _ = write!(content, "; {} rows dropped", amount(got("dropped_rows")));
    }
    line(text, "requests", &content);
}

/// Requests that failed, by their reasons; those are told of requests after the warm-up.
fn failures(results: &Results<'_>, variant: usize) -> Vec<(f64, String)> {
    let resolved = &results.loaded.variants[variant];
    let all = results.got(variant, &Scope::all(), "failed").unwrap_or(0.0);
    let groups = groups(resolved);
    let of = |id: &str| -> f64 { groups.iter().filter_map(|group| results.got(variant, &group.scope(), id)).sum() };
    let reasons = FAILED.iter().map(|(id, words)| (of(id), (*words).to_owned()));
    let mut parts: Vec<(f64, String)> = reasons.filter(|part| part.0 > 0.0).collect();
    let rest = all - parts.iter().map(|part| part.0).sum::<f64>();
    if rest > 1e-9 {
        let early = resolved.warmup > SimTime::ZERO;
        parts.push((rest, if early { "failed in the warm-up" } else { "failed" }.to_owned()));
    } else if rest < -1e-9 {
        // A request may be lost twice.
        let words: Vec<&str> = parts.iter().map(|part| part.1.as_str()).collect();
        parts = vec![(all, words.join(" or "))];
    }
    parts
}

/// How much of what was asked for was there, where capacity was bought or lost.
pub(super) fn losses(results: &Results<'_>, variant: usize) -> Vec<String> {
    let resolved = &results.loaded.variants[variant];
    let mut said = Vec::new();
    for service in &resolved.services {
        let scope = Scope::new(ScopeKind::Service, &*service.config.name);
        let got = |id: &str| results.got(variant, &scope, id).unwrap_or(0.0);
        if got("preempted") + got("spot_orders") == 0.0 {
            continue;
        }
        let name = if resolved.services.len() > 1 { format!("{}: ", service.config.name) } else { String::new() };
        let share = results.got(variant, &scope, "availability").map_or_else(|| "-".to_owned(), percent);
        let mut content =
            format!("{name}all wanted replicas ready {share} of the time, {} lost", amount(got("preempted")));
        if got("requeued") > 0.0 {
            let _ = write!(content, " ({} requests sent again)", amount(got("requeued")));
        }
        said.push(content);
    }
    said
}

/// Services that have a line of their own.
const LINES: usize = 3;

/// A line for each of the first services, and how many more there are.
fn lines(text: &mut String, label: &str, said: &[String]) {
    lines_within(text, label, said, usize::MAX);
}

/// The same, in at most so many lines, of which there are two at least.
pub(super) fn lines_within(text: &mut String, label: &str, said: &[String], room: usize) {
    let all = said.len() <= LINES.min(room);
    let shown = if all { said.len() } else { LINES.min(room.max(2) - 1) };
    said.iter().take(shown).for_each(|content| line(text, label, content));
    if !all {
        line(text, "", &format!("and {} more services; all in summary.json", count((said.len() - shown) as u64)));
    }
}

/// What token-level engines did: how full their caches were, and what that cost.
pub(super) fn engines(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let mut said = Vec::new();
    for service in &resolved.services {
        let scope = Scope::new(ScopeKind::Service, &*service.config.name);
        let got = |id: &str| results.got(variant, &scope, id);
        let Some(full) = got("kv_cache_peak") else { continue };
        let preemptions = got("preemptions").unwrap_or(0.0);
        if resolved.services.len() > 2 && preemptions == 0.0 && full < 0.9 {
            continue;
        }
        let name = if resolved.services.len() > 1 { format!("{}: ", service.config.name) } else { String::new() };
        let mut parts = vec![format!("{name}KV cache at most {} full", percent(full))];
        if preemptions > 0.0 {
            parts.push(format!("{} preemptions", amount(preemptions)));
        }
        if let Some(cached) = got("cached_prompt_tokens").filter(|share| *share > 0.0) {
            parts.push(format!("{} of prompt tokens cached", percent(cached)));
        }
        if let Some(tokens) = got("tokens_per_iteration") {
            parts.push(format!("{tokens:.1} tokens an iteration"));
        }
        said.push(parts.join(", "));
    }
    lines(text, "engine", &said);
}
