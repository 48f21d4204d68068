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
    /// The jurisdiction that it belongs to, for data residency; empty if that does not matter.
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
    /// Its zones, by position in the region; new nodes go to them in turn.
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
    /// Time from the order of a node until it is ready, in seconds.
    pub provisioning: Distribution,
    /// How long a node beyond the minimum stays empty before it is given back.
    pub idle_timeout: SimDuration,
    /// Shortest time that is billed for a node.
    pub minimum_charge: SimDuration,
    /// How the market reclaims its nodes.
    pub reclaim: Reclaim,
    /// Nodes that are paid for at all times, in use or not.
    pub committed: u32,
}

/// How the market reclaims a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaim {
    /// Time from the notice to the loss (AWS 120 s, GCP and Azure 30 s); zero if there is no
    /// notice.
    pub notice: SimDuration,
    /// Share of notices that are missed, in millionths.
    pub missed_ppm: u32,
}
