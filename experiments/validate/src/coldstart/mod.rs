//! The rule for loading weights against measured loads, engines' starts and named phases.
//!
//! | module | holds |
//! | --- | --- |
//! | `check` | a measured value beside its prediction |
//! | `setup` | tiers, loaders and streams from the words of the tables |
//! | `tables` | the tables: loads and starts in JSON, loads in CSV |
//! | `phases` | logged starts of vLLM in CSV |
//!
//! A load is predicted by `min(tier, loader, streams * per stream)` with the figures that scenarios
//! use; a start by its load and the mean of the engine's start. Those figures come from the same
//! tables, so this holds the rule's form and the shipped figures, and forecasts nothing. Logged starts are judged
//! together: most of them must be within the tolerance.

mod check;
mod phases;
mod setup;
mod tables;

use crate::error::ValidateError;
use crate::input::Lines;
use crate::report::{Counts, Report, Worst};
use check::Check;
use std::path::PathBuf;

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
    phases::judge(&mut report);
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
        Ok((found, _)) if *part == phases::PART => {
            let error = (found - measured) / measured.abs().max(f64::MIN_POSITIVE);
            report.metrics.insert(format!("{part}.{id}.{key}"), *found);
            counts.checks = 0;
            phases::note(report, id, key, (*measured, *found, error));
            errors.push(error.abs());
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
