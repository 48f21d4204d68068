//! The HPA against recorded reconciles of the real controller: each line of a file is one case,
//! each output that it gives is one check.

use super::ValidateError;
use super::input::Lines;
use super::report::{Counts, Report, Worst};
use flashcrowd_policies::conformance::{Mismatch, Outcome};
use flashcrowd_policies::hpa::Variant;
use flashcrowd_policies::hpa::vectors::run_line;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Lines that are played at once: enough for all processors, little enough to stay a stream.
const LINES_AT_ONCE: usize = 64;
/// Failures that the text form shows for each file.
const SHOWN: usize = 5;

pub(super) fn run(files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    let mut report = Report::new("hpa");
    let mut kinds = [0_u64; 2];
    for path in files {
        let played = play_file(path, progress)?;
        kinds[0] += played.scenarios;
        kinds[1] += played.rows;
        add(&mut report, &part_name(path, files), played);
    }
    for (name, count) in ["scenarios", "function_rows"].into_iter().zip(kinds) {
        report.metrics.insert(name.to_owned(), count as f64);
    }
    Ok(report)
}

/// The file's name; with its folder if another file has the same name.
fn part_name(path: &Path, files: &[PathBuf]) -> String {
    let alike = files.iter().filter(|other| other.file_name() == path.file_name()).count();
    match path.file_name() {
        Some(name) if alike == 1 => name.to_string_lossy().into_owned(),
        _ => path.display().to_string(),
    }
}

/// What a file came to.
#[derive(Default)]
struct Played {
    scenarios: u64,
    rows: u64,
    total: Outcome,
}

fn add(report: &mut Report, part: &str, played: Played) {
    let failed = played.total.failures.len() as u64;
    let checks = played.total.checks;
    let cases = played.scenarios + played.rows;
    report.count(part, &Counts { cases, checks, passed: checks - failed, failed, ..Counts::default() });
    for mismatch in played.total.failures.iter().take(SHOWN) {
        report.notes.push(format!("{part}: {mismatch}"));
    }
    if failed > SHOWN as u64 {
        report.notes.push(format!("{part}: {} more", failed - SHOWN as u64));
    }
    if let Some(first) = played.total.failures.into_iter().next() {
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

fn play_file(path: &Path, progress: &mut dyn FnMut(&str)) -> Result<Played, ValidateError> {
    let mut lines = Lines::open(path)?;
    let variants = variants(path);
    let mut played = Played::default();
    // Function rows do not name their variant: where the file does not either, all are tried.
    let mut rows = vec![Outcome::default(); variants.len()];
    loop {
        let mut batch = Vec::with_capacity(LINES_AT_ONCE);
        while batch.len() < LINES_AT_ONCE
            && let Some(line) = lines.next()?
        {
            batch.push(line);
        }
        if batch.is_empty() {
            break;
        }
        let outcomes: Vec<_> = batch.par_iter().map(|(_, line)| play_line(line, &variants)).collect();
        for ((number, _), outcome) in batch.iter().zip(outcomes) {
            match outcome.map_err(|message| ValidateError::new(lines.file(), Some(*number), message))? {
                Line::Scenario(outcome) => {
                    played.scenarios += 1;
                    played.total.absorb(outcome);
                }
                Line::Row(outcomes) => {
                    played.rows += 1;
                    rows.iter_mut().zip(outcomes).for_each(|(all, one)| all.absorb(one));
                }
            }
        }
        progress(&format!("{}: {} cases", lines.file(), played.scenarios + played.rows));
    }
    if played.scenarios + played.rows == 0 {
        return Err(ValidateError::new(lines.file(), None, "the file is empty"));
    }
    // The variant that explains most rows is the one that they were recorded from.
    if let Some(best) = rows.into_iter().min_by_key(|outcome| outcome.failures.len()) {
        played.total.absorb(best);
    }
    Ok(played)
}

/// The variants that a file's function rows may be of: the one in its name, else all.
fn variants(path: &Path) -> Vec<Variant> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    if name.starts_with("k2026") {
        vec![Variant::K8s2026Backport]
    } else if name.starts_with("k128") {
        vec![Variant::K8s128]
    } else {
        vec![Variant::K8s128, Variant::K8s2026Backport]
    }
}

/// What one line came to; a row, by variant.
enum Line {
    Scenario(Outcome),
    Row(Vec<Outcome>),
}

/// What tells a function row, and its variant if it has one.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "fn")]
    _function: IgnoredAny,
    variant: Option<String>,
}

fn play_line(line: &str, variants: &[Variant]) -> Result<Line, String> {
    let play = |variant| run_line(line, variant).map_err(|error| error.to_string());
    // Scenarios are long and have no such word: only lines that may be rows are parsed twice.
    let row = if line.contains("\"fn\"") { serde_json::from_str::<Row>(line).ok() } else { None };
    let Some(row) = row else { return play(Variant::default()).map(Line::Scenario) };
    let Some(name) = row.variant else {
        return variants.iter().copied().map(play).collect::<Result<_, _>>().map(Line::Row);
    };
    let own = Variant::from_name(&name).ok_or_else(|| format!("unknown variant \"{name}\""))?;
    play(own).map(|outcome| Line::Row(vec![outcome; variants.len()]))
}
