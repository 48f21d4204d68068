//! The node autoscaler at work, and what it has planned.

use crate::id::NodeId;
use crate::ledger::NodeScalerRecord;
use crate::ports::{NodeAutoscaler, NodeWake, OpenOrder};
use std::collections::{BTreeMap, BTreeSet};

/// Which node autoscaler decides which nodes there are.
#[derive(Default)]
pub(crate) struct NodeControl {
    /// A node autoscaler behind the port; without one, the plain one runs.
    pub(crate) scaler: Option<NodeScaler>,
    /// Whether a scan of the plain one is planned.
    pub(crate) scan_planned: bool,
}

/// A node autoscaler at work.
pub(crate) struct NodeScaler {
    pub(crate) policy: Box<dyn NodeAutoscaler>,
    /// Numbers all its events, so that no two have the same key.
    pub(crate) looks: u64,
    /// The look that was planned last; older plans are stale.
    pub(crate) planned: u64,
    /// Looks at this instant, each with the reason for it.
    pub(crate) woken: BTreeMap<u64, NodeWake>,
    /// Whether open orders are tried again at this instant.
    pub(crate) retries: bool,
    /// The highest number of an order so far.
    pub(crate) last_order: Option<u64>,
    /// Orders that no zone has granted yet.
    pub(crate) open: BTreeMap<u64, OpenOrder>,
    /// For each node, the order that it came from.
    pub(crate) from: BTreeMap<NodeId, u64>,
    /// Nodes whose notice was received.
    pub(crate) noticed: BTreeSet<NodeId>,
    /// What it did so far.
    pub(crate) record: NodeScalerRecord,
}

impl NodeScaler {
    pub(crate) fn new(policy: Box<dyn NodeAutoscaler>) -> Self {
        let record = NodeScalerRecord { name: policy.name().into(), ..NodeScalerRecord::default() };
        NodeScaler {
            policy,
            looks: 0,
            planned: 0,
            woken: BTreeMap::new(),
            retries: false,
            last_order: None,
            open: BTreeMap::new(),
            from: BTreeMap::new(),
            noticed: BTreeSet::new(),
            record,
        }
    }

    /// The number of the next look.
    pub(crate) fn next_look(&mut self) -> u64 {
        self.looks += 1;
        self.looks
    }
}
