//! Lines of a report.

use flashcrowd_language::words::duration;
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
