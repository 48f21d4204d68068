//! Which waiting units will get GPUs: those for which a node boots or could be ordered. The others
//! wait for a full pool, and so do their requests.
//!
//! This only explains why requests wait. It decides nothing, and asks no policy.

use super::{Demand, Fleet};
use crate::id::{DemandId, PoolId, UnitId, ZoneId};
use std::collections::{BTreeMap, BTreeSet};

/// A node that will have room.
struct Coming {
    pool: PoolId,
    zone: ZoneId,
    free: u32,
}

/// The room that will come.
struct Outlook {
    nodes: Vec<Coming>,
    /// Nodes that could be ordered and are already counted in `nodes`, by pool and zone.
    orders: BTreeMap<(PoolId, ZoneId), u32>,
}

impl Fleet {
    /// Whether the unit that has just begun to wait is stuck, if that can be told without looking
    /// at all units: it is stuck if the one before it of the same demand is; it is not if that one
    /// is not and a pool would grow for it. `None` if all units must be looked at.
    pub(crate) fn newest_hope(&self) -> Option<(UnitId, bool)> {
        let (&id, earlier) = self.pending().split_last()?;
        let demand = self.unit(id).demand;
        let last = earlier.last().map(|&other| self.unit(other));
        match last.filter(|other| other.demand == demand).map(|other| other.stuck) {
            Some(true) => Some((id, true)),
            Some(false) if self.pool_to_grow(self.demand(demand)).is_some() => Some((id, false)),
            _ => None,
        }
    }

    /// For each waiting unit, whether it is stuck: no GPUs will come for it.
    pub(crate) fn hopes(&self) -> Vec<(UnitId, bool)> {
        if self.pending().is_empty() {
            return Vec::new();
        }
        let mut outlook = self.outlook();
        // For each demand, the first of the coming nodes that may have room; room only shrinks.
        let mut from: BTreeMap<DemandId, usize> = BTreeMap::new();
        let mut hopeless: BTreeSet<DemandId> = BTreeSet::new();
        let hope = |&id: &UnitId| {
            let kind = self.unit(id).demand;
            let found = !hopeless.contains(&kind)
                && self.finds_room(self.demand(kind), from.entry(kind).or_default(), &mut outlook);
            if !found {
                hopeless.insert(kind);
            }
            (id, !found)
        };
        self.pending().iter().map(hope).collect()
    }

    /// Booting nodes; and nodes with free GPUs, if a waiting unit could use them together with
    /// others.
    fn outlook(&self) -> Outlook {
        let wide = self.pending().iter().any(|&unit| self.demand_of(unit).groups > 1);
        let mut nodes = Vec::new();
        for (pool, stock) in self.pools().ids().map(|pool| (pool, self.stock(pool))) {
            let open = stock.open.iter().filter(|_| wide);
            nodes.extend(stock.booting.iter().chain(open).map(|&node| {
                let state = self.node(node);
                Coming { pool, zone: state.zone, free: state.free.count_ones() }
            }));
        }
        Outlook { nodes, orders: BTreeMap::new() }
    }

    /// Takes the room of one unit from the coming nodes, whole or not at all.
    fn finds_room(&self, demand: &Demand, from: &mut usize, outlook: &mut Outlook) -> bool {
        let gpus = demand.shape.gpus();
        let mut taken: Vec<usize> = Vec::new();
        for _ in 0..demand.groups {
            let fits = |node: &Coming| {
                demand.allows(node.pool, Some(node.zone)) && demand.fits(node.free, self.pool(node.pool).memory_per_gpu)
            };
            let found = outlook.nodes[*from..].iter().position(fits).map(|at| at + *from);
            let found = found.or_else(|| self.could_order(demand, outlook));
            let Some(at) = found else {
                for at in taken {
                    outlook.nodes[at].free += gpus;
                }
                return false;
            };
            *from = at;
            outlook.nodes[at].free -= gpus;
            taken.push(at);
        }
        true
    }

    /// Adds one more node that fits a demand, if a pool would grant it besides those already
    /// counted.
    fn could_order(&self, demand: &Demand, outlook: &mut Outlook) -> Option<usize> {
        for &pool in &demand.pools {
            let (config, stock) = (self.pool(pool), self.stock(pool));
            let of_pool = (pool, ZoneId::new(0))..=(pool, ZoneId::NONE);
            let ordered: u32 = outlook.orders.range(of_pool).map(|(_, count)| count).sum();
            if !self.fits_empty_node(demand, pool) || stock.live.saturating_add(ordered) >= config.max_nodes {
                continue;
            }
            for zone in config.zones.iter().map(|&zone| ZoneId::new(zone)).filter(|&zone| demand.suits(zone)) {
                let counted = outlook.orders.entry((pool, zone)).or_default();
                let place = &stock.zones[zone];
                let held = (place.nodes.len() as u64).saturating_add(u64::from(*counted));
                if place.blocks == 0 && held < u64::from(place.capacity) {
                    *counted += 1;
                    outlook.nodes.push(Coming { pool, zone, free: config.gpus_per_node });
                    return Some(outlook.nodes.len() - 1);
                }
            }
        }
        None
    }
}
