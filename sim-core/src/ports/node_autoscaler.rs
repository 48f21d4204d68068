//! Node autoscaling: which nodes are ordered, drained and given back.
//!
//! The engine shows the fleet as plain data sorted by id, and applies the answer. An action that is
//! not possible is refused and counted, never changed into another.

use super::ReplicaId;
use crate::clock::SimTime;
use crate::fleet::Demand;
use crate::units::{Bytes, Market, PicoUsdPerHour};
use std::sync::Arc;

/// A replica that waits for GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingView {
    /// Which replica.
    pub replica: ReplicaId,
    /// What it needs, by position in [`FleetView::demands`].
    pub demand: u32,
    /// Since when it waits.
    pub since: SimTime,
}

/// What a replica holds of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldView {
    /// Which replica.
    pub replica: ReplicaId,
    /// What it needs in all, by position in [`FleetView::demands`].
    pub demand: u32,
    /// GPUs that it holds on this node.
    pub gpus: u32,
    /// It is being deleted and still has work.
    pub leaving: bool,
    /// Whether its deployment makes another replica when it is deleted; a job's work is not moved.
    pub movable: bool,
}

/// A zone of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferView {
    /// The zone, by position in the pool's region.
    pub zone: u32,
    /// What a node costs there now.
    pub price: PicoUsdPerHour,
}

/// A pool of equal nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// Its name.
    pub name: Arc<str>,
    /// GPUs of a node.
    pub gpus_per_node: u32,
    /// Memory of a GPU, in bytes.
    pub memory_per_gpu: Bytes,
    /// How it is bought.
    pub market: Market,
    /// Fewest nodes: the engine keeps them and refuses to remove them.
    pub min_nodes: u32,
    /// Most nodes at once, including booting, draining and reclaimed ones.
    pub max_nodes: u32,
    /// Nodes that are in the fleet.
    pub live: u32,
    /// Its zones, in order. Whether a zone grants a node is only known after asking.
    pub zones: Vec<OfferView>,
}

/// A node that is in the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its id.
    pub id: u32,
    /// Its pool, by position.
    pub pool: u32,
    /// Its zone, by position in the pool's region.
    pub zone: u32,
    /// The order that it came from; `None` if the node autoscaler did not order it.
    pub order: Option<u64>,
    /// When it was granted.
    pub ordered: SimTime,
    /// When it had booted; `None` while it boots.
    pub ready: Option<SimTime>,
    /// When replicas last came to it or left it, or its state last changed.
    pub changed: SimTime,
    /// Free GPUs.
    pub free_gpus: u32,
    /// All its GPUs.
    pub gpus: u32,
    /// What it costs now.
    pub price: PicoUsdPerHour,
    /// It takes no new replicas.
    pub cordoned: bool,
    /// When the market will take it, if a notice of that was received.
    pub reclaimed: Option<SimTime>,
    /// What it holds, by replica.
    pub holds: Vec<HeldView>,
}

impl NodeView {
    /// Whether none of its GPUs is held.
    pub fn is_empty(&self) -> bool {
        self.free_gpus == self.gpus
    }
}

/// An open order: no zone has granted it yet, and the cloud keeps trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its number.
    pub id: u64,
    /// When it was placed.
    pub placed: SimTime,
    /// Where it may be granted: pools and zones, by position.
    pub offers: Vec<(u32, u32)>,
}

/// Why a node autoscaler is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeWake {
    /// It had planned to look now, or the run begins.
    Tick,
    /// Replicas have begun to wait for GPUs.
    Waiting,
    /// The market has announced that it reclaims nodes.
    Notice,
}

/// What a [`NodeAutoscaler`] sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetView {
    /// The time.
    pub now: SimTime,
    /// Why it is woken.
    pub wake: NodeWake,
    /// Kinds of replicas.
    pub demands: Vec<Demand>,
    /// Replicas without GPUs, oldest first.
    pub waiting: Vec<WaitingView>,
    /// Pools.
    pub pools: Vec<PoolView>,
    /// Nodes in the fleet, by id.
    pub nodes: Vec<NodeView>,
    /// Open orders, by number.
    pub orders: Vec<OpenOrder>,
}

impl FleetView {
    /// A node by its id, if it is in the fleet.
    pub fn node(&self, id: u32) -> Option<&NodeView> {
        self.nodes.binary_search_by_key(&id, |node| node.id).ok().map(|at| &self.nodes[at])
    }

    /// How many more nodes a pool may have. An open order counts at each pool that it names.
    pub fn headroom(&self, pool: u32) -> u32 {
        let view = &self.pools[pool as usize];
        let open = self.orders.iter().filter(|order| order.offers.iter().any(|offer| offer.0 == pool)).count() as u32;
        view.max_nodes.saturating_sub(view.live).saturating_sub(open)
    }
}

/// How long an order is tried while no zone grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Once; the answer tells at once which offers were refused.
    Once,
    /// Until it is cancelled, like a node group with a target size. Refusals are not reported.
    UntilCancelled,
}

/// An order of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOrder {
    /// Its number, which this autoscaler has not used before.
    pub id: u64,
    /// Pools and zones, by position, in the order in which they are tried.
    pub offers: Vec<(u32, u32)>,
    /// How long it is tried.
    pub patience: Patience,
}

/// What became of an order with [`Patience::Once`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAnswer {
    /// The order.
    pub order: u64,
    /// The node that boots now; `None` if every offer was refused.
    pub node: Option<u32>,
    /// Offers that were refused: a stock-out, a block, or the pool's maximum.
    pub refused: Vec<(u32, u32)>,
}

/// The actions of a [`NodeAutoscaler`]; applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeDecision {
    /// Open orders to cancel.
    pub cancel: Vec<u64>,
    /// Nodes to remove: booting ones, or ready and empty ones.
    pub remove: Vec<u32>,
    /// Nodes to uncordon.
    pub uncordon: Vec<u32>,
    /// Nodes to cordon; one that becomes empty is removed.
    pub cordon: Vec<u32>,
    /// Nodes to cordon and whose replicas to delete, so that their deployments make others.
    pub drain: Vec<u32>,
    /// Nodes to order.
    pub orders: Vec<NodeOrder>,
    /// When it wants to look again; `None` to wait until it is woken.
    pub next_wake: Option<SimTime>,
}

/// What wakes a [`NodeAutoscaler`] besides its own plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeWakes {
    /// Replicas begin to wait for GPUs.
    pub waiting: bool,
    /// The market announces that it reclaims nodes.
    pub notices: bool,
}

/// Decides which nodes there are. It is asked first at the start of the run.
pub trait NodeAutoscaler: Send {
    /// Its name, for reports.
    fn name(&self) -> &str;

    /// What wakes it.
    fn wakes(&self) -> NodeWakes;

    /// Looks at the fleet.
    fn decide(&mut self, seen: &FleetView) -> NodeDecision;

    /// What became of an order that was tried once; called at the same instant.
    fn answered(&mut self, now: SimTime, answer: &OrderAnswer);
}
