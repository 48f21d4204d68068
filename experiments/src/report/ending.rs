//! The end of a report: what was assumed, warnings, and what to type next.

use super::line::line;
use flashcrowd_results::statistics::Call;
use flashcrowd_results::{Results, Verdict, verdicts};
use flashcrowd_scenario::{Resolved, Setting};

/// Most lines of a report, and of the warnings in it.
pub(super) const LINES: usize = 30;
const WARNINGS: usize = 4;
/// Lines that the end of a report takes without a warning: what was assumed, how much more, what to type next.
pub(super) const ENDING: usize = 3;
/// What was assumed, warnings, and what to type next, within the lines that are left.
pub(super) fn ending(text: &mut String, results: &Results<'_>, warnings: &[String]) {
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

/// What to type next: what finds a policy or a fleet that holds, tells what is too close to call, or compares.
fn next(results: &Results<'_>) -> String {
    let given = &results.loaded.given;
    let trials = results.variants[0].figures.trials();
    if results.variants.len() > 1 {
        let replicates = trials.max(20);
        return format!("flashcrowd compare {given} --replicates {replicates}   for differences with intervals");
    }
    let judged = verdicts(results, 0);
    if let Some(missed) = judged.iter().find(|verdict| !verdict.holds()) {
        return sweep(results, missed, trials.max(5));
    }
    if trials == 1 {
        return format!("flashcrowd run {given} --replicates 10   for intervals");
    }
    let close = judged.iter().find_map(|verdict| match verdict.call() {
        Call::TooClose { more: Some(more) } => Some((verdict, more)),
        _ => None,
    });
    if let Some((verdict, more)) = close {
        let all = u64::from(trials) + u64::from(more);
        let what = format!("{} {}", verdict.group.name, verdict.words);
        return format!("flashcrowd run {given} --replicates {all}   would tell whether {what} holds");
    }
    format!("flashcrowd compare {given} YOUR-HPA.yaml --replicates {trials}   to try another policy")
}

/// The sweep that finds what would hold an SLO: more nodes where pools were full, else how much traffic it bears.
fn sweep(results: &Results<'_>, missed: &Verdict, replicates: u32) -> String {
    let (given, resolved) = (&results.loaded.given, &results.loaded.variants[0]);
    let what = format!("--replicates {replicates}   missed: finds");
    let was_full = results.got(0, &missed.group.scope(), "late_no_capacity").is_some_and(|share| share > 0.0);
    let pool = missed.group.services.first().and_then(|at| resolved.services[*at].config.pools.first());
    match pool.map(|at| &resolved.pools[*at as usize]).filter(|_| was_full) {
        Some(pool) => {
            let (name, most) = (&pool.name, u64::from(pool.max_nodes));
            let path = format!("pools.{name}.max_nodes={most},{},{}", most * 2, most * 4);
            format!("flashcrowd sweep {given} --over {path} {what} how many nodes hold it")
        }
        None => format!("flashcrowd sweep {given} --over load=0.25,0.5,0.75,1 {what} the traffic that it holds"),
    }
}
