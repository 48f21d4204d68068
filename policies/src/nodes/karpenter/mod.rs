//! Karpenter, from its documents and source (kubernetes-sigs/karpenter @ 22664681).
//!
//! Replicas that begin to wait open a batch; when it ends, those that find no room on nodes that are
//! there or boot are packed onto new nodes, each of which takes the cheapest offer that the market
//! grants, at once. A refused offer is left alone for a while. At every poll it looks for nodes
//! that are empty, whose replicas fit elsewhere, or that one cheaper node could replace; a plan is
//! looked at again after a while and then carried out, within a budget of nodes at once. At a notice
//! of a reclaim it drains the node at once, so that its replicas are packed anew.
//!
//! Not modelled: launches that hang (the launch time-out of 5 min has no case here), drift, `Balanced`,
//! schedules of budgets, several node pools with weights, disruption budgets of pods, nodes that are
//! not initialized, and time limits of its searches.

mod config;
mod consolidate;
mod disrupt;
mod offers;
mod provision;
mod state;
#[cfg(test)]
mod tests;

pub use config::{Budget, Consolidation, KarpenterConfig};
pub use state::Karpenter;

use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{FleetView, NodeAutoscaler, NodeDecision, NodeWakes, OrderAnswer};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use state::Batch;

/// Shortest time between two looks while something is on its way: the queues' own.
const SOON: SimDuration = SimDuration::from_s(1);

impl Karpenter {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::NodeAutoscaler,
        "karpenter",
        "the cheapest offer for each batch, consolidation within a budget, drain at a notice",
        "kubernetes-sigs/karpenter @ 22664681, from its documents and source by reading",
    );

    /// Drains nodes that the market takes back. Their offers are left alone, as after a refusal.
    fn interrupt(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        if !self.config.interruption_queue {
            return;
        }
        for node in seen.nodes.iter().filter(|node| node.reclaimed.is_some()) {
            if self.interrupted.insert(node.id) {
                decision.drain.push(node.id);
                if seen.pools[node.pool as usize].market == Market::Spot {
                    let until = seen.now + self.config.unavailable_for;
                    self.unavailable.insert((node.pool, node.zone), until);
                }
            }
        }
    }

    /// Gives back nodes that never booted, and drains those that have lived for long enough.
    fn retire(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        for node in seen.nodes.iter().filter(|node| !node.cordoned) {
            if decision.drain.contains(&node.id) {
                continue;
            }
            if node.ready.is_none() && node.ordered + self.config.registration_timeout <= seen.now {
                decision.remove.push(node.id);
            } else if node.ready.is_some() && node.ordered + self.config.expire_after <= seen.now {
                decision.drain.push(node.id);
            }
        }
    }

    fn next_wake(&self, now: SimTime, orders: bool) -> SimTime {
        let batch = self.batch.as_ref().map(|batch| batch.due(&self.config));
        let proposal = self.proposal.as_ref().map(|proposal| proposal.due);
        let moving = (orders || !self.running.is_empty()).then(|| now + self.config.batch_idle.max(SOON));
        [batch, proposal, moving].into_iter().flatten().fold(self.next_poll, SimTime::min)
    }
}

impl NodeAutoscaler for Karpenter {
    fn name(&self) -> &'static str {
        "karpenter"
    }

    fn wakes(&self) -> NodeWakes {
        NodeWakes { waiting: true, notices: self.config.interruption_queue }
    }

    fn decide(&mut self, seen: &FleetView) -> NodeDecision {
        let mut decision = NodeDecision::default();
        self.unavailable.retain(|_, until| *until > seen.now);
        self.interrupted.retain(|&id| seen.node(id).is_some());
        let polls = seen.now >= self.next_poll;
        if polls {
            self.next_poll = seen.now + self.config.disruption_poll.max(SimDuration::from_ms(1));
        }
        self.interrupt(seen, &mut decision);
        self.retire(seen, &mut decision);
        self.carry_on(seen, &mut decision);
        self.gather(seen, polls);
        if self.batch.as_ref().is_some_and(|batch| batch.due(&self.config) <= seen.now) {
            self.batch = None;
            self.provision(seen, &mut decision);
        }
        self.disrupt(seen, polls, &mut decision);
        decision.next_wake = Some(self.next_wake(seen.now, !decision.orders.is_empty()));
        decision
    }

    fn answered(&mut self, now: SimTime, answer: &OrderAnswer) {
        for &offer in &answer.refused {
            self.unavailable.insert(offer, now + self.config.unavailable_for);
        }
        if answer.node.is_some() {
            return;
        }
        // What was to be on it is packed anew, without the offers that were refused. A plan whose new
        // node does not come is given up at the next look.
        if !self.running.iter().any(|running| running.order == answer.order) {
            self.batch = Some(Batch { opened: now, last: now });
        }
    }
}
