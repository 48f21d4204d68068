//! The scenario file as its author writes it; each topic's part stands in its folder. Everything with a
//! sound default is an `Option` here; `resolve` turns this into what a run is made of.

pub use crate::autoscaler::Autoscaler;
pub use crate::autoscaler::spec::*;
pub use crate::capacity::Capacity;
pub use crate::faults::spec::*;
pub use crate::fleet::placement::Placement;
pub use crate::fleet::spec::*;
pub use crate::limits::spec::*;
pub use crate::network::routing::Routing;
pub use crate::network::spec::*;
pub use crate::nodes::NodeAutoscaler;
pub use crate::service::router::Router;
pub use crate::service::spec::*;
pub use crate::serving::spec::*;
pub use crate::slo::spec::*;
pub use crate::startup::spec::*;
pub use crate::traffic::Traffic;
pub use crate::traffic::client::*;

use flashcrowd_language::units::{Duration, Positive};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; the file's name by default.
    #[schemars(extend("x-example" = r#""evening""#))]
    pub name: Option<String>,
    /// What it is about, in a sentence.
    #[schemars(extend("x-example" = r#""One model behind the HPA, on an evening""#))]
    pub about: Option<String>,
    /// Seed of all randomness.
    #[schemars(extend("x-example" = "1"))]
    pub seed: Option<u64>,
    /// When the run begins by the clock on the wall: for schedules in time zones. When its trace began, or a
    /// Monday, by default.
    #[schemars(extend("x-example" = r#""2026-03-02T00:00:00Z""#))]
    pub starts_at: Option<String>,
    /// How long the run lasts; a recorded trace's span by default.
    #[schemars(extend("x-example" = r#""2h""#))]
    pub horizon: Option<Duration>,
    /// Requests that arrive before this are played but not measured.
    #[schemars(extend("x-example" = r#""5m""#))]
    pub warmup: Option<Duration>,
    /// Independent repetitions.
    #[schemars(extend("x-example" = "5"))]
    pub replicates: Option<u32>,
    /// All traffic times this: rates, rows of traces, users of closed loops.
    #[schemars(extend("x-example" = "1.2"))]
    pub load: Option<Positive>,
    /// Regions by name.
    #[serde(default)]
    pub regions: BTreeMap<String, Region>,
    /// Distances between regions.
    pub geography: Option<Geography>,
    /// Node pools by name.
    #[serde(default)]
    pub pools: BTreeMap<String, Pool>,
    /// Links that transfers of starting replicas share, by name.
    #[serde(default)]
    pub links: BTreeMap<String, Link>,
    /// Spot markets by name: what `supply` of a pool names.
    #[serde(default)]
    pub markets: BTreeMap<String, SpotMarket>,
    /// What happens to the fleet, by name.
    #[serde(default)]
    pub faults: BTreeMap<String, FaultSpec>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Routes by name; a service with `regions` makes one of its own name.
    #[serde(default)]
    pub routes: BTreeMap<String, Route>,
    /// Traffic by name.
    #[schemars(extend(
        "x-example" = r#"{"chat": Poisson(rate: "4/s", prompt_tokens: LogNormal(p50: 1200, p99: 9000), output_tokens: 250)}"#
    ))]
    pub traffic: BTreeMap<String, Traffic>,
    /// How replicas are placed on nodes.
    #[schemars(extend("x-example" = "Pack"))]
    pub placement: Option<Placement>,
    /// Who orders nodes and gives them back; `Plain` by default.
    #[schemars(extend("x-example" = "ClusterAutoscaler()"))]
    pub node_autoscaler: Option<NodeAutoscaler>,
    /// Whether a node is drained at the notice of its reclaim without the node autoscaler's doing.
    pub drains_on_notice: Option<bool>,
    /// How often the plain node autoscaler looks.
    #[schemars(extend("x-example" = r#""10s""#))]
    pub node_scan_period: Option<Duration>,
    /// Period of the series in the outputs.
    #[schemars(extend("x-example" = r#""15s""#))]
    pub series_period: Option<Duration>,
    /// About how many requests are listed one by one in the outputs; 0 for none.
    #[schemars(extend("x-example" = "1000"))]
    pub request_samples: Option<u32>,
    /// Variants: a name and overrides, each `path=value`.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"{"more": ["services.chat.replicas=4"]}"#))]
    pub variants: BTreeMap<String, Vec<String>>,
    /// The variant that others are compared with; the first by default.
    #[schemars(extend("x-example" = r#""more""#))]
    pub baseline: Option<String>,
    /// What may not be exceeded.
    #[serde(default)]
    pub limits: Limits,
}
