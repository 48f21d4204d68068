//! Plays a scenario of the policy and compares every output of every round.

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::ray_serve::manifest::read_config;
use flashcrowd_policies::autoscalers::ray_serve::{Policy, Quirks, Settings};
use serde::Deserialize;

/// Floats that the policy only copies.
const TOLERANCE: f64 = 1e-9;

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scenario {
    id: String,
    config: serde_json::Value,
    target_capacity: Option<f64>,
    effective: Effective,
    columns: Vec<String>,
    ticks: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize)]
struct Effective {
    upscaling_factor: f64,
    downscaling_factor: f64,
    lower_bound: u32,
    upper_bound: u32,
    initial_target: u32,
    upscale_delay_s: f64,
    downscale_delay_s: f64,
    downscale_to_zero_delay_s: Option<f64>,
}

/// `[t_s, running_replicas, curr_target, total_num_requests, decision, raw_decision, counter, counter_since_s]`.
type Row = (f64, u32, u32, f64, u32, u32, i64, Option<f64>);

const COLUMNS: [&str; 8] = [
    "t_s",
    "running_replicas",
    "curr_target",
    "total_num_requests",
    "decision",
    "raw_decision",
    "counter",
    "counter_since_s",
];

pub(super) fn parse(line: &str) -> Result<Scenario, VectorError> {
    let scenario: Scenario =
        serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))?;
    if scenario.columns != COLUMNS {
        return Err(VectorError::new(&scenario.id, format!("expected the columns {}", COLUMNS.join(", "))));
    }
    Ok(scenario)
}

/// The policy that a scenario describes; its config is read as a user's file is.
pub(super) fn policy_of(scenario: &Scenario, quirks: Quirks) -> Result<Policy, VectorError> {
    let refuse = |message: String| VectorError::new(&scenario.id, message);
    let (config, warnings) = read_config(&scenario.config.to_string()).map_err(|error| refuse(error.to_string()))?;
    if let Some(warning) = warnings.first() {
        return Err(refuse(warning.to_string()));
    }
    let settings = Settings { target_capacity_percent: scenario.target_capacity, quirks, ..Settings::default() };
    Policy::new(config, settings).map_err(|error| refuse(error.to_string()))
}

/// Plays `scenario` with a policy that need not be the one it describes.
pub(super) fn play(scenario: &Scenario, mut policy: Policy) -> Result<Outcome, VectorError> {
    let mut outcome = Outcome::default();
    compare_effective(&mut outcome, scenario, &policy);
    let mut current = scenario.effective.initial_target;
    for &(t_s, running, curr_target, total, decision, raw, counter, since_s) in &scenario.ticks {
        if t_s.is_nan() {
            return Err(VectorError::new(&scenario.id, "expected a time"));
        }
        let place = format!("{} t={t_s}", scenario.id);
        outcome.compare(&place, "curr_target", &curr_target, &current);
        let found = policy.decide(t_s, running, curr_target, total);
        outcome.compare(&place, "decision", &decision, &found.decision);
        outcome.compare(&place, "raw_decision", &raw, &found.raw);
        outcome.compare(&place, "counter", &counter, &policy.counter());
        outcome.compare_near(&place, "counter_since_s", since_s, policy.counter_since_s(), TOLERANCE);
        current = found.decision;
    }
    Ok(outcome)
}

fn compare_effective(outcome: &mut Outcome, scenario: &Scenario, policy: &Policy) {
    let (place, effective, config) = (&scenario.id, &scenario.effective, policy.config());
    outcome.compare(place, "lower_bound", &effective.lower_bound, &policy.bounds().lower);
    outcome.compare(place, "upper_bound", &effective.upper_bound, &policy.bounds().upper);
    let mut near = |field, expected, found| outcome.compare_near(place, field, expected, found, TOLERANCE);
    near("upscaling_factor", Some(effective.upscaling_factor), Some(config.up_factor()));
    near("downscaling_factor", Some(effective.downscaling_factor), Some(config.down_factor()));
    near("upscale_delay_s", Some(effective.upscale_delay_s), Some(config.upscale_delay_s));
    near("downscale_delay_s", Some(effective.downscale_delay_s), Some(config.downscale_delay_s));
    near("downscale_to_zero_delay_s", effective.downscale_to_zero_delay_s, config.downscale_to_zero_delay_s);
}
