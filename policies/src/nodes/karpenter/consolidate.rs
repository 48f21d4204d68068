//! Searches for nodes that can be removed: where their replicas would go, and what that saves.

use super::config::Consolidation;
use super::offers::{Claim, Offer};
use super::state::{Command, Karpenter};
use crate::nodes::rooms::{Room, place_waiting, take};
use flashcrowd_core::ports::{Demand, FleetView, NodeView};
use flashcrowd_core::units::Market;

/// Most nodes of one plan (`MaxParallelConsolidation`).
const MOST_NODES: usize = 100;

impl Karpenter {
    /// Nodes that may be consolidated: those that cost least to disturb first.
    pub(super) fn candidates<'s>(&self, seen: &'s FleetView) -> Vec<&'s NodeView> {
        let rooms = || seen.nodes.iter().filter(|node| !node.cordoned).map(|node| Room::of(node, &seen.pools));
        let mut filled: Vec<Room> = rooms().collect();
        place_waiting(seen, &mut filled);
        // Waiting replicas will go to these nodes: they are nominated.
        let nominated: Vec<u32> =
            rooms().zip(&filled).filter(|(before, after)| before != *after).filter_map(|(room, _)| room.node).collect();
        let ours = |id: u32| self.running.iter().any(|running| running.is_about(id, seen));
        let fit = |node: &&NodeView| {
            node.ready.is_some()
                && !node.cordoned
                && node.reclaimed.is_none_or(|_| !self.config.interruption_queue)
                && !nominated.contains(&node.id)
                && !ours(node.id)
                && node.changed + self.config.consolidate_after <= seen.now
                && node.holds.iter().all(|held| held.movable || held.leaving)
        };
        let mut candidates: Vec<&NodeView> = seen.nodes.iter().filter(fit).collect();
        candidates.sort_by_cached_key(|node| (self.disruption_cost(node, seen), node.id));
        candidates
    }

    /// Replicas on it, weighted by how much of its life is left.
    fn disruption_cost(&self, node: &NodeView, seen: &FleetView) -> u128 {
        let life = u128::from(self.config.expire_after.as_ps().max(1));
        let left = life.saturating_sub(u128::from(seen.now.since(node.ordered).as_ps()));
        node.holds.len() as u128 * (left * 1_000_000 / life)
    }

    /// The best plan within a budget of nodes, if there is any: empty nodes, then several at once, then one.
    pub(super) fn plan(&self, seen: &FleetView, allowed: u32) -> Option<Command> {
        let candidates = spare(seen, self.candidates(seen));
        let allowed = (allowed as usize).min(MOST_NODES);
        let empty = candidates.iter().filter(|node| node.is_empty()).take(allowed);
        let nodes: Vec<u32> = empty.map(|node| node.id).collect();
        if !nodes.is_empty() {
            return Some(Command { nodes, empty: true, replacement: None });
        }
        if self.config.consolidation == Consolidation::WhenEmpty || allowed == 0 {
            return None;
        }
        self.plan_several(seen, &candidates[..candidates.len().min(allowed)])
            .or_else(|| candidates.iter().find_map(|node| self.simulate(seen, &[node])))
    }

    /// The longest run of first candidates that can go together, found by halving.
    fn plan_several(&self, seen: &FleetView, candidates: &[&NodeView]) -> Option<Command> {
        let (mut low, mut high) = (2, candidates.len());
        let mut best = None;
        while low <= high {
            let middle = low.midpoint(high);
            match self.simulate(seen, &candidates[..middle]) {
                Some(command) => (best, low) = (Some(command), middle + 1),
                None => high = middle - 1,
            }
        }
        best
    }

    /// What would become of nodes' replicas: `None` if they need more than one new node, or one that
    /// is not cheaper.
    pub(super) fn simulate(&self, seen: &FleetView, nodes: &[&NodeView]) -> Option<Command> {
        let goes = |id: u32| nodes.iter().any(|node| node.id == id);
        let stay = seen.nodes.iter().filter(|node| !node.cordoned && node.ready.is_some() && !goes(node.id));
        let mut rooms: Vec<Room> = stay.map(|node| Room::of(node, &seen.pools)).collect();
        place_waiting(seen, &mut rooms);
        let mut claim: Option<Claim> = None;
        for held in nodes.iter().flat_map(|node| &node.holds).filter(|held| !held.leaving) {
            let demand = &seen.demands[held.demand as usize];
            if take(&mut rooms, demand).is_some() {
                continue;
            }
            let fresh = || Claim::new(&self.offers(seen));
            let fits = |claim: &mut Claim| (0..demand.groups).all(|_| claim.takes(&group_of(demand), seen));
            if !fits(claim.get_or_insert_with(fresh)) {
                return None;
            }
        }
        let replacement = match claim {
            Some(claim) => Some(self.cheaper(seen, nodes, claim.offers)?),
            None => None,
        };
        let empty = nodes.iter().all(|node| node.is_empty());
        Some(Command { nodes: nodes.iter().map(|node| node.id).collect(), empty, replacement })
    }

    /// Those offers that save money, if the rules allow any.
    fn cheaper(&self, seen: &FleetView, nodes: &[&NodeView], mut offers: Vec<Offer>) -> Option<Vec<(u32, u32)>> {
        let now: u128 = nodes.iter().map(|node| u128::from(node.price.0)).sum();
        offers.retain(|offer| u128::from(offer.price) < now);
        // A new node of the same kind as one that is removed must be cheaper: otherwise that one
        // could stay.
        let same = nodes.iter().filter(|node| offers.iter().any(|offer| offer.pool == node.pool));
        if let Some(bound) = same.map(|node| node.price.0).min().filter(|_| nodes.len() > 1) {
            offers.retain(|offer| offer.price < bound);
        }
        let is_spot = |pool: u32| seen.pools[pool as usize].market == Market::Spot;
        let to_spot = offers.iter().any(|offer| is_spot(offer.pool));
        if to_spot && nodes.iter().all(|node| is_spot(node.pool)) {
            let mut types: Vec<u32> = offers.iter().map(|offer| offer.pool).filter(|&pool| is_spot(pool)).collect();
            types.sort_unstable();
            types.dedup();
            let enough = nodes.len() > 1 || types.len() as u32 >= self.config.spot_to_spot_types;
            if !self.config.spot_to_spot || !enough {
                return None;
            }
        }
        let offers: Vec<(u32, u32)> = offers.iter().map(|offer| (offer.pool, offer.zone)).collect();
        (!offers.is_empty()).then_some(offers)
    }
}

fn group_of(demand: &Demand) -> Demand {
    Demand { groups: 1, ..demand.clone() }
}

/// Drops candidates that their pool's minimum needs.
fn spare<'s>(seen: &FleetView, candidates: Vec<&'s NodeView>) -> Vec<&'s NodeView> {
    let mut stay = vec![0_u32; seen.pools.len()];
    for node in seen.nodes.iter().filter(|node| !node.cordoned) {
        stay[node.pool as usize] += 1;
    }
    let may_go = |node: &&NodeView| {
        let stay = &mut stay[node.pool as usize];
        let may = *stay > seen.pools[node.pool as usize].min_nodes;
        *stay -= u32::from(may);
        may
    };
    candidates.into_iter().filter(may_go).collect()
}
