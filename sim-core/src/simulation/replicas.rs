//! A replica's life: created, placed, started stage by stage, ready, drained, gone.

use super::{Event, Simulation};
use crate::clock::{Class, Mark, SimDuration, SimTime};
use crate::fleet::{Allocation, Candidate, Life, Node, NodeRoom, Occupant, Replica, StageKind, place, rank_victims};
use crate::ledger::{BillLine, FailBecause, GpuState};
use crate::serving::{NONE, Server};
use crate::units::Bytes;
use std::collections::BTreeMap;

/// What the digest calls a replica's changes.
#[derive(Clone, Copy)]
enum Change {
    Created = 1,
    Placed = 2,
    Ready = 3,
    Deleted = 4,
    Gone = 5,
}

impl Simulation {
    /// Makes the replicas of a service as many as its register says; where a policy buys its capacity,
    /// that policy does it when it next looks.
    pub(super) fn reconcile(&mut self, service: u32) {
        if self.services[service as usize].buyer.is_some() {
            return;
        }
        let state = &self.services[service as usize].state;
        let own = |&id: &u32| self.replicas[id as usize].is_active() && !self.replicas[id as usize].job;
        let active: Vec<u32> = state.replicas.iter().copied().filter(own).collect();
        let (spec, count) = (state.spec, active.len() as u32);
        for _ in count..spec {
            self.create_replica(service, None);
        }
        for victim in self.victims(&active, count.saturating_sub(spec)) {
            self.delete_replica(victim);
        }
    }

    /// So many of a service's active replicas, in the order in which a ReplicaSet gives them up.
    pub(super) fn victims(&self, active: &[u32], count: u32) -> Vec<u32> {
        if count == 0 {
            return Vec::new();
        }
        let mut on_node: BTreeMap<u32, u32> = BTreeMap::new();
        for node in active.iter().filter_map(|&id| self.replicas[id as usize].node()) {
            *on_node.entry(node).or_default() += 1;
        }
        let mut candidates: Vec<Candidate> = active.iter().map(|&id| self.candidate(id, &on_node)).collect();
        rank_victims(&mut candidates, self.agenda.now());
        candidates.iter().take(count as usize).map(|victim| victim.replica).collect()
    }

    fn candidate(&self, id: u32, on_node: &BTreeMap<u32, u32>) -> Candidate {
        let replica = &self.replicas[id as usize];
        let node = replica.node();
        Candidate {
            replica: id,
            ordinal: replica.ordinal,
            assigned: node.is_some(),
            running: replica.process.is_some(),
            ready: replica.ready,
            deletion_cost: 0,
            related: node.and_then(|node| on_node.get(&node)).copied().unwrap_or(0),
            restarts: 0,
            created: replica.created,
        }
    }

    pub(super) fn new_replica(&mut self, service: u32) -> u32 {
        let id = self.replicas.len() as u32;
        let now = self.agenda.now();
        let state = &mut self.services[service as usize].state;
        self.replicas.push(Replica::new(service, state.ordinals, now));
        let mut server = Server::new(id, &state.config.discipline);
        server.meter.set_kernel_share(state.config.kernel_share);
        self.servers.push(server);
        state.ordinals += 1;
        state.replicas.push(id);
        self.step_starting(service, true);
        self.log_replica(id, Change::Created);
        id
    }

    /// Creates a replica, of a class if one was asked for.
    pub(super) fn create_replica(&mut self, service: u32, class: Option<u32>) {
        let id = self.new_replica(service);
        self.replicas[id as usize].class = class;
        self.add_residents(id);
        self.launch(id);
    }

    /// Creates a replica that serves one attempt.
    pub(super) fn create_job(&mut self, service: u32) {
        let id = self.new_replica(service);
        self.replicas[id as usize].job = true;
        self.services[service as usize].state.has_jobs = true;
        self.add_residents(id);
        self.launch(id);
    }

    fn launch(&mut self, id: u32) {
        if self.try_place(id) {
            self.begin_start(id);
        } else {
            self.wait_for_node(id);
        }
    }

    /// Puts a replica that fits nowhere on the list that the node autoscaler reads.
    pub(super) fn wait_for_node(&mut self, id: u32) {
        self.pending.push(id);
        self.judge_newest();
        self.schedule_scan();
        self.notice_waiting();
    }

    pub(super) fn occupant(&self, service: u32) -> Occupant {
        let book = &self.services[service as usize];
        let memory = |service: u32| self.services[service as usize].state.config.memory_per_gpu.0;
        let residents: u64 = book.residents.iter().map(|&resident| memory(resident)).sum();
        let config = &book.state.config;
        Occupant {
            groups: config.groups,
            gpus_per_group: config.gpus_per_group,
            memory_per_gpu: Bytes(memory(service).saturating_add(residents)),
        }
    }

    /// The pools that may host a replica, in order of preference.
    pub(super) fn pools_for(&self, replica: u32) -> &[u32] {
        let replica = &self.replicas[replica as usize];
        match replica.class {
            Some(class) => &self.classes[class as usize].pools,
            None => &self.services[replica.service as usize].state.config.pools,
        }
    }

    /// Whether a replica may stand in a zone of its pools.
    pub(super) fn zone_suits(&self, replica: u32, zone: u32) -> bool {
        let class = self.replicas[replica as usize].class.map(|class| &self.classes[class as usize]);
        class.and_then(|class| class.zone).is_none_or(|own| own == zone)
    }

    /// Free room for a replica on ready nodes, by node; empty if it is too little.
    fn rooms(&self, replica: u32) -> Vec<NodeRoom> {
        let state = &self.services[self.replicas[replica as usize].service as usize].state;
        let mut rooms = Vec::new();
        let mut groups = 0;
        for (&pool, preference) in self.pools_for(replica).iter().zip(0..) {
            for &index in &self.stock[pool as usize].open {
                let node = &self.nodes[index as usize];
                if !self.zone_suits(replica, node.zone) {
                    continue;
                }
                let free_gpus = node.free.count_ones();
                groups += free_gpus / state.config.gpus_per_group.max(1);
                rooms.push(NodeRoom {
                    node: index,
                    free_gpus,
                    gpus: node.gpus(),
                    memory_per_gpu: self.world.pools[pool as usize].memory_per_gpu,
                    related: 0,
                    preference,
                });
            }
        }
        if groups < state.config.groups {
            return Vec::new();
        }
        rooms.sort_unstable_by_key(|room| (room.node, room.preference));
        // A pool that is named twice counts by its first place.
        rooms.dedup_by_key(|room| room.node);
        for id in &state.replicas {
            for group in &self.replicas[*id as usize].groups {
                if let Ok(found) = rooms.binary_search_by_key(&group.node, |room| room.node) {
                    rooms[found].related += 1;
                }
            }
        }
        rooms
    }

    /// Places a replica on ready nodes, whole or not at all.
    pub(super) fn try_place(&mut self, id: u32) -> bool {
        let service = self.replicas[id as usize].service;
        let occupant = self.occupant(service);
        let mut rooms = self.rooms(id);
        let Some(nodes) = place(occupant, &mut rooms, self.placement.as_mut()) else { return false };
        let now = self.agenda.now();
        for node in nodes {
            self.bill_free_gpus(node);
            let gpus = self.nodes[node as usize].take(occupant.gpus_per_group, occupant.memory_per_gpu);
            self.replicas[id as usize].groups.push(Allocation { node, gpus });
            self.note_room(node);
        }
        self.servers[id as usize].region = self.region_of_replica(id) as u16;
        let replica = &mut self.replicas[id as usize];
        replica.placed = Some(now);
        replica.billed = now;
        self.place_residents(id);
        self.log_replica(id, Change::Placed);
        true
    }

    /// Starts the start-up of a replica that has been placed, and of what is resident on it.
    pub(super) fn begin_start(&mut self, id: u32) {
        for member in self.members_of(id) {
            self.begin_stage(member, 0);
        }
    }

    /// Starts a start-up stage, or waits for the probe after the last one.
    pub(super) fn begin_stage(&mut self, id: u32, stage: u32) {
        let now = self.agenda.now();
        let replica = &self.replicas[id as usize];
        let state = &self.services[replica.service as usize].state;
        let startup = &state.config.startup;
        // Without an image to pull the process starts with the first stage.
        let first_is_pull = startup.stages.first().is_some_and(|first| first.kind == StageKind::ImagePull);
        let probe = (stage as usize >= startup.stages.len())
            .then(|| startup.probe.ready_at(replica.process.unwrap_or(now), now));
        let replica = &mut self.replicas[id as usize];
        replica.life = Life::Starting { stage };
        if stage == 0 && !first_is_pull {
            replica.process = Some(now);
        }
        match probe {
            Some(at) => self.end_stage_at(at, id, stage),
            None => self.begin_work(id, stage),
        }
    }

    /// A stage has ended, unless the replica was deleted meanwhile.
    pub(super) fn stage_done(&mut self, id: u32, stage: u64) {
        let stage = stage as u32;
        if self.replicas[id as usize].life != (Life::Starting { stage }) {
            return;
        }
        let now = self.agenda.now();
        let replica = &mut self.replicas[id as usize];
        let startup = &self.services[replica.service as usize].state.config.startup;
        let Some(config) = startup.stages.get(stage as usize) else { return self.become_ready(id) };
        replica.stage_ends.push(now);
        if config.kind == StageKind::ImagePull {
            replica.process = Some(now);
        }
        self.remember(id, stage as usize);
        // Who needs no probe is ready as its last stage ends, not after what else happens then.
        let startup = &self.services[self.replicas[id as usize].service as usize].state.config.startup;
        if stage as usize + 1 == startup.stages.len() && startup.probe.period.is_zero() {
            let first_probe = self.replicas[id as usize].process.unwrap_or(now) + startup.probe.initial_delay;
            if first_probe <= now {
                self.become_ready(id);
                return self.serve_waiting();
            }
        }
        self.begin_stage(id, stage + 1);
        self.serve_waiting();
    }

    pub(super) fn become_ready(&mut self, id: u32) {
        let now = self.agenda.now();
        self.bill_replica(id);
        let service = self.replicas[id as usize].service;
        self.step_starting(service, false);
        let replica = &mut self.replicas[id as usize];
        replica.life = Life::Ready;
        replica.ready = Some(now);
        let book = &mut self.services[service as usize];
        book.integrate_ready(now);
        let state = &mut book.state;
        self.servers[id as usize].position = state.ready.len() as u32;
        state.ready.push(id);
        state.outstanding.push(0);
        book.ready_max = book.ready_max.max(book.state.ready.len() as u32);
        self.log_replica(id, Change::Ready);
        self.stir_buyer(service);
        self.release_gateway(service);
        if self.replicas[id as usize].job && self.replicas[id as usize].life == Life::Ready {
            // Nothing waits: the job has nothing to do.
            self.delete_replica(id);
        }
    }

    /// Deletes a replica and what is resident on it: at once if it holds no work, else it drains.
    pub(super) fn delete_replica(&mut self, id: u32) {
        for member in self.members_of(id) {
            self.delete_member(member);
        }
    }

    fn delete_member(&mut self, id: u32) {
        let now = self.agenda.now();
        let replica = &mut self.replicas[id as usize];
        replica.deleted = Some(now);
        let (life, service) = (replica.life, replica.service);
        self.log_replica(id, Change::Deleted);
        match life {
            Life::Pending => {
                // Oldest first is by number.
                if let Ok(position) = self.pending.binary_search(&id) {
                    self.pending.remove(position);
                }
                self.set_stuck(id, false);
                self.step_starting(service, false);
                self.gone(id);
            }
            Life::Starting { .. } => {
                self.step_starting(service, false);
                self.gone(id);
            }
            Life::Ready => self.drain(id),
            Life::Draining | Life::Gone => {}
        }
    }

    /// One more of a service's replicas is starting, or one less.
    pub(super) fn step_starting(&mut self, service: u32, more: bool) {
        let now = self.agenda.now();
        self.services[service as usize].state.waits.step_starting(more, now);
    }

    fn drain(&mut self, id: u32) {
        let now = self.agenda.now();
        self.leave_ready(id);
        let state = &self.services[self.replicas[id as usize].service as usize].state;
        // A job is not hurried.
        let timeout = if self.replicas[id as usize].job { SimDuration::MAX } else { state.config.drain_timeout };
        if self.servers[id as usize].outstanding == 0 {
            self.gone(id);
        } else if timeout != SimDuration::MAX {
            self.agenda.schedule(now + timeout, Class::Lifecycle, id, u64::MAX, Event::DrainEnd { replica: id });
        }
    }

    /// Takes a ready replica out of those that get work.
    pub(super) fn leave_ready(&mut self, id: u32) {
        let now = self.agenda.now();
        self.bill_replica(id);
        self.replicas[id as usize].life = Life::Draining;
        let book = &mut self.services[self.replicas[id as usize].service as usize];
        book.integrate_ready(now);
        let state = &mut book.state;
        let server = &mut self.servers[id as usize];
        let position = std::mem::replace(&mut server.position, NONE) as usize;
        state.ready.remove(position);
        state.outstanding.remove(position);
        for later in &state.ready[position..] {
            self.servers[*later as usize].position -= 1;
        }
    }

    /// A draining replica has ended its last attempt.
    pub(super) fn drained(&mut self, id: u32) {
        if self.replicas[id as usize].life == Life::Draining {
            self.gone(id);
        }
    }

    /// A draining replica's time is up: what it still holds is lost.
    pub(super) fn drain_end(&mut self, id: u32) {
        if self.replicas[id as usize].life == Life::Draining {
            self.replicas[id as usize].killed = true;
            self.kill_server(id, FailBecause::DrainTimeout);
            self.gone(id);
        }
    }

    pub(super) fn gone(&mut self, id: u32) {
        let now = self.agenda.now();
        self.bill_replica(id);
        let service = self.replicas[id as usize].service;
        let server = &self.servers[id as usize];
        let book = &mut self.services[service as usize];
        book.gone_engine.add(&server.engine_work());
        book.gone_busy_ps += u128::from(server.meter.busy.as_ps());
        book.gone_running_ps += server.meter.running_ps;
        if let Ok(position) = book.state.replicas.binary_search(&id) {
            book.state.replicas.remove(position);
        }
        let replica = &mut self.replicas[id as usize];
        replica.life = Life::Gone;
        replica.gone = Some(now);
        self.log_replica(id, Change::Gone);
        self.leave_loads(id);
        if let Some(group) = self.replicas[id as usize].group {
            self.groups[group as usize].live -= 1;
            if self.groups[group as usize].live > 0 {
                return;
            }
        }
        for group in self.replicas[id as usize].groups.clone() {
            self.bill_free_gpus(group.node);
            self.nodes[group.node as usize].release(group.gpus);
            self.note_room(group.node);
            self.watch_idle(group.node);
        }
        if !self.replicas[id as usize].groups.is_empty() {
            self.place_pending();
        }
    }

    /// Bills a replica's GPUs up to now, in the state that it is in.
    pub(super) fn bill_replica(&mut self, id: u32) {
        let now = self.agenda.now();
        self.settle_server(id);
        if let Some(group) = self.replicas[id as usize].group {
            return self.bill_group(group);
        }
        let server = &self.servers[id as usize];
        let replica = &mut self.replicas[id as usize];
        let span = now.since(replica.billed);
        replica.billed = now;
        let busy_ps = server.meter.busy.as_ps();
        let busy = SimDuration::from_ps(busy_ps - replica.billed_busy_ps).min(span);
        replica.billed_busy_ps = busy_ps;
        for group in &replica.groups {
            let Node { pool, rate, .. } = self.nodes[group.node as usize];
            let gpus = group.gpus.count_ones();
            let mut add = |state, span| {
                self.bill.add(BillLine { pool, rate, state, service: Some(replica.service) }, gpus, span);
            };
            match replica.life {
                Life::Draining if !replica.job => add(GpuState::Draining, span),
                Life::Ready | Life::Draining => {
                    add(GpuState::Serving, busy);
                    add(GpuState::Idle, span - busy);
                }
                Life::Pending | Life::Starting { .. } => add(GpuState::Starting, span),
                Life::Gone => {}
            }
        }
    }

    fn log_replica(&mut self, id: u32, change: Change) {
        let Replica { service, ordinal, .. } = self.replicas[id as usize];
        self.services[service as usize].digest.add(self.agenda.now(), Mark::Fleet, ordinal, change as u64);
        self.keep(Mark::Fleet, u64::from(id), change as u64);
    }

    /// Attempts in service and waiting at a service's replicas and its gateway.
    pub(super) fn work_of(&self, service: u32) -> (u32, u32) {
        let state = &self.services[service as usize].state;
        let at_replicas = state.replicas.iter().map(|&id| &self.servers[id as usize]);
        let (running, waiting) = at_replicas.fold((0, 0), |(running, waiting), server| {
            (running + server.running, waiting + server.held() - server.running)
        });
        (running, waiting + state.gateway.len())
    }

    /// The instant at which a replica's engine came up, if it has.
    pub(super) fn engine_up(&self, id: u32) -> Option<SimTime> {
        self.replicas[id as usize].ready
    }
}
