//! Spot markets and faults, as written.

use flashcrowd_language::units::{Duration, Fraction, Positive};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A spot market: how many nodes each of its zones holds, as time goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum SpotMarket {
    /// Drawn as nine zones of AWS were measured (`us-east-1a`, `1c`, `1d`, `1f`, `us-east-2a`, `2b`, `us-west-2a`,
    /// `2b`, `2c`), and of those zones alone: heavy tails, shortages that zones share.
    Measured(Measured),
    /// Recorded: a folder with a file for each zone, or one file.
    Recorded(Recorded),
    /// By hand: steps for each zone.
    Steps(Steps),
    /// Each node has a lifetime of its own, whatever happens to the others.
    Lifetimes(Lifetimes),
}

/// Parameters of `Measured`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Nodes of a zone while it has any shortage behind it.
    #[schemars(extend("x-example" = "8"))]
    pub nodes: u32,
    /// How much longer up times are than those measured (V100s of 2023).
    pub up_scale: Option<Positive>,
    /// How much longer down times are.
    pub down_scale: Option<Positive>,
}

/// Parameters of `Recorded`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// A folder of skypilot-spot files, a zone each; or a file of one zone.
    #[schemars(extend("x-file" = true, "x-example" = r#""spot-traces""#))]
    pub path: String,
    /// How the file is written; `SkyPilot` by default.
    pub format: Option<SpotFormat>,
    /// Nodes for each that the recording counts.
    pub nodes_per_count: Option<u32>,
}

/// Format of a recorded market.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum SpotFormat {
    /// JSON of skypilot-org/spot-traces.
    SkyPilot,
    /// CSV of Bamboo, in seconds.
    BambooSeconds,
    /// CSV of Bamboo, in hours.
    BambooHours,
    /// CSV of Parcae: a row for each node.
    ParcaeCsv,
    /// JSON lines of Parcae.
    ParcaeJson,
}

/// Parameters of `Steps`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Steps by zone; the first is at zero.
    pub zones: BTreeMap<String, Vec<CapacityStep>>,
}

/// So many nodes from an instant on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityStep {
    /// From when.
    #[schemars(extend("x-example" = r#""8h""#))]
    pub at: Duration,
    /// How many.
    #[schemars(extend("x-example" = "4"))]
    pub nodes: u32,
}

/// Parameters of `Lifetimes`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetimes {
    /// Nodes of each zone of each pool that buys there.
    #[schemars(extend("x-example" = "8"))]
    pub nodes: u32,
    /// How long a node lives.
    pub lifetime: Lifetime,
    /// Mean time until one takes its place.
    #[schemars(extend("x-example" = r#""20m""#))]
    pub away: Duration,
}

/// How long a node lives.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Lifetime {
    /// Without memory, of this mean. No measured zone is like this.
    Exponential(Duration),
    /// Many die young or at the limit of 24 hours, as preemptible machines of GCP did.
    Bathtub,
}

/// Something that happens to the fleet.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum FaultSpec {
    /// An outage of a region or zone at a known time.
    Outage(Outage),
    /// Outages drawn at random.
    Outages(Outages),
    /// Nodes of a pool that fail one by one, at random.
    NodeFailures(NodeFailures),
    /// A bad way between two regions.
    BadLink(BadLink),
    /// Spot prices from a file.
    Prices(Prices),
}

/// What an outage does.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum OutageKind {
    /// All is lost, and a region is not reached.
    Total,
    /// A share of the nodes is lost, and none can be had.
    Partial(Fraction),
    /// What runs stays; no new nodes.
    ControlPlane,
}

/// Parameters of `Outage`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Which region; the only one by default.
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub region: Option<String>,
    /// Which of its zones; all by default.
    #[schemars(extend("x-example" = r#""us-east-1a""#))]
    pub zone: Option<String>,
    /// When it begins.
    #[schemars(extend("x-example" = r#""13h""#))]
    pub at: Duration,
    /// How long it lasts.
    #[schemars(extend("x-example" = r#""25m""#))]
    pub lasts: Duration,
    /// What it does; `Total` by default.
    pub kind: Option<OutageKind>,
}

/// Parameters of `Outages`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outages {
    /// Which region; the only one by default.
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub region: Option<String>,
    /// Which of its zones; all by default.
    #[schemars(extend("x-example" = r#""us-east-1a""#))]
    pub zone: Option<String>,
    /// What they do.
    pub kind: Option<OutageKind>,
    /// Mean time from the end of one to the next.
    #[schemars(extend("x-example" = r#""30d""#))]
    pub every: Option<Duration>,
    /// Median length.
    #[schemars(extend("x-example" = r#""40m""#))]
    pub median: Option<Duration>,
    /// Sigma of the lognormal length.
    pub sigma: Option<Positive>,
}

/// Parameters of `NodeFailures`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeFailures {
    /// Which pool.
    #[schemars(extend("x-example" = r#""h100""#))]
    pub pool: String,
    /// Mean time from one failure in the pool to the next.
    #[schemars(extend("x-example" = r#""60d""#))]
    pub every: Duration,
}

/// Parameters of `BadLink`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BadLink {
    /// One region.
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub from: String,
    /// The other.
    #[schemars(extend("x-example" = r#""eu-north-1""#))]
    pub to: String,
    /// When it begins.
    #[schemars(extend("x-example" = r#""9h""#))]
    pub at: Duration,
    /// How long it lasts.
    #[schemars(extend("x-example" = r#""10m""#))]
    pub lasts: Duration,
    /// Added to each round trip.
    #[schemars(extend("x-example" = r#""80ms""#))]
    pub adds: Option<Duration>,
    /// Share of attempts that are lost.
    #[schemars(extend("x-example" = "0.02"))]
    pub loses: Option<Fraction>,
}

/// Parameters of `Prices`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Which pool.
    #[schemars(extend("x-example" = r#""h100""#))]
    pub pool: String,
    /// Which of its zones; all by default.
    #[schemars(extend("x-example" = r#""us-east-1a""#))]
    pub zone: Option<String>,
    /// A CSV file `time_s,price`: dollars for a node and hour.
    #[schemars(extend("x-file" = true, "x-example" = r#""prices.csv""#))]
    pub path: String,
}
