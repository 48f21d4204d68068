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
    /// What it did so far.
    pub(crate) record: NodeScalerRecord,
    /// Numbers all its events, so that no two have the same key.
    looks: u64,
    /// The look that was planned last; older plans are stale.
    planned: u64,
    /// Looks at this instant, each with the reason for it.
    woken: BTreeMap<u64, NodeWake>,
    /// Whether open orders are tried again at this instant.
    retries: bool,
    /// The highest number of an order so far.
    last_order: Option<u64>,
    /// Orders that no zone has granted yet.
    open: BTreeMap<u64, OpenOrder>,
    /// For each node, the order that it came from.
    from: BTreeMap<NodeId, u64>,
    /// Nodes whose notice was received.
    noticed: BTreeSet<NodeId>,
}

impl NodeScaler {
    pub(crate) fn new(policy: Box<dyn NodeAutoscaler>) -> Self {
        let record = NodeScalerRecord { name: policy.name().into(), ..NodeScalerRecord::default() };
        NodeScaler {
            policy,
            record,
            looks: 0,
            planned: 0,
            woken: BTreeMap::new(),
            retries: false,
            last_order: None,
            open: BTreeMap::new(),
            from: BTreeMap::new(),
            noticed: BTreeSet::new(),
        }
    }

    /// The number of the next look.
    fn next_look(&mut self) -> u64 {
        self.looks += 1;
        self.looks
    }

    /// Plans a look in place of any that was planned before; says its number.
    pub(crate) fn plan_look(&mut self) -> u64 {
        self.planned = self.next_look();
        self.planned
    }

    /// Plans a look at this instant, unless it does not watch for that, or one is planned; says its number.
    pub(crate) fn wake(&mut self, wake: NodeWake) -> Option<u64> {
        let wakes = self.policy.wakes();
        let is_wanted = match wake {
            NodeWake::Tick => false,
            NodeWake::Waiting => wakes.waiting,
            NodeWake::Notice => wakes.notices,
        };
        if !is_wanted || self.woken.values().any(|&other| other == wake) {
            return None;
        }
        let look = self.next_look();
        self.woken.insert(look, wake);
        Some(look)
    }

    /// The reason for a look; `None` if a later plan has replaced it.
    pub(crate) fn take_reason(&mut self, look: u64) -> Option<NodeWake> {
        let tick = (self.planned == look).then_some(NodeWake::Tick);
        self.woken.remove(&look).or(tick)
    }

    /// Plans to try open orders again at this instant, unless that is planned; says its number.
    pub(crate) fn plan_retry(&mut self) -> Option<u64> {
        (!std::mem::replace(&mut self.retries, true)).then(|| self.next_look())
    }

    /// Takes the open orders, to try them again.
    pub(crate) fn take_open(&mut self) -> BTreeMap<u64, OpenOrder> {
        self.retries = false;
        std::mem::take(&mut self.open)
    }

    /// Keeps an order that no zone has granted yet.
    pub(crate) fn keep_open(&mut self, order: OpenOrder) {
        self.open.insert(order.id, order);
    }

    /// Takes back an order; false if it is not open.
    pub(crate) fn cancel(&mut self, order: u64) -> bool {
        self.open.remove(&order).is_some()
    }

    /// Orders that no zone has granted yet, by number.
    pub(crate) fn open(&self) -> impl ExactSizeIterator<Item = &OpenOrder> {
        self.open.values()
    }

    /// Takes the number of a new order; false if it is not above all before it.
    pub(crate) fn take_number(&mut self, order: u64) -> bool {
        let is_new = self.last_order.is_none_or(|last| order > last);
        if is_new {
            self.last_order = Some(order);
        }
        is_new
    }

    /// A zone has granted a node for an order.
    pub(crate) fn granted(&mut self, order: u64, node: NodeId) {
        self.from.insert(node, order);
        self.record.granted += 1;
    }

    /// The order that a node came from.
    pub(crate) fn order_of(&self, node: NodeId) -> Option<u64> {
        self.from.get(&node).copied()
    }

    /// Notices about nodes were received.
    pub(crate) fn notice(&mut self, nodes: &[NodeId]) {
        self.noticed.extend(nodes);
    }

    /// Whether the notice about a node was received.
    pub(crate) fn has_notice_of(&self, node: NodeId) -> bool {
        self.noticed.contains(&node)
    }
}
