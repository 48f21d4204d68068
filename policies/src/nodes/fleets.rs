//! Fleets for the unit tests of node autoscalers: a view that a test changes by hand.

use flashcrowd_core::SimTime;
use flashcrowd_core::id::PoolId;
use flashcrowd_core::ports::{
    Demand, FleetView, HeldView, NodeDecision, NodeView, NodeWake, OfferView, OpenOrder, PoolView, ReplicaId, Shape,
    WaitingView,
};
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};

/// A view of pools `0..n` with eight GPUs a node, one zone, and a price of `pool + 1` dollars.
pub(crate) struct Fleet {
    pub(crate) view: FleetView,
    replicas: u32,
}

impl Fleet {
    pub(crate) fn new(pools: u32) -> Self {
        let pool = |at: u32| PoolView {
            name: format!("pool-{at}").as_str().into(),
            gpus_per_node: 8,
            memory_per_gpu: Bytes::gib(80),
            market: Market::OnDemand,
            min_nodes: 0,
            max_nodes: 100,
            live: 0,
            zones: vec![OfferView { zone: 0, price: PicoUsdPerHour::from_usd(f64::from(at) + 1.0) }],
        };
        let view = FleetView {
            now: SimTime::ZERO,
            wake: NodeWake::Tick,
            demands: Vec::new(),
            waiting: Vec::new(),
            pools: (0..pools).map(pool).collect(),
            nodes: Vec::new(),
            orders: Vec::new(),
        };
        Fleet { view, replicas: 0 }
    }

    /// A kind of replica that may stand in every pool.
    pub(crate) fn demand(&mut self, groups: u32, gpus_per_group: u32) -> u32 {
        let pools = (0..self.view.pools.len() as u32).map(PoolId::new).collect();
        let (shape, bytes) = (Shape::Whole(gpus_per_group), Bytes::gib(20));
        self.view.demands.push(Demand { groups, shape, bytes, pools, zone: None });
        self.view.demands.len() as u32 - 1
    }

    /// A replica begins to wait now.
    pub(crate) fn wait(&mut self, demand: u32) {
        self.replicas += 1;
        let replica = ReplicaId(self.replicas);
        self.view.waiting.push(WaitingView { replica, demand, since: self.view.now });
    }

    /// A ready node of a pool with replicas on it; returns its id.
    pub(crate) fn node(&mut self, pool: u32, holds: &[u32]) -> u32 {
        let id = self.view.nodes.last().map_or(0, |node| node.id + 1);
        let now = self.view.now;
        let price = self.view.pools[pool as usize].zones[0].price;
        self.view.pools[pool as usize].live += 1;
        self.view.nodes.push(NodeView {
            id,
            pool,
            zone: 0,
            order: None,
            ordered: now,
            ready: Some(now),
            changed: now,
            free_gpus: 8,
            gpus: 8,
            price,
            cordoned: false,
            reclaimed: None,
            holds: Vec::new(),
        });
        for &demand in holds {
            self.hold(id, demand);
        }
        id
    }

    /// A replica appears on a node.
    pub(crate) fn hold(&mut self, node: u32, demand: u32) {
        self.replicas += 1;
        let replica = ReplicaId(self.replicas);
        let gpus = self.view.demands[demand as usize].shape.gpus();
        let now = self.view.now;
        let node = self.at(node);
        node.holds.push(HeldView { replica, demand, gpus, leaving: false, movable: true });
        node.free_gpus -= gpus;
        node.changed = now;
    }

    pub(crate) fn at(&mut self, node: u32) -> &mut NodeView {
        self.view.nodes.iter_mut().find(|other| other.id == node).expect("a live node")
    }

    /// A node leaves.
    pub(crate) fn lose(&mut self, node: u32) {
        let pool = self.at(node).pool;
        self.view.pools[pool as usize].live -= 1;
        self.view.nodes.retain(|other| other.id != node);
    }

    /// What the engine would do with cordons, removals and cancellations.
    pub(crate) fn apply(&mut self, decision: &NodeDecision) {
        for &node in decision.cordon.iter().chain(&decision.drain) {
            self.at(node).cordoned = true;
        }
        for &node in &decision.remove {
            self.lose(node);
        }
        self.view.orders.retain(|order| !decision.cancel.contains(&order.id));
    }

    /// Leaves the orders of a decision open.
    pub(crate) fn open(&mut self, decision: &NodeDecision) {
        let placed = self.view.now;
        let open = decision.orders.iter().map(|order| OpenOrder { id: order.id, placed, offers: order.offers.clone() });
        self.view.orders.extend(open);
    }

    /// Grants the orders of a decision: their nodes boot.
    pub(crate) fn grant(&mut self, decision: &NodeDecision) -> Vec<u32> {
        let grant = |order: &flashcrowd_core::ports::NodeOrder| {
            let node = self.node(order.offers[0].0, &[]);
            self.at(node).ready = None;
            self.at(node).order = Some(order.id);
            node
        };
        decision.orders.iter().map(grant).collect()
    }

    pub(crate) fn now(&mut self, s: u64) -> &FleetView {
        self.view.now = SimTime::from_s(s);
        self.view.wake = NodeWake::Tick;
        &self.view
    }
}
