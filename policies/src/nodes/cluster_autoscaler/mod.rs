//! The Kubernetes cluster autoscaler, from its documents and source (`kubernetes/autoscaler` @ 55c37cd5).
//!
//! It looks at every scan. Replicas that find no room on nodes that are there, boot or are ordered
//! make one node group grow, which the expanders choose. An order goes to the cloud's group, which
//! tries it for as long as it stands: a stock-out is noticed when the node has not come in time, and
//! the group is then left alone for a while. Nodes of low utilisation whose replicas all fit
//! elsewhere are unneeded; after a time they are tainted, drained and given back. It knows nothing
//! of notices of reclaims.
//!
//! Not modelled: unready nodes, similar-group balancing, limits of cores and memory, the `grpc`
//! expander, priorities of pods below the cut-off, disruption budgets of pods, and drains that time out.

mod backoff;
mod config;
mod expander;
mod groups;
mod scale_down;
mod scale_up;
#[cfg(test)]
mod tests;

pub use config::{ClusterAutoscalerConfig, Expander};

use crate::info::{PolicyInfo, Port};
use backoff::Backoff;
use flashcrowd_core::clock::Stream;
use flashcrowd_core::ports::{FleetView, NodeAutoscaler, NodeDecision, NodeWakes, OrderAnswer};
use flashcrowd_core::{SimDuration, SimTime};
use groups::Group;
use scale_down::Deletion;
use std::collections::{BTreeMap, BTreeSet};

/// The cluster autoscaler; see the module.
#[derive(Clone, Debug)]
pub struct ClusterAutoscaler {
    config: ClusterAutoscalerConfig,
    stream: Stream,
    groups: Vec<Group>,
    backoff: Backoff,
    /// Groups with a request to grow that has not ended.
    growing: BTreeSet<usize>,
    next_order: u64,
    next_scan: SimTime,
    /// Since when nodes are unneeded.
    unneeded: BTreeMap<u32, SimTime>,
    /// Nodes that cannot go, and when that is looked at again.
    unremovable: BTreeMap<u32, SimTime>,
    /// Nodes that are on their way out.
    deleting: BTreeMap<u32, Deletion>,
    last_added: Option<SimTime>,
    last_deleted: Option<SimTime>,
    last_failed: Option<SimTime>,
}

impl ClusterAutoscaler {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::NodeAutoscaler,
        "cluster-autoscaler",
        "node groups that grow at a scan, by expanders, and shrink after ten unneeded minutes",
        "kubernetes/autoscaler @ 55c37cd5, from its FAQ and source by reading",
    );

    /// With its flags, and a random stream of its own for expanders.
    pub fn new(config: ClusterAutoscalerConfig, stream: Stream) -> Self {
        let backoff = Backoff::new(config.initial_backoff, config.max_backoff, config.backoff_reset);
        ClusterAutoscaler {
            config,
            stream,
            groups: Vec::new(),
            backoff,
            growing: BTreeSet::new(),
            next_order: 0,
            next_scan: SimTime::ZERO,
            unneeded: BTreeMap::new(),
            unremovable: BTreeMap::new(),
            deleting: BTreeMap::new(),
            last_added: None,
            last_deleted: None,
            last_failed: None,
        }
    }

    fn scan(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        self.next_scan = seen.now + self.config.scan_interval.max(SimDuration::from_ms(1));
        self.backoff.age(seen.now);
        self.give_up_late(seen, decision);
        let mut rooms = self.rooms(seen, decision);
        if self.scale_up(seen, &mut rooms, decision) {
            // No scale-down at a scan that adds nodes.
            self.last_added = Some(seen.now);
            return;
        }
        self.mark_unneeded(seen);
        if !self.cools_down(seen.now) {
            self.scale_down(seen, decision);
        }
    }

    fn cools_down(&self, now: SimTime) -> bool {
        let config = &self.config;
        let recent = |last: Option<SimTime>, delay| last.is_some_and(|at| at + delay > now);
        recent(self.last_added, config.scale_down_delay_after_add)
            || recent(self.last_failed, config.scale_down_delay_after_failure)
            || recent(self.last_deleted, config.scale_down_delay_after_delete)
    }
}

impl NodeAutoscaler for ClusterAutoscaler {
    fn name(&self) -> &'static str {
        "cluster-autoscaler"
    }

    fn wakes(&self) -> NodeWakes {
        NodeWakes::default()
    }

    fn decide(&mut self, seen: &FleetView) -> NodeDecision {
        let mut decision = NodeDecision::default();
        if self.groups.is_empty() {
            self.groups = groups::of(&seen.pools, self.config.group_spans_zones);
        }
        self.finish_deletions(seen, &mut decision);
        if seen.now >= self.next_scan {
            self.scan(seen, &mut decision);
        }
        let taints = self.deleting.values().filter_map(Deletion::due);
        decision.next_wake = taints.chain([self.next_scan]).min();
        decision
    }

    /// The cloud's group is asked, not the market: whether there is capacity is not told.
    fn answered(&mut self, _: SimTime, _: &OrderAnswer) {}
}
