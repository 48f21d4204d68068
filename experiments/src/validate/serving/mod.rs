//! Token-level serving against measured engines: each point is replayed with the same window and
//! the same client, once with the fitted profile of its model and GPU and once with the datasheet's.
//!
//! | file | holds |
//! | --- | --- |
//! | `point` | a measured point |
//! | `table` | reference tables |
//! | `sweeps`, `closed_loop` | the forms of reference data |
//! | `play` | one point against one simulated engine |
//! | `judge` | errors by profile, model, metric and band, and the limits |

mod closed_loop;
mod judge;
mod play;
mod point;
mod sweeps;
mod table;

use super::ValidateError;
use super::report::Report;
use crate::profiles::{GPUS, Library, MODELS, Origin, Profile, lookup};
use judge::Compared;
use point::Point;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use table::Table;

/// Runs of each point with other lengths, of which the mean counts.
const REPLICATES: u32 = 3;

pub(super) fn run(files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    let mut compared = Vec::new();
    let mut skipped = BTreeMap::new();
    for path in files {
        progress(&path.display().to_string());
        let (points, left_out) = read(path)?;
        for why in left_out {
            *skipped.entry(why).or_insert(0_u64) += 1;
        }
        let played: Result<Vec<Vec<Compared>>, ValidateError> =
            points.par_iter().map(|point| compare(point).map_err(|why| fail(path, point, &why))).collect();
        compared.extend(played?.into_iter().flatten());
    }
    Ok(judge::report(&compared, &skipped))
}

fn fail(path: &Path, point: &Point, why: &str) -> ValidateError {
    ValidateError::new(&path.display().to_string(), None, format!("point `{}`: {why}", point.id))
}

/// The points of a file, told by its columns, and why others are left out.
fn read(path: &Path) -> Result<(Vec<Point>, Vec<String>), ValidateError> {
    let table = Table::read(path)?;
    if table.has(&sweeps::COLUMNS) {
        return Ok((sweeps::points(&table)?, Vec::new()));
    }
    if table.has(&closed_loop::COLUMNS) {
        return closed_loop::points(&table);
    }
    let forms = [&sweeps::COLUMNS[..], &closed_loop::COLUMNS[..]].map(|columns| columns.join(", "));
    let message = format!(
        "unknown columns: expected those of a load sweep ({}) or of closed-loop points ({})",
        forms[0], forms[1]
    );
    Err(ValidateError::new(table.file(), Some(1), message))
}

/// A point with each of its profiles.
fn compare(point: &Point) -> Result<Vec<Compared>, String> {
    let mut compared = Vec::new();
    for (name, profile) in profiles(point)? {
        let simulated = play::play(point, &profile, REPLICATES)?;
        for (&(metric, measured), (_, simulated)) in point.measured.iter().zip(simulated) {
            compared.push(Compared {
                id: point.id.clone(),
                profile: name,
                model: profile.model.clone(),
                band: point.band,
                metric,
                measured,
                simulated,
                unjudged: point.unjudged,
            });
        }
    }
    Ok(compared)
}

/// The fitted profile of a point, if there is one, and the datasheet's.
fn profiles(point: &Point) -> Result<Vec<(&'static str, Profile)>, String> {
    let model = lookup(&MODELS, &point.model).map_err(|error| error.to_string())?;
    let gpu = lookup(&GPUS, &point.gpu).map_err(|error| error.to_string())?;
    let found = Library::shipped().find(&point.model, &point.gpu, point.gpus, point.precision);
    let fitted = found.map_err(|error| error.to_string())?;
    let computed = Profile::computed(model, gpu, point.gpus, point.precision);
    let mut profiles = Vec::new();
    if matches!(fitted.origin, Origin::Fitted(_)) {
        // How an engine plans is known of the run, not of the profile.
        let computed = Profile { lookahead_steps: fitted.lookahead_steps, ..computed };
        profiles.push(("fitted", fitted));
        profiles.push(("datasheet", computed));
    } else {
        profiles.push(("datasheet", computed));
    }
    Ok(profiles)
}
