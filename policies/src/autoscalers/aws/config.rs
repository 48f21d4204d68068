//! The words of Application Auto Scaling's API, and the numbers that its documents leave open.

use crate::clock::aws_cron::Schedule;
use jiff::{SignedDuration, Timestamp};

/// What `register-scalable-target` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScalableTarget {
    /// `ServiceNamespace`, such as `ecs`.
    pub namespace: String,
    /// `ResourceId`, such as `service/cluster/web`.
    pub resource_id: String,
    /// `MinCapacity`.
    pub min_capacity: u32,
    /// `MaxCapacity`.
    pub max_capacity: u32,
    /// `SuspendedState.DynamicScalingInSuspended`.
    pub scale_in_suspended: bool,
    /// `SuspendedState.DynamicScalingOutSuspended`.
    pub scale_out_suspended: bool,
    /// `SuspendedState.ScheduledScalingSuspended`.
    pub scheduled_suspended: bool,
}

/// What `put-scheduled-action` says.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledAction {
    /// `ScheduledActionName`.
    pub name: String,
    /// `Schedule`, in its `Timezone`.
    pub schedule: Schedule,
    /// `StartTime`: nothing happens before.
    pub start: Option<Timestamp>,
    /// `EndTime`: nothing happens after.
    pub end: Option<Timestamp>,
    /// `ScalableTargetAction.MinCapacity`.
    pub min_capacity: Option<u32>,
    /// `ScalableTargetAction.MaxCapacity`.
    pub max_capacity: Option<u32>,
}

impl ScheduledAction {
    /// When it is due next after `after`, in a run that begins at `from`.
    pub fn next_after(&self, after: Timestamp, from: Timestamp) -> Option<Timestamp> {
        let from = self.start.unwrap_or(from);
        // A start is an instant at which it may be due.
        let before = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(from);
        let next = self.schedule.next_after(after.max(before), from)?;
        self.end.is_none_or(|end| next <= end).then_some(next)
    }
}

/// A scaling policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// `PolicyName`.
    pub name: String,
    /// What it does.
    pub kind: PolicyKind,
}

/// The two kinds of policies that act on alarms.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyKind {
    /// `TargetTrackingScaling`.
    TargetTracking(TargetTracking),
    /// `StepScaling`, with the alarm that calls it.
    StepScaling(StepScaling, AlarmRule),
}

/// `TargetTrackingScalingPolicyConfiguration`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetTracking {
    /// `TargetValue`, in the metric's unit.
    pub target_value: f64,
    /// `PredefinedMetricType`, or `MetricName` of a customized metric.
    pub metric: String,
    /// `ScaleOutCooldown` in seconds; by the namespace if unset.
    pub scale_out_cooldown_s: Option<u32>,
    /// `ScaleInCooldown` in seconds; by the namespace if unset.
    pub scale_in_cooldown_s: Option<u32>,
    /// `DisableScaleIn`.
    pub disable_scale_in: bool,
}

/// `StepScalingPolicyConfiguration`.
#[derive(Clone, Debug, PartialEq)]
pub struct StepScaling {
    /// What an adjustment means.
    pub adjustment_type: AdjustmentType,
    /// The steps, by their lower bounds.
    pub steps: Vec<Step>,
    /// `MinAdjustmentMagnitude`, for percentages.
    pub min_adjustment_magnitude: Option<u32>,
    /// `Cooldown` in seconds; by the namespace if unset.
    pub cooldown_s: Option<u32>,
}

/// What the adjustment of a step means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustmentType {
    /// Added to the capacity.
    ChangeInCapacity,
    /// The capacity itself.
    ExactCapacity,
    /// Percent of the capacity, added.
    PercentChangeInCapacity,
}

/// One step: bounds are relative to the alarm's threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// `MetricIntervalLowerBound`; none is minus infinity.
    pub lower: Option<f64>,
    /// `MetricIntervalUpperBound`; none is infinity.
    pub upper: Option<f64>,
    /// `ScalingAdjustment`.
    pub adjustment: i32,
}

/// A `CloudWatch` alarm over one-minute points (`put-metric-alarm`).
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRule {
    /// `MetricName`.
    pub metric: String,
    /// `Threshold`.
    pub threshold: f64,
    /// `ComparisonOperator`.
    pub comparison: Comparison,
    /// `Period` over 60 s: points that are averaged into one.
    pub period_min: u32,
    /// `EvaluationPeriods`.
    pub evaluation_periods: u32,
    /// `DatapointsToAlarm`; all of them if unset.
    pub datapoints_to_alarm: Option<u32>,
    /// `Statistic`.
    pub statistic: Statistic,
}

/// How a point is held against the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Strictly above.
    Greater,
    /// At or above.
    GreaterOrEqual,
    /// Strictly below.
    Less,
    /// At or below.
    LessOrEqual,
}

impl Comparison {
    /// Whether `value` breaches.
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Comparison::Greater => value > threshold,
            Comparison::GreaterOrEqual => value >= threshold,
            Comparison::Less => value < threshold,
            Comparison::LessOrEqual => value <= threshold,
        }
    }
}

/// How minutes become one point of a longer period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistic {
    /// Mean.
    #[default]
    Average,
    /// Sum.
    Sum,
    /// Smallest.
    Minimum,
    /// Largest.
    Maximum,
}

/// What AWS's documents do not say, or say in words only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Approximation {
    /// One-minute points above the target before target tracking adds capacity. Observed by users: 3.
    pub scale_out_points: u32,
    /// One-minute points below the low mark before it removes capacity. Observed by users: 15.
    pub scale_in_points: u32,
    /// The low mark as a share of the target. A guess: 0.9.
    pub scale_in_threshold_share: f64,
    /// The share of the capacity that target tracking removes at once at most, and at least one.
    /// The documents say that it scales in gradually; the number is a guess: 0.1.
    pub scale_in_step_share: f64,
}

impl Default for Approximation {
    fn default() -> Self {
        Approximation {
            scale_out_points: 3,
            scale_in_points: 15,
            scale_in_threshold_share: 0.9,
            scale_in_step_share: 0.1,
        }
    }
}

impl ScalableTarget {
    /// The cooldown in seconds where a policy gives none: 300 for services that start machines or
    /// containers, 0 for tables and functions (AWS CDK, `BaseTargetTrackingProps`).
    pub fn default_cooldown_s(&self) -> u32 {
        match self.namespace.as_str() {
            "dynamodb" | "lambda" | "comprehend" | "cassandra" | "kafka" => 0,
            _ => 300,
        }
    }
}
