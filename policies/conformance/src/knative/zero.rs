//! Plays one decision about the last pod.

use super::values::{reachability, seconds};
use crate::outcome::{Outcome, VectorError, parse};
use flashcrowd_policies::autoscalers::knative::{Active, Annotations, ClusterSettings, Scale, ZeroState, resolve};
use serde::Deserialize;
use std::collections::BTreeMap;

const NEAR: f64 = 1e-9;

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(rename = "in")]
    input: Input,
    out_desired: i32,
    out_apply: bool,
    out_requeue_s: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    desired: i32,
    enable_scale_to_zero: bool,
    active_condition: String,
    condition_age_s: f64,
    cm_stable_window_s: f64,
    cm_pod_retention_s: f64,
    grace_period_s: f64,
    progress_deadline_s: f64,
    annotations: BTreeMap<String, String>,
    reachability: String,
    sks_mode: String,
    target_burst_capacity: f64,
    activator_probe_ok: bool,
    activator_endpoints_populated_for_s: Option<f64>,
}

pub(super) fn run(line: &str, decide: impl Fn(&ZeroState) -> Scale) -> Result<Outcome, VectorError> {
    let line: Line = parse(line)?;
    let place = line.id.as_str();
    let scale = decide(&state(place, &line.input)?);
    let mut outcome = Outcome::default();
    outcome.compare(place, "out_desired", &line.out_desired, &scale.desired);
    outcome.compare(place, "out_apply", &line.out_apply, &scale.write);
    let asked: Vec<f64> = scale.recheck_ns.map(seconds).into_iter().collect();
    outcome.compare(place, "out_requeue_s", &line.out_requeue_s.len(), &asked.len());
    for (expected, found) in line.out_requeue_s.iter().zip(&asked) {
        outcome.compare_near(place, "out_requeue_s", Some(*expected), Some(*found), NEAR);
    }
    Ok(outcome)
}

fn state(place: &str, input: &Input) -> Result<ZeroState, VectorError> {
    let ns = |s: f64| (s * 1e9).round() as i64;
    let settings = ClusterSettings {
        enable_scale_to_zero: input.enable_scale_to_zero,
        stable_window_ns: ns(input.cm_stable_window_s),
        pod_retention_ns: ns(input.cm_pod_retention_s),
        grace_period_ns: ns(input.grace_period_s),
        target_burst_capacity: input.target_burst_capacity,
        ..ClusterSettings::default()
    };
    let annotations = Annotations::from(input.annotations.clone());
    let revision = resolve(&annotations, &settings, 0, reachability(place, &input.reachability)?);
    let active = match input.active_condition.as_str() {
        "True" => Active::Active,
        "False" => Active::Inactive,
        "Unknown" => Active::Activating,
        other => return Err(VectorError::new(place, format!("unknown condition \"{other}\""))),
    };
    let in_proxy_mode = match input.sks_mode.as_str() {
        "Proxy" => true,
        "Serve" => false,
        other => return Err(VectorError::new(place, format!("unknown mode \"{other}\""))),
    };
    Ok(ZeroState {
        desired: input.desired,
        enabled: revision.enable_scale_to_zero,
        active,
        condition_age_ns: ns(input.condition_age_s),
        stable_window_ns: revision.stable_window_ns,
        grace_ns: revision.grace_period_ns,
        retention_ns: revision.pod_retention_ns,
        progress_deadline_ns: ns(input.progress_deadline_s),
        in_proxy_mode,
        target_burst_capacity: revision.target_burst_capacity,
        probe_ok: input.activator_probe_ok,
        populated_for_ns: input.activator_endpoints_populated_for_s.map(ns),
    })
}
