//! Room for replicas on nodes that are there, boot, or are only thought of: what the simulations of
//! both node autoscalers count with.

use flashcrowd_core::id::{PoolId, ZoneId};
use flashcrowd_core::ports::{Demand, FleetView, NodeView, OpenOrder, PoolView};
use flashcrowd_core::units::Bytes;
use std::collections::BTreeSet;

/// Free GPUs of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// The node, if there is one.
    pub(super) node: Option<u32>,
    pub(super) pool: u32,
    /// `None` is a zone that is not known yet.
    pub(super) zone: Option<u32>,
    pub(super) free_gpus: u32,
    pub(super) memory_per_gpu: Bytes,
}

impl Room {
    /// What is free of a node.
    pub(super) fn of(node: &NodeView, pools: &[PoolView]) -> Room {
        let memory_per_gpu = pools[node.pool as usize].memory_per_gpu;
        let NodeView { id, pool, zone, free_gpus, .. } = *node;
        Room { node: Some(id), pool, zone: Some(zone), free_gpus, memory_per_gpu }
    }

    /// An empty node of a pool.
    pub(super) fn empty(pool: u32, zone: Option<u32>, pools: &[PoolView]) -> Room {
        let PoolView { gpus_per_node, memory_per_gpu, .. } = pools[pool as usize];
        Room { node: None, pool, zone, free_gpus: gpus_per_node, memory_per_gpu }
    }

    /// The node that an open order will bring; the first offer stands for all of them.
    pub(super) fn ordered(order: &OpenOrder, pools: &[PoolView]) -> Option<Room> {
        let &(pool, zone) = order.offers.first()?;
        Some(Room::empty(pool, (order.offers.len() == 1).then_some(zone), pools))
    }

    /// Whether a group of a replica has room.
    pub(super) fn takes(&self, demand: &Demand) -> bool {
        demand.fits(self.free_gpus, self.memory_per_gpu)
            && demand.allows(PoolId::new(self.pool), self.zone.map(ZoneId::new))
    }
}

/// Takes room for a whole replica, or for nothing: of the pools that it prefers, the fullest node that
/// has room. Says which rooms took a group.
pub(super) fn take(rooms: &mut [Room], demand: &Demand) -> Option<Vec<usize>> {
    let mut taken: Vec<usize> = Vec::with_capacity(demand.groups as usize);
    for _ in 0..demand.groups {
        let fits = (0..rooms.len()).filter(|&at| rooms[at].takes(demand));
        let liking = |at: usize| demand.pools.iter().position(|pool| pool.get() == rooms[at].pool);
        let Some(best) = fits.min_by_key(|&at| (liking(at), rooms[at].free_gpus, at)) else {
            for at in taken {
                rooms[at].free_gpus += demand.shape.gpus();
            }
            return None;
        };
        rooms[best].free_gpus -= demand.shape.gpus();
        taken.push(best);
    }
    Some(taken)
}

/// Places waiting replicas, oldest first; says which find no room, by position among the waiting.
pub(super) fn place_waiting(seen: &FleetView, rooms: &mut [Room]) -> Vec<usize> {
    // Room only shrinks here: if one replica does not fit, no later one of its kind will.
    let mut full = BTreeSet::new();
    let mut left = Vec::new();
    for (at, waiting) in seen.waiting.iter().enumerate() {
        let kind = waiting.demand;
        if full.contains(&kind) || take(rooms, &seen.demands[kind as usize]).is_none() {
            full.insert(kind);
            left.push(at);
        }
    }
    left
}

/// Empties a node, if all that it holds finds room elsewhere: its own room is gone then, and the rooms
/// that took its replicas are named. What is being deleted needs none. `None` if something finds no
/// room or may not be moved; nothing has changed then.
pub(super) fn move_all(seen: &FleetView, node: &NodeView, rooms: &mut [Room]) -> Option<Vec<usize>> {
    let own = rooms.iter().position(|room| room.node == Some(node.id))?;
    let free_gpus = std::mem::take(&mut rooms[own].free_gpus);
    let mut taken: Vec<(usize, u32)> = Vec::new();
    for held in node.holds.iter().filter(|held| !held.leaving) {
        let demand = &seen.demands[held.demand as usize];
        let found = if held.movable { take(rooms, demand) } else { None };
        let Some(found) = found else {
            for (at, gpus) in taken {
                rooms[at].free_gpus += gpus;
            }
            rooms[own].free_gpus = free_gpus;
            return None;
        };
        taken.extend(found.into_iter().map(|at| (at, demand.shape.gpus())));
    }
    Some(taken.into_iter().map(|(at, _)| at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::fleets::Fleet;

    #[test]
    fn the_fullest_node_of_the_preferred_pool_takes_it_whole_or_not_at_all() {
        let mut fleet = Fleet::new(2);
        fleet.demand(2, 3);
        fleet.view.demands[0].pools = vec![PoolId::new(1), PoolId::new(0)];
        let seen = &fleet.view;
        let room = |pool, free_gpus| Room { free_gpus, ..Room::empty(pool, Some(0), &seen.pools) };
        let mut rooms = [room(0, 3), room(1, 8), room(1, 4)];
        assert_eq!(take(&mut rooms, &seen.demands[0]), Some(vec![2, 1]));
        assert_eq!(rooms.map(|room| room.free_gpus), [3, 5, 1]);
        assert_eq!(take(&mut rooms, &seen.demands[0]), Some(vec![1, 0]));
        assert_eq!(take(&mut rooms, &seen.demands[0]), None);
        assert_eq!(rooms.map(|room| room.free_gpus), [0, 2, 1]);
    }
    #[test]
    fn a_node_is_emptied_whole_or_stays_as_it_is() {
        let mut fleet = Fleet::new(1);
        let (small, large) = (fleet.demand(1, 2), fleet.demand(1, 4));
        let node = fleet.node(0, &[small, large]);
        let other = fleet.node(0, &[large]);
        let rooms = |fleet: &Fleet| -> Vec<Room> {
            fleet.view.nodes.iter().map(|node| Room::of(node, &fleet.view.pools)).collect()
        };
        let before = rooms(&fleet);
        let mut after = before.clone();
        assert_eq!(move_all(&fleet.view, &fleet.view.nodes[0], &mut after), None);
        assert_eq!(after, before);
        fleet.at(other).holds.clear();
        fleet.at(other).free_gpus = 7;
        let mut after = rooms(&fleet);
        assert_eq!(move_all(&fleet.view, &fleet.view.nodes[0], &mut after), Some(vec![1, 1]));
        assert_eq!(after.iter().map(|room| room.free_gpus).collect::<Vec<_>>(), [0, 1]);
        fleet.at(node).holds[0].movable = false;
        assert_eq!(move_all(&fleet.view, &fleet.view.nodes[0], &mut rooms(&fleet)), None);
    }
}
