//! Controllers: when they run and what they see.

use super::error::RunError;
use super::{Event, Simulation};
use crate::clock::{Class, SimDuration, SimTime};
use crate::fleet::{Lease, Life};
use crate::id::{ControllerId, NodeId, PodId, PoolId, RegionId, ServiceId, SignalIndex};
use crate::ports::{
    JobCounts, Mode, Observation, Probe, ReplicaId, ReplicaPhase, ReplicaView, SignalId, SignalView, TargetId,
    TargetView, Wake, Work,
};
use rand::RngExt;
use std::sync::Arc;

impl Simulation {
    /// Registers signals and plans the first tick of each controller.
    pub(super) fn start_controllers(&mut self) {
        for id in self.control.ids() {
            let (name, schedule, targets) = self.control.declared(id);
            for watched in targets {
                let target = watched.target;
                let signals =
                    watched.signals().map(|request| self.add_signal(&name, target, request.clone())).collect();
                self.control.show(id, target, signals);
                if schedule.poked_by_requests
                    && let Some(book) = self.services.get_mut(ServiceId::new(target.0))
                {
                    book.watchers.poked.push(id);
                }
            }
            let phase = schedule.phase.unwrap_or_else(|| {
                let period = schedule.period.as_ps().max(1);
                let mut stream = self.world.seed.stream(&format!("controller/{name}"));
                SimDuration::from_ps(stream.random_range(0..period))
            });
            self.plan_tick(id, SimTime::ZERO + phase);
        }
    }

    fn plan_tick(&mut self, id: ControllerId, at: SimTime) {
        let generation = self.control.plan(id);
        self.agenda.schedule(at, Class::Controller, id, generation, Event::Control { controller: id });
    }

    /// Wakes controllers that want to know that a request waits while no replica serves.
    pub(super) fn poke(&mut self, service: ServiceId) {
        let book = &self.services[service];
        if book.watchers.poked.is_empty() || !book.rotation.is_empty() {
            return;
        }
        let now = self.agenda.now();
        for &id in &book.watchers.poked {
            if self.control.poke(id, TargetId(service.get())) {
                self.agenda.schedule(now, Class::Controller, id, 0, Event::Poke { controller: id });
            }
        }
    }

    pub(super) fn poked(&mut self, id: ControllerId) -> Result<(), RunError> {
        match self.control.take_poke(id) {
            Some(target) => self.decide(id, Wake::Poke(target)),
            None => Ok(()),
        }
    }

    /// Runs a planned tick, unless a later plan has replaced it.
    pub(super) fn control(&mut self, id: ControllerId, generation: u64) -> Result<(), RunError> {
        if self.control.is_planned(id, generation) { self.decide(id, Wake::Tick) } else { Ok(()) }
    }

    fn decide(&mut self, id: ControllerId, wake: Wake) -> Result<(), RunError> {
        let seen = self.observe(id, wake);
        let (decision, next) = self.control.decide(id, &seen).map_err(|failed| self.failed(failed))?;
        if let Some(at) = next {
            self.plan_tick(id, at);
        }
        self.apply_decision(id, &seen, decision);
        Ok(())
    }

    fn failed(&self, (policy, message): (String, String)) -> RunError {
        RunError::Policy { policy, message, at: self.agenda.now() }
    }

    /// The run is over: closes the policies; one outside the program may report a failure.
    pub(super) fn close_controllers(&mut self) -> Result<(), RunError> {
        self.control.close().map_err(|failed| self.failed(failed))
    }

    fn observe(&mut self, id: ControllerId, wake: Wake) -> Observation {
        let shown = self.control.shown(id).into_iter();
        let targets = shown.map(|(target, signals)| self.view_target(target, &signals)).collect();
        Observation { now: self.agenda.now(), wake, targets }
    }

    fn view_target(&mut self, target: TargetId, signals: &[SignalIndex]) -> TargetView {
        let (now, service) = (self.agenda.now(), ServiceId::new(target.0));
        self.settle_service(service);
        let state = &self.services[service];
        let ids = state.pods.clone();
        let replicas: Vec<ReplicaView> = ids.iter().map(|&id| self.view_replica(id)).collect();
        let active = ids.iter().filter(|&&id| self.fleet.pod(id).is_counted()).count();
        let book = &self.services[service];
        let (mode, since) = book.mode;
        let proxied = mode == Mode::Proxy;
        let probe = Probe { ok: true, populated_for: proxied.then(|| now.since(since)) };
        let jobs = self.jobs_of(&ids);
        let serials: Vec<u32> = ids.iter().map(|pod| pod.serial()).collect();
        let signals = signals
            .iter()
            .zip(0..)
            .map(|(&signal, position)| SignalView {
                signal: SignalId(position),
                batches: self.control.signal_mut(signal).read(now, &serials),
            })
            .collect();
        TargetView {
            target,
            spec_replicas: state.register.spec(),
            status_replicas: active as u32,
            ready_replicas: state.rotation.len(),
            mode,
            probe: Some(probe),
            jobs,
            replicas,
            signals,
        }
    }

    /// Jobs that have not ended; a job that serves is no longer in the list of active replicas.
    fn jobs_of(&self, ids: &[PodId]) -> JobCounts {
        let mut counts = JobCounts::default();
        for pod in ids.iter().map(|&id| self.fleet.pod(id)).filter(|pod| pod.lease == Lease::One) {
            counts.running += 1;
            counts.pending += u32::from(pod.process.is_none());
        }
        counts
    }

    fn view_replica(&self, id: PodId) -> ReplicaView {
        let pod = self.fleet.pod(id);
        let unit = self.fleet.unit(pod.unit);
        let server = &self.serving.servers[pod.server];
        let node = unit.node();
        let first = || self.first_pool(pod.service()).unwrap_or_default();
        let pool = self.fleet.pool(node.map_or_else(first, |node| self.fleet.node(node).pool));
        let region = self.fleet.region(RegionId::new(pool.region));
        let zone = node.map(|node| Arc::clone(&region.zones[self.fleet.node(node).zone.get() as usize]));
        // As the kubelet does: Ready is False from the moment it takes the pod in, and True once it
        // is ready.
        let ready = unit.placed.map(|_| matches!(pod.life, Life::Ready | Life::Draining));
        ReplicaView {
            id: ReplicaId(id.serial()),
            phase: if pod.process.is_some() { ReplicaPhase::Running } else { ReplicaPhase::Pending },
            created: pod.created,
            started: unit.placed,
            ready,
            ready_since: pod.ready.or(unit.placed),
            deleted: pod.deleted,
            market: pool.market,
            gpu: Arc::clone(&pool.gpu),
            version: 0,
            node: node.map(NodeId::get),
            region: Arc::clone(&region.name),
            zone,
            work: Work { waiting: server.held() - server.running, running: server.running },
        }
    }

    /// The first pool that may host a service's pods.
    pub(super) fn first_pool(&self, service: ServiceId) -> Option<PoolId> {
        self.fleet.demand(self.services[service].demand).pools.first().copied()
    }
}
