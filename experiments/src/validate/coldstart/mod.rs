//! The rule for loading weights against measured loads, engines' starts and named phases.
//!
//! | module | holds |
//! | --- | --- |
//! | `setup` | tiers, loaders and streams from the words of the tables |
//! | `tables` | the two tables: loads and starts in JSON, loads in CSV |
//!
//! A load is predicted by `min(tier, loader, streams * per stream)` with the figures that scenarios
//! use; a start by its load and the mean of the engine's start. Those figures come from the same
//! tables, so this holds the rule's form and the shipped figures, and forecasts nothing.

mod setup;
mod tables;

use super::ValidateError;
use super::input::Lines;
use super::report::{Counts, Report, Worst};
use std::path::PathBuf;

/// How far a prediction may be from what was measured, as a share of it.
const TOLERANCE: f64 = 0.15;
/// The same for S3 with so few streams, where the rule is known to be too slow.
const TOLERANCE_S3: (u32, f64) = (4, 0.20);
/// Phases add up to their total but for the last digits of a sum.
const EXACT: f64 = 1e-9;
/// Mean of an engine's start in seconds: Run:ai tables, vLLM ready minus load, 15.7 to 27.8 s.
const ENGINE_START_S: f64 = 20.3;

/// A measured value and its prediction.
#[derive(Clone, Debug, PartialEq)]
struct Check {
    /// Part of the report.
    part: &'static str,
    /// Which row.
    id: String,
    /// What was measured.
    key: &'static str,
    /// In seconds.
    measured: f64,
    /// In seconds, with how far it may be off; or why there is none.
    predicted: Result<(f64, f64), String>,
}

pub(super) fn run(files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    let mut report = Report::new("coldstart");
    let mut errors: Vec<f64> = Vec::new();
    for path in files {
        progress(&path.display().to_string());
        let lines = Lines::open(path)?;
        let file = lines.file().to_owned();
        for check in tables::read(&file, lines.document()?)? {
            judge(&mut report, &check, &mut errors);
        }
    }
    if !errors.is_empty() {
        report.metrics.insert("mean_abs_error".to_owned(), errors.iter().sum::<f64>() / errors.len() as f64);
        report.metrics.insert("max_abs_error".to_owned(), errors.iter().copied().fold(0.0, f64::max));
    }
    Ok(report)
}

fn judge(report: &mut Report, check: &Check, errors: &mut Vec<f64>) {
    let Check { part, id, key, measured, predicted } = check;
    let mut counts = Counts { cases: 1, checks: 1, ..Counts::default() };
    match predicted {
        Err(why) => {
            counts.skipped = 1;
            report.notes.push(format!("skipped {id}: {why}"));
        }
        Ok((found, tolerance)) => {
            let error = (found - measured).abs() / measured.abs().max(f64::MIN_POSITIVE);
            let passed = error <= *tolerance;
            *(if passed { &mut counts.passed } else { &mut counts.failed }) = 1;
            if !passed {
                let limit = tolerance * 100.0;
                let off = error * 100.0;
                report.notes.push(format!(
                    "FAILED {id} {key}: measured {measured}, predicted {found:.4}: {off:.1} % of {limit} %"
                ));
            }
            report.metrics.insert(format!("{part}.{id}"), *found);
            errors.push(error);
            let (id, key) = (id.clone(), (*key).to_owned());
            let (expected, found) = ((*measured).into(), (*found).into());
            report.consider(Worst { id, key, expected, found, error, tolerance: *tolerance });
        }
    }
    report.count(part, &counts);
}
