//! What requests waited for: whether the promises held, why not, and the latencies by part.

use super::format::{duration, percent, quantile_name};
use super::groups::Group;
use crate::export::summary::{PARTS, Quantiles, SloResult};
use crate::run::Run;
use crate::scenario::resolve::{Resolved, ResolvedService};
use crate::statistics::Estimate;
use flashcrowd_core::ports::LatencyPart;
use std::fmt::Write;

pub(super) fn verdict(text: &mut String, resolved: &Resolved, runs: &[&Run], group: &Group, groups: usize) {
    let config = &resolved.services[group.services[0]];
    let name = if groups > 1 { format!("{}: ", group.name) } else { String::new() };
    if config.slos.is_empty() {
        let _ = writeln!(text, "{name}No SLO was given; add one: slo: [(quantile: 0.99, limit: \"2s\")]");
        return;
    }
    let mut broken = false;
    for (i, slo) in config.slos.iter().enumerate() {
        let results: Vec<SloResult> = runs.iter().map(|run| group.slo(run, i, slo)).collect();
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
            part_words(slo.part),
            quantile_name(slo.quantile),
            observed(&results),
            duration(slo.limit.as_s_f64())
        );
    }
    if let Some(causes) = why_late(runs, group).filter(|_| broken) {
        let _ = writeln!(text, "{name}Of late requests {causes}.");
    }
}

/// A part of the latency in words.
pub(super) const fn part_words(part: LatencyPart) -> &'static str {
    match part {
        LatencyPart::EndToEnd => "end-to-end",
        LatencyPart::Queue => "queue time",
        LatencyPart::ColdStart => "cold-start wait",
        LatencyPart::Service => "service time",
        LatencyPart::TimeToFirstToken => "time to first token",
        LatencyPart::TimePerOutputToken => "time per output token",
        LatencyPart::InterToken => "inter-token latency",
        LatencyPart::Retries => "time of retries",
        LatencyPart::Network => "time on the way",
        LatencyPart::NoCapacity => "wait for a full pool",
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
const WORDS: [&str; 8] = [
    "waited for a cold start",
    "in a queue",
    "were long in service",
    "were not served",
    "had lost time to retries",
    "waited for prompts to be computed",
    "were long on their way",
    "waited for a full pool",
];

/// The causes of lateness with their shares; none if no request as a whole was late (gaps between
/// tokens may be).
fn why_late(runs: &[&Run], group: &Group) -> Option<String> {
    let mut late = [0_u64; WORDS.len()];
    for record in runs.iter().flat_map(|run| group.services.iter().map(|&at| &run.record.services[at])) {
        for (sum, count) in late.iter_mut().zip(record.latency.late) {
            *sum += count;
        }
    }
    let total: u64 = late.iter().sum();
    let mut causes: Vec<(u64, &str)> = late.into_iter().zip(WORDS).filter(|cause| cause.0 > 0).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.0));
    let share = |count: u64| percent(count as f64 / total.max(1) as f64);
    let parts: Vec<String> = causes.iter().map(|(count, words)| format!("{} {words}", share(*count))).collect();
    (total > 0).then(|| parts.join(", "))
}

/// Its latencies; `position` says which of how many tables this is.
pub(super) fn table(text: &mut String, resolved: &Resolved, runs: &[&Run], group: &Group, position: (usize, usize)) {
    let (config, (at, groups)) = (&resolved.services[group.services[0]], position);
    let merged = group.latency_of(runs);
    // With several services, the table's corner says whose it is, which parts them well enough.
    let title = if groups > 1 { &*group.name } else { "" };
    let blank = if at == 0 { "\n" } else { "" };
    let _ = writeln!(
        text,
        "{blank}{title:<11} {:<12} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "limit", "p50", "p95", "p99", "p99.9", "met"
    );
    for (name, part) in PARTS.into_iter().filter(|&(_, part)| is_shown(config, part, groups)) {
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
            let results: Vec<f64> = runs.iter().map(|run| group.slo(run, i, slo).attainment).collect();
            let attainment = Estimate::of(&results).mean;
            let miss = if attainment < slo.quantile { "  MISS" } else { "" };
            let _ = writeln!(text, "{label:<11} {limit:<12} {columns} {:>9}{miss}", percent(attainment));
        }
    }
}

/// With many services there is no room for every part: then for those of which something is
/// promised, and those that every user asks for.
fn is_shown(config: &ResolvedService, part: LatencyPart, services: usize) -> bool {
    let promised = config.slos.iter().any(|slo| slo.part == part);
    // The service time of an engine is what its end-to-end time has beyond the waits.
    let usual = match part {
        LatencyPart::EndToEnd => true,
        LatencyPart::TimeToFirstToken | LatencyPart::InterToken => services <= 2,
        LatencyPart::TimePerOutputToken | LatencyPart::Queue | LatencyPart::ColdStart => services == 1,
        LatencyPart::Retries | LatencyPart::Network | LatencyPart::NoCapacity => false,
        LatencyPart::Service => services == 1 && config.profile.is_none(),
    };
    promised || usual
}
