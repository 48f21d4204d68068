//! What the tests of runners share.

use crate::outcome::{Outcome, VectorError};
use std::io::{BufRead, BufReader};

/// The lines of a shipped part of a reference file.
pub(crate) fn fixture(name: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/controllers/{name}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("text")).collect()
}

/// Puts `value` at `pointer` of a line that passes: then exactly `field` must fail.
pub(crate) fn corrupted(
    run: fn(&str) -> Result<Outcome, VectorError>,
    line: &serde_json::Value,
    pointer: &str,
    value: &serde_json::Value,
    field: &str,
) {
    assert_eq!(run(&line.to_string()).expect("a line").failures, []);
    let mut bad = line.clone();
    *bad.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value.clone();
    let failures = run(&bad.to_string()).expect("still a line").failures;
    assert!(!failures.is_empty(), "{pointer} unnoticed");
    assert!(failures.iter().all(|failure| failure.field == field), "{pointer}: {failures:?}");
}

/// A line with some characters replaced.
pub(crate) fn damaged(name: &str, line: usize, cut: f64, put: &str, gone: usize) -> String {
    let lines = fixture(name);
    let text = &lines[line % lines.len()];
    // A few thousand characters hold every kind of field.
    let at = (cut * text.len().min(3_000) as f64) as usize;
    let rest = (at + gone).min(text.len());
    format!("{}{put}{}", text.get(..at).unwrap_or_default(), text.get(rest..).unwrap_or_default())
}
