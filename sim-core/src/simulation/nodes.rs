//! The plain node autoscaler: orders nodes while replicas wait for GPUs, and gives empty nodes back
//! after their pool's idle time, down to the pool's minimum.
//!
//! It looks at multiples of its period, as the Kubernetes cluster autoscaler does (scan interval 10
//! s), and counts the room on booting nodes before it orders more.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime, keyed};
use crate::fleet::{Node, NodeLife, NodeRoom};
use crate::id::{DemandId, NodeId, PoolId, UnitId, ZoneId};
use crate::journal::{NodeChange, Note};
use crate::ledger::{BillLine, GpuState};
use std::collections::BTreeSet;

impl Simulation {
    /// Plans the next look of the plain node autoscaler, at a multiple of its period.
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

    /// Orders nodes for waiting units that do not fit on the nodes that boot.
    pub(super) fn node_scan(&mut self) {
        self.nodes.scan_planned = false;
        self.refill_pools();
        // Free room on booting nodes; each waiting unit that fits takes its part of it.
        let booting = self.fleet.booting_nodes().into_iter();
        let mut rooms: Vec<NodeRoom> = booting.map(|node| self.fleet.empty_room(node)).collect();
        // If one unit of a demand does not fit, no later one will: room only shrinks here.
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

    /// Orders the nodes that a pool lacks to its minimum, after a loss.
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

    /// Places the waiting units that fit, oldest first.
    pub(super) fn place_pending(&mut self) {
        // Units of one demand are alike and room only shrinks: if one does not fit, no later one
        // will.
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

    /// Decides whether GPUs will come for the unit that has just begun to wait.
    pub(super) fn judge_newest(&mut self) {
        match self.fleet.newest_hope() {
            Some((unit, stuck)) => self.set_stuck(unit, stuck),
            None => self.judge_waiting(),
        }
    }

    /// Decides for each waiting unit whether GPUs will come for it.
    pub(super) fn judge_waiting(&mut self) {
        for (unit, stuck) in self.fleet.hopes() {
            self.set_stuck(unit, stuck);
        }
    }

    /// Notes that a unit waits for a full pool, or no longer does.
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

    /// Starts the idle time of an empty node; an empty cordoned node goes at once.
    pub(super) fn watch_idle(&mut self, node: NodeId) {
        let state = self.fleet.node(node);
        if state.cordoned && state.is_empty() {
            return self.retire_node(node);
        }
        if state.life == NodeLife::Ready && state.is_empty() {
            let timeout = self.fleet.pool(state.pool).idle_timeout;
            // Node autoscalers behind the port have an idle time of their own.
            if timeout != SimDuration::MAX && self.nodes.scaler.is_none() {
                let at = self.agenda.now() + timeout;
                self.agenda.schedule(at, Class::Lifecycle, node, state.generation, Event::NodeIdle { node });
            }
        }
    }

    /// Gives a node back, if it has been empty for the whole idle time and its pool is above the
    /// minimum.
    pub(super) fn node_idle(&mut self, node: NodeId, generation: u64) {
        let state = self.fleet.node(node);
        let pool = state.pool;
        let minimum = self.fleet.pool(pool).min_nodes;
        if state.generation != generation || state.life != NodeLife::Ready || self.fleet.stock(pool).live <= minimum {
            return;
        }
        self.retire_node(node);
    }

    /// Bills the committed nodes of a pool that are not in use, up to now; call before the number
    /// of nodes changes.
    pub(super) fn settle_commitment(&mut self, pool: PoolId) {
        let now = self.agenda.now();
        let (config, stock) = self.fleet.pool_and_stock(pool);
        let span = now.since(std::mem::replace(&mut stock.settled, now));
        let unused = config.committed.saturating_sub(stock.live);
        let line = BillLine { pool: pool.get(), rate: pool.get(), state: GpuState::Unused, service: None };
        self.books.charge(line, unused.saturating_mul(config.gpus_per_node), span);
    }

    /// A committed node is gone: the commitment passes to the oldest other node of the pool, which
    /// costs the agreed price from now on.
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

    /// Removes an empty node from the fleet.
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
        // Another replica may have waited for this place in the pool, or the pool is below its
        // minimum now.
        if !self.fleet.pending().is_empty() || self.fleet.misses_minimum() {
            self.schedule_scan();
        }
        self.retry_orders_soon();
    }

    /// Bills the free GPUs of a node up to now.
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

    /// Bills what the pool's minimum charge adds to a node's life.
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
