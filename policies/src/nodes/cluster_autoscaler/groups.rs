//! Node groups: what the cloud lets grow as one.

use flashcrowd_core::id::{PoolId, ZoneId};
use flashcrowd_core::ports::{Demand, FleetView, PoolView};

/// A pool in one zone, or in all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) pool: u32,
    pub(super) zones: Vec<u32>,
}

/// The groups of a fleet, by pool and zone.
pub(super) fn of(pools: &[PoolView], spans_zones: bool) -> Vec<Group> {
    let mut groups = Vec::new();
    for (pool, view) in (0..).zip(pools) {
        let zones: Vec<u32> = view.zones.iter().map(|offer| offer.zone).collect();
        if spans_zones {
            groups.push(Group { pool, zones });
        } else {
            groups.extend(zones.into_iter().map(|zone| Group { pool, zones: vec![zone] }));
        }
    }
    groups
}

/// The group of a pool's nodes in a zone.
pub(super) fn find(groups: &[Group], pool: u32, zone: u32) -> Option<usize> {
    groups.iter().position(|group| group.pool == pool && group.zones.contains(&zone))
}

impl Group {
    /// The zone of its nodes, if there is only one.
    pub(super) fn zone(&self) -> Option<u32> {
        match self.zones[..] {
            [zone] => Some(zone),
            _ => None,
        }
    }

    /// Whether an empty node of the group helps. Where a group has several zones, the zone of its
    /// next node is not known, so it does not help a replica that must be in one of them.
    pub(super) fn helps(&self, demand: &Demand, pools: &[PoolView]) -> bool {
        let pool = &pools[self.pool as usize];
        demand.allows(PoolId::new(self.pool), self.zone().map(ZoneId::new))
            && demand.fits(pool.gpus_per_node, pool.memory_per_gpu)
    }

    /// What one of its nodes costs: the dearest zone, in pico-dollars per hour.
    pub(super) fn price(&self, pools: &[PoolView]) -> u64 {
        let zones = pools[self.pool as usize].zones.iter().filter(|offer| self.zones.contains(&offer.zone));
        zones.map(|offer| offer.price.0).max().unwrap_or(0)
    }

    /// Its zones as offers, the one with the fewest nodes first, as a cloud balances its groups; `added`
    /// counts nodes by zone that are ordered beside those seen.
    pub(super) fn offers(&self, seen: &FleetView, added: &[u32]) -> Vec<(u32, u32)> {
        let nodes = |zone: u32| {
            let own = seen.nodes.iter().filter(|node| node.pool == self.pool && node.zone == zone).count() as u32;
            let position = self.zones.iter().position(|&other| other == zone).unwrap_or(0);
            own + added[position]
        };
        let mut zones: Vec<(u32, u32)> = self.zones.iter().map(|&zone| (nodes(zone), zone)).collect();
        zones.sort_unstable();
        zones.into_iter().map(|(_, zone)| (self.pool, zone)).collect()
    }
}
