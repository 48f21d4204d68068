//! Plays a scenario of an autoscaler and compares every output of every decision.

use super::{Algorithm, Outcome, VectorError};
use flashcrowd_policies::autoscalers::skyserve::{
    Controller, Demand, Plan, Quirks, Replica, ReplicaPolicy, Status, TargetQps,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scenario {
    id: String,
    config: Config,
    thresholds: ThresholdRow,
    ticks: Vec<Tick>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    min_replicas: u32,
    max_replicas: Option<u32>,
    num_overprovision: Option<u32>,
    upscale_delay_seconds: Option<f64>,
    downscale_delay_seconds: Option<f64>,
    #[serde(default)]
    target_qps_per_replica: serde_json::Value,
    dynamic_ondemand_fallback: Option<bool>,
    base_ondemand_fallback_replicas: Option<u32>,
    #[serde(default)]
    pool: bool,
    queue_length_threshold: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct ThresholdRow {
    up: u32,
    down: u32,
}

#[derive(Clone, Debug, Deserialize)]
struct Tick {
    t_s: f64,
    interval_s: u32,
    #[serde(default)]
    new_timestamps: Vec<f64>,
    n_timestamps_in_window: Option<u64>,
    pending_jobs: Option<u64>,
    #[serde(default)]
    active_jobs: BTreeMap<String, u32>,
    replicas: Vec<(u32, String, bool, String)>,
    out: Expected,
}

#[derive(Clone, Debug, Deserialize)]
struct Expected {
    target: i64,
    final_target: i64,
    up_counter: u32,
    down_counter: u32,
    scale_up: Vec<Option<Override>>,
    scale_down: Vec<u32>,
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Override {
    use_spot: bool,
}

/// Plays one line.
pub(super) fn run(line: &str, algorithm: Algorithm) -> Result<Outcome, VectorError> {
    let scenario = parse(line)?;
    play(&scenario, controller_of(&scenario, algorithm, Quirks::default())?)
}

pub(super) fn parse(line: &str) -> Result<Scenario, VectorError> {
    serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))
}

/// The controller that a scenario describes.
pub(super) fn controller_of(
    scenario: &Scenario,
    algorithm: Algorithm,
    quirks: Quirks,
) -> Result<Controller, VectorError> {
    let config = &scenario.config;
    let refuse = |message: &str| VectorError::new(&scenario.id, message);
    let target_qps_per_replica = match &config.target_qps_per_replica {
        serde_json::Value::Null => TargetQps::Unset,
        serde_json::Value::Object(map) => {
            let rates = map.iter().map(|(gpu, qps)| Some((gpu.clone(), qps.as_f64()?)));
            let rates: Option<Vec<_>> = rates.collect();
            TargetQps::Gpu(rates.ok_or_else(|| refuse("target_qps_per_replica: expected numbers"))?)
        }
        other => TargetQps::Replica(other.as_f64().ok_or_else(|| refuse("target_qps_per_replica: expected a number"))?),
    };
    let policy = ReplicaPolicy {
        min_replicas: config.min_replicas,
        max_replicas: config.max_replicas,
        num_overprovision: config.num_overprovision,
        target_qps_per_replica,
        upscale_delay_s: config.upscale_delay_seconds,
        downscale_delay_s: config.downscale_delay_seconds,
        base_ondemand_fallback_replicas: config.base_ondemand_fallback_replicas,
        dynamic_ondemand_fallback: config.dynamic_ondemand_fallback,
        spot_placer: false,
        pool: config.pool,
        queue_length_threshold: config.queue_length_threshold,
    };
    // The vectors built the classes themselves, also where a service's spec would select another.
    Ok(Controller::unchecked(policy, quirks).with_algorithm(algorithm))
}

/// Plays `scenario` with a controller that need not be the one it describes.
pub(super) fn play(scenario: &Scenario, mut controller: Controller) -> Result<Outcome, VectorError> {
    let mut outcome = Outcome::default();
    let thresholds = controller.thresholds();
    outcome.compare(&scenario.id, "thresholds.up", &scenario.thresholds.up, &thresholds.up);
    outcome.compare(&scenario.id, "thresholds.down", &scenario.thresholds.down, &thresholds.down);
    let mut arrivals = Vec::new();
    for tick in &scenario.ticks {
        let place = format!("{} t={}", scenario.id, tick.t_s);
        let interval_s = if controller.final_target() == 0 { 5 } else { 20 };
        outcome.compare(&place, "interval_s", &tick.interval_s, &interval_s);
        arrivals.extend_from_slice(&tick.new_timestamps);
        let demand = demand(scenario, tick)?;
        if let Demand::Requests(count) = demand {
            compare_window(&mut outcome, &place, &arrivals, tick.t_s, count);
        }
        let plan = controller.decide(&replicas(scenario, tick)?, demand);
        compare_tick(&mut outcome, &place, &tick.out, &controller, &plan);
    }
    Ok(outcome)
}

fn demand(scenario: &Scenario, tick: &Tick) -> Result<Demand, VectorError> {
    match (tick.n_timestamps_in_window, tick.pending_jobs) {
        (Some(count), None) => Ok(Demand::Requests(count)),
        (None, Some(pending)) => Ok(Demand::PendingJobs(pending)),
        _ => Err(VectorError::new(&scenario.id, "expected n_timestamps_in_window or pending_jobs")),
    }
}

/// Timestamps are rounded to 10 ms, so those at the edge of the window may count or not.
fn compare_window(outcome: &mut Outcome, place: &str, arrivals: &[f64], now_s: f64, count: u64) {
    const ROUNDING_S: f64 = 0.006;
    let since = |cut_s: f64| arrivals.iter().filter(|at_s| **at_s >= cut_s).count() as u64;
    let (least, most) = (since(now_s - 60.0 + ROUNDING_S), since(now_s - 60.0 - ROUNDING_S));
    outcome.compare(place, "n_timestamps_in_window", &count, &count.clamp(least, most));
}

fn replicas(scenario: &Scenario, tick: &Tick) -> Result<Vec<Replica>, VectorError> {
    let replica = |(id, status, is_spot, gpu): &(u32, String, bool, String)| {
        let Some(status) = Status::from_name(status) else {
            return Err(VectorError::new(&scenario.id, format!("unknown status \"{status}\"")));
        };
        let jobs = tick.active_jobs.get(&id.to_string()).copied().unwrap_or(0);
        Ok(Replica { id: *id, status, is_spot: *is_spot, gpu: gpu.clone(), version: 1, jobs })
    };
    tick.replicas.iter().map(replica).collect()
}

fn compare_tick(outcome: &mut Outcome, place: &str, expected: &Expected, controller: &Controller, plan: &Plan) {
    outcome.compare(place, "target", &expected.target, &controller.target());
    outcome.compare(place, "final_target", &expected.final_target, &controller.final_target());
    let (up, down) = controller.counters();
    outcome.compare(place, "up_counter", &expected.up_counter, &up);
    outcome.compare(place, "down_counter", &expected.down_counter, &down);
    let wanted: Vec<Option<bool>> = expected.scale_up.iter().map(|launch| launch.map(|w| w.use_spot)).collect();
    let each = plan.scale_up.iter().flat_map(|launch| std::iter::repeat_n(launch.use_spot, launch.count as usize));
    let found: Vec<Option<bool>> = each.take(wanted.len() + 1).collect();
    outcome.compare(place, "scale_up", &wanted, &found);
    outcome.compare(place, "scale_down", &expected.scale_down, &plan.scale_down);
    outcome.compare(place, "error", &expected.error.is_some(), &plan.error.is_some());
}
