//! Routes across regions, distances and the way capacity is bought, as written.

use flashcrowd_language::units::{Duration, Positive};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A route: one name in front of deployments in several regions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The services that it stands for, each in one region.
    pub cells: Vec<String>,
    /// Who chooses among them.
    pub routing: Option<Routing>,
    /// How failures are noticed.
    pub health: Option<Health>,
    /// How long a client waits for a region that does not answer.
    pub connect_timeout: Option<Duration>,
    /// Whether a retry avoids the cell of the attempt before.
    pub retries_elsewhere: Option<bool>,
}

/// Who chooses among the cells of a route.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Routing {
    /// The nearest healthy one.
    Nearest,
    /// At random, by weight.
    Weighted(Weights),
    /// The fewest outstanding attempts for each ready replica.
    LeastLoaded,
    /// The nearest below a load; then the least loaded.
    SpillOver(LoadLimit),
    /// The shortest of round trip and expected wait.
    LatencyAware(LatencyAware),
    /// The same cell for the same beginning of a prompt, below a load.
    PrefixAffinity(LoadLimit),
}

/// Parameters of `Weighted`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Weight by region; a region that is not named has none.
    pub weights: BTreeMap<String, Positive>,
}

/// Parameters of `SpillOver` and `PrefixAffinity`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadLimit {
    /// Outstanding attempts for each ready replica.
    pub at: Positive,
}

/// Parameters of `LatencyAware`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyAware {
    /// What each outstanding attempt of a replica counts.
    pub per_outstanding: Duration,
}

/// Health checks of a route.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// From one probe to the next.
    pub interval: Option<Duration>,
    /// How long a probe waits.
    pub timeout: Option<Duration>,
    /// Failures in a row that take a cell out.
    pub failures: Option<u32>,
    /// Successes in a row that bring it back.
    pub successes: Option<u32>,
    /// How long a cell stays out at least.
    pub hold: Option<Duration>,
    /// How long a client goes by the answer that it has (DNS).
    pub time_to_live: Option<Duration>,
    /// Whether a cell without a ready replica fails its probes.
    pub needs_ready: Option<bool>,
}

/// Distances between regions.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Geography {
    /// Round trips that are not those of the tables.
    #[serde(default)]
    pub round_trips: Vec<RoundTrip>,
    /// Price of a gigabyte (10^9 bytes) that leaves a region for another.
    pub egress_per_gb: Option<PerGb>,
}

/// A round trip, the same in both directions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundTrip {
    /// One region.
    pub from: String,
    /// The other.
    pub to: String,
    /// How long.
    pub takes: Duration,
}

/// Dollars for each gigabyte.
pub type PerGb = flashcrowd_language::units::NonNegative;
