//! Lines of a report.

use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::words::duration;
use flashcrowd_policies::clock::WallClock;
use flashcrowd_scenario::Resolved;
use std::fmt::Write;

/// Routes and services that have rows of their own; of more, those that miss, and the first.
pub(super) const GROUPS: usize = 6;

/// A labelled line.
pub(super) fn line(text: &mut String, label: &str, content: &str) {
    let _ = writeln!(text, "{label:<11} {}", content.trim_end());
}

/// `1h12m` after the start.
pub(super) fn since_start(s: f64) -> String {
    if s <= 0.0 { "the start".to_owned() } else { format!("+{}", duration(s)) }
}

/// The same with the time of day, where the run has one: `Mon 14:00 (+14h)`. UTC.
pub(super) fn moment(clock: Option<WallClock>, s: f64) -> String {
    let since = since_start(s);
    let Some(clock) = clock else { return since };
    let at = clock.at(SimTime::ZERO + SimDuration::from_s_f64(s));
    let seconds = if at.as_second() % 60 == 0 { "" } else { ":%S" };
    format!("{} ({since})", at.strftime(&format!("%a %H:%M{seconds}")))
}

/// How long a run is, and from when it is, if it says so: `7d from Mon 2025-11-03 00:00Z`.
pub(super) fn stretch(resolved: &Resolved) -> String {
    let long = duration(resolved.horizon.as_s_f64());
    let Some(clock) = resolved.starts_at else { return long };
    let start = clock.start();
    let seconds = if start.as_second() % 60 == 0 { "" } else { ":%S" };
    format!("{long} from {}", start.strftime(&format!("%a %Y-%m-%d %H:%M{seconds}Z")))
}
