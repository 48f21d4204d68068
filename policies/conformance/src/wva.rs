//! The runner of the reference vectors: runs of WVA's own analyzer, one decision a line.

#[cfg(test)]
mod tests;

use crate::outcome::{Outcome, VectorError, parse};
use flashcrowd_policies::autoscalers::wva::{
    ReplicaMetrics, Rules, Thresholds, VariantState, analyze_with, targets_with,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Means of the same numbers in the same order.
const NEAR: f64 = 1e-9;

#[derive(Deserialize)]
struct Line {
    id: String,
    config: Config,
    replicas: Vec<Replica>,
    variants: Vec<Variant>,
    out: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    kv_cache_threshold: f64,
    queue_length_threshold: f64,
    kv_spare_trigger: f64,
    queue_spare_trigger: f64,
}

#[derive(Deserialize)]
struct Replica {
    kv: f64,
    queue: f64,
    variant: String,
    cost: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    #[serde(rename = "variant")]
    name: String,
    current: u32,
    desired: u32,
    pending: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    avg_spare_kv: f64,
    avg_spare_queue: f64,
    non_saturated: u32,
    total: u32,
    should_scale_up: bool,
    scale_down_safe: bool,
    targets: BTreeMap<String, u32>,
}

/// One line of `wva_saturation_v1`: the analysis of a model's replicas, and the variants' targets.
///
/// ```
/// let line = r#"{"id":"one","config":{"kvCacheThreshold":0.8,"queueLengthThreshold":5,
/// "kvSpareTrigger":0.1,"queueSpareTrigger":3},
/// "replicas":[{"pod":"a-0","kv":0.75,"queue":1,"variant":"a","cost":5}],
/// "variants":[{"variant":"a","current":1,"desired":0,"pending":0}],
/// "out":{"avg_spare_kv":0.05,"avg_spare_queue":4,"non_saturated":1,"total":1,
/// "should_scale_up":true,"scale_down_safe":false,"targets":{"a":2}}}"#;
/// let outcome = flashcrowd_conformance::wva::wva_saturation_v1(line)?;
/// assert_eq!((outcome.checks, outcome.failures.len()), (7, 0));
/// # Ok::<(), flashcrowd_conformance::VectorError>(())
/// ```
///
/// # Errors
/// If the line is not JSON or not of this form.
pub fn wva_saturation_v1(line: &str) -> Result<Outcome, VectorError> {
    run(line, Rules::REAL)
}

fn run(line: &str, rules: Rules) -> Result<Outcome, VectorError> {
    let Line { id, config, replicas, variants, out } = parse(line)?;
    let thresholds = Thresholds {
        kv_cache: config.kv_cache_threshold,
        queue_length: config.queue_length_threshold,
        kv_spare: config.kv_spare_trigger,
        queue_spare: config.queue_spare_trigger,
    };
    let replicas: Vec<ReplicaMetrics> = replicas
        .into_iter()
        .map(|row| ReplicaMetrics { variant: row.variant, kv: row.kv, queue: row.queue, cost: row.cost })
        .collect();
    let variants: Vec<VariantState> = variants
        .into_iter()
        .map(|row| VariantState {
            variant: row.name,
            current: row.current,
            desired: (row.desired != 0).then_some(row.desired),
            pending: row.pending,
        })
        .collect();
    let found = analyze_with(&thresholds, &replicas, rules);
    let (targets, _) = targets_with(&found, &replicas, &variants, rules);
    let mut outcome = Outcome::default();
    outcome.compare_near(&id, "avg_spare_kv", Some(out.avg_spare_kv), Some(found.spare_kv), NEAR);
    outcome.compare_near(&id, "avg_spare_queue", Some(out.avg_spare_queue), Some(found.spare_queue), NEAR);
    outcome.compare(&id, "non_saturated", &out.non_saturated, &found.non_saturated);
    outcome.compare(&id, "total", &out.total, &found.total);
    outcome.compare(&id, "should_scale_up", &out.should_scale_up, &found.should_scale_up);
    outcome.compare(&id, "scale_down_safe", &out.scale_down_safe, &found.scale_down_safe);
    outcome.compare(&id, "targets", &out.targets, &targets);
    Ok(outcome)
}
