//! Routes across regions and distances, as written.

use super::routing::Routing;
use flashcrowd_language::units::Duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// A route: one name in front of deployments in several regions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The services that it stands for, each in one region.
    #[schemars(extend("x-example" = r#"["chat-us", "chat-eu"]"#))]
    pub cells: Vec<String>,
    /// Who chooses among them.
    pub routing: Option<Routing>,
    /// How failures are noticed.
    pub health: Option<Health>,
    /// How long a client waits for a region that does not answer.
    #[schemars(extend("x-example" = r#""3s""#))]
    pub connect_timeout: Option<Duration>,
    /// Whether a retry avoids the cell of the attempt before.
    pub retries_elsewhere: Option<bool>,
}

/// Health checks of a route.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// From one probe to the next.
    #[schemars(extend("x-example" = r#""10s""#))]
    pub interval: Option<Duration>,
    /// How long a probe waits.
    #[schemars(extend("x-example" = r#""2s""#))]
    pub timeout: Option<Duration>,
    /// Failures in a row that take a cell out.
    #[schemars(extend("x-example" = "3"))]
    pub failures: Option<u32>,
    /// Successes in a row that bring it back.
    #[schemars(extend("x-example" = "2"))]
    pub successes: Option<u32>,
    /// How long a cell stays out at least.
    #[schemars(extend("x-example" = r#""30s""#))]
    pub hold: Option<Duration>,
    /// How long a client goes by the answer that it has (DNS).
    #[schemars(extend("x-example" = r#""60s""#))]
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
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub from: String,
    /// The other.
    #[schemars(extend("x-example" = r#""eu-north-1""#))]
    pub to: String,
    /// How long.
    #[schemars(extend("x-example" = r#""90ms""#))]
    pub takes: Duration,
}

/// Dollars for each gigabyte.
pub type PerGb = flashcrowd_language::units::NonNegative;
