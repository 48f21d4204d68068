//! Which of the replicas that wait for GPUs will get some: those for whom a node boots, or could be
//! ordered. The others wait for a full pool, and so do their requests.
//!
//! This only says why requests wait: it decides nothing, and asks no policy.

use super::Simulation;
use crate::fleet::Occupant;
use std::collections::{BTreeMap, BTreeSet};

/// A node that will have room.
struct Coming {
    pool: u32,
    zone: u32,
    free: u32,
}

/// Replicas of one service and class, which are alike.
struct Kind {
    occupant: Occupant,
    /// The first of the nodes to come that may have room for one: room only shrinks.
    from: usize,
}

/// What is to come.
struct Outlook {
    nodes: Vec<Coming>,
    /// Nodes that could be ordered and are counted already, by pool and zone.
    orders: BTreeMap<(u32, u32), u32>,
}

impl Simulation {
    /// A replica has begun to wait: one of its kind that waits already knows whether there is hope.
    pub(super) fn judge_newest(&mut self) {
        let Some((&id, earlier)) = self.pending.split_last() else { return };
        let replica = &self.replicas[id as usize];
        let alike = earlier
            .last()
            .map(|&other| &self.replicas[other as usize])
            .filter(|other| (other.service, other.class) == (replica.service, replica.class));
        match alike.map(|other| other.stuck) {
            Some(true) => self.set_stuck(id, true),
            Some(false) if self.may_grow(id) => {}
            _ => self.judge_waiting(),
        }
    }

    /// Whether some pool of a replica could have one more node that helps it.
    fn may_grow(&self, id: u32) -> bool {
        let service = self.replicas[id as usize].service;
        self.pools_for(id).iter().any(|&pool| self.fits_empty_node(service, pool) && self.next_zone(pool, id).is_some())
    }

    /// Says of each replica that waits whether GPUs will come for it.
    pub(super) fn judge_waiting(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut outlook = self.outlook();
        let mut kinds: BTreeMap<(u32, Option<u32>), Kind> = BTreeMap::new();
        let mut hopeless = BTreeSet::new();
        for at in 0..self.pending.len() {
            let id = self.pending[at];
            let key = (self.replicas[id as usize].service, self.replicas[id as usize].class);
            if !hopeless.contains(&key) {
                let kind = kinds.entry(key).or_insert_with(|| Kind { occupant: self.occupant(key.0), from: 0 });
                if !self.finds_room(id, kind, &mut outlook) {
                    hopeless.insert(key);
                }
            }
            self.set_stuck(id, hopeless.contains(&key));
        }
    }

    /// A replica, and what is resident on it, waits for a full pool, or no longer does.
    pub(super) fn set_stuck(&mut self, id: u32, stuck: bool) {
        if self.replicas[id as usize].stuck == stuck {
            return;
        }
        let now = self.agenda.now();
        for member in self.members_of(id) {
            let replica = &mut self.replicas[member as usize];
            if std::mem::replace(&mut replica.stuck, stuck) != stuck {
                self.services[replica.service as usize].state.waits.step_stuck(stuck, now);
            }
        }
    }

    /// Nodes that boot; and those with free GPUs, which help replicas that stand on several nodes.
    fn outlook(&self) -> Outlook {
        let services = self.pending.iter().map(|&id| self.replicas[id as usize].service);
        let wide = services.into_iter().any(|service| self.services[service as usize].state.config.groups > 1);
        let mut nodes = Vec::new();
        for (stock, pool) in self.stock.iter().zip(0..) {
            let open = stock.open.iter().filter(|_| wide);
            nodes.extend(stock.booting.iter().chain(open).map(|&node| {
                let state = &self.nodes[node as usize];
                Coming { pool, zone: state.zone, free: state.free.count_ones() }
            }));
        }
        Outlook { nodes, orders: BTreeMap::new() }
    }

    /// Takes the room of one replica from what is to come, whole or not at all.
    fn finds_room(&self, id: u32, kind: &mut Kind, outlook: &mut Outlook) -> bool {
        let (groups, gpus) = (kind.occupant.groups, kind.occupant.gpus_per_group);
        let mut taken: Vec<usize> = Vec::new();
        for _ in 0..groups {
            let fits = |node: &Coming| {
                node.free >= gpus
                    && self.pools_for(id).contains(&node.pool)
                    && self.zone_suits(id, node.zone)
                    && self.world.pools[node.pool as usize].memory_per_gpu >= kind.occupant.memory_per_gpu
            };
            let found = outlook.nodes[kind.from..].iter().position(fits).map(|at| at + kind.from);
            let found = found.or_else(|| self.could_order(id, outlook));
            let Some(at) = found else {
                for at in taken {
                    outlook.nodes[at].free += gpus;
                }
                return false;
            };
            kind.from = at;
            outlook.nodes[at].free -= gpus;
            taken.push(at);
        }
        true
    }

    /// One more node that helps a replica, if a pool would grant it beside those counted already.
    fn could_order(&self, id: u32, outlook: &mut Outlook) -> Option<usize> {
        let service = self.replicas[id as usize].service;
        for &pool in self.pools_for(id) {
            let (config, stock) = (&self.world.pools[pool as usize], &self.stock[pool as usize]);
            let ordered: u32 = outlook.orders.range((pool, 0)..=(pool, u32::MAX)).map(|(_, count)| count).sum();
            if !self.fits_empty_node(service, pool) || stock.live.saturating_add(ordered) >= config.max_nodes {
                continue;
            }
            for &zone in config.zones.iter().filter(|&&zone| self.zone_suits(id, zone)) {
                let counted = outlook.orders.entry((pool, zone)).or_default();
                let place = &stock.zones[zone as usize];
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
