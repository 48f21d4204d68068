//! A pod's life: created, started stage by stage, ready, drained, gone.

use super::{Event, Simulation};
use crate::clock::{Class, SimDuration};
use crate::fleet::{Candidate, Company, Lease, Life, Pod, ScaleDownOrder, StageKind, rank_victims};
use crate::id::{DemandId, NodeId, PodId, ServerId, ServiceId, UnitId};
use crate::journal::{Note, PodChange};
use crate::ledger::{FailBecause, ReplicaRecord};
use crate::serving::Server;
use crate::traffic::NONE;
use std::collections::BTreeMap;

impl Simulation {
    /// Creates or deletes replicas until there are as many as the register says. Where a capacity
    /// policy buys the replicas, that policy does it when it next looks.
    pub(super) fn reconcile(&mut self, service: ServiceId) {
        if self.services[service].capacity.is_some() {
            return;
        }
        let state = &self.services[service];
        let active: Vec<PodId> = state.pods.iter().copied().filter(|&pod| self.fleet.pod(pod).is_counted()).collect();
        let (spec, count, demand) = (state.register.spec(), active.len() as u32, state.demand);
        for _ in count..spec {
            self.create_replica(service, demand);
        }
        for victim in self.victims(service, &active, count.saturating_sub(spec)) {
            self.delete_replica(victim);
        }
    }

    /// Picks `count` of a service's active pods, in the order in which its deployment gives them up.
    pub(super) fn victims(&self, service: ServiceId, active: &[PodId], count: u32) -> Vec<PodId> {
        if count == 0 {
            return Vec::new();
        }
        let order = self.services[service].config.scale_down_order;
        let mut on_node: BTreeMap<NodeId, u32> = BTreeMap::new();
        for node in active.iter().filter_map(|&pod| self.fleet.node_of(pod)) {
            *on_node.entry(node).or_default() += 1;
        }
        let companies = if order == ScaleDownOrder::SparsestNode { self.companies() } else { BTreeMap::new() };
        let candidate = |&pod: &PodId| self.candidate(pod, &on_node, &companies);
        let mut candidates: Vec<Candidate> = active.iter().map(candidate).collect();
        rank_victims(&mut candidates, order, self.agenda.now());
        candidates.iter().take(count as usize).map(|victim| victim.pod).collect()
    }

    /// The ready replicas on each node of all services that give up the sparsest node first.
    fn companies(&self) -> BTreeMap<NodeId, Company> {
        let mut companies: BTreeMap<NodeId, Company> = BTreeMap::new();
        let services =
            self.services.values().filter(|service| service.config.scale_down_order == ScaleDownOrder::SparsestNode);
        for &pod in services.flat_map(|service| &service.pods) {
            let (Some(node), Some(ready)) = (self.fleet.node_of(pod), self.fleet.pod(pod).ready) else { continue };
            if !self.fleet.pod(pod).is_counted() {
                continue;
            }
            let first = Company { count: 0, since: ready, node: node.get() };
            let company = companies.entry(node).or_insert(first);
            company.count += 1;
            company.since = company.since.min(ready);
        }
        companies
    }

    fn candidate(
        &self,
        id: PodId,
        on_node: &BTreeMap<NodeId, u32>,
        companies: &BTreeMap<NodeId, Company>,
    ) -> Candidate {
        let pod = self.fleet.pod(id);
        let node = self.fleet.node_of(id);
        Candidate {
            pod: id,
            ordinal: pod.ordinal,
            assigned: node.is_some(),
            running: pod.process.is_some(),
            ready: pod.ready,
            deletion_cost: 0,
            related: node.and_then(|node| on_node.get(&node)).copied().unwrap_or(0),
            restarts: 0,
            created: pod.created,
            company: node.and_then(|node| companies.get(&node)).copied().unwrap_or_default(),
        }
    }

    /// Creates a replica of a service, anywhere its demand allows.
    pub(super) fn create_replica(&mut self, service: ServiceId, demand: DemandId) {
        let unit = self.new_unit(service, demand);
        self.launch(unit);
    }

    /// Creates a job: a pod that takes one attempt and ends.
    pub(super) fn create_job(&mut self, service: ServiceId) {
        let unit = self.new_unit(service, self.services[service].demand);
        let leader = self.fleet.unit(unit).leader();
        self.fleet.pod_mut(leader).lease = Lease::One;
        self.services[service].has_jobs = true;
        self.launch(unit);
    }

    /// A job that was just sent its attempt takes no second one.
    #[cold]
    pub(super) fn end_if_job(&mut self, server: ServerId) {
        let pod = self.serving.servers[server].pod;
        if self.fleet.pod(pod).lease == Lease::One {
            self.delete_replica(pod);
        }
    }

    /// Adds a pod of a service, with its server.
    pub(super) fn new_pod(&mut self, service: ServiceId, unit: UnitId) -> PodId {
        let now = self.agenda.now();
        let state = &mut self.services[service];
        let id = self.fleet.add_pod(Pod::new(service, state.ordinals, unit, now));
        state.ordinals += 1;
        let discipline = &state.config.discipline;
        let server = self.serving.servers.insert(|server| Server::new(server, id, service, discipline));
        self.serving.servers[server].meter.set_kernel_share(state.config.kernel_share);
        self.fleet.pod_mut(id).server = server;
        state.pods.push(id);
        self.step_starting(service, true);
        self.note_pod(id, PodChange::Created);
        id
    }

    /// Starts a start-up stage, or waits for the probe after the last one.
    pub(super) fn begin_stage(&mut self, id: PodId, stage: u32) {
        let now = self.agenda.now();
        let pod = self.fleet.pod_mut(id);
        let startup = &self.services[pod.service()].config.startup;
        // If the first stage does not pull an image, the process starts with it.
        let first_is_pull = startup.stages.first().is_some_and(|first| first.kind == StageKind::ImagePull);
        let probe =
            (stage as usize >= startup.stages.len()).then(|| startup.probe.ready_at(pod.process.unwrap_or(now), now));
        pod.life = Life::Starting { stage };
        if stage == 0 && !first_is_pull {
            pod.process = Some(now);
        }
        match probe {
            Some(at) => self.end_stage_at(at, id, stage),
            None => self.begin_work(id, stage),
        }
    }

    /// Ends a stage, unless the pod was deleted meanwhile.
    pub(super) fn stage_done(&mut self, id: PodId, stage: u64) {
        let stage = stage as u32;
        if !self.fleet.knows(id) || self.fleet.pod(id).life != (Life::Starting { stage }) {
            return;
        }
        let now = self.agenda.now();
        let pod = self.fleet.pod_mut(id);
        let startup = &self.services[pod.service()].config.startup;
        let Some(config) = startup.stages.get(stage as usize) else { return self.become_ready(id) };
        pod.stage_ends.push(now);
        if config.kind == StageKind::ImagePull {
            pod.process = Some(now);
        }
        // Without a probe, a pod is ready when its last stage ends, before other events of that instant.
        let is_last = stage as usize + 1 == startup.stages.len() && startup.probe.period.is_zero();
        let is_ready = is_last && pod.process.unwrap_or(now) + startup.probe.initial_delay <= now;
        self.remember(id, stage as usize);
        if is_ready {
            self.become_ready(id);
        } else {
            self.begin_stage(id, stage + 1);
        }
        self.serve_waiting();
    }

    pub(super) fn become_ready(&mut self, id: PodId) {
        let now = self.agenda.now();
        self.bill_unit(self.fleet.pod(id).unit);
        let pod = self.fleet.pod_mut(id);
        let (service, server) = (pod.service(), pod.server);
        pod.life = Life::Ready;
        pod.ready = Some(now);
        self.step_starting(service, false);
        let book = &mut self.services[service];
        book.settle_readiness(now);
        self.serving.servers[server].position = book.rotation.enter(server);
        book.readiness.reach(book.rotation.len());
        self.note_pod(id, PodChange::Ready);
        self.wake_capacity_policy(service);
        self.release_waiting(service);
        let pod = self.fleet.pod(id);
        if pod.lease == Lease::One && pod.life == Life::Ready {
            // No attempt waits: the job has nothing to do.
            self.delete_replica(id);
        }
    }

    /// Deletes a replica and the pods that share its GPUs: at once if they hold no work; else they
    /// drain.
    pub(super) fn delete_replica(&mut self, id: PodId) {
        for pod in self.fleet.unit(self.fleet.pod(id).unit).pods.clone() {
            self.delete_pod(pod);
        }
    }

    fn delete_pod(&mut self, id: PodId) {
        let now = self.agenda.now();
        let pod = self.fleet.pod_mut(id);
        pod.deleted = Some(now);
        let (life, service, unit) = (pod.life, pod.service(), pod.unit);
        self.note_pod(id, PodChange::Deleted);
        match life {
            Life::Pending => {
                self.fleet.stop_waiting(unit);
                self.set_stuck(unit, false);
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

    /// Counts one more, or one less, of a service's pods as starting.
    pub(super) fn step_starting(&mut self, service: ServiceId, more: bool) {
        let now = self.agenda.now();
        self.services[service].waits.step_starting(more, now);
    }

    fn drain(&mut self, id: PodId) {
        let now = self.agenda.now();
        self.leave_ready(id);
        let pod = self.fleet.pod(id);
        let state = &self.services[pod.service()];
        // A job may take as long as it needs.
        let timeout = if pod.lease == Lease::One { SimDuration::MAX } else { state.config.drain_timeout };
        if self.serving.servers[pod.server].outstanding == 0 {
            self.gone(id);
        } else if timeout != SimDuration::MAX {
            self.agenda.schedule(now + timeout, Class::Lifecycle, id, u64::MAX, Event::DrainEnd { pod: id.slot() });
        }
    }

    /// Takes a ready pod out of rotation.
    pub(super) fn leave_ready(&mut self, id: PodId) {
        let now = self.agenda.now();
        self.bill_unit(self.fleet.pod(id).unit);
        let pod = self.fleet.pod_mut(id);
        pod.life = Life::Draining;
        let (service, server) = (pod.service(), pod.server);
        let book = &mut self.services[service];
        book.settle_readiness(now);
        let leaving = &mut self.serving.servers[server];
        let position = std::mem::replace(&mut leaving.position, NONE);
        let (outstanding, later) = book.rotation.leave(position);
        leaving.outstanding = outstanding;
        for later in later {
            self.serving.servers[*later].position -= 1;
        }
    }

    /// A server has ended its last attempt: a draining pod ends, and a pod that has ended is
    /// forgotten.
    pub(super) fn drained(&mut self, id: PodId) {
        match self.fleet.pod(id).life {
            Life::Draining => self.gone(id),
            Life::Gone => self.forget_unit(self.fleet.pod(id).unit),
            _ => {}
        }
    }

    /// A draining pod's time is up: the work that it still holds is lost.
    pub(super) fn drain_end(&mut self, id: PodId) {
        if self.fleet.knows(id) && self.fleet.pod(id).life == Life::Draining {
            self.fleet.pod_mut(id).killed = true;
            self.kill_server(id, FailBecause::DrainTimeout);
            self.gone(id);
        }
    }

    /// Ends a pod; the last pod of a unit frees the unit's GPUs.
    pub(super) fn gone(&mut self, id: PodId) {
        let now = self.agenda.now();
        let unit = self.fleet.pod(id).unit;
        self.bill_unit(unit);
        let pod = self.fleet.pod_mut(id);
        pod.life = Life::Gone;
        pod.gone = Some(now);
        let server = &self.serving.servers[pod.server];
        let book = &mut self.services[pod.service()];
        book.account.leave(&server.done());
        if let Ok(position) = book.pods.binary_search(&id) {
            book.pods.remove(position);
        }
        self.note_pod(id, PodChange::Gone);
        self.leave_transfers(id);
        self.fleet.unit_mut(unit).live -= 1;
        if self.fleet.unit(unit).live == 0 {
            self.free_gpus(unit);
            self.forget_unit(unit);
        }
    }

    /// Forgets the pods of a unit that have ended, once no attempt is on its way to them.
    fn forget_unit(&mut self, unit: UnitId) {
        let pods = &self.fleet.unit(unit).pods;
        let outstanding = |pod: &PodId| self.serving.servers[self.fleet.pod(*pod).server].outstanding;
        if self.fleet.unit(unit).live > 0 || pods.iter().any(|pod| outstanding(pod) > 0) {
            return;
        }
        for id in self.fleet.unit(unit).pods.clone() {
            let record = self.replica_record(id);
            self.books.keep_replica(id, record);
        }
        let clock = self.fleet.unit(unit).clock;
        for pod in self.fleet.forget(unit) {
            self.serving.servers.remove(pod.server);
        }
        if let Some(clock) = clock {
            self.serving.clocks.remove(clock);
        }
    }

    /// The record of a pod's life.
    pub(super) fn replica_record(&self, id: PodId) -> ReplicaRecord {
        let pod = self.fleet.pod(id);
        let unit = self.fleet.unit(pod.unit);
        let meter = &self.serving.servers[pod.server].meter;
        ReplicaRecord {
            service: pod.service().get(),
            node: unit.node().map(NodeId::get),
            created: pod.created,
            placed: unit.placed,
            stage_ends: pod.stage_ends.clone(),
            ready: pod.ready,
            deleted: pod.deleted,
            gone: pod.gone,
            killed: pod.killed,
            completed: meter.completed,
            busy: meter.busy,
        }
    }

    pub(super) fn note_pod(&mut self, pod: PodId, change: PodChange) {
        let (service, ordinal) = (self.fleet.pod(pod).service(), self.fleet.pod(pod).ordinal);
        self.journal.note(self.agenda.now(), Note::Pod { service, pod, ordinal, change });
    }

    /// Attempts in service and waiting at a service's pods and its gateway.
    pub(super) fn work_of(&self, service: ServiceId) -> (u32, u32) {
        let state = &self.services[service];
        let at_pods = state.pods.iter().map(|&pod| &self.serving.servers[self.fleet.pod(pod).server]);
        let (running, waiting) = at_pods.fold((0, 0), |(running, waiting), server| {
            (running + server.running, waiting + server.held() - server.running)
        });
        (running, waiting + self.brokers[state.feed.broker()].len())
    }
}
