//! A plain node autoscaler: nodes appear while replicas wait for GPUs, and leave after their
//! pool's idle time, down to its minimum.
//!
//! It looks at multiples of its period, as the Kubernetes cluster autoscaler does (scan interval
//! 10 s); it counts the room of nodes that already boot before it orders more.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime, keyed};
use crate::fleet::{Node, NodeLife, NodeRoom, Stock, place};
use crate::id::{DemandId, NodeId, PoolId, UnitId, ZoneId};
use crate::journal::{NodeChange, Note};
use crate::ledger::{BillLine, GpuState};
use std::collections::BTreeSet;

impl Simulation {
    /// Keeps the list of nodes with room: call when a node's life or its free GPUs change.
    pub(super) fn note_room(&mut self, node: NodeId) {
        self.fleet.nodes[node].changed = self.agenda.now();
        let state = &self.fleet.nodes[node];
        let Stock { open, booting, .. } = &mut self.fleet.stock[state.pool];
        if state.life == NodeLife::Booting && !state.cordoned {
            booting.insert(node);
        } else {
            booting.remove(&node);
        }
        if state.life == NodeLife::Ready && state.free != 0 && !state.cordoned {
            open.insert(node);
        } else {
            open.remove(&node);
        }
    }

    /// Makes sure that the plain node autoscaler looks at its next multiple.
    pub(super) fn schedule_scan(&mut self) {
        if self.fleet.scaler.is_some() {
            return self.retry_orders_soon();
        }
        if std::mem::replace(&mut self.fleet.scan_scheduled, true) {
            return;
        }
        let period = self.world.node_scan_period.as_ps();
        let now = self.agenda.now().as_ps();
        let at = if period == 0 { now } else { now.div_ceil(period).saturating_mul(period) };
        self.agenda.schedule(SimTime::from_ps(at), Class::NodeAutoscaler, Entity::NodeScaler, 0, Event::NodeScan);
    }

    /// Orders nodes for pending replicas that the booting ones will not hold.
    pub(super) fn node_scan(&mut self) {
        self.fleet.scan_scheduled = false;
        self.refill_pools();
        // Room on booting nodes, used up as pending replicas are counted against it.
        let mut rooms: Vec<NodeRoom> = Vec::new();
        for index in self.booting_nodes() {
            rooms.push(self.empty_room(index));
        }
        // Where one unit of a demand does not fit, no later one will: room only shrinks here.
        let mut hopeless: BTreeSet<DemandId> = BTreeSet::new();
        for id in self.fleet.pending.clone() {
            let kind = self.fleet.units[id].demand;
            while !hopeless.contains(&kind) && !self.reserve(kind, &mut rooms) {
                let Some((pool, zone)) = self.pool_to_grow(id) else {
                    hopeless.insert(kind);
                    break;
                };
                let node = self.order_node(pool, zone);
                rooms.push(self.empty_room(node));
            }
        }
        self.judge_waiting();
    }

    /// The first pool that would have one more node which helps a unit, and the zone of that node.
    pub(super) fn pool_to_grow(&self, unit: UnitId) -> Option<(PoolId, ZoneId)> {
        let demand = self.fleet.demand_of(unit);
        let helps = |&pool: &PoolId| {
            let zone = self.next_zone(pool, unit)?;
            self.fleet.fits_empty_node(demand, pool).then_some((pool, zone))
        };
        demand.pools.iter().find_map(helps)
    }

    /// Booting nodes of all pools, oldest first.
    fn booting_nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> =
            self.fleet.stock.values().flat_map(|stock| stock.booting.iter().copied()).collect();
        nodes.sort_unstable();
        nodes
    }

    /// Whether a pool has fewer nodes than its minimum.
    pub(super) fn misses_minimum(&self) -> bool {
        self.fleet.stock.values().zip(self.fleet.pools.values()).any(|(stock, pool)| stock.live < pool.min_nodes)
    }

    /// Orders what a loss took from the minimum of a pool.
    pub(super) fn refill_pools(&mut self) {
        for pool in self.fleet.pools.ids() {
            while self.fleet.stock[pool].live < self.fleet.pools[pool].min_nodes {
                let Some(zone) = self.fleet.zone_where(pool, |_| true) else { break };
                self.order_node(pool, zone);
            }
        }
    }

    fn empty_room(&self, node: NodeId) -> NodeRoom {
        let config = &self.fleet.pools[self.fleet.nodes[node].pool];
        NodeRoom {
            node,
            free_gpus: config.gpus_per_node,
            gpus: config.gpus_per_node,
            memory_per_gpu: config.memory_per_gpu,
            related: 0,
            preference: 0,
        }
    }

    /// Counts one unit of a demand against rooms where it may stand.
    fn reserve(&mut self, demand: DemandId, rooms: &mut [NodeRoom]) -> bool {
        let demand = &self.fleet.demands[demand];
        let allowed = |room: &NodeRoom| {
            let node = &self.fleet.nodes[room.node];
            demand.allows(node.pool, Some(node.zone))
        };
        let mut usable: Vec<NodeRoom> = rooms.iter().copied().filter(allowed).collect();
        if place(demand, &mut usable, self.fleet.placement.as_mut()).is_none() {
            return false;
        }
        for used in usable {
            if let Some(room) = rooms.iter_mut().find(|room| room.node == used.node) {
                *room = used;
            }
        }
        true
    }

    pub(super) fn order_node(&mut self, pool: PoolId, zone: ZoneId) -> NodeId {
        let now = self.agenda.now();
        let ordinal = u64::from(self.fleet.stock[pool].ever);
        let node = self.new_node(pool, zone);
        let config = &self.fleet.pools[pool];
        let key = self.world.seed.key(&format!("provisioning/{}", config.name));
        let span = config.provisioning.sample_duration(&mut keyed(key, ordinal, 0));
        self.agenda.schedule(now + span, Class::Lifecycle, node, 0, Event::NodeReady { node });
        self.note_node(node, NodeChange::Ordered);
        node
    }

    /// A node has booted, unless it was lost meanwhile.
    pub(super) fn node_ready(&mut self, node: NodeId) {
        if self.fleet.nodes[node].life != NodeLife::Booting {
            return;
        }
        let now = self.agenda.now();
        self.bill_free_gpus(node);
        self.fleet.nodes[node].life = NodeLife::Ready;
        self.fleet.nodes[node].ready_at = Some(now);
        self.note_room(node);
        self.note_node(node, NodeChange::Ready);
        self.place_pending();
        self.watch_idle(node);
    }

    /// Places what fits of the units that wait, oldest first.
    pub(super) fn place_pending(&mut self) {
        let waiting = std::mem::take(&mut self.fleet.pending);
        let mut left = Vec::new();
        // Units of one demand are alike, and room only shrinks: where one does not fit, none does.
        let mut full: BTreeSet<DemandId> = BTreeSet::new();
        for id in waiting {
            let kind = self.fleet.units[id].demand;
            if full.contains(&kind) || !self.try_place(id) {
                full.insert(kind);
                left.push(id);
            } else {
                self.set_stuck(id, false);
                self.begin_start(id);
            }
        }
        self.fleet.pending = left;
        if !self.fleet.pending.is_empty() {
            self.judge_waiting();
            self.schedule_scan();
        }
    }

    /// Starts the idle time of a node that is empty; one that the market takes back goes at once.
    pub(super) fn watch_idle(&mut self, node: NodeId) {
        let state = &self.fleet.nodes[node];
        if state.cordoned && state.is_empty() {
            return self.retire_node(node);
        }
        if state.life == NodeLife::Ready && state.is_empty() {
            let timeout = self.fleet.pools[state.pool].idle_timeout;
            // An autoscaler of the port has a time of its own.
            if timeout != SimDuration::MAX && self.fleet.scaler.is_none() {
                let at = self.agenda.now() + timeout;
                self.agenda.schedule(at, Class::Lifecycle, node, state.generation, Event::NodeIdle { node });
            }
        }
    }

    /// Gives a node back, if it has been empty all the time and its pool is above the minimum.
    pub(super) fn node_idle(&mut self, node: NodeId, generation: u64) {
        let state = &self.fleet.nodes[node];
        let pool = state.pool;
        let minimum = self.fleet.pools[pool].min_nodes;
        if state.generation != generation || state.life != NodeLife::Ready || self.fleet.stock[pool].live <= minimum {
            return;
        }
        self.retire_node(node);
    }

    /// Bills the nodes of a pool that are committed and do not live, up to now; call before their number
    /// changes.
    pub(super) fn settle_commitment(&mut self, pool: PoolId) {
        let (now, config) = (self.agenda.now(), &self.fleet.pools[pool]);
        let stock = &mut self.fleet.stock[pool];
        let span = now.since(std::mem::replace(&mut stock.settled, now));
        let unused = config.committed.saturating_sub(stock.live);
        let line = BillLine { pool: pool.get(), rate: pool.get(), state: GpuState::Unused, service: None };
        self.ledger.bill.add(line, unused.saturating_mul(config.gpus_per_node), span);
    }

    /// A committed node is gone: the oldest of its pool that is not committed costs what was agreed now.
    fn pass_commitment_on(&mut self, gone: NodeId) {
        if !std::mem::take(&mut self.fleet.nodes[gone].committed) {
            return;
        }
        let pool = self.fleet.nodes[gone].pool;
        let next = self.fleet.live_nodes().find(|(_, node)| node.pool == pool && !node.committed);
        let Some((next, _)) = next else {
            self.fleet.stock[pool].committed_live -= 1;
            return;
        };
        for id in self.units_on(&[next]) {
            self.bill_unit(id);
        }
        self.bill_free_gpus(next);
        self.fleet.nodes[next].committed = true;
        self.fleet.nodes[next].rate = pool.get();
    }

    /// A node leaves the fleet, empty.
    pub(super) fn retire_node(&mut self, node: NodeId) {
        if self.fleet.nodes[node].life == NodeLife::Gone {
            return;
        }
        self.bill_free_gpus(node);
        self.bill_minimum(node);
        self.settle_commitment(self.fleet.nodes[node].pool);
        let now = self.agenda.now();
        let state = &mut self.fleet.nodes[node];
        state.life = NodeLife::Gone;
        state.gone_at = Some(now);
        let (pool, zone) = (state.pool, state.zone);
        let stock = &mut self.fleet.stock[pool];
        stock.live -= 1;
        stock.zones[zone].nodes.remove(&node);
        self.note_room(node);
        self.note_node(node, NodeChange::Gone);
        self.pass_commitment_on(node);
        self.judge_waiting();
        // Another replica may have waited for the place in the pool, or the pool has too few nodes now.
        if !self.fleet.pending.is_empty() || self.misses_minimum() {
            self.schedule_scan();
        }
        self.retry_orders_soon();
    }

    /// Bills the GPUs of a node that nobody holds, up to now.
    pub(super) fn bill_free_gpus(&mut self, node: NodeId) {
        let now = self.agenda.now();
        let state = &mut self.fleet.nodes[node];
        let span = now.since(state.billed);
        state.billed = now;
        let gpu_state = match state.life {
            NodeLife::Booting => GpuState::Starting,
            NodeLife::Ready => GpuState::Idle,
            NodeLife::Gone => return,
        };
        let line = BillLine { pool: state.pool.get(), rate: state.rate, state: gpu_state, service: None };
        self.ledger.bill.add(line, state.free.count_ones(), span);
    }

    /// What the pool's minimum charge adds to a node's life.
    pub(super) fn bill_minimum(&mut self, node: NodeId) {
        let state = &self.fleet.nodes[node];
        let lived = self.agenda.now().since(state.ordered);
        let missing = self.fleet.pools[state.pool].minimum_charge.saturating_sub(lived);
        let line = BillLine { pool: state.pool.get(), rate: state.rate, state: GpuState::Minimum, service: None };
        self.ledger.bill.add(line, state.gpus(), missing);
    }

    fn note_node(&mut self, node: NodeId, change: NodeChange) {
        let Node { pool, ordinal, .. } = self.fleet.nodes[node];
        self.journal.note(self.agenda.now(), Note::Node { pool, node, ordinal, change });
    }
}
