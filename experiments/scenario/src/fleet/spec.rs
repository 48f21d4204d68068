//! Regions and node pools, as written.

use flashcrowd_language::DurationLaw;
use flashcrowd_language::units::{ByteSize, Duration, Fraction, Price};
use schemars::JsonSchema;
use serde::Deserialize;

/// A region.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Names of its zones.
    pub zones: Vec<String>,
    /// Whose region it is: `aws`, `gcp` or `azure`; by its name by default.
    pub cloud: Option<String>,
    /// Whose law holds there, such as `eu`: what `residency` of a client names.
    pub jurisdiction: Option<String>,
}

/// A pool of equal GPU nodes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// GPU type.
    pub gpu: String,
    /// Memory of one GPU.
    pub gpu_memory: Option<ByteSize>,
    /// GPUs of one node.
    pub gpus_per_node: Option<u32>,
    /// Room on each node for what start-ups fetched; without end by default.
    pub node_cache: Option<NodeCache>,
    /// Price of one GPU.
    pub gpu_price: Option<Price>,
    /// Price of one node, instead of `gpu_price`.
    pub node_price: Option<Price>,
    /// How it is bought.
    pub market: Option<Market>,
    /// Nodes that always exist.
    pub min_nodes: Option<u32>,
    /// Most nodes.
    pub max_nodes: u32,
    /// From the order of a node to its being ready.
    pub provisioning: Option<DurationLaw>,
    /// How long a node stays empty before it is given back.
    pub idle_timeout: Option<Duration>,
    /// Nodes that are paid for at all times (reserved, committed use); `min_nodes` by default where it is
    /// bought as Reserved.
    pub committed_nodes: Option<u32>,
    /// Share of the price that was negotiated away.
    pub discount: Option<Fraction>,
    /// Shortest time billed for a node.
    pub minimum_charge: Option<Duration>,
    /// The market whose capacity it has (Spot only).
    pub supply: Option<String>,
    /// From the notice of a reclaim to the loss of the node (Spot only).
    pub notice: Option<Duration>,
    /// Share of notices that nobody receives.
    pub missed_notices: Option<Fraction>,
    /// Its region.
    pub region: Option<String>,
    /// Its zones; all of the region by default.
    pub zones: Option<Vec<String>>,
}

/// Room for what start-ups fetched; the longest unused goes first.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeCache {
    /// In host memory; without end by default.
    pub memory: Option<ByteSize>,
    /// On the local disk; without end by default.
    pub disk: Option<ByteSize>,
}

/// How capacity is bought.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Market {
    /// By the hour.
    OnDemand,
    /// Committed ahead.
    Reserved,
    /// Reclaimable.
    Spot,
}

/// How replicas are placed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Placement {
    /// On the node with the most free GPUs (`LeastAllocated`).
    Spread,
    /// On the node with the fewest free GPUs that fit (`MostAllocated`).
    Pack,
}
