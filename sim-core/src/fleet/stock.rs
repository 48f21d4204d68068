//! The nodes of one pool, counted, and what the market grants of it in each zone.

use super::config::{PoolConfig, Region};
use crate::clock::SimTime;
use crate::id::{NodeId, PoolId, RegionId, Table, ZoneId};
use std::collections::BTreeSet;

/// The nodes of one pool, counted: a fleet may have a hundred thousand, and units that wait for one.
#[derive(Debug)]
pub(crate) struct Stock {
    /// Nodes ever ordered.
    pub(crate) ever: u32,
    /// Nodes not yet given back.
    pub(crate) live: u32,
    /// Those of them that are committed to.
    pub(crate) committed_live: u32,
    /// Ready nodes with a free GPU that take units.
    pub(crate) open: BTreeSet<NodeId>,
    /// Booting nodes.
    pub(crate) booting: BTreeSet<NodeId>,
    /// Up to when commitments without a node are billed.
    pub(crate) settled: SimTime,
    /// By zone of the pool's region.
    pub(crate) zones: Table<ZoneId, ZoneStock>,
}

/// What a zone grants of one pool.
#[derive(Clone, Debug)]
pub(crate) struct ZoneStock {
    /// Most nodes that the market holds there.
    pub(crate) capacity: u32,
    /// Nodes that count against it: neither given back nor reclaimed.
    pub(crate) nodes: BTreeSet<NodeId>,
    /// Outages that keep new nodes away.
    pub(crate) blocks: u32,
    /// What a node costs there, by position among the rates of the bill.
    pub(crate) rate: u32,
}

impl Stock {
    /// The stock of a pool with no node yet: every zone grants what is asked, at the list price.
    pub(crate) fn new(at: PoolId, pool: &PoolConfig, regions: &Table<RegionId, Region>) -> Self {
        let zones = regions[RegionId::new(pool.region)].zones.len();
        Stock {
            ever: 0,
            live: 0,
            committed_live: 0,
            open: BTreeSet::new(),
            booting: BTreeSet::new(),
            settled: SimTime::ZERO,
            zones: (0..zones).map(|_| ZoneStock::endless(at.get())).collect(),
        }
    }

    /// The zone of the pool's next node, in turn among those that suit and grant one; nothing if none
    /// does, or the pool is at its maximum.
    pub(crate) fn next_zone(&self, pool: &PoolConfig, suits: impl Fn(ZoneId) -> bool) -> Option<ZoneId> {
        if self.live >= pool.max_nodes {
            return None;
        }
        let count = pool.zones.len();
        let mut in_turn = (0..count).map(|step| ZoneId::new(pool.zones[(self.ever as usize + step) % count]));
        in_turn.find(|&zone| suits(zone) && self.zones[zone].grants())
    }
}

impl ZoneStock {
    /// An endless stock at a rate.
    pub(crate) fn endless(rate: u32) -> Self {
        ZoneStock { capacity: u32::MAX, nodes: BTreeSet::new(), blocks: 0, rate }
    }

    /// Whether one more node would be granted.
    pub(crate) fn grants(&self) -> bool {
        self.blocks == 0 && self.nodes.len() < self.capacity as usize
    }
}
