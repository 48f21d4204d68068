//! Which of the units that wait for GPUs will get some: those for whom a node boots, or could be
//! ordered. The others wait for a full pool, and so do their requests.
//!
//! This only says why requests wait: it decides nothing, and asks no policy.

use super::Simulation;
use crate::fleet::Demand;
use crate::id::{DemandId, PoolId, UnitId, ZoneId};
use std::collections::{BTreeMap, BTreeSet};

/// A node that will have room.
struct Coming {
    pool: PoolId,
    zone: ZoneId,
    free: u32,
}

/// What is to come.
struct Outlook {
    nodes: Vec<Coming>,
    /// Nodes that could be ordered and are counted already, by pool and zone.
    orders: BTreeMap<(PoolId, ZoneId), u32>,
}

impl Simulation {
    /// A unit has begun to wait: one of its demand that waits already knows whether there is hope.
    pub(super) fn judge_newest(&mut self) {
        let Some((&id, earlier)) = self.fleet.pending.split_last() else { return };
        let demand = self.fleet.units[id].demand;
        let last = earlier.last().map(|&other| &self.fleet.units[other]);
        match last.filter(|other| other.demand == demand).map(|other| other.stuck) {
            Some(true) => self.set_stuck(id, true),
            Some(false) if self.pool_to_grow(id).is_some() => {}
            _ => self.judge_waiting(),
        }
    }

    /// Says of each unit that waits whether GPUs will come for it.
    pub(super) fn judge_waiting(&mut self) {
        if self.fleet.pending.is_empty() {
            return;
        }
        let mut outlook = self.outlook();
        // By demand: the first of the nodes to come that may have room for a unit; room only shrinks.
        let mut from: BTreeMap<DemandId, usize> = BTreeMap::new();
        let mut hopeless: BTreeSet<DemandId> = BTreeSet::new();
        for at in 0..self.fleet.pending.len() {
            let id = self.fleet.pending[at];
            let kind = self.fleet.units[id].demand;
            if !hopeless.contains(&kind) {
                let demand = &self.fleet.demands[kind];
                if !self.finds_room(demand, from.entry(kind).or_default(), &mut outlook) {
                    hopeless.insert(kind);
                }
            }
            self.set_stuck(id, hopeless.contains(&kind));
        }
    }

    /// A unit waits for a full pool, or no longer does.
    pub(super) fn set_stuck(&mut self, unit: UnitId, stuck: bool) {
        let now = self.agenda.now();
        if std::mem::replace(&mut self.fleet.units[unit].stuck, stuck) == stuck {
            return;
        }
        for &pod in &self.fleet.units[unit].pods {
            let service = self.fleet.pods[pod].service();
            self.services[service].waits.step_stuck(stuck, now);
        }
    }

    /// Nodes that boot; and those with free GPUs, which help units that stand on several nodes.
    fn outlook(&self) -> Outlook {
        let wide = self.fleet.pending.iter().any(|&unit| self.fleet.demand_of(unit).groups > 1);
        let mut nodes = Vec::new();
        for (pool, stock) in self.fleet.stock.iter() {
            let open = stock.open.iter().filter(|_| wide);
            nodes.extend(stock.booting.iter().chain(open).map(|&node| {
                let state = &self.fleet.nodes[node];
                Coming { pool, zone: state.zone, free: state.free.count_ones() }
            }));
        }
        Outlook { nodes, orders: BTreeMap::new() }
    }

    /// Takes the room of one unit from what is to come, whole or not at all.
    fn finds_room(&self, demand: &Demand, from: &mut usize, outlook: &mut Outlook) -> bool {
        let gpus = demand.shape.gpus();
        let mut taken: Vec<usize> = Vec::new();
        for _ in 0..demand.groups {
            let fits = |node: &Coming| {
                demand.allows(node.pool, Some(node.zone))
                    && demand.fits(node.free, self.fleet.pools[node.pool].memory_per_gpu)
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

    /// One more node that helps a demand, if a pool would grant it beside those counted already.
    fn could_order(&self, demand: &Demand, outlook: &mut Outlook) -> Option<usize> {
        for &pool in &demand.pools {
            let (config, stock) = (&self.fleet.pools[pool], &self.fleet.stock[pool]);
            let of_pool = (pool, ZoneId::new(0))..=(pool, ZoneId::NONE);
            let ordered: u32 = outlook.orders.range(of_pool).map(|(_, count)| count).sum();
            if !self.fleet.fits_empty_node(demand, pool) || stock.live.saturating_add(ordered) >= config.max_nodes {
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
