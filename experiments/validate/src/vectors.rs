//! Files of recorded decisions: what the suites share that play them line by line.

use crate::report::{Counts, Report, Worst};
use flashcrowd_conformance::{Mismatch, Outcome};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Lines that are played at once: enough for all processors, little enough to stay a stream.
pub(crate) const LINES_AT_ONCE: usize = 64;
/// Failures that the text form shows for each file.
const SHOWN: usize = 5;

/// The file's name; with its folder if another file has the same name.
pub(crate) fn part_name(path: &Path, files: &[PathBuf]) -> String {
    let alike = files.iter().filter(|other| other.file_name() == path.file_name()).count();
    match path.file_name() {
        Some(name) if alike == 1 => name.to_string_lossy().into_owned(),
        _ => path.display().to_string(),
    }
}

/// Adds what a file came to.
pub(crate) fn add(report: &mut Report, part: &str, cases: u64, total: Outcome) {
    let failed = total.failures.len() as u64;
    let checks = total.checks;
    report.count(part, &Counts { cases, checks, passed: checks - failed, failed, ..Counts::default() });
    for mismatch in total.failures.iter().take(SHOWN) {
        report.notes.push(format!("{part}: {mismatch}"));
    }
    if failed > SHOWN as u64 {
        report.notes.push(format!("{part}: {} more", failed - SHOWN as u64));
    }
    if let Some(first) = total.failures.into_iter().next() {
        report.consider(worst(first));
    }
}

/// A mismatch as a check: values are equal or they are not.
fn worst(mismatch: Mismatch) -> Worst {
    let value = |text: &str| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
    let (expected, found) = (value(&mismatch.expected), value(&mismatch.found));
    let error = match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => (expected - found).abs(),
        _ => 1.0,
    };
    Worst { id: mismatch.place, key: mismatch.field.to_owned(), expected, found, error, tolerance: 0.0 }
}
