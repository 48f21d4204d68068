//! Controllers: when they run and what they see.

use super::{Event, RunError, Simulation};
use crate::clock::{Class, SimDuration, SimTime, number_of_name};
use crate::fleet::Life;
use crate::ports::{
    Controller, JobCounts, Mode, Observation, Probe, ReplicaId, ReplicaPhase, ReplicaView, SignalId, SignalView,
    TargetId, TargetView, Wake, Work,
};
use rand::RngExt;
use std::sync::Arc;

/// A controller at work.
pub(super) struct ControllerState {
    pub(super) controller: Controller,
    /// Of its name.
    pub(super) key: u64,
    /// Its signals by target: positions among all signals.
    pub(super) signals: Vec<(TargetId, Vec<u32>)>,
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
        for index in 0..self.controllers.len() {
            let controller = &self.controllers[index].controller;
            let (name, schedule) = (Arc::clone(&controller.name), controller.schedule);
            for watched in controller.targets.clone() {
                let target = watched.target;
                let ids = watched.signals().map(|request| self.add_signal(&name, target, request.clone())).collect();
                self.controllers[index].signals.push((target, ids));
                if schedule.poked_by_requests
                    && let Some(book) = self.services.get_mut(target.0 as usize)
                {
                    book.poked_controllers.push(index as u32);
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

    fn plan_tick(&mut self, index: usize, at: SimTime) {
        let state = &mut self.controllers[index];
        state.generation += 1;
        let event = Event::Control { controller: index as u32 };
        self.agenda.schedule(at, Class::Controller, index as u32, state.generation, event);
    }

    /// Wakes controllers that want to know that a request waits and nobody serves.
    pub(super) fn poke(&mut self, service: u32) {
        let book = &self.services[service as usize];
        if book.poked_controllers.is_empty() || !book.state.ready.is_empty() {
            return;
        }
        let now = self.agenda.now();
        for &index in &book.poked_controllers {
            let state = &mut self.controllers[index as usize];
            if state.poke.replace(TargetId(service)).is_none() {
                self.agenda.schedule(now, Class::Controller, index, 0, Event::Poke { controller: index });
            }
        }
    }

    pub(super) fn poked(&mut self, index: u32) -> Result<(), RunError> {
        if let Some(target) = self.controllers[index as usize].poke.take() {
            self.decide(index as usize, Wake::Poke(target));
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    /// A planned tick, unless another plan has replaced it.
    pub(super) fn control(&mut self, index: u32, generation: u64) -> Result<(), RunError> {
        if self.controllers[index as usize].generation == generation {
            self.decide(index as usize, Wake::Tick);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn decide(&mut self, index: usize, wake: Wake) {
        let seen = self.observe(index, wake);
        let decision = self.controllers[index].controller.policy.decide(&seen);
        let now = self.agenda.now();
        let controller = &self.controllers[index].controller;
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
        for state in &mut self.controllers {
            state.controller.policy.close();
            alive(&state.controller, at)?;
        }
        Ok(())
    }

    fn observe(&mut self, index: usize, wake: Wake) -> Observation {
        let signals = self.controllers[index].signals.clone();
        let targets = signals.into_iter().map(|(target, ids)| self.view_target(target, &ids)).collect();
        Observation { now: self.agenda.now(), wake, targets }
    }

    fn view_target(&mut self, target: TargetId, signals: &[u32]) -> TargetView {
        let now = self.agenda.now();
        self.settle_service(target.0);
        let state = &self.services[target.0 as usize].state;
        let ids = state.replicas.clone();
        let replicas: Vec<ReplicaView> = ids.iter().map(|&id| self.view_replica(id)).collect();
        let own = |id: &&u32| self.replicas[**id as usize].is_active() && !self.replicas[**id as usize].job;
        let active = ids.iter().filter(own).count();
        let book = &self.services[target.0 as usize];
        let (mode, since) = book.mode;
        let proxied = mode == Mode::Proxy;
        let probe = Probe { ok: true, populated_for: proxied.then(|| now.since(since)) };
        let jobs = self.jobs_of(&ids);
        let signals = signals
            .iter()
            .zip(0..)
            .map(|(&signal, position)| SignalView {
                signal: SignalId(position),
                batches: self.telemetry.signals[signal as usize].read(now, &ids),
            })
            .collect();
        TargetView {
            target,
            spec_replicas: state.spec,
            status_replicas: active as u32,
            ready_replicas: state.ready.len() as u32,
            mode,
            probe: Some(probe),
            jobs,
            replicas,
            signals,
        }
    }

    /// Jobs that have not ended: one that serves has left the list of active replicas.
    fn jobs_of(&self, ids: &[u32]) -> JobCounts {
        let mut counts = JobCounts::default();
        for replica in ids.iter().map(|&id| &self.replicas[id as usize]).filter(|replica| replica.job) {
            counts.running += 1;
            counts.pending += u32::from(replica.process.is_none());
        }
        counts
    }

    fn view_replica(&self, id: u32) -> ReplicaView {
        let replica = &self.replicas[id as usize];
        let service = &self.services[replica.service as usize].state;
        let server = &self.servers[id as usize];
        let node = replica.node();
        let pool = node
            .map_or_else(|| service.config.pools.first().copied().unwrap_or(0), |node| self.nodes[node as usize].pool);
        let pool = &self.world.pools[pool as usize];
        let region = &self.world.regions[pool.region as usize];
        let zone = node.map(|node| Arc::clone(&region.zones[self.nodes[node as usize].zone as usize]));
        // The kubelet sets Ready to False when it takes the pod in, and to True when it is ready.
        let ready = replica.placed.map(|_| matches!(replica.life, Life::Ready | Life::Draining));
        ReplicaView {
            id: ReplicaId(id),
            phase: if replica.process.is_some() { ReplicaPhase::Running } else { ReplicaPhase::Pending },
            created: replica.created,
            started: replica.placed,
            ready,
            ready_since: replica.ready.or(replica.placed),
            deleted: replica.deleted,
            market: pool.market,
            gpu: Arc::clone(&pool.gpu),
            version: 0,
            node,
            region: Arc::clone(&region.name),
            zone,
            work: Work { waiting: server.held() - server.running, running: server.running },
        }
    }
}

/// Ends the run of a policy that failed.
fn alive(controller: &Controller, at: SimTime) -> Result<(), RunError> {
    let failed = |message: &str| RunError::Policy { policy: controller.name.to_string(), message: message.into(), at };
    controller.policy.failure().map_or(Ok(()), |message| Err(failed(message)))
}
