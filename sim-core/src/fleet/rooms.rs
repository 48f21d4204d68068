//! Free room by node, and where the scheduler puts units.

use super::placement::{NodeRoom, place};
use super::{Fleet, Hold, Parts};
use crate::clock::SimTime;
use crate::id::{DemandId, NodeId, UnitId};

/// The scheduler's answer for one unit, as a whole. Preemptions and moves will be further steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Each group goes on one of these nodes.
    Bind(UnitId, Vec<NodeId>),
    /// The unit waits.
    Refuse(Why),
}

/// Why a unit was not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its pools have too few free GPUs, or too scattered ones.
    NoRoom,
}

impl Fleet {
    /// Finds nodes for a unit among the ready nodes.
    pub(crate) fn schedule(&mut self, unit: UnitId) -> Step {
        let mut rooms = self.rooms(unit);
        let demand = self.units[unit].demand;
        match self.place(demand, &mut rooms) {
            Some(nodes) => Step::Bind(unit, nodes),
            None => Step::Refuse(Why::NoRoom),
        }
    }

    /// The free room for a unit on ready nodes, by node; empty if it is too little.
    fn rooms(&self, unit: UnitId) -> Vec<NodeRoom> {
        let demand = self.demand_of(unit);
        let mut rooms = Vec::new();
        let mut groups = 0;
        for (&pool, preference) in demand.pools.iter().zip(0..) {
            for &id in &self.stock(pool).open {
                let node = &self.nodes[id];
                if !demand.suits(node.zone) {
                    continue;
                }
                let free_gpus = node.free.count_ones();
                groups += free_gpus / demand.shape.gpus().max(1);
                rooms.push(NodeRoom {
                    node: id,
                    free_gpus,
                    gpus: node.gpus(),
                    memory_per_gpu: self.pool(pool).memory_per_gpu,
                    related: 0,
                    preference,
                });
            }
        }
        if groups < demand.groups {
            return Vec::new();
        }
        rooms.sort_unstable_by_key(|room| (room.node, room.preference));
        // A pool that is named twice counts at its first position.
        rooms.dedup_by_key(|room| room.node);
        self.count_related(unit, &mut rooms);
        rooms
    }

    /// Counts the groups of the same service on each node.
    fn count_related(&self, unit: UnitId, rooms: &mut [NodeRoom]) {
        let service_of = |unit: UnitId| self.pod(self.units[unit].leader()).service();
        let own = service_of(unit);
        for room in rooms {
            let units = self.nodes[room.node].units();
            room.related = units.filter(|&unit| service_of(unit) == own).count() as u32;
        }
    }

    fn place(&mut self, demand: DemandId, rooms: &mut [NodeRoom]) -> Option<Vec<NodeId>> {
        place(&self.demands[demand], rooms, self.placement.as_mut())
    }

    /// Puts the groups of a unit on nodes, each with the parts of all its pods. The free GPUs of
    /// those nodes must be billed up to now.
    pub(crate) fn bind(&mut self, id: UnitId, nodes: &[NodeId], parts: &Parts, now: SimTime) {
        let gpus = self.demand_of(id).shape.gpus();
        for &node in nodes {
            let gpus = self.nodes[node].take(id, gpus, parts);
            self.units[id].holds.push(Hold { node, gpus });
            self.note_room(node, now);
        }
        let unit = &mut self.units[id];
        unit.placed = Some(now);
        unit.billed = now;
    }

    /// The room of a node as if it were empty.
    pub(crate) fn empty_room(&self, node: NodeId) -> NodeRoom {
        let config = self.pool(self.nodes[node].pool);
        NodeRoom {
            node,
            free_gpus: config.gpus_per_node,
            gpus: config.gpus_per_node,
            memory_per_gpu: config.memory_per_gpu,
            related: 0,
            preference: 0,
        }
    }

    /// Takes the room of one unit of a demand from `rooms`, where the demand may be placed. False
    /// if there is not enough.
    pub(crate) fn reserve(&mut self, id: DemandId, rooms: &mut [NodeRoom]) -> bool {
        let demand = self.demand(id);
        let allowed = |room: &NodeRoom| {
            let node = &self.nodes[room.node];
            demand.allows(node.pool, Some(node.zone))
        };
        let mut usable: Vec<NodeRoom> = rooms.iter().copied().filter(allowed).collect();
        if self.place(id, &mut usable).is_none() {
            return false;
        }
        for used in usable {
            if let Some(room) = rooms.iter_mut().find(|room| room.node == used.node) {
                *room = used;
            }
        }
        true
    }

    /// Whether ready and booting nodes have room for `more` units of a demand besides those that
    /// wait.
    pub(crate) fn has_room(&self, id: DemandId, more: u32) -> bool {
        let demand = self.demand(id);
        let mut groups = 0;
        for &pool in &demand.pools {
            if !self.fits_empty_node(demand, pool) {
                continue;
            }
            let stock = self.stock(pool);
            for &node in stock.open.iter().chain(&stock.booting) {
                let node = &self.nodes[node];
                if !node.cordoned && demand.suits(node.zone) {
                    groups += node.free.count_ones() / demand.shape.gpus().max(1);
                }
            }
        }
        let same = |unit: &&UnitId| self.demands().same_class(self.units[**unit].demand, id);
        let waits = self.pending().iter().filter(same).count() as u32;
        groups >= demand.groups.saturating_mul(waits + more)
    }
}
