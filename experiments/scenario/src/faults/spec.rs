//! Spot markets and faults, as written.

use flashcrowd_language::units::{Duration, Fraction, Positive};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A spot market: how many nodes each of its zones holds, as time goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum SpotMarket {
    /// Drawn as the nine zones of AWS were measured: heavy tails, shortages that zones share.
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
    pub at: Duration,
    /// How many.
    pub nodes: u32,
}

/// Parameters of `Lifetimes`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetimes {
    /// Nodes of each zone of each pool that buys there.
    pub nodes: u32,
    /// How long a node lives.
    pub lifetime: Lifetime,
    /// Mean time until one takes its place.
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

/// Something that befalls the fleet.
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
    pub region: Option<String>,
    /// Which of its zones; all by default.
    pub zone: Option<String>,
    /// When it begins.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it does; `Total` by default.
    pub kind: Option<OutageKind>,
}

/// Parameters of `Outages`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outages {
    /// Which region; the only one by default.
    pub region: Option<String>,
    /// Which of its zones; all by default.
    pub zone: Option<String>,
    /// What they do.
    pub kind: Option<OutageKind>,
    /// Mean time from the end of one to the next.
    pub every: Option<Duration>,
    /// Median length.
    pub median: Option<Duration>,
    /// Sigma of the lognormal length.
    pub sigma: Option<Positive>,
}

/// Parameters of `NodeFailures`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeFailures {
    /// Which pool.
    pub pool: String,
    /// Mean time from one failure in the pool to the next.
    pub every: Duration,
}

/// Parameters of `BadLink`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BadLink {
    /// One region.
    pub from: String,
    /// The other.
    pub to: String,
    /// When it begins.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// Added to each round trip.
    pub adds: Option<Duration>,
    /// Share of attempts that are lost.
    pub loses: Option<Fraction>,
}

/// Parameters of `Prices`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Which pool.
    pub pool: String,
    /// Which of its zones; all by default.
    pub zone: Option<String>,
    /// A CSV file `time_s,price`: dollars for a node and hour.
    pub path: String,
}
