//! Resolved configuration of regions and node pools.

use super::cache::CacheSizes;
use crate::clock::{Distribution, SimDuration};
use crate::units::{Bytes, Market, PicoUsdPerHour};
use std::sync::Arc;

/// A region and its zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name.
    pub name: Arc<str>,
    /// Whose law holds there: what data residency is about; empty if nobody asks.
    pub jurisdiction: Arc<str>,
    /// Names of its zones, at least one.
    pub zones: Vec<Arc<str>>,
}

/// A pool of equal GPU nodes in one region.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolConfig {
    /// Its name.
    pub name: Arc<str>,
    /// Its region, by position.
    pub region: u32,
    /// Its zones, by position in the region; new nodes take them in turn.
    pub zones: Vec<u32>,
    /// GPU type.
    pub gpu: Arc<str>,
    /// GPUs of one node, at most 64.
    pub gpus_per_node: u32,
    /// Memory of one GPU.
    pub memory_per_gpu: Bytes,
    /// Room for start-up caches on each node.
    pub cache: CacheSizes,
    /// Price of one node.
    pub price: PicoUsdPerHour,
    /// How it is bought.
    pub market: Market,
    /// Nodes that always exist, ready at the start.
    pub min_nodes: u32,
    /// Most nodes at once.
    pub max_nodes: u32,
    /// From the order of a node to its being ready, in seconds.
    pub provisioning: Distribution,
    /// How long a node above the minimum stays empty before it is given back.
    pub idle_timeout: SimDuration,
    /// Shortest time that is billed for a node.
    pub minimum_charge: SimDuration,
    /// What a reclaim of its nodes looks like.
    pub reclaim: Reclaim,
    /// Nodes that are paid for at all times, whether they live or not.
    pub committed: u32,
}

/// How the market takes a node back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaim {
    /// From the notice to the loss (AWS 120 s, GCP and Azure 30 s); zero for none.
    pub notice: SimDuration,
    /// Share of notices that nobody receives, in millionths.
    pub missed_ppm: u32,
}
