//! The program's own autoscalers, as written.

use crate::spec::LatencyPart;
use flashcrowd_language::units::{Duration, Fraction, NonNegative, Positive};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `QueueDepth`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueDepth {
    /// Waiting requests that one replica may have.
    pub waiting_per_replica: Positive,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
    /// For how long nothing must have waited before a replica is given back; 5m by default.
    pub idle: Option<Duration>,
}

/// Parameters of `ConcurrencyTarget`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcurrencyTarget {
    /// Requests in flight that one replica should have.
    pub in_flight_per_replica: Positive,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
    /// Window of which the highest wish holds back scale-down; 5m by default.
    pub down_window: Option<Duration>,
}

/// Parameters of `LatencyTarget`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyTarget {
    /// Which part of the latency; end to end by default.
    pub metric: Option<LatencyPart>,
    /// Which quantile of it; 0.95 by default.
    pub quantile: Option<Fraction>,
    /// What it should be.
    pub target: Duration,
    /// Share of a change of the error that is answered at once; 0.3 by default.
    pub proportional: Option<NonNegative>,
    /// Share of the error that is answered each minute; 0.2 by default.
    pub integral_per_min: Option<NonNegative>,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
    /// Window of which the highest wish holds back scale-down; 5m by default.
    pub down_window: Option<Duration>,
}

/// Parameters of `Timetable`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// From when on, how many.
    pub steps: Vec<TimetableStep>,
    /// After how long it begins anew; a day by default.
    pub repeat_every: Option<Duration>,
    /// How long before its time a step is taken; a mean cold start by default.
    pub lead: Option<Duration>,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
}

/// A step of a timetable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimetableStep {
    /// From when in the round on.
    pub at: Duration,
    /// How many replicas.
    pub replicas: u32,
}

/// Parameters of `Predictive`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predictive {
    /// Requests per second that one replica carries.
    pub rate_per_replica: Positive,
    /// Share that is added to the forecast; 0.2 by default.
    pub headroom: Option<NonNegative>,
    /// How far ahead; a mean cold start by default.
    pub lead: Option<Duration>,
    /// Length of a season; a day by default.
    pub season: Option<Duration>,
    /// Time between decisions, and range of the rate; 1m by default.
    pub step: Option<Duration>,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Window of which the highest wish holds back scale-down; 5m by default.
    pub down_window: Option<Duration>,
}

/// Parameters of `Clairvoyant`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clairvoyant {
    /// Requests per second that one replica carries at the promised latency.
    pub rate_per_replica: Positive,
    /// Time from an order to a ready replica; a mean cold start by default.
    pub lead: Option<Duration>,
    /// Span over which arrivals are averaged; 15s by default.
    pub window: Option<Duration>,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
}
