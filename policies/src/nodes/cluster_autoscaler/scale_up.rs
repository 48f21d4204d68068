//! Growing: what waits, what each group would do for it, and what never came.

use super::expander::{Expansion, choose};
use super::groups::{Group, find};
use super::{ClusterAutoscaler, NodeDecision};
use crate::nodes::rooms::{Room, place_waiting, take};
use flashcrowd_core::ports::{Demand, FleetView, NodeOrder, OpenOrder, Patience};
use std::collections::BTreeSet;

impl ClusterAutoscaler {
    /// Takes back what has not come in time, and leaves its groups alone for a while; groups whose
    /// nodes have all come are trusted again.
    pub(super) fn give_up_late(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        let limit = self.config.max_node_provision_time;
        let (mut late, mut upcoming) = (BTreeSet::new(), BTreeSet::new());
        for order in &seen.orders {
            let group = self.group_of(order);
            if order.placed + limit <= seen.now {
                decision.cancel.push(order.id);
                late.extend(group);
            } else {
                upcoming.extend(group);
            }
        }
        for node in seen.nodes.iter().filter(|node| node.ready.is_none()) {
            let group = find(&self.groups, node.pool, node.zone);
            if node.ordered + limit <= seen.now {
                decision.remove.push(node.id);
                late.extend(group);
            } else {
                upcoming.extend(group);
            }
        }
        for &group in &late {
            self.backoff.fail(group, seen.now);
            self.growing.remove(&group);
        }
        let came: Vec<usize> = self.growing.difference(&upcoming).copied().collect();
        for group in came {
            self.growing.remove(&group);
            self.backoff.forget(group);
        }
    }

    fn group_of(&self, order: &OpenOrder) -> Option<usize> {
        let &(pool, zone) = order.offers.first()?;
        find(&self.groups, pool, zone)
    }

    /// Room on nodes that are there or upcoming, without those just given up.
    pub(super) fn rooms(&self, seen: &FleetView, decision: &NodeDecision) -> Vec<Room> {
        let stays = |node: &&flashcrowd_core::ports::NodeView| {
            !node.cordoned && !decision.remove.contains(&node.id) && !self.deleting.contains_key(&node.id)
        };
        let nodes = seen.nodes.iter().filter(stays).map(|node| Room::of(node, &seen.pools));
        let open = seen.orders.iter().filter(|order| !decision.cancel.contains(&order.id));
        nodes.chain(open.filter_map(|order| Room::ordered(order, &seen.pools))).collect()
    }

    /// Orders nodes of one group for what finds no room. Whether it did.
    pub(super) fn scale_up(&mut self, seen: &FleetView, rooms: &mut [Room], decision: &mut NodeDecision) -> bool {
        let waits = place_waiting(seen, rooms);
        let delay = self.config.new_pod_scale_up_delay;
        let old = |&at: &usize| seen.waiting[at].since + delay <= seen.now;
        let demands: Vec<&Demand> =
            waits.into_iter().filter(old).map(|at| &seen.demands[seen.waiting[at].demand as usize]).collect();
        if demands.is_empty() {
            return false;
        }
        let ready = (0..self.groups.len()).filter(|&group| !self.backoff.holds(group, seen.now));
        let options: Vec<Expansion> = ready
            .filter_map(|group| {
                let headroom = headroom(seen, decision, self.groups[group].pool);
                estimate(group, &self.groups[group], seen, &demands, rooms, headroom)
            })
            .collect();
        let Some(chosen) = choose(options, seen, &self.config, &mut self.stream) else { return false };
        self.order(seen, &chosen, decision);
        true
    }

    fn order(&mut self, seen: &FleetView, chosen: &Expansion, decision: &mut NodeDecision) {
        let group = &self.groups[chosen.group];
        let mut added = vec![0; group.zones.len()];
        for _ in 0..chosen.nodes {
            let offers = group.offers(seen, &added);
            if let Some(at) = offers.first().and_then(|offer| group.zones.iter().position(|&zone| zone == offer.1)) {
                added[at] += 1;
            }
            let order = NodeOrder { id: self.next_order, offers, patience: Patience::UntilCancelled };
            self.next_order += 1;
            decision.orders.push(order);
        }
        self.growing.insert(chosen.group);
    }
}

/// How many more nodes a pool may have, when what is given up now is gone.
fn headroom(seen: &FleetView, decision: &NodeDecision, pool: u32) -> u32 {
    let of_pool = |order: &&OpenOrder| order.offers.first().is_some_and(|offer| offer.0 == pool);
    let cancelled = seen.orders.iter().filter(of_pool).filter(|order| decision.cancel.contains(&order.id)).count();
    let removed = decision.remove.iter().filter_map(|&id| seen.node(id)).filter(|node| node.pool == pool).count();
    seen.headroom(pool) + (cancelled + removed) as u32
}

/// What a group would do for those that wait: nodes are added one by one, as many as help.
fn estimate(
    index: usize,
    group: &Group,
    seen: &FleetView,
    demands: &[&Demand],
    rooms: &[Room],
    headroom: u32,
) -> Option<Expansion> {
    let mut rooms = rooms.to_vec();
    let (mut nodes, mut replicas, mut gpus) = (0, 0, 0);
    for demand in demands.iter().filter(|demand| group.helps(demand, &seen.pools)) {
        let before = (rooms.len(), nodes);
        let mut placed = take(&mut rooms, demand).is_some();
        while !placed && nodes < headroom && rooms.len() < before.0 + demand.groups as usize {
            rooms.push(Room::empty(group.pool, group.zone(), &seen.pools));
            nodes += 1;
            placed = take(&mut rooms, demand).is_some();
        }
        if placed {
            replicas += 1;
            gpus += demand.gpus();
        } else {
            rooms.truncate(before.0);
            nodes = before.1;
        }
    }
    let price = u128::from(group.price(&seen.pools)) * u128::from(nodes);
    (nodes > 0).then_some(Expansion { group: index, pool: group.pool, nodes, price, replicas, gpus })
}
