//! Regions and node pools, as written.

use flashcrowd_language::DurationDistribution;
use flashcrowd_language::units::{ByteSize, Duration, Fraction, Price};
use schemars::JsonSchema;
use serde::Deserialize;

/// A region.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Names of its zones.
    #[schemars(extend("x-example" = r#"["us-east-1a", "us-east-1b"]"#))]
    pub zones: Vec<String>,
    /// Whose region it is: `aws`, `gcp` or `azure`; by its name by default.
    #[schemars(extend("x-example" = r#""aws""#))]
    pub cloud: Option<String>,
    /// Whose law holds there, such as `eu`: what `residency` of a client names.
    #[schemars(extend("x-example" = r#""us""#))]
    pub jurisdiction: Option<String>,
}

/// A pool of equal GPU nodes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// GPU type.
    #[schemars(extend("x-example" = r#""H100""#))]
    pub gpu: String,
    /// Memory of one GPU.
    pub gpu_memory: Option<ByteSize>,
    /// GPUs of one node.
    #[schemars(extend("x-example" = "8"))]
    pub gpus_per_node: Option<u32>,
    /// Room on each node for what start-ups fetched; without end by default.
    pub node_cache: Option<NodeCache>,
    /// Price of one GPU.
    #[schemars(extend("x-example" = r#""6.88/h""#))]
    pub gpu_price: Option<Price>,
    /// Price of one node, instead of `gpu_price`.
    #[schemars(extend("x-example" = r#""55.04/h""#))]
    pub node_price: Option<Price>,
    /// How it is bought.
    #[schemars(extend("x-example" = "Spot"))]
    pub market: Option<Market>,
    /// Nodes that always exist.
    #[schemars(extend("x-example" = "1"))]
    pub min_nodes: Option<u32>,
    /// Most nodes.
    #[schemars(extend("x-example" = "4"))]
    pub max_nodes: u32,
    /// From the order of a node to its being ready.
    #[schemars(extend("x-example" = r#""3m""#))]
    pub provisioning: Option<DurationDistribution>,
    /// How long a node stays empty before it is given back.
    #[schemars(extend("x-example" = r#""10m""#))]
    pub idle_timeout: Option<Duration>,
    /// Nodes that are paid for at all times (reserved, committed use); `min_nodes` by default where it is
    /// bought as Reserved.
    #[schemars(extend("x-example" = "1"))]
    pub committed_nodes: Option<u32>,
    /// Share of the price that was negotiated away.
    #[schemars(extend("x-example" = "0.3"))]
    pub discount: Option<Fraction>,
    /// Shortest time billed for a node.
    #[schemars(extend("x-example" = r#""1m""#))]
    pub minimum_charge: Option<Duration>,
    /// The market whose capacity it has (Spot only).
    #[schemars(extend("x-example" = r#""h100""#))]
    pub supply: Option<String>,
    /// From the notice of a reclaim to the loss of the node (Spot only).
    #[schemars(extend("x-example" = r#""2m""#))]
    pub notice: Option<Duration>,
    /// Share of notices that nobody receives.
    #[schemars(extend("x-example" = "0.1"))]
    pub missed_notices: Option<Fraction>,
    /// Its region.
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub region: Option<String>,
    /// Its zones; all of the region by default.
    #[schemars(extend("x-example" = r#"["us-east-1a"]"#))]
    pub zones: Option<Vec<String>>,
}

/// Room for what start-ups fetched; the longest unused goes first.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeCache {
    /// In host memory; without end by default.
    #[schemars(extend("x-example" = r#""500GiB""#))]
    pub memory: Option<ByteSize>,
    /// On the local disk; without end by default.
    #[schemars(extend("x-example" = r#""2TiB""#))]
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
