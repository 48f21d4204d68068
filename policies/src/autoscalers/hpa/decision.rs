//! What one reconcile leaves behind.

use super::metric_error::MetricError;
use std::fmt;

/// The outcome of one reconcile.
#[derive(Clone, Debug, PartialEq)]
pub struct HpaDecision {
    /// `spec.replicas` after the reconcile.
    pub desired: i32,
    /// Whether the controller wrote the scale.
    pub updated: bool,
    /// Each metric's part, in the order of the spec; `None` if metrics were not evaluated.
    pub metrics: Option<Vec<MetricOutcome>>,
    /// The error that the reconcile returned; the scale may have been written all the same.
    pub error: Option<String>,
    /// The conditions after the reconcile; those that it did not touch are the old ones.
    pub conditions: Conditions,
    /// The events that it emitted, in order.
    pub events: Vec<Event>,
    /// What held the proposal back on its way to `desired`, in order.
    pub limits: Vec<AppliedLimit>,
    /// Why it rescaled, in the controller's words; empty if stabilization alone was the cause.
    pub reason: String,
}

/// One metric's part in a reconcile.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricOutcome {
    /// How many replicas it asked for, and its current value; or why it failed.
    pub result: Result<MetricProposal, MetricError>,
}

/// What a metric that could be read asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricProposal {
    /// How many replicas.
    pub replicas: i32,
    /// The value as `kubectl describe` shows it.
    pub current: CurrentValue,
    /// The ratio of usage to target that was compared with the tolerance first.
    pub ratio: f64,
}

/// The current value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentValue {
    /// Percent of the request, and the average in milli-units.
    Utilization {
        /// Integer percent.
        percent: i32,
        /// Milli-units per pod.
        average: i64,
    },
    /// Milli-units per pod; `None` if there were no pods to divide by.
    Average(Option<i64>),
    /// Milli-units.
    Value(i64),
}

/// The conditions of an HPA's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Whether the scale can be read and written, and whether stabilization holds it.
    pub able_to_scale: Option<ConditionState>,
    /// Whether the metrics have values.
    pub scaling_active: Option<ConditionState>,
    /// Whether a bound or a rate limit holds.
    pub scaling_limited: Option<ConditionState>,
    /// Whether the controller itself scaled to zero (2026).
    pub scaled_to_zero: Option<ConditionState>,
}

/// Status and reason of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionState {
    /// True or False.
    pub status: bool,
    /// The reason.
    pub reason: &'static str,
}

impl ConditionState {
    pub(super) const fn yes(reason: &'static str) -> Self {
        ConditionState { status: true, reason }
    }

    pub(super) const fn no(reason: &'static str) -> Self {
        ConditionState { status: false, reason }
    }
}

impl fmt::Display for ConditionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", if self.status { "T" } else { "F" }, self.reason)
    }
}

/// One event on the HPA object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its reason, such as `SuccessfulRescale`.
    pub reason: &'static str,
    /// Its message.
    pub message: String,
}

/// One step that changed the number on its way from the proposals to the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedLimit {
    /// The condition reason, such as `ScaleDownStabilized` or `TooManyReplicas`.
    pub name: &'static str,
    /// The value before it.
    pub before: i32,
    /// The value after it.
    pub after: i32,
}
