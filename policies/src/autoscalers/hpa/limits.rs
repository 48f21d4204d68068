//! How far one reconcile may go: rate policies over the changes of the last periods.

use super::arithmetic::{ceil32, int32};
use super::config::{DirectionRules, NS_PER_S};
use super::spec::{PolicyKind, SelectPolicy};
use super::state::ScaleEvent;

/// What the rate policies of one direction look at.
pub(super) struct Past<'a> {
    pub(super) ups: &'a [ScaleEvent],
    pub(super) downs: &'a [ScaleEvent],
    pub(super) now: i64,
    pub(super) edge_counts: bool,
}

impl Past<'_> {
    /// The replicas that there were `seconds` ago, as far as the controller's own changes tell.
    fn start_of_period(&self, current: i32, seconds: i32) -> i32 {
        let cutoff = self.now.saturating_sub(i64::from(seconds) * NS_PER_S);
        let inside = |event: &&ScaleEvent| event.at > cutoff || (self.edge_counts && event.at == cutoff);
        let sum = |events: &[ScaleEvent]| {
            events.iter().filter(inside).fold(0_i32, |sum, event| sum.wrapping_add(event.change))
        };
        current.wrapping_sub(sum(self.ups)).wrapping_add(sum(self.downs))
    }
}

/// The most replicas that a policy of `percent` allows from `start`. Floats in exactly this order
/// of operations: rationals give other answers (25 pods and 12 % are 29 here, not 28).
pub fn scale_up_percent_limit(start: i32, percent: i32) -> i32 {
    ceil32(f64::from(start) * (1.0 + f64::from(percent) / 100.0))
}

/// The fewest replicas that a policy of `percent` allows from `start`.
pub fn scale_down_percent_limit(start: i32, percent: i32) -> i32 {
    int32(f64::from(start) * (1.0 - f64::from(percent) / 100.0))
}

/// The most replicas that `rules` allow.
pub(super) fn scale_up_limit(rules: &DirectionRules, current: i32, past: &Past) -> i32 {
    let proposals = rules.policies.iter().map(|policy| {
        let start = past.start_of_period(current, policy.period_seconds);
        match policy.kind {
            PolicyKind::Pods => start.wrapping_add(policy.value),
            PolicyKind::Percent => scale_up_percent_limit(start, policy.value),
        }
    });
    match rules.select {
        SelectPolicy::Disabled => current,
        SelectPolicy::Max => proposals.fold(i32::MIN, i32::max),
        SelectPolicy::Min => proposals.fold(i32::MAX, i32::min),
    }
}

/// The fewest replicas that `rules` allow: the largest change is the smallest count.
pub(super) fn scale_down_limit(rules: &DirectionRules, current: i32, past: &Past) -> i32 {
    let proposals = rules.policies.iter().map(|policy| {
        let start = past.start_of_period(current, policy.period_seconds);
        match policy.kind {
            PolicyKind::Pods => start.wrapping_sub(policy.value),
            PolicyKind::Percent => scale_down_percent_limit(start, policy.value),
        }
    });
    match rules.select {
        SelectPolicy::Disabled => current,
        SelectPolicy::Max => proposals.fold(i32::MAX, i32::min),
        SelectPolicy::Min => proposals.fold(i32::MIN, i32::max),
    }
}

/// The longest period of a direction's policies, in nanoseconds.
pub(super) fn longest_period_ns(rules: &DirectionRules) -> i64 {
    rules.policies.iter().map(|policy| i64::from(policy.period_seconds) * NS_PER_S).max().unwrap_or(0)
}
