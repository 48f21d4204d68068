//! The end of a report: what was assumed, warnings, and what to type next.

use super::line::line;
use flashcrowd_results::Results;
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

/// What to type next.
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
