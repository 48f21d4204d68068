//! Recordings of Bamboo (uclasystem/bamboo, `doc/data`): `t,count` without a header.

use super::MAX_NODES;
use super::file::{read_text, refuse, refuse_line};
use crate::markets::CapacitySeries;
use flashcrowd_core::clock::{SimDuration, SimTime};
use flashcrowd_core::ports::SourceError;
use std::path::Path;

/// What `t` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Hours if the last `t` is below 2,000 (83 days, against 33 minutes in seconds).
    #[default]
    Detect,
    /// Seconds.
    Seconds,
    /// Hours.
    Hours,
}

const HOURS_BELOW: f64 = 2_000.0;
/// The longest horizon, in seconds.
const MAX_S: f64 = 1.8e7;

/// Reads a recording. A `t` that comes twice is the count before and after a step.
///
/// # Errors
/// A file that cannot be read, a row that is no such pair, or a `t` that goes back.
pub fn read_bamboo(path: &Path, unit: TimeUnit) -> Result<CapacitySeries, SourceError> {
    let text = read_text(path)?;
    let rows = rows(path, &text)?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err(refuse(path.display().to_string(), "no rows; expected t,count"));
    };
    let hours = unit == TimeUnit::Hours || unit == TimeUnit::Detect && last.0 < HOURS_BELOW;
    let scale = if hours { 3_600.0 } else { 1.0 };
    if (last.0 - first.0) * scale > MAX_S {
        let unit = if hours { "hours" } else { "seconds" };
        let message = format!("it lasts {} {unit}: expected at most 208 days", last.0 - first.0);
        return Err(refuse(path.display().to_string(), message));
    }
    let at = |t: f64| SimTime::ZERO + SimDuration::from_s_f64((t - first.0) * scale);
    Ok(CapacitySeries::from_samples(rows.iter().map(|row| (at(row.0), row.1)), at(last.0)))
}

/// Rows of a time and a count; a first line without a number is passed over as a header.
pub(super) fn rows(path: &Path, text: &str) -> Result<Vec<(f64, u32)>, SourceError> {
    let mut rows: Vec<(f64, u32)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let (time, count) = line.split_once(',').unwrap_or((line, ""));
        let parsed = (time.trim().parse::<f64>(), count.trim().parse::<f64>());
        if index == 0 && parsed.0.is_err() && parsed.1.is_err() && line.contains(',') {
            continue;
        }
        let row = match parsed {
            (Ok(t), Ok(n)) if t.is_finite() && n.fract() == 0.0 && (0.0..=f64::from(MAX_NODES)).contains(&n) => {
                (t, n as u32)
            }
            _ => {
                let message = format!("`{}`: expected a time and a count from 0 to {MAX_NODES}", shortened(line));
                return Err(refuse_line(path, index + 1, message));
            }
        };
        if let Some(last) = rows.last().filter(|last| row.0 < last.0) {
            let message = format!("time goes back from {} to {}: expected rows in order of time", last.0, row.0);
            return Err(refuse_line(path, index + 1, message));
        }
        rows.push(row);
    }
    Ok(rows)
}

pub(super) fn shortened(line: &str) -> String {
    line.chars().take(60).collect()
}
