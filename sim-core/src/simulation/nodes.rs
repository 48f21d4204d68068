//! A plain node autoscaler: nodes appear while replicas wait for GPUs, and leave after their
//! pool's idle time, down to its minimum.
//!
//! It looks at multiples of its period, as the Kubernetes cluster autoscaler does (scan interval
//! 10 s); it counts the room of nodes that already boot before it orders more.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime, keyed};
use crate::fleet::{Node, NodeLife, NodeRoom};
use crate::id::{DemandId, NodeId, PoolId, UnitId, ZoneId};
use crate::journal::{NodeChange, Note};
use crate::ledger::{BillLine, GpuState};
use std::collections::BTreeSet;

impl Simulation {
    /// Makes sure that the plain node autoscaler looks at its next multiple.
    pub(super) fn schedule_scan(&mut self) {
        if self.nodes.scaler.is_some() {
            return self.retry_orders_soon();
        }
        if std::mem::replace(&mut self.nodes.scan_planned, true) {
            return;
        }
        let period = self.world.node_scan_period.as_ps();
        let now = self.agenda.now().as_ps();
        let at = if period == 0 { now } else { now.div_ceil(period).saturating_mul(period) };
        self.agenda.schedule(SimTime::from_ps(at), Class::NodeAutoscaler, Entity::NodeScaler, 0, Event::NodeScan);
    }

    /// Orders nodes for units that wait and that the booting ones will not hold.
    pub(super) fn node_scan(&mut self) {
        self.nodes.scan_planned = false;
        self.refill_pools();
        // Room on booting nodes, used up as units that wait are counted against it.
        let booting = self.fleet.booting_nodes().into_iter();
        let mut rooms: Vec<NodeRoom> = booting.map(|node| self.fleet.empty_room(node)).collect();
        // Where one unit of a demand does not fit, no later one will: room only shrinks here.
        let mut hopeless: BTreeSet<DemandId> = BTreeSet::new();
        for id in self.fleet.pending().to_vec() {
            let kind = self.fleet.unit(id).demand;
            while !hopeless.contains(&kind) && !self.fleet.reserve(kind, &mut rooms) {
                let Some((pool, zone)) = self.fleet.pool_to_grow(self.fleet.demand(kind)) else {
                    hopeless.insert(kind);
                    break;
                };
                let node = self.order_node(pool, zone);
                rooms.push(self.fleet.empty_room(node));
            }
        }
        self.judge_waiting();
    }

    /// Orders what a loss took from the minimum of a pool.
    pub(super) fn refill_pools(&mut self) {
        for pool in self.fleet.pool_ids() {
            while self.fleet.stock(pool).live < self.fleet.pool(pool).min_nodes {
                let Some(zone) = self.fleet.zone_where(pool, |_| true) else { break };
                self.order_node(pool, zone);
            }
        }
    }

    pub(super) fn order_node(&mut self, pool: PoolId, zone: ZoneId) -> NodeId {
        let now = self.agenda.now();
        let ordinal = u64::from(self.fleet.stock(pool).ever);
        let node = self.new_node(pool, zone);
        let config = self.fleet.pool(pool);
        let key = self.world.seed.key(&format!("provisioning/{}", config.name));
        let span = config.provisioning.sample_duration(&mut keyed(key, ordinal, 0));
        self.agenda.schedule(now + span, Class::Lifecycle, node, 0, Event::NodeReady { node });
        self.note_node(node, NodeChange::Ordered);
        node
    }

    /// A node has booted, unless it was lost meanwhile.
    pub(super) fn node_ready(&mut self, node: NodeId) {
        if self.fleet.node(node).life != NodeLife::Booting {
            return;
        }
        let now = self.agenda.now();
        self.bill_free_gpus(node);
        self.fleet.node_mut(node).life = NodeLife::Ready;
        self.fleet.node_mut(node).ready_at = Some(now);
        self.fleet.note_room(node, self.agenda.now());
        self.note_node(node, NodeChange::Ready);
        self.place_pending();
        self.watch_idle(node);
    }

    /// Places what fits of the units that wait, oldest first.
    pub(super) fn place_pending(&mut self) {
        // Units of one demand are alike, and room only shrinks: where one does not fit, none does.
        let mut full: BTreeSet<DemandId> = BTreeSet::new();
        for id in self.fleet.take_pending() {
            let kind = self.fleet.unit(id).demand;
            if full.contains(&kind) || !self.try_place(id) {
                full.insert(kind);
                self.fleet.wait(id);
            } else {
                self.set_stuck(id, false);
                self.begin_start(id);
            }
        }
        if !self.fleet.pending().is_empty() {
            self.judge_waiting();
            self.schedule_scan();
        }
    }

    /// A unit has begun to wait: says whether GPUs will come for it.
    pub(super) fn judge_newest(&mut self) {
        match self.fleet.newest_hope() {
            Some((unit, stuck)) => self.set_stuck(unit, stuck),
            None => self.judge_waiting(),
        }
    }

    /// Says of each unit that waits whether GPUs will come for it.
    pub(super) fn judge_waiting(&mut self) {
        for (unit, stuck) in self.fleet.hopes() {
            self.set_stuck(unit, stuck);
        }
    }

    /// A unit waits for a full pool, or no longer does.
    pub(super) fn set_stuck(&mut self, unit: UnitId, stuck: bool) {
        let now = self.agenda.now();
        if std::mem::replace(&mut self.fleet.unit_mut(unit).stuck, stuck) == stuck {
            return;
        }
        for &pod in &self.fleet.unit(unit).pods {
            let service = self.fleet.pod(pod).service();
            self.services[service].waits.step_stuck(stuck, now);
        }
    }

    /// Starts the idle time of a node that is empty; one that the market takes back goes at once.
    pub(super) fn watch_idle(&mut self, node: NodeId) {
        let state = self.fleet.node(node);
        if state.cordoned && state.is_empty() {
            return self.retire_node(node);
        }
        if state.life == NodeLife::Ready && state.is_empty() {
            let timeout = self.fleet.pool(state.pool).idle_timeout;
            // An autoscaler of the port has a time of its own.
            if timeout != SimDuration::MAX && self.nodes.scaler.is_none() {
                let at = self.agenda.now() + timeout;
                self.agenda.schedule(at, Class::Lifecycle, node, state.generation, Event::NodeIdle { node });
            }
        }
    }

    /// Gives a node back, if it has been empty all the time and its pool is above the minimum.
    pub(super) fn node_idle(&mut self, node: NodeId, generation: u64) {
        let state = self.fleet.node(node);
        let pool = state.pool;
        let minimum = self.fleet.pool(pool).min_nodes;
        if state.generation != generation || state.life != NodeLife::Ready || self.fleet.stock(pool).live <= minimum {
            return;
        }
        self.retire_node(node);
    }

    /// Bills the nodes of a pool that are committed and do not live, up to now; call before their number
    /// changes.
    pub(super) fn settle_commitment(&mut self, pool: PoolId) {
        let now = self.agenda.now();
        let (config, stock) = self.fleet.pool_and_stock(pool);
        let span = now.since(std::mem::replace(&mut stock.settled, now));
        let unused = config.committed.saturating_sub(stock.live);
        let line = BillLine { pool: pool.get(), rate: pool.get(), state: GpuState::Unused, service: None };
        self.books.charge(line, unused.saturating_mul(config.gpus_per_node), span);
    }

    /// A committed node is gone: the oldest of its pool that is not committed costs what was agreed now.
    fn pass_commitment_on(&mut self, gone: NodeId) {
        if !std::mem::take(&mut self.fleet.node_mut(gone).committed) {
            return;
        }
        let pool = self.fleet.node(gone).pool;
        let next = self.fleet.live_nodes().find(|(_, node)| node.pool == pool && !node.committed);
        let Some((next, _)) = next else {
            self.fleet.stock_mut(pool).committed_live -= 1;
            return;
        };
        for id in self.fleet.units_on(&[next]) {
            self.bill_unit(id);
        }
        self.bill_free_gpus(next);
        self.fleet.node_mut(next).committed = true;
        self.fleet.node_mut(next).rate = pool.get();
    }

    /// A node leaves the fleet, empty.
    pub(super) fn retire_node(&mut self, node: NodeId) {
        if self.fleet.node(node).life == NodeLife::Gone {
            return;
        }
        self.bill_free_gpus(node);
        self.bill_minimum(node);
        self.settle_commitment(self.fleet.node(node).pool);
        let now = self.agenda.now();
        let state = self.fleet.node_mut(node);
        state.life = NodeLife::Gone;
        state.gone_at = Some(now);
        let (pool, zone) = (state.pool, state.zone);
        let stock = self.fleet.stock_mut(pool);
        stock.live -= 1;
        stock.zones[zone].nodes.remove(&node);
        self.fleet.note_room(node, self.agenda.now());
        self.note_node(node, NodeChange::Gone);
        self.pass_commitment_on(node);
        self.judge_waiting();
        // Another replica may have waited for the place in the pool, or the pool has too few nodes now.
        if !self.fleet.pending().is_empty() || self.fleet.misses_minimum() {
            self.schedule_scan();
        }
        self.retry_orders_soon();
    }

    /// Bills the GPUs of a node that nobody holds, up to now.
    pub(super) fn bill_free_gpus(&mut self, node: NodeId) {
        let now = self.agenda.now();
        let state = self.fleet.node_mut(node);
        let span = now.since(state.billed);
        state.billed = now;
        let gpu_state = match state.life {
            NodeLife::Booting => GpuState::Starting,
            NodeLife::Ready => GpuState::Idle,
            NodeLife::Gone => return,
        };
        let line = BillLine { pool: state.pool.get(), rate: state.rate, state: gpu_state, service: None };
        self.books.charge(line, state.free.count_ones(), span);
    }

    /// What the pool's minimum charge adds to a node's life.
    pub(super) fn bill_minimum(&mut self, node: NodeId) {
        let state = self.fleet.node(node);
        let lived = self.agenda.now().since(state.ordered);
        let missing = self.fleet.pool(state.pool).minimum_charge.saturating_sub(lived);
        let line = BillLine { pool: state.pool.get(), rate: state.rate, state: GpuState::Minimum, service: None };
        self.books.charge(line, state.gpus(), missing);
    }

    fn note_node(&mut self, node: NodeId, change: NodeChange) {
        let &Node { pool, ordinal, .. } = self.fleet.node(node);
        self.journal.note(self.agenda.now(), Note::Node { pool, node, ordinal, change });
    }
}
