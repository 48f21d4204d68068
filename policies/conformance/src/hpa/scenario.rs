//! Plays a scenario of the reference files and compares every output of every reconcile.

use super::format::{Current, Expected, PodRow, Reading, Scenario, Tick};
use super::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::hpa::manifest::read_spec;
use flashcrowd_policies::autoscalers::hpa::{
    Behavior, ConditionState, Container, ControllerSettings, CurrentValue, HpaConfig, HpaDecision, HpaObservation,
    HpaSpec, HpaState, MetricReading, NS_PER_S, Pod, PodPhase, PodSample, PolicyKind, Quirks, ReadyCondition,
    ScalingRules, SelectPolicy, Variant, step, with_defaults,
};
use serde_json::{Map, Value, json};

const NS_PER_MS: i64 = 1_000_000;

/// Plays `scenario` and compares.
///
/// # Errors
/// If the scenario is not one that this reader knows.
pub fn run_scenario(scenario: &Scenario) -> Result<Outcome, VectorError> {
    play(scenario, &config_of(scenario)?)
}

/// The controller that a scenario describes.
pub(super) fn config_of(scenario: &Scenario) -> Result<HpaConfig, VectorError> {
    let refuse = |message: String| VectorError::new(&scenario.id, message);
    let variant = Variant::from_name(&scenario.variant)
        .ok_or_else(|| refuse(format!("unknown variant \"{}\"", scenario.variant)))?;
    let mut spec = spec_of(scenario)?;
    if let Some(behavior) = &mut spec.behavior {
        set_tolerance(&mut behavior.scale_up, scenario.tolerance_scale_up);
        set_tolerance(&mut behavior.scale_down, scenario.tolerance_scale_down);
    }
    let flags = &scenario.controller;
    let settings = ControllerSettings {
        variant,
        tolerance: flags.tolerance,
        downscale_stabilization_ns: flags.downscale_stabilization_sec.saturating_mul(NS_PER_S),
        cpu_initialization_ns: flags.cpu_initialization_period_sec.saturating_mul(NS_PER_S),
        initial_readiness_delay_ns: flags.initial_readiness_delay_sec.saturating_mul(NS_PER_S),
        scale_to_zero_gate: flags.hpa_scale_to_zero_gate,
        quirks: Quirks::default(),
    };
    let containers = scenario.containers.iter();
    let containers =
        containers.map(|row| Container { name: row.name.clone(), requests: row.requests_milli.clone() }).collect();
    HpaConfig::new(&spec, settings, containers).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        refuse(texts.join("; "))
    })
}

fn spec_of(scenario: &Scenario) -> Result<HpaSpec, VectorError> {
    let read = read_spec(&scenario.hpa_spec.to_string());
    read.map(|read| read.spec).map_err(|error| VectorError::new(&scenario.id, error.to_string()))
}

fn set_tolerance(rules: &mut Option<ScalingRules>, tolerance: Option<f64>) {
    if tolerance.is_some() {
        rules.get_or_insert_default().tolerance = tolerance;
    }
}

/// Plays `scenario` with a controller that need not be the one it describes.
pub(super) fn play(scenario: &Scenario, config: &HpaConfig) -> Result<Outcome, VectorError> {
    let mut outcome = Outcome::default();
    let defaulted = with_defaults(&spec_of(scenario)?).behavior;
    let own = defaulted.as_ref().map_or(Value::Null, behavior_json);
    outcome.compare(&scenario.id, "behaviorDefaulted", &scenario.behavior_defaulted, &own);
    let mut state = HpaState::default();
    for tick in &scenario.ticks {
        let seen = observation(&scenario.id, tick)?;
        let decision = step(&mut state, tick.t.saturating_mul(NS_PER_MS), config, &seen);
        let place = format!("{} t={}", scenario.id, tick.t);
        compare_tick(&mut outcome, &place, &tick.out, &decision);
        compare_memory(&mut outcome, &place, &tick.out, &state);
    }
    Ok(outcome)
}

fn observation(id: &str, tick: &Tick) -> Result<HpaObservation, VectorError> {
    Ok(HpaObservation {
        scale_failed: tick.scale_get_err,
        spec_replicas: tick.spec,
        status_replicas: tick.status,
        pods: tick.pods.iter().map(|row| pod(id, row)).collect::<Result<_, _>>()?,
        metrics: tick.m.iter().map(reading).collect(),
    })
}

fn pod(id: &str, row: &PodRow) -> Result<Pod, VectorError> {
    let (name, phase, deleting, started, ready, since) = row;
    let phase = match phase.as_str() {
        "P" => PodPhase::Pending,
        "R" => PodPhase::Running,
        "F" => PodPhase::Failed,
        "S" => PodPhase::Succeeded,
        other => return Err(VectorError::new(id, format!("unknown pod phase \"{other}\": expected P, R, F or S"))),
    };
    let ns = |ms: i64| ms.saturating_mul(NS_PER_MS);
    Ok(Pod {
        id: *name,
        phase,
        deleting: *deleting != 0,
        started: started.map(ns),
        ready: ready.map(|status| ReadyCondition { status: status != 0, since: ns(since.unwrap_or(0)) }),
    })
}

fn reading(row: &Reading) -> MetricReading {
    let ns = |ms: i64| ms.saturating_mul(NS_PER_MS);
    if row.err {
        return MetricReading::Failed("the metrics API is not available".to_owned());
    }
    if let Some(value) = row.value {
        return MetricReading::Object(value);
    }
    if let Some(values) = &row.values {
        return MetricReading::External(values.clone());
    }
    let samples = row.pods.iter().flatten().map(|&(pod, milli, at)| PodSample { pod, milli, at: ns(at) });
    MetricReading::Pods { samples: samples.collect(), window_ns: ns(row.win) }
}

fn compare_tick(outcome: &mut Outcome, place: &str, want: &Expected, got: &HpaDecision) {
    outcome.compare(place, "desired", &want.desired, &got.desired);
    outcome.compare(place, "updated", &want.updated, &got.updated);
    outcome.compare(place, "err", &want.err, &got.error.is_some());
    let proposals: Option<Vec<Option<i32>>> = got
        .metrics
        .as_ref()
        .map(|metrics| metrics.iter().map(|metric| metric.result.as_ref().ok().map(|p| p.replicas)).collect());
    outcome.compare(place, "prop", &want.prop, &proposals);
    let current = got.metrics.as_ref().map(|metrics| {
        let shown = |metric: &flashcrowd_policies::autoscalers::hpa::MetricOutcome| {
            metric.result.as_ref().map_or_else(|_| Current::default(), |p| current(p.current))
        };
        metrics.iter().map(shown).collect::<Vec<_>>()
    });
    outcome.compare(place, "cur", &want.cur, &current);
    let conditions = [
        ("AbleToScale", got.conditions.able_to_scale),
        ("ScalingActive", got.conditions.scaling_active),
        ("ScalingLimited", got.conditions.scaling_limited),
        ("ScaledToZero", got.conditions.scaled_to_zero),
    ];
    for (name, state) in conditions {
        let got = state.as_ref().map(ConditionState::to_string);
        outcome.compare(place, name, &want.cond.get(name).cloned(), &got);
    }
    let events: Vec<String> = got
        .events
        .iter()
        .map(|event| match event.reason {
            "SuccessfulRescale" => format!("{}|{}", event.reason, event.message),
            reason => reason.to_owned(),
        })
        .collect();
    outcome.compare(place, "ev", &want.ev, &events);
}

fn current(value: CurrentValue) -> Current {
    match value {
        CurrentValue::Utilization { percent, average } => {
            Current { util: Some(i64::from(percent)), avg: Some(average), val: None }
        }
        CurrentValue::Average(average) => Current { avg: average, ..Current::default() },
        CurrentValue::Value(value) => Current { val: Some(value), ..Current::default() },
    }
}

/// The internal lists, which only trace files have; an empty list of changes is left out there.
fn compare_memory(outcome: &mut Outcome, place: &str, want: &Expected, state: &HpaState) {
    let Some(recommendations) = &want.recs else { return };
    let got: Vec<_> = state.recommendations().iter().map(|r| (r.replicas, r.at / NS_PER_MS)).collect();
    outcome.compare(place, "recs", recommendations, &got);
    let lists = [("up", &want.up, state.scale_up_events()), ("down", &want.down, state.scale_down_events())];
    for (name, want, events) in lists {
        let got: Vec<_> = events.iter().map(|event| (event.change, event.at / NS_PER_MS)).collect();
        outcome.compare(place, name, &want.clone().unwrap_or_default(), &got);
    }
}

/// A behavior as the API prints it.
fn behavior_json(behavior: &Behavior) -> Value {
    let mut map = Map::new();
    for (name, rules) in [("scaleUp", &behavior.scale_up), ("scaleDown", &behavior.scale_down)] {
        if let Some(rules) = rules {
            map.insert(name.to_owned(), rules_json(rules));
        }
    }
    Value::Object(map)
}

fn rules_json(rules: &ScalingRules) -> Value {
    let mut map = Map::new();
    if let Some(window) = rules.stabilization_window_seconds {
        map.insert("stabilizationWindowSeconds".to_owned(), json!(window));
    }
    if let Some(select) = rules.select_policy {
        let name = match select {
            SelectPolicy::Max => "Max",
            SelectPolicy::Min => "Min",
            SelectPolicy::Disabled => "Disabled",
        };
        map.insert("selectPolicy".to_owned(), json!(name));
    }
    if let Some(policies) = &rules.policies {
        let policies = policies.iter().map(|policy| {
            let kind = if policy.kind == PolicyKind::Pods { "Pods" } else { "Percent" };
            json!({ "type": kind, "value": policy.value, "periodSeconds": policy.period_seconds })
        });
        map.insert("policies".to_owned(), policies.collect());
    }
    Value::Object(map)
}
