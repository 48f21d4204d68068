//! The nodes of one pool, counted, and what the market grants in each zone.

use super::config::{PoolConfig, Region};
use crate::clock::SimTime;
use crate::id::{NodeId, PoolId, RegionId, Table, ZoneId};
use std::collections::BTreeSet;

/// The nodes of one pool, in lists: a fleet may have a hundred thousand nodes, and placement must
/// not look at all.
#[derive(Debug)]
pub(crate) struct Stock {
    /// Nodes ever ordered.
    pub(crate) ever: u32,
    /// Nodes in the fleet.
    pub(crate) live: u32,
    /// The committed nodes among them.
    pub(crate) committed_live: u32,
    /// Ready nodes with a free GPU that take units.
    pub(crate) open: BTreeSet<NodeId>,
    /// Booting nodes.
    pub(crate) booting: BTreeSet<NodeId>,
    /// The instant up to which unused commitments are billed.
    pub(crate) settled: SimTime,
    /// By zone of the pool's region.
    pub(crate) zones: Table<ZoneId, ZoneStock>,
}

/// What a zone grants of one pool.
#[derive(Clone, Debug)]
pub(crate) struct ZoneStock {
    /// The number of nodes that the market has there.
    pub(crate) capacity: u32,
    /// Nodes that count against that number: in the fleet and not reclaimed.
    pub(crate) nodes: BTreeSet<NodeId>,
    /// Number of outages that keep new nodes away.
    pub(crate) blocks: u32,
    /// The price of a node there, by position among the rates of the bill.
    pub(crate) rate: u32,
}

impl Stock {
    /// The stock of a pool without nodes: every zone grants what is asked for, at the list price.
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

    /// The zone of the pool's next node: the zones that suit and grant one take turns. `None` if
    /// there is none, or the pool is at its maximum.
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
    /// An unlimited stock at a rate.
    pub(crate) fn endless(rate: u32) -> Self {
        ZoneStock { capacity: u32::MAX, nodes: BTreeSet::new(), blocks: 0, rate }
    }

    /// Whether another node would be granted.
    pub(crate) fn grants(&self) -> bool {
        self.blocks == 0 && self.nodes.len() < self.capacity as usize
    }
}
