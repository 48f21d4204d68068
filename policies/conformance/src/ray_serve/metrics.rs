//! Plays one aggregation of pushed series.

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::ray_serve::{Aggregation, Reports, Series, total_requests};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Sums of floats in another order.
const TOLERANCE: f64 = 1e-6;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    id: String,
    pub(super) now_s: f64,
    aggregation_function: String,
    running_replicas: BTreeSet<String>,
    handles: Vec<Handle>,
    replica_reports: BTreeMap<String, Series>,
    total_num_requests: f64,
    total_queued_requests: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Handle {
    queued: Series,
    running: BTreeMap<String, Series>,
}

pub(super) fn run(line: &str) -> Result<Outcome, VectorError> {
    play(&parse(line)?)
}

pub(super) fn parse(line: &str) -> Result<Row, VectorError> {
    serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))
}

pub(super) fn play(row: &Row) -> Result<Outcome, VectorError> {
    let found = Aggregation::WORDS.iter().find(|(word, _)| *word == row.aggregation_function);
    let Some((_, aggregation)) = found else {
        return Err(VectorError::new(&row.id, format!("unknown aggregation \"{}\"", row.aggregation_function)));
    };
    let reports = Reports {
        queued: row.handles.iter().map(|handle| handle.queued.clone()).collect(),
        running_of_handles: row.handles.iter().map(|handle| handle.running.clone()).collect(),
        running_of_replicas: row.replica_reports.clone(),
    };
    let (total, queued) = total_requests(&reports, &row.running_replicas, *aggregation, row.now_s);
    let mut outcome = Outcome::default();
    let mut near = |field, expected, found| {
        outcome.compare_near(&row.id, field, Some(expected), Some(found), TOLERANCE);
    };
    near("total_num_requests", row.total_num_requests, total);
    near("total_queued_requests", row.total_queued_requests, queued);
    Ok(outcome)
}
