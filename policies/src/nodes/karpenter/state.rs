//! What Karpenter remembers between two looks.

use super::config::KarpenterConfig;
use flashcrowd_core::SimTime;
use flashcrowd_core::ports::FleetView;
use std::collections::{BTreeMap, BTreeSet};

/// Karpenter; [`nodes`](crate::nodes) says what it does.
#[derive(Clone, Debug)]
pub struct Karpenter {
    pub(super) config: KarpenterConfig,
    pub(super) next_order: u64,
    pub(super) batch: Option<Batch>,
    /// The newest replica that has been seen to wait.
    pub(super) newest: Option<u32>,
    /// Offers that are left alone, and until when.
    pub(super) unavailable: BTreeMap<(u32, u32), SimTime>,
    /// Nodes whose notice it has acted on.
    pub(super) interrupted: BTreeSet<u32>,
    pub(super) next_poll: SimTime,
    pub(super) proposal: Option<Proposal>,
    /// The last search that found no plan, and the fleet as it was.
    pub(super) searched: Option<(SimTime, Quiet)>,
    pub(super) running: Vec<Running>,
}

impl Karpenter {
    /// With its settings.
    pub fn new(config: KarpenterConfig) -> Self {
        Karpenter {
            config,
            next_order: 0,
            batch: None,
            newest: None,
            unavailable: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            next_poll: SimTime::ZERO,
            proposal: None,
            searched: None,
            running: Vec::new(),
        }
    }
}

/// Replicas that are looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) opened: SimTime,
    /// When the last of them came.
    pub(super) last: SimTime,
}

impl Batch {
    pub(super) fn due(&self, config: &KarpenterConfig) -> SimTime {
        (self.last + config.batch_idle).min(self.opened + config.batch_max)
    }
}

/// Nodes that go together, and what takes their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) nodes: Vec<u32>,
    /// Whether all of the nodes are empty.
    pub(super) empty: bool,
    /// Offers for one new node, cheaper than they are in all; the cheapest first.
    pub(super) replacement: Option<Vec<(u32, u32)>>,
}

/// What tells that nothing has changed since a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    pub(super) changed: Option<SimTime>,
    pub(super) newest: u32,
    pub(super) nodes: [usize; 3],
    pub(super) allowed: u32,
}

/// A plan that waits to be looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) due: SimTime,
    pub(super) command: Command,
}

/// A plan whose new node is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) nodes: Vec<u32>,
    pub(super) order: u64,
}

impl Running {
    /// Whether a node goes or comes by it.
    pub(super) fn is_about(&self, node: u32, seen: &FleetView) -> bool {
        self.nodes.contains(&node) || seen.node(node).is_some_and(|node| node.order == Some(self.order))
    }
}
