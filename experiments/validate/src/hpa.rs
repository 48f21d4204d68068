//! The HPA against recorded reconciles of the real controller: each line of a file is one case,
//! each output that it gives is one check.

use crate::error::ValidateError;
use crate::input::Lines;
use crate::report::Report;
use crate::vectors::{LINES_AT_ONCE, add, part_name};
use flashcrowd_conformance::hpa::run_line;
use flashcrowd_conformance::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::hpa::Variant;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};

pub(crate) fn run(files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    let mut report = Report::new("hpa");
    let mut kinds = [0_u64; 2];
    for path in files {
        let played = play_file(path, progress)?;
        kinds[0] += played.scenarios;
        kinds[1] += played.rows;
        add(&mut report, &part_name(path, files), played.scenarios + played.rows, played.total);
    }
    for (name, count) in ["scenarios", "function_rows"].into_iter().zip(kinds) {
        report.metrics.insert(name.to_owned(), count as f64);
    }
    Ok(report)
}

/// What a file came to.
#[derive(Default)]
struct Played {
    scenarios: u64,
    rows: u64,
    total: Outcome,
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
            match outcome.map_err(|error| ValidateError::new(lines.file(), Some(*number), error.to_string()))? {
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

/// Why a line cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum LineError {
    /// A line that is no case.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// A variant of the controller that is not known.
    #[error("unknown variant \"{0}\"")]
    UnknownVariant(String),
}

fn play_line(line: &str, variants: &[Variant]) -> Result<Line, LineError> {
    let play = |variant| Ok(run_line(line, variant)?);
    // Scenarios are long and have no such word: only lines that may be rows are parsed twice.
    let row = if line.contains("\"fn\"") { serde_json::from_str::<Row>(line).ok() } else { None };
    let Some(row) = row else { return play(Variant::default()).map(Line::Scenario) };
    let Some(name) = row.variant else {
        return variants.iter().copied().map(play).collect::<Result<_, _>>().map(Line::Row);
    };
    let own = Variant::from_name(&name).ok_or(LineError::UnknownVariant(name))?;
    play(own).map(|outcome| Line::Row(vec![outcome; variants.len()]))
}
