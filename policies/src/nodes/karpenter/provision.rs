//! Batches of waiting replicas, and the nodes that they are packed onto.

use super::offers::{Claim, Offer};
use super::state::{Batch, Karpenter};
use crate::nodes::rooms::{Room, place_waiting, take};
use flashcrowd_core::ports::{Demand, FleetView, NodeDecision, NodeOrder, Patience};

impl Karpenter {
    /// Opens or prolongs the batch for replicas that have come; at a poll also for those that still wait.
    pub(super) fn gather(&mut self, seen: &FleetView, polls: bool) {
        let newest = seen.waiting.iter().map(|waiting| waiting.replica.0).max();
        let came = newest.is_some_and(|newest| self.newest.is_none_or(|known| newest > known));
        self.newest = self.newest.max(newest);
        match &mut self.batch {
            Some(batch) if came => batch.last = seen.now,
            None if came || (polls && !seen.waiting.is_empty()) => {
                self.batch = Some(Batch { opened: seen.now, last: seen.now });
            }
            _ => {}
        }
    }

    /// Room on nodes that take replicas, or will once they have booted.
    fn rooms(seen: &FleetView, decision: &NodeDecision) -> Vec<Room> {
        let stays = |id: u32| !decision.drain.contains(&id) && !decision.remove.contains(&id);
        let nodes = seen.nodes.iter().filter(|node| !node.cordoned && stays(node.id));
        nodes.map(|node| Room::of(node, &seen.pools)).collect()
    }

    /// Orders a node for each claim of what finds no room.
    pub(super) fn provision(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        let mut rooms = Self::rooms(seen, decision);
        let left = place_waiting(seen, &mut rooms);
        let mut demands: Vec<&Demand> =
            left.into_iter().map(|at| &seen.demands[seen.waiting[at].demand as usize]).collect();
        // The largest first, as the scheduler's queue is sorted.
        demands.sort_by_key(|demand| std::cmp::Reverse(demand.shape));
        let offers = self.offers(seen);
        let mut claims = Vec::new();
        for demand in demands {
            pack(demand, &mut rooms, &mut claims, &offers, seen);
        }
        let mut headroom: Vec<u32> = (0..seen.pools.len() as u32).map(|pool| seen.headroom(pool)).collect();
        for claim in claims {
            let open = claim.offers.iter().filter(|offer| headroom[offer.pool as usize] > 0);
            let offers: Vec<(u32, u32)> = open.map(|offer| (offer.pool, offer.zone)).collect();
            if let Some(&(pool, _)) = offers.first() {
                headroom[pool as usize] -= 1;
                self.order(offers, decision);
            }
        }
    }

    /// Orders a node, tried once; returns the order's number.
    pub(super) fn order(&mut self, offers: Vec<(u32, u32)>, decision: &mut NodeDecision) -> u64 {
        let id = self.next_order;
        self.next_order += 1;
        decision.orders.push(NodeOrder { id, offers, patience: Patience::Once });
        id
    }
}

/// Packs a replica whole or not at all: each group where there is room, else onto the first claim on
/// which it fits, else onto a new one.
fn pack(demand: &Demand, rooms: &mut Vec<Room>, claims: &mut Vec<Claim>, offers: &[Offer], seen: &FleetView) {
    let group = Demand { groups: 1, ..demand.clone() };
    let before = (demand.groups > 1).then(|| (rooms.clone(), claims.clone()));
    for _ in 0..demand.groups {
        if take(rooms, &group).is_some() || claims.iter_mut().any(|claim| claim.takes(&group, seen)) {
            continue;
        }
        let mut claim = Claim::new(offers);
        if !claim.takes(&group, seen) {
            if let Some((old_rooms, old_claims)) = before {
                (*rooms, *claims) = (old_rooms, old_claims);
            }
            return;
        }
        claims.push(claim);
    }
}
