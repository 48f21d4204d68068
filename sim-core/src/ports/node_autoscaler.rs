//! Node autoscaling: which nodes are ordered, drained and given back.
//!
//! The engine shows the fleet as plain data sorted by id, and applies what is answered. A wish that
//! cannot be is refused and counted, never changed into another.

use super::ReplicaId;
use crate::clock::SimTime;
use crate::fleet::Demand;
use crate::units::{Bytes, Market, PicoUsdPerHour};
use std::sync::Arc;

/// A replica that waits for GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingView {
    /// Which.
    pub replica: ReplicaId,
    /// What it needs, by position in [`FleetView::demands`].
    pub demand: u32,
    /// Since when it waits.
    pub since: SimTime,
}

/// What a replica holds of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldView {
    /// Which.
    pub replica: ReplicaId,
    /// What it needs as a whole, by position in [`FleetView::demands`].
    pub demand: u32,
    /// GPUs that it holds on this node.
    pub gpus: u32,
    /// It is being deleted and still has work.
    pub leaving: bool,
    /// Its deployment makes another when it is deleted; a job's work is not moved.
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
    /// Fewest nodes: the engine keeps them and refuses to give them back.
    pub min_nodes: u32,
    /// Most nodes at once, booting, draining and reclaimed ones too.
    pub max_nodes: u32,
    /// Nodes that are not given back.
    pub live: u32,
    /// Its zones in order. Whether one grants a node is learnt by asking.
    pub zones: Vec<OfferView>,
}

/// A node that is not given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Which.
    pub id: u32,
    /// Its pool, by position.
    pub pool: u32,
    /// Its zone, by position in the pool's region.
    pub zone: u32,
    /// The order that it came from; `None` if the node autoscaler did not place it.
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
    /// It takes nobody any more.
    pub cordoned: bool,
    /// When the market takes it, if a notice of that was received.
    pub reclaimed: Option<SimTime>,
    /// What is on it, by replica.
    pub holds: Vec<HeldView>,
}

impl NodeView {
    /// Whether nobody holds a GPU of it.
    pub fn is_empty(&self) -> bool {
        self.free_gpus == self.gpus
    }
}

/// An order that is open: no zone has granted it yet, and the cloud goes on trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its number.
    pub id: u64,
    /// When it was placed.
    pub placed: SimTime,
    /// What it may become: pools and zones, by position.
    pub offers: Vec<(u32, u32)>,
}

/// Why a node autoscaler is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeWake {
    /// It wanted to look now, or the run begins.
    Tick,
    /// Replicas have begun to wait for GPUs.
    Waiting,
    /// The market has announced that it takes nodes back.
    Notice,
}

/// What a [`NodeAutoscaler`] sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetView {
    /// The time.
    pub now: SimTime,
    /// Why it is shown.
    pub wake: NodeWake,
    /// Kinds of replicas.
    pub demands: Vec<Demand>,
    /// Replicas without GPUs, oldest first.
    pub waiting: Vec<WaitingView>,
    /// Pools.
    pub pools: Vec<PoolView>,
    /// Nodes that are not given back, by id.
    pub nodes: Vec<NodeView>,
    /// Open orders, by number.
    pub orders: Vec<OpenOrder>,
}

impl FleetView {
    /// A node by its id, if it is not given back.
    pub fn node(&self, id: u32) -> Option<&NodeView> {
        self.nodes.binary_search_by_key(&id, |node| node.id).ok().map(|at| &self.nodes[at])
    }

    /// How many more nodes a pool may have, open orders counted at each pool that they name.
    pub fn headroom(&self, pool: u32) -> u32 {
        let view = &self.pools[pool as usize];
        let open = self.orders.iter().filter(|order| order.offers.iter().any(|offer| offer.0 == pool)).count() as u32;
        view.max_nodes.saturating_sub(view.live).saturating_sub(open)
    }
}

/// How long an order that nobody grants is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Once; what refused is told at once.
    Once,
    /// Until it is cancelled, as a group with a wanted size does. Nobody is told that it is refused.
    UntilCancelled,
}

/// An order of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOrder {
    /// Its number, which its author has not used before.
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

/// What a [`NodeAutoscaler`] wishes; applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeDecision {
    /// Open orders to take back.
    pub cancel: Vec<u64>,
    /// Nodes to give back: booting, or ready and empty.
    pub remove: Vec<u32>,
    /// Nodes that shall take replicas again.
    pub uncordon: Vec<u32>,
    /// Nodes that shall take nobody any more; one that becomes empty is given back.
    pub cordon: Vec<u32>,
    /// Nodes to cordon and whose replicas to delete, so that their deployments make others.
    pub drain: Vec<u32>,
    /// Nodes to order.
    pub orders: Vec<NodeOrder>,
    /// When it wants to look again; `None` to wait for a wake.
    pub next_wake: Option<SimTime>,
}

/// What wakes a [`NodeAutoscaler`] besides its own plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeWakes {
    /// Replicas begin to wait for GPUs.
    pub waiting: bool,
    /// The market announces that it takes nodes back.
    pub notices: bool,
}

/// Decides which nodes there are. First asked at the start of the run.
pub trait NodeAutoscaler: Send {
    /// Its name, for reports.
    fn name(&self) -> &str;

    /// What wakes it.
    fn wakes(&self) -> NodeWakes;

    /// Looks at the fleet.
    fn decide(&mut self, seen: &FleetView) -> NodeDecision;

    /// What became of an order that was tried once, told before time goes on.
    fn answered(&mut self, now: SimTime, answer: &OrderAnswer);
}
