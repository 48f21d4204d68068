//! What controllers wish: validated, applied, or refused with a reason; and the replica register.

use super::Simulation;
use crate::clock::{Mark, SimDuration};
use crate::ledger::{DecisionRecord, SignalValue};
use crate::ports::{Action, Class, Decision, Observation, ReplicaId, SignalView, TargetId, TargetView};
use std::sync::Arc;

/// Where replicas of one class may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CapacityClass {
    /// Pools, in order of preference.
    pub(super) pools: Vec<u32>,
    /// A zone of their region; `None` for any.
    pub(super) zone: Option<u32>,
}

impl CapacityClass {
    pub(super) fn allows(&self, pool: u32, zone: u32) -> bool {
        self.pools.contains(&pool) && self.zone.is_none_or(|own| own == zone)
    }
}

/// Decisions that change nothing are in the log once in so long.
const QUIET_PERIOD: SimDuration = SimDuration::from_s(1);

impl Simulation {
    pub(super) fn apply(&mut self, index: usize, seen: &Observation, mut decision: Decision) {
        self.refuse_unseen(index, seen, &mut decision);
        // Controllers that look ten times a second and change nothing would fill the log.
        let kept = self.controllers[index].kept;
        let recent = kept.is_some_and(|at| self.agenda.now().since(at) < QUIET_PERIOD);
        for view in &seen.targets {
            let service = view.target.0;
            let before = self.services[service as usize].state.spec;
            // As the controller was shown it: what it orders now starts after.
            let starting = self.services[service as usize].state.waits.starting;
            let mut refused = Vec::new();
            for action in decision.actions.iter().filter(|action| target_of(action) == view.target) {
                if let Err(reason) = self.act(view, action) {
                    refused.push((action.clone(), reason));
                }
            }
            let after = self.services[service as usize].state.spec;
            let now = self.agenda.now();
            let book = &mut self.services[service as usize];
            book.lives = true;
            book.digest.add(now, Mark::Decision, self.controllers[index].key, u64::from(after));
            self.keep(Mark::Decision, (index as u64) << 32 | u64::from(service), u64::from(after));
            if recent && before == after && refused.is_empty() {
                continue;
            }
            self.controllers[index].kept = Some(now);
            self.decisions.push(DecisionRecord {
                at: now,
                controller: index as u32,
                target: view.target,
                before,
                after,
                ready: view.ready_replicas,
                in_flight: self.services[service as usize].in_flight,
                starting,
                signals: view.signals.iter().map(signal_value).collect(),
                refused,
                explanation: decision.explanations.remove(&view.target),
            });
        }
    }

    /// What a controller wishes of a target that it was not shown is in the log, and not done.
    fn refuse_unseen(&mut self, index: usize, seen: &Observation, decision: &mut Decision) {
        let shown = |action: &&Action| seen.targets.iter().any(|view| view.target == target_of(action));
        for action in decision.actions.iter().filter(|action| !shown(action)) {
            let wanted = target_of(action);
            let known = (wanted.0 as usize) < self.services.len();
            // A target that does not exist is written down with the first that the controller has.
            let own = seen.targets.first().map_or(TargetId(0), |view| view.target);
            let (target, reason) = if known {
                (wanted, "the controller was not shown this target")
            } else {
                (own, "there is no such target")
            };
            let book = &self.services[target.0 as usize];
            let (now, spec) = (self.agenda.now(), book.state.spec);
            let record = DecisionRecord {
                at: now,
                controller: index as u32,
                target,
                before: spec,
                after: spec,
                ready: book.state.ready.len() as u32,
                in_flight: book.in_flight,
                starting: book.state.waits.starting,
                signals: Vec::new(),
                refused: vec![(action.clone(), reason)],
                explanation: decision.explanations.remove(&wanted),
            };
            let key = self.controllers[index].key;
            self.services[target.0 as usize].digest.add(now, Mark::Decision, key, u64::from(spec));
            self.keep(Mark::Decision, (index as u64) << 32 | u64::from(target.0), u64::from(spec));
            self.decisions.push(record);
        }
    }

    fn act(&mut self, view: &TargetView, action: &Action) -> Result<(), &'static str> {
        let service = view.target.0;
        match action {
            _ if self.services[service as usize].state.config.resident_on.is_some() => {
                Err("the target has no replicas of its own: it is resident on those of another")
            }
            Action::SetReplicas { replicas, .. } if *replicas > self.world.limits.replicas => {
                Err("more replicas than the limit `replicas` allows")
            }
            Action::SetReplicas { replicas, class, .. } if *class == Class::default() => {
                self.write_spec(service, *replicas);
                self.reconcile(service);
                Ok(())
            }
            Action::SetReplicas { replicas, class, .. } => self.set_class(service, *replicas, class),
            Action::RemoveReplicas { replicas, .. } => self.remove_named(service, replicas),
            Action::CreateJobs { jobs, .. } => self.create_jobs(service, *jobs),
            Action::SetMode { mode, .. } => {
                let now = self.agenda.now();
                let current = &mut self.services[service as usize].mode;
                if current.0 != *mode {
                    *current = (*mode, now);
                }
                Ok(())
            }
        }
    }

    /// Makes the replicas of one class as many as wished, and the register with them.
    fn set_class(&mut self, service: u32, replicas: u32, class: &Class) -> Result<(), &'static str> {
        let wanted = self.class_of(service, class);
        if wanted.pools.is_empty() {
            return Err("no pool of the target is of that class");
        }
        let active = self.active_in(service, &wanted);
        let (spec, count) = (self.services[service as usize].state.spec, active.len() as u32);
        if replicas > count {
            let class = self.class_index(wanted);
            let spec = spec.saturating_add(replicas - count);
            if spec > self.world.limits.replicas {
                return Err("more replicas than the limit `replicas` allows");
            }
            self.write_spec(service, spec);
            for _ in count..replicas {
                self.create_replica(service, Some(class));
            }
        } else if replicas < count {
            self.write_spec(service, spec.saturating_sub(count - replicas));
            for victim in self.victims(&active, count - replicas) {
                self.delete_replica(victim);
            }
        }
        Ok(())
    }

    /// The position of a class among those known.
    pub(super) fn class_index(&mut self, class: CapacityClass) -> u32 {
        let at = self.classes.iter().position(|known| *known == class).unwrap_or(self.classes.len());
        if at == self.classes.len() {
            self.classes.push(class);
        }
        at as u32
    }

    /// Pools and zone of a service that are of a class.
    fn class_of(&self, service: u32, class: &Class) -> CapacityClass {
        let zone = class.place.as_ref().and_then(|place| {
            let region = self.world.regions.iter().find(|region| region.name == place.region)?;
            let zone = place.zone.as_ref()?;
            region.zones.iter().position(|own| own == zone).map(|zone| zone as u32)
        });
        let pools = self.services[service as usize].state.config.pools.iter().copied();
        let fits = |pool: &u32| {
            let pool = &self.world.pools[*pool as usize];
            let region = &self.world.regions[pool.region as usize];
            let there = class.place.as_ref().is_none_or(|place| {
                let has = |zone: &Arc<str>| pool.zones.iter().any(|&own| region.zones[own as usize] == *zone);
                region.name == place.region && place.zone.as_ref().is_none_or(has)
            });
            let gpu = class.gpu.as_ref().is_none_or(|gpu| *gpu == pool.gpu);
            there && gpu && class.market.is_none_or(|market| market == pool.market)
        };
        CapacityClass { pools: pools.filter(fits).collect(), zone }
    }

    /// Active replicas that stand where that class may, or are meant for nothing else.
    pub(super) fn active_in(&self, service: u32, class: &CapacityClass) -> Vec<u32> {
        let within = |id: &u32| {
            let replica = &self.replicas[*id as usize];
            let meant = replica.class.is_some_and(|wanted| {
                let wanted = &self.classes[wanted as usize];
                let zone = class.zone.is_none() || class.zone == wanted.zone;
                zone && wanted.pools.iter().all(|pool| class.pools.contains(pool))
            });
            let stands = |node: u32| class.allows(self.nodes[node as usize].pool, self.nodes[node as usize].zone);
            replica.is_active() && !replica.job && replica.node().map_or(meant, stands)
        };
        self.services[service as usize].state.replicas.iter().copied().filter(within).collect()
    }

    fn create_jobs(&mut self, service: u32, jobs: u32) -> Result<(), &'static str> {
        let live = self.services[service as usize].state.replicas.len() as u32;
        if live.saturating_add(jobs) > self.world.limits.replicas {
            return Err("more replicas than the limit `replicas` allows");
        }
        for _ in 0..jobs {
            self.create_job(service);
        }
        Ok(())
    }

    fn remove_named(&mut self, service: u32, named: &[ReplicaId]) -> Result<(), &'static str> {
        let active = |id: &ReplicaId| {
            let owned = self.services[service as usize].state.replicas.contains(&id.0);
            owned && self.replicas[id.0 as usize].is_active() && !self.replicas[id.0 as usize].job
        };
        if !named.iter().all(active) {
            return Err("a named replica does not exist or is being deleted");
        }
        let mut once: Vec<ReplicaId> = named.to_vec();
        once.sort_unstable();
        once.dedup();
        if once.len() < named.len() {
            return Err("a replica is named twice");
        }
        for id in named {
            self.delete_replica(id.0);
        }
        let spec = self.services[service as usize].state.spec;
        self.write_spec(service, spec.saturating_sub(named.len() as u32));
        self.reconcile(service);
        Ok(())
    }

    /// Writes the register and counts the change.
    pub(super) fn write_spec(&mut self, service: u32, replicas: u32) {
        let now = self.agenda.now();
        for resident in self.services[service as usize].residents.clone() {
            self.services[resident as usize].state.spec = replicas;
        }
        let book = &mut self.services[service as usize];
        book.integrate_ready(now);
        let before = std::mem::replace(&mut book.state.spec, replicas);
        if replicas == before {
            return;
        }
        let direction = if replicas > before { 1 } else { -1 };
        book.changes[usize::from(direction < 0)] += 1;
        book.changes[2] += u64::from(book.last_direction == -direction);
        book.last_direction = direction;
        let (highest, time, since) = &mut book.at_max;
        if before == *highest {
            *time += now.since(*since);
        }
        if replicas > *highest {
            (*highest, *time) = (replicas, SimDuration::ZERO);
        }
        *since = now;
    }
}

fn target_of(action: &Action) -> TargetId {
    match action {
        Action::SetReplicas { target, .. }
        | Action::RemoveReplicas { target, .. }
        | Action::CreateJobs { target, .. }
        | Action::SetMode { target, .. } => *target,
    }
}

fn signal_value(view: &SignalView) -> SignalValue {
    let Some(samples) = view.batches.as_ref().and_then(|batches| batches.last()).map(|batch| &batch.samples) else {
        return SignalValue { samples: None, mean: 0.0 };
    };
    let sum: f64 = samples.iter().map(|sample| sample.value).sum();
    let count = samples.len() as u32;
    SignalValue { samples: Some(count), mean: if count == 0 { 0.0 } else { sum / f64::from(count) } }
}
