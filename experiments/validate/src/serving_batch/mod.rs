//! The batching server against NVIDIA's Triton tables: latency against client batch (offline) and
//! throughput and latency against concurrency (online).
//!
//! Nothing is judged on what it was fitted on. An offline curve is played twice: with a profile
//! from one half of its rows, whose other rows are then compared, and with one from the other half
//! (`flashcrowd_profiles::batch::Half`); thus every client batch but the smallest and the largest is
//! predicted once from its neighbours. The online rows are compared likewise, with all offline rows
//! and half of the online ones in the profile, and once more with the offline rows only: what the
//! one-stage model would say of a server that nobody has measured under load.
//!
//! | module | holds |
//! | --- | --- |
//! | `point` | points and errors of a curve |

mod point;

pub(crate) use point::{CurveError, FittedOn, Point};

use crate::error::ValidateError;
use flashcrowd_profiles::batch::rows::{self, Curve, Row, Scenario};
use flashcrowd_profiles::batch::{BatchProfile, Half, Online, offline, online, plant};
use rayon::prelude::*;

/// More clients at once than any table has; each is simulated.
const MOST_CONCURRENCY: u32 = 4_096;
const HALVES: [Half; 2] = [Half::Even, Half::Odd];

/// Plays all curves of a table. Offline curves of fewer than three rows have nothing to predict
/// and are left out, as are online curves without offline rows.
///
/// # Errors
/// A table of another form, by file and line.
pub(crate) fn curves(text: &str, file: &str) -> Result<Vec<CurveError>, ValidateError> {
    let wrong = |line, message: String| ValidateError::new(file, Some(line), message);
    let rows = rows::parse(text).map_err(|error| wrong(error.line, error.message))?;
    if let Some(row) = rows.iter().find(|row| row.concurrency > MOST_CONCURRENCY) {
        let message = format!("`concurrency` is {}; expected at most {MOST_CONCURRENCY}", row.concurrency);
        return Err(wrong(row.line, message));
    }
    let curves = rows::curves(&rows);
    Ok(curves.par_iter().flat_map_iter(|curve| [play_offline(curve), play_online(curve)]).flatten().collect())
}

fn play_offline(curve: &Curve<'_>) -> Option<CurveError> {
    let mut points = Vec::new();
    for half in HALVES {
        let profile = offline(curve, half)?;
        for row in unseen(&curve.offline, half) {
            points.extend(play(row, &profile, None));
        }
    }
    CurveError::new(curve, Scenario::Offline, points, &[], FittedOn::OtherHalf)
}

fn play_online(curve: &Curve<'_>) -> Option<CurveError> {
    let profile = offline(curve, Half::All)?;
    let (mut points, mut one_stage) = (Vec::new(), Vec::new());
    for half in HALVES {
        // A table without compute columns shows only one stage.
        let fitted = online(&profile, curve, half);
        for row in unseen(&curve.online, half) {
            points.extend(play(row, &profile, fitted.as_ref()));
            one_stage.extend(play(row, &profile, None));
        }
    }
    CurveError::new(curve, Scenario::Online, points, &one_stage, FittedOn::OtherHalf)
}

fn unseen<'a>(rows: &'a [&'a Row], half: Half) -> impl Iterator<Item = &'a Row> {
    let unseen = rows.iter().enumerate().filter(move |&(index, _)| !half.sees(index, rows.len()));
    unseen.map(|(_, &row)| row)
}

/// Simulates a row: its latency, throughput and, where measured, the share of the queue in the latency.
fn play(row: &Row, profile: &BatchProfile, online: Option<&Online>) -> Vec<Point> {
    let Some(seen) = plant::play(&profile.config_for(online, row), row.concurrency) else { return Vec::new() };
    let point = |metric, measured, simulated| Point {
        id: format!("{}:{metric}", row.line),
        metric,
        batch: row.client_batch,
        concurrency: row.concurrency,
        measured,
        simulated,
    };
    let mut points = vec![
        point("latency_ms", row.latency_ms, seen.latency_ms),
        point("items_per_s", row.items_per_s, seen.requests_per_s * f64::from(row.client_batch)),
    ];
    if let Some(queue_ms) = row.queue_ms.filter(|_| row.scenario == Scenario::Online) {
        points.push(point("queue_share", queue_ms / row.latency_ms, seen.queue_ms / seen.latency_ms));
    }
    points
}

#[cfg(test)]
mod tests;
