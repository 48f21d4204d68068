//! The lines between the simulator and a policy in another language. Seconds and names; unknown
//! fields of a decision are refused.

use super::error::DecisionError;
use flashcrowd_core::ports::{
    Action, Class, Decision, Explanation, Mode, Observation, Place, ReplicaId, ReplicaPhase, ReplicaView,
    SignalRequest, SignalView, TargetId, TargetView, Wake,
};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the lines are called; changes with their form.
pub const OBSERVATION: &str = "flashcrowd/observation/1";

/// One observation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WireObservation {
    /// `flashcrowd/observation/1`.
    pub schema: &'static str,
    /// Seconds since the start of the run.
    pub now_s: f64,
    /// `tick` or `poke`: a request waits and nobody serves.
    pub wake: &'static str,
    /// The targets that it scales.
    pub targets: Vec<WireTarget>,
}

/// One target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WireTarget {
    /// Name of the service.
    pub target: String,
    /// `spec.replicas`.
    pub spec_replicas: u32,
    /// Replicas that exist and are not being deleted.
    pub status_replicas: u32,
    /// Ready replicas.
    pub ready_replicas: u32,
    /// `serve` or `proxy`.
    pub mode: &'static str,
    /// Jobs that have not ended.
    pub running_jobs: u32,
    /// Those of them that have not started.
    pub pending_jobs: u32,
    /// All replicas, by id.
    pub replicas: Vec<WireReplica>,
    /// Signals by name: batches since the last observation, oldest first; null if the metrics API
    /// gave an error.
    pub signals: BTreeMap<String, Option<Vec<WireBatch>>>,
}

/// One replica.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WireReplica {
    /// Its number.
    pub id: u32,
    /// `pending`, `running`, `succeeded` or `failed`.
    pub phase: &'static str,
    /// When it was created.
    pub created_s: f64,
    /// The Ready condition; null if it is not set.
    pub ready: Option<bool>,
    /// When that changed last.
    pub ready_since_s: Option<f64>,
    /// When its deletion was asked for.
    pub deleted_s: Option<f64>,
    /// `on_demand`, `reserved` or `spot`.
    pub market: &'static str,
    /// Type of its GPUs.
    pub gpu: String,
    /// Its region.
    pub region: String,
    /// Its zone, once it has a node.
    pub zone: Option<String>,
    /// Attempts that wait there.
    pub waiting: u32,
    /// Attempts in service.
    pub running: u32,
}

/// Samples that became visible together.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WireBatch {
    /// When.
    pub at_s: f64,
    /// Span that each value covers.
    pub window_s: f64,
    /// By replica.
    pub samples: Vec<WireSample>,
}

/// One value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WireSample {
    /// The replica; null for the service's own value.
    pub replica: Option<u32>,
    /// When it was taken.
    pub at_s: f64,
    /// The value, in the metric's unit.
    pub value: f64,
}

/// One decision. An empty object holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WireDecision {
    /// Its actions, in order.
    pub actions: Vec<WireAction>,
    /// When to wake it next, in seconds since the start, at least a millisecond later; its period without.
    pub next_wake_s: Option<f64>,
    /// Why, for the decision log.
    pub reason: String,
}

/// One action. `target` may be left out where there is one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WireAction {
    /// Write `spec.replicas`; with a class, the part of it that is of that class.
    SetReplicas(WireSet),
    /// Remove these replicas and lower `spec.replicas` by as many.
    RemoveReplicas(WireRemove),
    /// Create jobs.
    CreateJobs(WireJobs),
    /// `serve` or `proxy`.
    SetMode(WireMode),
}

/// Parameters of `set_replicas`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireSet {
    /// Name of the service.
    pub target: Option<String>,
    /// How many.
    pub replicas: u32,
    /// `on_demand`, `reserved` or `spot`.
    pub market: Option<String>,
    /// GPU type.
    pub gpu: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Zone of the region.
    pub zone: Option<String>,
}

/// Parameters of `remove_replicas`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireRemove {
    /// Name of the service.
    pub target: Option<String>,
    /// Their numbers.
    pub replicas: Vec<u32>,
}

/// Parameters of `create_jobs`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireJobs {
    /// Name of the service.
    pub target: Option<String>,
    /// How many.
    pub jobs: u32,
}

/// Parameters of `set_mode`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireMode {
    /// Name of the service.
    pub target: Option<String>,
    /// `serve` or `proxy`.
    pub mode: String,
}

/// The line of an observation. `names` are those of the targets, by id.
pub(super) fn observation(
    seen: &Observation,
    names: &[(TargetId, String)],
    signals: &[(SignalRequest, f64)],
) -> String {
    let line = WireObservation {
        schema: OBSERVATION,
        now_s: seen.now.as_s_f64(),
        wake: match seen.wake {
            Wake::Tick => "tick",
            Wake::Poke(_) => "poke",
        },
        targets: seen.targets.iter().map(|view| target(view, names, signals)).collect(),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

fn target(view: &TargetView, names: &[(TargetId, String)], signals: &[(SignalRequest, f64)]) -> WireTarget {
    let name = names.iter().find(|(id, _)| *id == view.target).map(|(_, name)| name.clone());
    let signal = |shown: &SignalView| {
        let (request, scale) = signals.get(shown.signal.0 as usize)?;
        Some((request.name.clone(), batches(shown, *scale)))
    };
    WireTarget {
        target: name.unwrap_or_default(),
        spec_replicas: view.spec_replicas,
        status_replicas: view.status_replicas,
        ready_replicas: view.ready_replicas,
        mode: if view.mode == Mode::Proxy { "proxy" } else { "serve" },
        running_jobs: view.jobs.running,
        pending_jobs: view.jobs.pending,
        replicas: view.replicas.iter().map(replica).collect(),
        signals: view.signals.iter().filter_map(signal).collect(),
    }
}

fn replica(view: &ReplicaView) -> WireReplica {
    WireReplica {
        id: view.id.0,
        phase: match view.phase {
            ReplicaPhase::Pending => "pending",
            ReplicaPhase::Running => "running",
            ReplicaPhase::Succeeded => "succeeded",
            ReplicaPhase::Failed => "failed",
        },
        created_s: view.created.as_s_f64(),
        ready: view.ready,
        ready_since_s: view.ready_since.map(SimTime::as_s_f64),
        deleted_s: view.deleted.map(SimTime::as_s_f64),
        market: view.market.name(),
        gpu: view.gpu.to_string(),
        region: view.region.to_string(),
        zone: view.zone.as_ref().map(ToString::to_string),
        waiting: view.work.waiting,
        running: view.work.running,
    }
}

fn batches(shown: &SignalView, scale: f64) -> Option<Vec<WireBatch>> {
    let batches = shown.batches.as_ref()?.iter().map(|batch| WireBatch {
        at_s: batch.at.as_s_f64(),
        window_s: batch.window.as_s_f64(),
        samples: batch
            .samples
            .iter()
            .map(|sample| WireSample {
                replica: sample.replica.map(|id| id.0),
                at_s: sample.at.as_s_f64(),
                value: sample.value * scale,
            })
            .collect(),
    });
    Some(batches.collect())
}

/// Shortest time to the next wake-up: without a limit, a policy could stop simulated time.
const SHORTEST_WAIT_S: f64 = 0.000_999;

/// The decision of a line.
/// `names` are its own targets; `services` are all services, by position.
///
/// # Errors
/// What is wrong with it.
pub(super) fn decision(
    line: &str,
    names: &[(TargetId, String)],
    services: &[String],
    now: SimTime,
) -> Result<Decision, DecisionError> {
    // serde would read a list as the fields in their order, and an empty list as a decision that
    // holds.
    let value: serde_json::Value = serde_json::from_str(line).map_err(DecisionError::NoJson)?;
    let Some(fields) = value.as_object() else { return Err(DecisionError::NoObject) };
    let is_decision = ["actions", "next_wake_s", "reason"].iter().any(|name| fields.contains_key(*name));
    let wrong = if is_decision { DecisionError::Fields } else { DecisionError::OtherObject };
    let wire: WireDecision = serde_json::from_str(line).map_err(wrong)?;
    let actions =
        wire.actions.into_iter().map(|action| action_of(action, names, services)).collect::<Result<Vec<_>, _>>()?;
    let now_s = now.as_s_f64();
    let next_wake = match wire.next_wake_s {
        // A century is beyond any horizon.
        Some(at_s) if !(0.0..3.2e9).contains(&at_s) => return Err(DecisionError::WakeNoTime { at_s }),
        Some(at_s) if at_s <= now_s => return Err(DecisionError::WakePast { at_s, now_s }),
        // Slightly less than a millisecond, for policies that add one in floating point.
        Some(at_s) if at_s - now_s < SHORTEST_WAIT_S => return Err(DecisionError::WakeTooSoon { at_s, now_s }),
        Some(at_s) => Some(SimTime::ZERO + SimDuration::from_s_f64(at_s)),
        None => None,
    };
    let mut decision = Decision { actions, next_wake, ..Decision::default() };
    for (target, _) in names.iter().filter(|_| !wire.reason.is_empty()) {
        let why = Explanation { reason: wire.reason.clone(), ..Explanation::default() };
        decision = decision.explained(*target, why);
    }
    Ok(decision)
}

fn action_of(action: WireAction, names: &[(TargetId, String)], services: &[String]) -> Result<Action, DecisionError> {
    let named = |target: Option<String>| match (target, names) {
        (None, [only]) => Ok(only.0),
        (None, _) => Err(DecisionError::MissingTarget),
        // A service that belongs to another policy gets an id, too: the engine refuses and logs the
        // action.
        (Some(name), _) => names
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(id, _)| *id)
            .or_else(|| services.iter().position(|known| *known == name).map(|position| TargetId(position as u32)))
            .ok_or_else(|| {
                let known = names.iter().map(|(_, known)| known.clone()).collect();
                DecisionError::UnknownTarget { name, known }
            }),
    };
    Ok(match action {
        WireAction::SetReplicas(set) => Action::SetReplicas {
            target: named(set.target)?,
            replicas: set.replicas,
            class: Class {
                market: set.market.map(|market| market_of(&market)).transpose()?,
                gpu: set.gpu.map(Into::into),
                place: match (set.region, set.zone) {
                    (Some(region), zone) => Some(Place { region: region.into(), zone: zone.map(Into::into) }),
                    (None, None) => None,
                    (None, Some(_)) => return Err(DecisionError::ZoneWithoutRegion),
                },
            },
        },
        WireAction::RemoveReplicas(remove) => Action::RemoveReplicas {
            target: named(remove.target)?,
            replicas: remove.replicas.into_iter().map(ReplicaId).collect(),
        },
        WireAction::CreateJobs(create) => Action::CreateJobs { target: named(create.target)?, jobs: create.jobs },
        WireAction::SetMode(set) => {
            let mode = match set.mode.as_str() {
                "serve" => Mode::Serve,
                "proxy" => Mode::Proxy,
                other => return Err(DecisionError::UnknownMode(other.to_owned())),
            };
            Action::SetMode { target: named(set.target)?, mode }
        }
    })
}

fn market_of(name: &str) -> Result<Market, DecisionError> {
    let all = [Market::OnDemand, Market::Reserved, Market::Spot];
    all.into_iter().find(|market| market.name() == name).ok_or_else(|| DecisionError::UnknownMarket(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<(TargetId, String)> {
        vec![(TargetId(3), "chat".to_owned())]
    }

    fn read(line: &str) -> Result<Decision, DecisionError> {
        decision(line, &names(), &[], SimTime::from_s(30))
    }

    #[test]
    fn an_empty_object_holds_and_a_count_is_enough() {
        assert_eq!(read("{}").unwrap(), Decision::hold());
        let set = read(r#"{"actions": [{"set_replicas": {"replicas": 4}}]}"#);
        assert_eq!(set.unwrap(), Decision::set_replicas(TargetId(3), 4));
        let spot = read(r#"{"actions": [{"set_replicas": {"target": "chat", "replicas": 4, "market": "spot"}}]}"#);
        let class = Class { market: Some(Market::Spot), ..Class::default() };
        assert_eq!(spot.unwrap().actions, [Action::SetReplicas { target: TargetId(3), replicas: 4, class }]);
    }

    #[test]
    fn nonsense_is_named() {
        for (line, word) in [
            ("", "EOF"),
            ("[]", "expected an object"),
            (r#"{"action": []}"#, "unknown field `action`"),
            (r#"{"level": "info", "msg": "loaded"}"#, "print logs to stderr: stdout is for answers"),
            (r#"{"actions": [{"set_replica": {}}]}"#, "set_replicas"),
            (r#"{"actions": [{"set_replicas": {"replicas": -1}}]}"#, "-1"),
            (r#"{"actions": [{"set_replicas": {"replicas": 1, "target": "chta"}}]}"#, "no target `chta`"),
            (r#"{"actions": [{"set_replicas": {"replicas": 1, "market": "spots"}}]}"#, "no market `spots`"),
            (r#"{"actions": [{"set_mode": {"mode": "off"}}]}"#, "no mode `off`"),
            (r#"{"next_wake_s": 30}"#, "later than now"),
            (r#"{"next_wake_s": 30.0005}"#, "at least a millisecond later"),
            (r#"{"next_wake_s": 1e300}"#, "a time"),
        ] {
            let message = read(line).unwrap_err().to_string();
            assert!(message.contains(word), "{line}: {message}");
        }
    }
}
