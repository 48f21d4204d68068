//! A plain node autoscaler: nodes appear while replicas wait for GPUs, and leave after their
//! pool's idle time, down to its minimum.
//!
//! It looks at multiples of its period, as the Kubernetes cluster autoscaler does (scan interval
//! 10 s); it counts the room of nodes that already boot before it orders more.

use super::{Event, Simulation};
use crate::clock::{Class, Digest, Mark, SimDuration, SimTime, keyed, number_of_name};
use crate::fleet::{Node, NodeLife, NodeRoom, PoolConfig, Region, place};
use crate::ledger::{BillLine, GpuState};
use std::collections::BTreeSet;

/// What the digest calls a node's changes; replicas use 1 to 5.
const NODE_ORDERED: u64 = 11;
const NODE_READY: u64 = 12;
const NODE_GONE: u64 = 13;

/// Entities of nodes in the order of events; below stand the replicas, which share their class.
const NODES: u32 = 1 << 31;

/// The nodes of one pool, counted: a fleet may have a hundred thousand, and replicas that wait for one.
#[derive(Debug)]
pub(super) struct Stock {
    /// Its history.
    pub(super) digest: Digest,
    /// Nodes ever ordered.
    pub(super) ever: u32,
    /// Nodes not yet given back.
    pub(super) live: u32,
    /// Those of them that are committed to.
    pub(super) committed_live: u32,
    /// Ready nodes with a free GPU that take replicas.
    pub(super) open: BTreeSet<u32>,
    /// Booting nodes.
    pub(super) booting: BTreeSet<u32>,
    /// Up to when commitments without a node are billed.
    settled: SimTime,
    /// By zone of the pool's region.
    pub(super) zones: Vec<ZoneStock>,
}

/// What a zone grants of one pool.
#[derive(Clone, Debug)]
pub(super) struct ZoneStock {
    /// Most nodes that the market holds there.
    pub(super) capacity: u32,
    /// Nodes that count against it: neither given back nor reclaimed.
    pub(super) nodes: BTreeSet<u32>,
    /// Outages that keep new nodes away.
    pub(super) blocks: u32,
    /// What a node costs there, by position among the rates of the bill.
    pub(super) rate: u32,
}

impl Stock {
    /// The stock of a pool with no node yet: every zone grants what is asked, at the list price.
    pub(super) fn new(at: u32, pool: &PoolConfig, regions: &[Region]) -> Self {
        let zones = regions[pool.region as usize].zones.len();
        Stock {
            digest: Digest::new(!number_of_name(&pool.name)),
            ever: 0,
            live: 0,
            committed_live: 0,
            open: BTreeSet::new(),
            booting: BTreeSet::new(),
            settled: SimTime::ZERO,
            zones: vec![ZoneStock::endless(at); zones],
        }
    }
}

impl ZoneStock {
    /// An endless stock at a rate.
    pub(super) fn endless(rate: u32) -> Self {
        ZoneStock { capacity: u32::MAX, nodes: BTreeSet::new(), blocks: 0, rate }
    }

    /// Whether one more node would be granted.
    pub(super) fn grants(&self) -> bool {
        self.blocks == 0 && self.nodes.len() < self.capacity as usize
    }
}

impl Simulation {
    /// Keeps the list of nodes with room: call when a node's life or its free GPUs change.
    pub(super) fn note_room(&mut self, node: u32) {
        self.nodes[node as usize].changed = self.agenda.now();
        let state = &self.nodes[node as usize];
        let Stock { open, booting, .. } = &mut self.stock[state.pool as usize];
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
        if self.node_scaler.is_some() {
            return self.retry_orders_soon();
        }
        if std::mem::replace(&mut self.scan_scheduled, true) {
            return;
        }
        let period = self.world.node_scan_period.as_ps();
        let now = self.agenda.now().as_ps();
        let at = if period == 0 { now } else { now.div_ceil(period).saturating_mul(period) };
        self.agenda.schedule(SimTime::from_ps(at), Class::NodeAutoscaler, 0, 0, Event::NodeScan);
    }

    /// Orders nodes for pending replicas that the booting ones will not hold.
    pub(super) fn node_scan(&mut self) {
        self.scan_scheduled = false;
        self.refill_pools();
        // Room on booting nodes, used up as pending replicas are counted against it.
        let mut rooms: Vec<NodeRoom> = Vec::new();
        for index in self.booting_nodes() {
            rooms.push(self.empty_room(index, self.nodes[index as usize].pool));
        }
        // What one replica of a service cannot have, the next one of it cannot either: room only shrinks.
        let mut hopeless = BTreeSet::new();
        for id in self.pending.clone() {
            let service = self.replicas[id as usize].service;
            let kind = (service, self.replicas[id as usize].class);
            while !hopeless.contains(&kind) && !self.reserve(id, &mut rooms) {
                let pools = self.pools_for(id).iter().copied();
                let grow = pools.into_iter().find_map(|pool| {
                    let zone = self.next_zone(pool, id)?;
                    self.fits_empty_node(service, pool).then_some((pool, zone))
                });
                let Some((pool, zone)) = grow else {
                    hopeless.insert(kind);
                    break;
                };
                let node = self.order_node(pool, zone);
                rooms.push(self.empty_room(node, pool));
            }
        }
        self.judge_waiting();
    }

    /// Booting nodes of all pools, oldest first.
    fn booting_nodes(&self) -> Vec<u32> {
        let mut nodes: Vec<u32> = self.stock.iter().flat_map(|stock| stock.booting.iter().copied()).collect();
        nodes.sort_unstable();
        nodes
    }

    /// Whether a pool has fewer nodes than its minimum.
    pub(super) fn misses_minimum(&self) -> bool {
        self.stock.iter().zip(&self.world.pools).any(|(stock, pool)| stock.live < pool.min_nodes)
    }

    /// Orders what a loss took from the minimum of a pool.
    pub(super) fn refill_pools(&mut self) {
        for pool in 0..self.world.pools.len() as u32 {
            while self.live_nodes(pool) < self.world.pools[pool as usize].min_nodes {
                let Some(zone) = self.any_zone(pool) else { break };
                self.order_node(pool, zone);
            }
        }
    }

    fn empty_room(&self, node: u32, pool: u32) -> NodeRoom {
        let config = &self.world.pools[pool as usize];
        NodeRoom {
            node,
            free_gpus: config.gpus_per_node,
            gpus: config.gpus_per_node,
            memory_per_gpu: config.memory_per_gpu,
            related: 0,
            preference: 0,
        }
    }

    /// Counts one replica against rooms of pools that may host it.
    fn reserve(&mut self, replica: u32, rooms: &mut [NodeRoom]) -> bool {
        let service = self.replicas[replica as usize].service;
        let pools = self.pools_for(replica);
        let allowed = |room: &NodeRoom| {
            let node = &self.nodes[room.node as usize];
            pools.contains(&node.pool) && self.zone_suits(replica, node.zone)
        };
        let mut usable: Vec<NodeRoom> = rooms.iter().copied().filter(allowed).collect();
        if place(self.occupant(service), &mut usable, self.placement.as_mut()).is_none() {
            return false;
        }
        for used in usable {
            if let Some(room) = rooms.iter_mut().find(|room| room.node == used.node) {
                *room = used;
            }
        }
        true
    }

    /// The zone of a pool's next node, in turn among those that grant one; nothing if none does, or the
    /// pool is at its maximum.
    pub(super) fn any_zone(&self, pool: u32) -> Option<u32> {
        self.zone_where(pool, |_| true)
    }

    /// The same, where a replica may stand.
    pub(super) fn next_zone(&self, pool: u32, replica: u32) -> Option<u32> {
        self.zone_where(pool, |zone| self.zone_suits(replica, zone))
    }

    /// The same, in one zone if one is given.
    pub(super) fn zone_in(&self, pool: u32, wanted: Option<u32>) -> Option<u32> {
        self.zone_where(pool, |zone| wanted.is_none_or(|wanted| wanted == zone))
    }

    fn zone_where(&self, pool: u32, suits: impl Fn(u32) -> bool) -> Option<u32> {
        let (config, stock) = (&self.world.pools[pool as usize], &self.stock[pool as usize]);
        if stock.live >= config.max_nodes {
            return None;
        }
        let count = config.zones.len();
        let in_turn = (0..count).map(|step| config.zones[(stock.ever as usize + step) % count]);
        in_turn.into_iter().find(|&zone| suits(zone) && stock.zones[zone as usize].grants())
    }

    fn live_nodes(&self, pool: u32) -> u32 {
        self.stock[pool as usize].live
    }

    /// Whether an empty node of a pool helps a service's replica at all.
    pub(super) fn fits_empty_node(&self, service: u32, pool: u32) -> bool {
        let (occupant, config) = (self.occupant(service), &self.world.pools[pool as usize]);
        config.gpus_per_node >= occupant.gpus_per_group && config.memory_per_gpu >= occupant.memory_per_gpu
    }

    pub(super) fn order_node(&mut self, pool: u32, zone: u32) -> u32 {
        let now = self.agenda.now();
        let ordinal = u64::from(self.stock[pool as usize].ever);
        let node = self.new_node(pool, zone);
        let config = &self.world.pools[pool as usize];
        let key = self.world.seed.key(&format!("provisioning/{}", config.name));
        let span = config.provisioning.sample_duration(&mut keyed(key, ordinal, 0));
        self.agenda.schedule(now + span, Class::Lifecycle, NODES | node, 0, Event::NodeReady { node });
        self.log_node(node, NODE_ORDERED);
        node
    }

    /// A node has booted, unless it was lost meanwhile.
    pub(super) fn node_ready(&mut self, node: u32) {
        if self.nodes[node as usize].life != NodeLife::Booting {
            return;
        }
        let now = self.agenda.now();
        self.bill_free_gpus(node);
        self.nodes[node as usize].life = NodeLife::Ready;
        self.nodes[node as usize].ready_at = Some(now);
        self.note_room(node);
        self.log_node(node, NODE_READY);
        self.place_pending();
        self.watch_idle(node);
    }

    /// Places what fits of the pending replicas, oldest first.
    pub(super) fn place_pending(&mut self) {
        let waiting = std::mem::take(&mut self.pending);
        let mut left = Vec::new();
        // Replicas of one service and class are alike, and room only shrinks: where one does not fit, none does.
        let mut full = BTreeSet::new();
        for id in waiting {
            let kind = (self.replicas[id as usize].service, self.replicas[id as usize].class);
            if full.contains(&kind) || !self.try_place(id) {
                full.insert(kind);
                left.push(id);
            } else {
                self.set_stuck(id, false);
                self.begin_start(id);
            }
        }
        self.pending = left;
        if !self.pending.is_empty() {
            self.judge_waiting();
            self.schedule_scan();
        }
    }

    /// Starts the idle time of a node that is empty; one that the market takes back goes at once.
    pub(super) fn watch_idle(&mut self, node: u32) {
        let state = &self.nodes[node as usize];
        if state.cordoned && state.is_empty() {
            return self.retire_node(node);
        }
        if state.life == NodeLife::Ready && state.is_empty() {
            let timeout = self.world.pools[state.pool as usize].idle_timeout;
            // An autoscaler of the port has a time of its own.
            if timeout != SimDuration::MAX && self.node_scaler.is_none() {
                let at = self.agenda.now() + timeout;
                self.agenda.schedule(at, Class::Lifecycle, NODES | node, state.generation, Event::NodeIdle { node });
            }
        }
    }

    /// Gives a node back, if it has been empty all the time and its pool is above the minimum.
    pub(super) fn node_idle(&mut self, node: u32, generation: u64) {
        let state = &self.nodes[node as usize];
        let pool = state.pool;
        let minimum = self.world.pools[pool as usize].min_nodes;
        if state.generation != generation || state.life != NodeLife::Ready || self.live_nodes(pool) <= minimum {
            return;
        }
        self.retire_node(node);
    }

    /// Bills the nodes of a pool that are committed and do not live, up to now; call before their number
    /// changes.
    pub(super) fn settle_commitment(&mut self, pool: u32) {
        let (now, config) = (self.agenda.now(), &self.world.pools[pool as usize]);
        let stock = &mut self.stock[pool as usize];
        let span = now.since(std::mem::replace(&mut stock.settled, now));
        let unused = config.committed.saturating_sub(stock.live);
        let line = BillLine { pool, rate: pool, state: GpuState::Unused, service: None };
        self.bill.add(line, unused.saturating_mul(config.gpus_per_node), span);
    }

    /// A committed node is gone: the oldest of its pool that is not committed costs what was agreed now.
    fn pass_commitment_on(&mut self, gone: u32) {
        if !std::mem::take(&mut self.nodes[gone as usize].committed) {
            return;
        }
        let pool = self.nodes[gone as usize].pool;
        let next =
            self.nodes.iter().position(|node| node.pool == pool && node.life != NodeLife::Gone && !node.committed);
        let Some(next) = next else {
            self.stock[pool as usize].committed_live -= 1;
            return;
        };
        for id in self.replicas_on(&[next as u32]) {
            self.bill_replica(id);
        }
        self.bill_free_gpus(next as u32);
        self.nodes[next].committed = true;
        self.nodes[next].rate = pool;
    }

    /// A node leaves the fleet, empty.
    pub(super) fn retire_node(&mut self, node: u32) {
        if self.nodes[node as usize].life == NodeLife::Gone {
            return;
        }
        self.bill_free_gpus(node);
        self.bill_minimum(node);
        self.settle_commitment(self.nodes[node as usize].pool);
        let now = self.agenda.now();
        let state = &mut self.nodes[node as usize];
        state.life = NodeLife::Gone;
        state.gone_at = Some(now);
        let (pool, zone) = (state.pool, state.zone);
        let stock = &mut self.stock[pool as usize];
        stock.live -= 1;
        stock.zones[zone as usize].nodes.remove(&node);
        self.note_room(node);
        self.log_node(node, NODE_GONE);
        self.pass_commitment_on(node);
        self.judge_waiting();
        // Another replica may have waited for the place in the pool, or the pool has too few nodes now.
        if !self.pending.is_empty() || self.misses_minimum() {
            self.schedule_scan();
        }
        self.retry_orders_soon();
    }

    /// Bills the GPUs of a node that nobody holds, up to now.
    pub(super) fn bill_free_gpus(&mut self, node: u32) {
        let now = self.agenda.now();
        let state = &mut self.nodes[node as usize];
        let span = now.since(state.billed);
        state.billed = now;
        let gpu_state = match state.life {
            NodeLife::Booting => GpuState::Starting,
            NodeLife::Ready => GpuState::Idle,
            NodeLife::Gone => return,
        };
        let line = BillLine { pool: state.pool, rate: state.rate, state: gpu_state, service: None };
        self.bill.add(line, state.free.count_ones(), span);
    }

    /// What the pool's minimum charge adds to a node's life.
    pub(super) fn bill_minimum(&mut self, node: u32) {
        let state = &self.nodes[node as usize];
        let lived = self.agenda.now().since(state.ordered);
        let missing = self.world.pools[state.pool as usize].minimum_charge.saturating_sub(lived);
        let line = BillLine { pool: state.pool, rate: state.rate, state: GpuState::Minimum, service: None };
        self.bill.add(line, state.gpus(), missing);
    }

    fn log_node(&mut self, node: u32, change: u64) {
        let Node { pool, ordinal, .. } = self.nodes[node as usize];
        self.stock[pool as usize].digest.add(self.agenda.now(), Mark::Fleet, u64::from(ordinal), change);
        self.keep(Mark::Fleet, u64::from(node), change);
    }
}
