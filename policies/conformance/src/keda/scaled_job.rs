//! Plays one decision of a `ScaledJob`.

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::keda::Quirks;
use flashcrowd_policies::autoscalers::keda::job::JobRules;
use serde::Deserialize;

/// One decision.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    id: String,
    #[serde(rename = "minReplicaCount")]
    min_replica_count: Option<u32>,
    #[serde(rename = "maxReplicaCount")]
    max_replica_count: Option<u32>,
    strategy: String,
    #[serde(rename = "customScalingQueueLengthDeduction")]
    queue_length_deduction: Option<i32>,
    #[serde(rename = "customScalingRunningJobPercentage")]
    running_job_percentage: Option<String>,
    #[serde(rename = "multipleScalersCalculation")]
    calculation: String,
    scalers: Vec<Scaler>,
    running_jobs: i64,
    pending_jobs: i64,
    effective_min: i64,
    effective_max: i64,
    is_active: bool,
    scale_to_in: i64,
    max_scale: i64,
    effective_max_scale: i64,
    scale_to: i64,
    jobs_created: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Scaler {
    queue_length: f64,
    target_average_value: f64,
    max_value: f64,
    is_active: bool,
}

/// Shares of a queue.
const TOLERANCE: f64 = 1e-9;

pub(super) fn parse(line: &str) -> Result<Row, VectorError> {
    serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))
}

/// Compares every output of `row`.
pub(super) fn play(row: &Row, quirks: Quirks) -> Outcome {
    let rules = JobRules {
        min_replica_count: row.min_replica_count,
        max_replica_count: row.max_replica_count,
        strategy: row.strategy.clone(),
        queue_length_deduction: row.queue_length_deduction,
        running_job_percentage: row.running_job_percentage.clone().unwrap_or_default(),
        calculation: row.calculation.clone(),
    };
    let mut outcome = Outcome::default();
    let place = &row.id;
    outcome.compare(place, "effective_min", &row.effective_min, &rules.min());
    outcome.compare(place, "effective_max", &row.effective_max, &rules.max(quirks));
    let mut queues = Vec::new();
    for scaler in &row.scalers {
        let own = rules.queue(scaler.queue_length, scaler.target_average_value, scaler.is_active, quirks);
        outcome.compare_near(place, "max_value", Some(scaler.max_value), Some(own.max_value), TOLERANCE);
        // The simulation goes on with its own value: 17 digits read from the file may be one bit
        // off.
        queues.push(own);
    }
    let combined = rules.combine(&queues, quirks);
    outcome.compare(place, "is_active", &row.is_active, &combined.is_active);
    outcome.compare(place, "scale_to_in", &row.scale_to_in, &combined.scale_to);
    outcome.compare(place, "max_scale", &row.max_scale, &combined.max_scale);
    let creation = rules.create(combined, row.running_jobs, row.pending_jobs, quirks);
    outcome.compare(place, "effective_max_scale", &row.effective_max_scale, &creation.effective_max_scale);
    outcome.compare(place, "scale_to", &row.scale_to, &creation.scale_to);
    outcome.compare(place, "jobs_created", &row.jobs_created, &creation.jobs);
    outcome
}
