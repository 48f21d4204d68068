//! Resolves a `ConfigMap` and annotations.

use super::values::{reachability, seconds};
use crate::outcome::{Outcome, VectorError, parse};
use flashcrowd_policies::autoscalers::knative::{Annotations, ClusterSettings, Reachability, Revision, resolve};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Floats come out of the same operations in the same order.
const NEAR: f64 = 1e-9;

#[derive(Deserialize)]
struct Line {
    id: String,
    config_autoscaler: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    container_concurrency: u32,
    reachability: String,
    config_error: Option<String>,
    annotation_error: Option<String>,
    out: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    class: String,
    metric: String,
    aggregation: String,
    target_value: f64,
    total_value: f64,
    stable_window_s: f64,
    panic_window_s: f64,
    panic_threshold: f64,
    max_scale_up_rate: f64,
    max_scale_down_rate: f64,
    target_burst_capacity: f64,
    activator_capacity: f64,
    num_activators_at_10_ready: i32,
    min_scale: i32,
    max_scale: i32,
    initial_scale: i32,
    activation_scale: i32,
    scale_down_delay_s: f64,
    pod_retention_s: f64,
    grace_period_s: f64,
    enable_scale_to_zero: bool,
    reachable: bool,
}

pub(super) fn run(line: &str) -> Result<Outcome, VectorError> {
    let line: Line = parse(line)?;
    let place = line.id.as_str();
    let mut outcome = Outcome::default();
    let settings = ClusterSettings::from_data(&line.config_autoscaler);
    outcome.compare(place, "config_error", &line.config_error.is_some(), &settings.is_err());
    let Ok(settings) = settings else {
        outcome.compare(place, "out", &line.out.is_some(), &false);
        return Ok(outcome);
    };
    let annotations = Annotations::from(line.annotations.clone());
    let refused = !annotations.refusals(&settings).is_empty();
    outcome.compare(place, "annotation_error", &line.annotation_error.is_some(), &refused);
    let reachability = reachability(place, &line.reachability)?;
    let found = resolve(&annotations, &settings, line.container_concurrency, reachability);
    match &line.out {
        Some(expected) => compare(&mut outcome, place, expected, &found),
        None => outcome.compare(place, "out", &false, &true),
    }
    Ok(outcome)
}

fn compare(outcome: &mut Outcome, place: &str, expected: &Expected, found: &Revision) {
    outcome.compare(place, "class", &expected.class, &found.class);
    outcome.compare(place, "metric", &expected.metric, &found.metric);
    outcome.compare(place, "aggregation", &expected.aggregation, &found.aggregation);
    let floats = [
        ("target_value", expected.target_value, found.target_value),
        ("total_value", expected.total_value, found.total_value),
        ("stable_window_s", expected.stable_window_s, seconds(found.stable_window_ns)),
        ("panic_window_s", expected.panic_window_s, seconds(found.panic_window_ns)),
        ("panic_threshold", expected.panic_threshold, found.panic_threshold),
        ("max_scale_up_rate", expected.max_scale_up_rate, found.max_scale_up_rate),
        ("max_scale_down_rate", expected.max_scale_down_rate, found.max_scale_down_rate),
        ("target_burst_capacity", expected.target_burst_capacity, found.target_burst_capacity),
        ("activator_capacity", expected.activator_capacity, found.activator_capacity),
        ("scale_down_delay_s", expected.scale_down_delay_s, seconds(found.scale_down_delay_ns)),
        ("pod_retention_s", expected.pod_retention_s, seconds(found.pod_retention_ns)),
        ("grace_period_s", expected.grace_period_s, seconds(found.grace_period_ns)),
    ];
    for (field, expected, found) in floats {
        outcome.compare_near(place, field, Some(expected), Some(found), NEAR);
    }
    let counts = [
        ("num_activators_at_10_ready", expected.num_activators_at_10_ready, found.activators(10)),
        ("min_scale", expected.min_scale, found.bounds.min),
        ("max_scale", expected.max_scale, found.bounds.max),
        ("initial_scale", expected.initial_scale, found.initial_scale),
        ("activation_scale", expected.activation_scale, found.activation_scale),
    ];
    for (field, expected, found) in counts {
        outcome.compare(place, field, &expected, &found);
    }
    outcome.compare(place, "enable_scale_to_zero", &expected.enable_scale_to_zero, &found.enable_scale_to_zero);
    outcome.compare(place, "reachable", &expected.reachable, &(found.reachability != Reachability::Unreachable));
}
