//! From the metrics' number to the one that is written: stabilization, bounds and rate limits.

use super::arithmetic::int32;
use super::config::{Directions, HpaConfig};
use super::decision::{AppliedLimit, ConditionState};
use super::limits::{Past, scale_down_limit, scale_up_limit};
use super::state::{HpaState, Recommendation};

/// Without `behavior`, one reconcile may double the count, or go to this many.
const CAP_FLOOR: f64 = 4.0;
const CAP_FACTOR: f64 = 2.0;

/// The result of a stage and, if the stage changed the number, the reason.
type Staged = (i32, Option<&'static str>);

/// Stabilizes, then limits `desired`; sets the two conditions and lists what changed the number.
pub(super) fn normalize(
    config: &HpaConfig,
    state: &mut HpaState,
    now: i64,
    current: i32,
    desired: i32,
) -> (i32, Vec<AppliedLimit>) {
    let (stable, held) = match config.directions() {
        None => stabilize_plain(config, state, now, desired),
        Some(directions) => stabilize_both_ways(config, directions, state, now, current, desired),
    };
    state.conditions.able_to_scale = Some(ConditionState::yes(held.unwrap_or("ReadyForNewScale")));
    let (result, cut) = match config.directions() {
        None => clamp_plain(config, current, stable),
        Some(directions) => clamp_by_rate(config, directions, state, now, current, stable),
    };
    state.conditions.scaling_limited = Some(match cut {
        Some(reason) => ConditionState::yes(reason),
        None => ConditionState::no("DesiredWithinRange"),
    });
    let stages = [(held, desired, stable), (cut, stable, result)];
    let limits =
        stages.into_iter().filter_map(|(name, before, after)| Some(AppliedLimit { name: name?, before, after }));
    (result, limits.collect())
}

/// The largest of `desired` and the recommendations of the window, whose edge counts.
fn stabilize_plain(config: &HpaConfig, state: &mut HpaState, now: i64, desired: i32) -> Staged {
    let cutoff = now.saturating_sub(config.settings().downscale_stabilization_ns);
    let edge_counts = config.rules.plain_window_edge_counts;
    let (mut stable, mut slot) = (desired, None);
    for (index, past) in state.recommendations.iter().enumerate() {
        if past.at < cutoff {
            slot = Some(index);
        } else if past.at > cutoff || edge_counts {
            stable = stable.max(past.replicas);
        }
    }
    state.record(slot, Recommendation { replicas: desired, at: now });
    (stable, (stable != desired).then_some("ScaleDownStabilized"))
}

/// Each direction has its window, whose edge does not count; the count moves only as far as both allow.
fn stabilize_both_ways(
    config: &HpaConfig,
    directions: &Directions,
    state: &mut HpaState,
    now: i64,
    current: i32,
    desired: i32,
) -> Staged {
    let edge_counts = config.rules.behavior_window_edge_counts;
    let up_cutoff = now.saturating_sub(directions.up.window_ns);
    let down_cutoff = now.saturating_sub(directions.down.window_ns);
    let newer = |at: i64, cutoff: i64| at > cutoff || (edge_counts && at == cutoff);
    let (mut up, mut down, mut slot) = (desired, desired, None);
    for (index, past) in state.recommendations.iter().enumerate() {
        if newer(past.at, up_cutoff) {
            up = up.min(past.replicas);
        }
        if newer(past.at, down_cutoff) {
            down = down.max(past.replicas);
        }
        // Only a recommendation that is too old for both windows may be overwritten.
        if past.at < up_cutoff && past.at < down_cutoff {
            slot = Some(index);
        }
    }
    state.record(slot, Recommendation { replicas: desired, at: now });
    let stable = current.max(up).min(down);
    let reason = if desired >= current { "ScaleUpStabilized" } else { "ScaleDownStabilized" };
    (stable, (stable != desired).then_some(reason))
}

fn clamp_plain(config: &HpaConfig, current: i32, stable: i32) -> Staged {
    let cap = int32((CAP_FACTOR * f64::from(current)).max(CAP_FLOOR));
    let (upper, reason) =
        if config.max_replicas() > cap { (cap, "ScaleUpLimit") } else { (config.max_replicas(), "TooManyReplicas") };
    if stable < config.min_replicas() {
        (config.min_replicas(), Some("TooFewReplicas"))
    } else if stable > upper {
        (upper, Some(reason))
    } else {
        (stable, None)
    }
}

/// On the way up only the upper bound is looked at, on the way down only the lower one.
fn clamp_by_rate(
    config: &HpaConfig,
    directions: &Directions,
    state: &HpaState,
    now: i64,
    current: i32,
    stable: i32,
) -> Staged {
    let past = Past { ups: &state.ups, downs: &state.downs, now, edge_counts: config.rules.period_edge_counts };
    if stable > current {
        let limit = scale_up_limit(&directions.up, current, &past).max(current);
        let max = config.max_replicas();
        let (upper, reason) = if max > limit { (limit, "ScaleUpLimit") } else { (max, "TooManyReplicas") };
        if stable > upper {
            return (upper, Some(reason));
        }
    } else if stable < current {
        let limit = scale_down_limit(&directions.down, current, &past).min(current);
        let min = config.min_replicas();
        let (lower, reason) = if min < limit { (limit, "ScaleDownLimit") } else { (min, "TooFewReplicas") };
        if stable < lower {
            return (lower, Some(reason));
        }
    }
    (stable, None)
}
