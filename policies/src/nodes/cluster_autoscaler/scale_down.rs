//! Shrinking: which nodes are unneeded, since when, and how they leave.

use super::ClusterAutoscaler;
use crate::nodes::rooms::{Room, move_all, place_waiting};
use flashcrowd_core::SimTime;
use flashcrowd_core::ports::{FleetView, NodeDecision, NodeView};
use std::collections::{BTreeMap, BTreeSet};

/// A node on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// Tainted; it is given back or drained at this instant.
    Tainted(SimTime),
    /// Its replicas are being deleted, or it is about to go.
    Asked,
}

impl Deletion {
    pub(super) fn due(&self) -> Option<SimTime> {
        match self {
            Deletion::Tainted(at) => Some(*at),
            Deletion::Asked => None,
        }
    }
}

impl ClusterAutoscaler {
    /// Carries on with nodes that were tainted, and forgets those that have gone.
    pub(super) fn finish_deletions(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        self.deleting.retain(|&id, _| seen.node(id).is_some());
        let ids: Vec<u32> = self.deleting.keys().copied().collect();
        for id in ids {
            let (Some(node), Some(&state)) = (seen.node(id), self.deleting.get(&id)) else { continue };
            if !node.cordoned {
                // The taint was refused, so the deletion failed.
                self.last_failed = Some(seen.now);
                self.deleting.remove(&id);
            } else if state.due().is_some_and(|due| due <= seen.now) {
                self.deleting.insert(id, Deletion::Asked);
                ask(node, decision);
            }
        }
    }

    /// Brings the list of unneeded nodes up to date.
    pub(super) fn mark_unneeded(&mut self, seen: &FleetView) {
        self.unremovable.retain(|_, until| *until > seen.now);
        let candidate = |node: &&NodeView| {
            let asked = u64::from(node.gpus - node.free_gpus) * 1_000_000;
            let below = asked < u64::from(self.config.utilization_threshold_ppm) * u64::from(node.gpus);
            self.takes_part(node) && (node.is_empty() || below) && !self.unremovable.contains_key(&node.id)
        };
        let mut candidates: Vec<&NodeView> = seen.nodes.iter().filter(candidate).collect();
        // Empty nodes first, which need no room elsewhere; then those that were unneeded before, so
        // that they stay so.
        candidates.sort_by_key(|node| (!node.is_empty(), !self.unneeded.contains_key(&node.id), node.id));
        let mut rooms: Vec<Room> =
            seen.nodes.iter().filter(|node| self.takes_part(node)).map(|node| Room::of(node, &seen.pools)).collect();
        place_waiting(seen, &mut rooms);
        let mut unneeded = BTreeMap::new();
        // A node that was chosen to take replicas of others cannot be removed itself: it would have
        // to pass them on.
        let mut receivers = BTreeSet::new();
        for node in candidates {
            if receivers.contains(&node.id) {
                continue;
            }
            match move_all(seen, node, &mut rooms) {
                Some(taken) => {
                    receivers.extend(taken.into_iter().filter_map(|at| rooms[at].node));
                    let since = self.unneeded.get(&node.id).copied().unwrap_or(seen.now);
                    unneeded.insert(node.id, since);
                }
                None => {
                    self.unremovable.insert(node.id, seen.now + self.config.unremovable_recheck);
                }
            }
        }
        self.unneeded = unneeded;
    }

    /// Ready nodes that are not on their way out.
    fn takes_part(&self, node: &NodeView) -> bool {
        node.ready.is_some() && !node.cordoned && !self.deleting.contains_key(&node.id)
    }

    /// Taints nodes that have been unneeded for long enough, as many as may go at once.
    pub(super) fn scale_down(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        let config = &self.config;
        let busy = |id: &&u32| seen.node(**id).is_some_and(|node| !node.is_empty());
        let drains = self.deleting.keys().filter(busy).count() as u32;
        let mut drains = config.max_drain_parallelism.saturating_sub(drains);
        let mut all = config.max_scale_down_parallelism.saturating_sub(self.deleting.len() as u32);
        let mut spare = spare(seen);
        let ripe = self.unneeded.iter().filter(|(_, since)| **since + config.scale_down_unneeded_time <= seen.now);
        let mut ripe: Vec<&NodeView> = ripe.filter_map(|(&id, _)| seen.node(id)).collect();
        ripe.sort_by_key(|node| (!node.is_empty(), node.id));
        for node in ripe {
            let pool_spare = &mut spare[node.pool as usize];
            if all == 0 || *pool_spare == 0 || (!node.is_empty() && drains == 0) {
                continue;
            }
            (all, *pool_spare) = (all - 1, *pool_spare - 1);
            drains -= u32::from(!node.is_empty());
            self.unneeded.remove(&node.id);
            self.last_deleted = Some(seen.now);
            decision.cordon.push(node.id);
            let due = seen.now + self.config.delete_delay_after_taint;
            self.deleting.insert(node.id, Deletion::Tainted(due));
        }
    }
}

fn ask(node: &NodeView, decision: &mut NodeDecision) {
    if node.is_empty() {
        decision.remove.push(node.id);
    } else {
        decision.drain.push(node.id);
    }
}

/// By pool: nodes above its minimum that are not on their way out.
fn spare(seen: &FleetView) -> Vec<u32> {
    let mut stay = vec![0_u32; seen.pools.len()];
    for node in seen.nodes.iter().filter(|node| !node.cordoned) {
        stay[node.pool as usize] += 1;
    }
    stay.iter().zip(&seen.pools).map(|(&stay, pool)| stay.saturating_sub(pool.min_nodes)).collect()
}
