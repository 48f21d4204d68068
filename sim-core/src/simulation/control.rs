//! Controllers: when they run and what they see.

use super::{Event, RunError, Simulation};
use crate::clock::{Class, SimDuration, SimTime, number_of_name};
use crate::fleet::{Lease, Life};
use crate::id::{ControllerId, NodeId, PodId, PoolId, RegionId, ServiceId, SignalIndex, Table};
use crate::ports::{
    Controller, JobCounts, Mode, Observation, Probe, ReplicaId, ReplicaPhase, ReplicaView, SignalId, SignalView,
    TargetId, TargetView, Wake, Work,
};
use crate::signals::SignalState;
use rand::RngExt;
use std::sync::Arc;

/// All controllers, and the signals that they see.
pub(super) struct Control {
    pub(super) controllers: Table<ControllerId, ControllerState>,
    pub(super) signals: Table<SignalIndex, SignalState>,
}

impl Control {
    /// Controllers that have seen nothing yet.
    pub(super) fn new(controllers: Vec<Controller>) -> Self {
        Control { controllers: controllers.into_iter().map(ControllerState::new).collect(), signals: Table::default() }
    }
}

/// A controller at work.
pub(super) struct ControllerState {
    pub(super) controller: Controller,
    /// Of its name.
    pub(super) key: u64,
    /// Its signals by target: positions among all signals.
    pub(super) signals: Vec<(TargetId, Vec<SignalIndex>)>,
    /// Counts its planned ticks, so that a replaced one is known as stale.
    generation: u64,
    /// When its last decision went to the log.
    pub(super) kept: Option<SimTime>,
    /// A request waits at this target.
    poke: Option<TargetId>,
}

impl ControllerState {
    pub(super) fn new(controller: Controller) -> Self {
        let key = number_of_name(&controller.name);
        ControllerState { controller, key, signals: Vec::new(), generation: 0, kept: None, poke: None }
    }
}

impl Simulation {
    /// Registers signals and plans the first tick of each controller.
    pub(super) fn start_controllers(&mut self) {
        for index in self.control.controllers.ids() {
            let controller = &self.control.controllers[index].controller;
            let (name, schedule) = (Arc::clone(&controller.name), controller.schedule);
            for watched in controller.targets.clone() {
                let target = watched.target;
                let ids = watched.signals().map(|request| self.add_signal(&name, target, request.clone())).collect();
                self.control.controllers[index].signals.push((target, ids));
                if schedule.poked_by_requests
                    && let Some(book) = self.services.get_mut(ServiceId::new(target.0))
                {
                    book.watchers.poked.push(index);
                }
            }
            let phase = schedule.phase.unwrap_or_else(|| {
                let period = schedule.period.as_ps().max(1);
                let mut stream = self.world.seed.stream(&format!("controller/{name}"));
                SimDuration::from_ps(stream.random_range(0..period))
            });
            self.plan_tick(index, SimTime::ZERO + phase);
        }
    }

    fn plan_tick(&mut self, index: ControllerId, at: SimTime) {
        let state = &mut self.control.controllers[index];
        state.generation += 1;
        let event = Event::Control { controller: index };
        self.agenda.schedule(at, Class::Controller, index, state.generation, event);
    }

    /// Wakes controllers that want to know that a request waits and nobody serves.
    pub(super) fn poke(&mut self, service: ServiceId) {
        let book = &self.services[service];
        if book.watchers.poked.is_empty() || !book.rotation.is_empty() {
            return;
        }
        let now = self.agenda.now();
        for &index in &book.watchers.poked {
            let state = &mut self.control.controllers[index];
            if state.poke.replace(TargetId(service.get())).is_none() {
                self.agenda.schedule(now, Class::Controller, index, 0, Event::Poke { controller: index });
            }
        }
    }

    pub(super) fn poked(&mut self, index: ControllerId) -> Result<(), RunError> {
        if let Some(target) = self.control.controllers[index].poke.take() {
            self.decide(index, Wake::Poke(target));
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    /// A planned tick, unless another plan has replaced it.
    pub(super) fn control(&mut self, index: ControllerId, generation: u64) -> Result<(), RunError> {
        if self.control.controllers[index].generation == generation {
            self.decide(index, Wake::Tick);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn decide(&mut self, index: ControllerId, wake: Wake) {
        let seen = self.observe(index, wake);
        let decision = self.control.controllers[index].controller.policy.decide(&seen);
        let now = self.agenda.now();
        let controller = &self.control.controllers[index].controller;
        if let Err(error) = alive(controller, now) {
            self.failure = Some(error);
            return;
        }
        let next = match (decision.next_wake, wake) {
            (Some(at), _) => Some(at.max(now + SimDuration::from_ps(1))),
            (None, Wake::Poke(_)) => None,
            (None, _) => Some(now + controller.schedule.period),
        };
        if let Some(at) = next {
            self.plan_tick(index, at);
        }
        self.apply(index, &seen, decision);
    }

    /// The run is over: policies outside the program are let go, and may say what was wrong.
    pub(super) fn close_controllers(&mut self) -> Result<(), RunError> {
        let at = self.agenda.now();
        for state in self.control.controllers.values_mut() {
            state.controller.policy.close();
            alive(&state.controller, at)?;
        }
        Ok(())
    }

    fn observe(&mut self, index: ControllerId, wake: Wake) -> Observation {
        let signals = self.control.controllers[index].signals.clone();
        let targets = signals.into_iter().map(|(target, ids)| self.view_target(target, &ids)).collect();
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
                batches: self.control.signals[signal].read(now, &serials),
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

    /// Jobs that have not ended: one that serves has left the list of active replicas.
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
        // The kubelet sets Ready to False when it takes the pod in, and to True when it is ready.
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

    /// The first pool where a service's pods may stand.
    pub(super) fn first_pool(&self, service: ServiceId) -> Option<PoolId> {
        self.fleet.demand(self.services[service].kin.demand).pools.first().copied()
    }
}

/// Ends the run of a policy that failed.
fn alive(controller: &Controller, at: SimTime) -> Result<(), RunError> {
    let failed = |message: &str| RunError::Policy { policy: controller.name.to_string(), message: message.into(), at };
    controller.policy.failure().map_or(Ok(()), |message| Err(failed(message)))
}
