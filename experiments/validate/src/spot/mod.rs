//! Spot policies against recorded markets: the engine plays each trace under each policy, and all
//! that the reference says of it must come out, exactly.
//!
//! One tick of the trace is one look of the policy. Replicas take whole ticks to start, so all that
//! is compared is a count of ticks, which the engine's integrals of time hold without rounding.

mod document;
mod play;
mod policy;

use crate::error::ValidateError;
use crate::report::{Counts, Report, Worst};
use document::{Case, Set};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Values may differ by what printing them in decimal loses.
const TOLERANCE: f64 = 1e-9;

/// Plays all sets of the files whose traces are under `traces`.
pub(super) fn run(
    files: &[PathBuf],
    traces: Option<&Path>,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, ValidateError> {
    let Some(traces) = traces else {
        return Err(ValidateError::new("spot", None, "say where the recorded markets are: --traces DIR"));
    };
    let mut report = Report::new("spot");
    for path in files {
        for set in document::read(path)? {
            progress(&format!("{}: {} policies", set.name, set.cases.len()));
            play_set(&mut report, &set, traces)?;
        }
    }
    Ok(report)
}

fn play_set(report: &mut Report, set: &Set, traces: &Path) -> Result<(), ValidateError> {
    let checks = set.cases.iter().map(|case| case.expected.len() as u64).sum();
    let skipped = Counts { cases: set.cases.len() as u64, checks, skipped: checks, ..Counts::default() };
    let market = match document::market(set, traces)? {
        Ok(market) => market,
        Err(reason) => {
            report.notes.push(format!("skipped {}: {reason}", set.name));
            report.count(&set.name, &skipped);
            return Ok(());
        }
    };
    let found: Vec<_> = set.cases.par_iter().map(|case| play::play(set, case, &market)).collect();
    for (case, found) in set.cases.iter().zip(found) {
        match found {
            Ok(found) => judge(report, set, case, &found),
            Err(message) => return Err(ValidateError::new(&set.file, None, format!("{}: {message}", case.name))),
        }
    }
    Ok(())
}

fn judge(report: &mut Report, set: &Set, case: &Case, found: &play::Found) {
    let mut counts = Counts { cases: 1, ..Counts::default() };
    for (key, expected) in &case.expected {
        counts.checks += 1;
        let Some(found) = found.get(key) else {
            counts.skipped += 1;
            report.notes.push(format!("skipped {}/{}: no value `{key}` is known", set.name, case.name));
            continue;
        };
        let error = (found - expected).abs() / expected.abs().max(1.0);
        if error <= TOLERANCE {
            counts.passed += 1;
        } else {
            counts.failed += 1;
            report.notes.push(format!("FAILED {}/{} {key}: expected {expected}, found {found}", set.name, case.name));
        }
        report.consider(Worst {
            id: format!("{}/{}", set.name, case.name),
            key: key.clone(),
            expected: (*expected).into(),
            found: found.into(),
            error,
            tolerance: TOLERANCE,
        });
    }
    report.count(&set.name, &counts);
}
