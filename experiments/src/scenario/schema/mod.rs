//! The scenario file as its author writes it. Everything with a sound default is an `Option` here;
//! `resolve` turns this into what a run is made of.

mod autoscaler;
mod baselines;
mod engine;
mod faults;
mod fleet;
mod nodes;
mod policy;
mod regions;
mod service;
mod startup;
mod traffic;

pub use autoscaler::*;
pub use baselines::*;
pub use engine::*;
pub use faults::*;
pub use fleet::*;
pub use nodes::*;
pub use policy::*;
pub use regions::*;
pub use service::*;
pub use startup::*;
pub use traffic::*;

use crate::scenario::language::units::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; the file's name by default.
    pub name: Option<String>,
    /// What it is about, in a sentence.
    pub about: Option<String>,
    /// Seed of all randomness.
    pub seed: Option<u64>,
    /// How long the run lasts; a recorded trace's span by default.
    pub horizon: Option<Duration>,
    /// Requests that arrive before this are played but not measured.
    pub warmup: Option<Duration>,
    /// Independent repetitions.
    pub replicates: Option<u32>,
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
    /// What befalls the fleet, by name.
    #[serde(default)]
    pub faults: BTreeMap<String, FaultSpec>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Routes by name; a service with `regions` makes one of its own name.
    #[serde(default)]
    pub routes: BTreeMap<String, Route>,
    /// Traffic by name.
    pub traffic: BTreeMap<String, Traffic>,
    /// How replicas are placed on nodes.
    pub placement: Option<Placement>,
    /// Who orders nodes and gives them back; `Plain` by default.
    pub node_autoscaler: Option<NodeAutoscaler>,
    /// Whether a node is drained at the notice of its reclaim without the node autoscaler's doing.
    pub drains_on_notice: Option<bool>,
    /// How often the plain node autoscaler looks.
    pub node_scan_period: Option<Duration>,
    /// Period of the series in the outputs.
    pub series_period: Option<Duration>,
    /// About how many requests are listed one by one in the outputs; 0 for none.
    pub request_samples: Option<u32>,
    /// Variants: a name and overrides, each `path=value`.
    #[serde(default)]
    pub variants: BTreeMap<String, Vec<String>>,
    /// The variant that others are compared with; the first by default.
    pub baseline: Option<String>,
    /// What may not be exceeded.
    #[serde(default)]
    pub limits: Limits,
}

/// Limits, checked before a run and while it runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Expected requests of one run.
    pub requests: Option<f64>,
    /// Requests that are live at once.
    pub live_requests: Option<u64>,
    /// Nodes, replicas and closed-loop users, each.
    pub entities: Option<u32>,
    /// Simulated time.
    pub horizon: Option<Duration>,
    /// Estimated memory of a run, and of all replicates of a variant.
    pub memory: Option<ByteSize>,
}
