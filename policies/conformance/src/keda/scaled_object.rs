//! Plays a scenario of the executor and compares every output of every poll.

use crate::outcome::{Outcome, VectorError};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::keda::{
    Activity, Condition, Executor, Fallback, FallbackBehavior, Quirks, ScaledObject,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scenario {
    id: String,
    config: Config,
    hpa_min_replicas: u32,
    hpa_max_replicas: u32,
    ticks: Vec<Tick>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    min_replica_count: Option<u32>,
    max_replica_count: Option<u32>,
    idle_replica_count: Option<u32>,
    cooldown_period: Option<u32>,
    initial_cooldown_period: Option<u32>,
    polling_interval: Option<u32>,
    fallback: Option<FallbackRow>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FallbackRow {
    failure_threshold: u32,
    replicas: u32,
}

#[derive(Clone, Debug, Deserialize)]
struct Tick {
    t_s: f64,
    current_replicas: u32,
    is_active: bool,
    is_error: bool,
    write_replicas: Option<u32>,
    last_active_s: Option<f64>,
    ready_condition: String,
    active_condition: String,
}

pub(super) fn parse(line: &str) -> Result<Scenario, VectorError> {
    serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))
}

fn object_of(scenario: &Scenario) -> ScaledObject {
    let config = &scenario.config;
    let mut object = ScaledObject {
        min_replica_count: config.min_replica_count,
        max_replica_count: config.max_replica_count,
        idle_replica_count: config.idle_replica_count,
        cooldown_period_s: config.cooldown_period,
        initial_cooldown_period_s: config.initial_cooldown_period,
        polling_interval_s: config.polling_interval,
        fallback: config.fallback.map(|row| Fallback {
            failure_threshold: row.failure_threshold,
            replicas: row.replicas,
            behavior: FallbackBehavior::Static,
        }),
        ..ScaledObject::default()
    };
    for (key, value) in &config.annotations {
        object.annotations.set(key, value);
    }
    object
}

/// The executor that a scenario describes, with its quirks or repaired.
pub(super) fn executor_of(scenario: &Scenario, quirks: Quirks) -> Executor {
    Executor::new(&object_of(scenario), quirks, SimTime::ZERO)
}

/// Plays `scenario` with an executor that need not be the one it describes.
pub(super) fn play(scenario: &Scenario, mut executor: Executor) -> Outcome {
    let mut outcome = Outcome::default();
    let object = object_of(scenario);
    outcome.compare(&scenario.id, "hpa_min_replicas", &scenario.hpa_min_replicas, &object.hpa_min_replicas());
    outcome.compare(&scenario.id, "hpa_max_replicas", &scenario.hpa_max_replicas, &object.hpa_max_replicas());
    for tick in &scenario.ticks {
        let place = format!("{} t={}", scenario.id, tick.t_s);
        let now = SimTime::ZERO + SimDuration::from_s_f64(tick.t_s);
        let seen = Activity { is_active: tick.is_active, is_error: tick.is_error };
        let poll = executor.poll(now, tick.current_replicas, seen);
        outcome.compare(&place, "write_replicas", &tick.write_replicas, &poll.write);
        let last_active_s = executor.last_active().map(SimTime::as_s_f64);
        outcome.compare(&place, "last_active_s", &tick.last_active_s, &last_active_s);
        let text =
            |condition: Option<Condition>| condition.map_or_else(String::new, |c| format!("{}/{}", c.status, c.reason));
        outcome.compare(&place, "ready_condition", &tick.ready_condition, &text(Some(executor.ready())));
        outcome.compare(&place, "active_condition", &tick.active_condition, &text(executor.active()));
    }
    outcome
}
