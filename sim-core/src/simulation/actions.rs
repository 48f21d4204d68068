//! The actions that controllers decide on: checked, then applied or refused with a reason; and
//! writes to the replica register.

use super::Simulation;
use crate::fleet::Demand;
use crate::id::{ControllerId, DemandId, PodId, PoolId, RegionId, ServiceId, ZoneId};
use crate::journal::Note;
use crate::ledger::{DecisionRecord, SignalValue};
use crate::ports::{Action, Class, Decision, Observation, Refusal, ReplicaId, SignalView, TargetId, TargetView};
use std::sync::Arc;

impl Simulation {
    pub(super) fn apply_decision(&mut self, index: ControllerId, seen: &Observation, mut decision: Decision) {
        self.refuse_unseen(index, seen, &mut decision);
        // Controllers that look ten times a second and change nothing would fill the log.
        let recent = self.control.logged_within(index, DecisionRecord::QUIET_PERIOD, self.agenda.now());
        for view in &seen.targets {
            let service = ServiceId::new(view.target.0);
            let before = self.services[service].register.spec();
            // The number that the controller was shown, before its own orders.
            let starting = self.services[service].waits.starting;
            let mut refused = Vec::new();
            for action in decision.actions.iter().filter(|action| target_of(action) == view.target) {
                if let Err(reason) = self.act(view, action) {
                    refused.push((action.clone(), reason));
                }
            }
            let after = self.services[service].register.spec();
            let now = self.agenda.now();
            let name = self.control.key(index);
            self.journal.note(now, Note::Decision { service, controller: index, name, spec: after });
            if recent && before == after && refused.is_empty() {
                continue;
            }
            self.control.log(index, now);
            self.books.log_decision(DecisionRecord {
                at: now,
                controller: index.get(),
                target: view.target,
                before,
                after,
                ready: view.ready_replicas,
                in_flight: self.services[service].presence.count(),
                starting,
                signals: view.signals.iter().map(signal_value).collect(),
                refused,
                explanation: decision.explanations.remove(&view.target),
            });
        }
    }

    /// Refuses actions on targets that the controller was not shown, and logs them.
    fn refuse_unseen(&mut self, index: ControllerId, seen: &Observation, decision: &mut Decision) {
        let shown = |action: &&Action| seen.targets.iter().any(|view| view.target == target_of(action));
        for action in decision.actions.iter().filter(|action| !shown(action)) {
            let wanted = target_of(action);
            let known = (wanted.0 as usize) < self.services.len();
            // An action on a target that does not exist is logged under the controller's first
            // target.
            let own = seen.targets.first().map_or(TargetId(0), |view| view.target);
            let (target, reason) = if known { (wanted, Refusal::NotShown) } else { (own, Refusal::NoTarget) };
            let service = ServiceId::new(target.0);
            let book = &self.services[service];
            let (now, spec) = (self.agenda.now(), book.register.spec());
            let record = DecisionRecord {
                at: now,
                controller: index.get(),
                target,
                before: spec,
                after: spec,
                ready: book.rotation.len(),
                in_flight: book.presence.count(),
                starting: book.waits.starting,
                signals: Vec::new(),
                refused: vec![(action.clone(), reason)],
                explanation: decision.explanations.remove(&wanted),
            };
            let name = self.control.key(index);
            self.journal.note(now, Note::Decision { service, controller: index, name, spec });
            self.books.log_decision(record);
        }
    }

    fn act(&mut self, view: &TargetView, action: &Action) -> Result<(), Refusal> {
        let service = ServiceId::new(view.target.0);
        match action {
            _ if self.services[service].sharing.owner.is_some() => Err(Refusal::Resident),
            Action::SetReplicas { replicas, .. } if *replicas > self.world.limits.replicas => {
                Err(Refusal::TooManyReplicas)
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
                let current = &mut self.services[service].mode;
                if current.0 != *mode {
                    *current = (*mode, now);
                }
                Ok(())
            }
        }
    }

    /// Sets the number of replicas of one class, and changes the register with it.
    fn set_class(&mut self, service: ServiceId, replicas: u32, class: &Class) -> Result<(), Refusal> {
        let Some(wanted) = self.class_of(service, class) else {
            return Err(Refusal::NoPool);
        };
        let active = self.active_in(service, self.fleet.demand(wanted));
        let (spec, count) = (self.services[service].register.spec(), active.len() as u32);
        if replicas > count {
            let spec = spec.saturating_add(replicas - count);
            if spec > self.world.limits.replicas {
                return Err(Refusal::TooManyReplicas);
            }
            self.write_spec(service, spec);
            for _ in count..replicas {
                self.create_replica(service, wanted);
            }
        } else if replicas < count {
            self.write_spec(service, spec.saturating_sub(count - replicas));
            for victim in self.victims(service, &active, count - replicas) {
                self.delete_replica(victim);
            }
        }
        Ok(())
    }

    /// The service's demand, restricted to pools and a zone of a class; `None` if no pool is of
    /// that class.
    fn class_of(&mut self, service: ServiceId, class: &Class) -> Option<DemandId> {
        let zone = class.place.as_ref().and_then(|place| {
            let region = self.fleet.regions().values().find(|region| region.name == place.region)?;
            let zone = place.zone.as_ref()?;
            region.zones.iter().position(|own| own == zone).map(|zone| ZoneId::new(zone as u32))
        });
        let fits = |pool: &PoolId| {
            let pool = self.fleet.pool(*pool);
            let region = self.fleet.region(RegionId::new(pool.region));
            let there = class.place.as_ref().is_none_or(|place| {
                let has = |zone: &Arc<str>| pool.zones.iter().any(|&own| region.zones[own as usize] == *zone);
                region.name == place.region && place.zone.as_ref().is_none_or(has)
            });
            let gpu = class.gpu.as_ref().is_none_or(|gpu| *gpu == pool.gpu);
            there && gpu && class.market.is_none_or(|market| market == pool.market)
        };
        let demand = self.services[service].demand;
        let pools: Vec<PoolId> = self.fleet.demand(demand).pools.iter().copied().filter(fits).collect();
        (!pools.is_empty()).then(|| self.fleet.demands_mut().class(demand, pools, zone))
    }

    /// Active pods that run where the class allows, or that wait for a place that only the class
    /// allows.
    fn active_in(&self, service: ServiceId, class: &Demand) -> Vec<PodId> {
        let within = |id: &PodId| {
            let pod = self.fleet.pod(*id);
            let wanted = self.fleet.unit(pod.unit).demand;
            let meant = self.fleet.demands().is_class(wanted) && {
                let wanted = self.fleet.demand(wanted);
                let zone = class.zone.is_none() || class.zone == wanted.zone;
                zone && wanted.pools.iter().all(|pool| class.pools.contains(pool))
            };
            let stands = |node| {
                let node = self.fleet.node(node);
                class.allows(node.pool, Some(node.zone))
            };
            pod.is_counted() && self.fleet.node_of(*id).map_or(meant, stands)
        };
        self.services[service].pods.iter().copied().filter(within).collect()
    }

    fn create_jobs(&mut self, service: ServiceId, jobs: u32) -> Result<(), Refusal> {
        let live = self.services[service].pods.len() as u32;
        if live.saturating_add(jobs) > self.world.limits.replicas {
            return Err(Refusal::TooManyReplicas);
        }
        for _ in 0..jobs {
            self.create_job(service);
        }
        Ok(())
    }

    fn remove_named(&mut self, service: ServiceId, named: &[ReplicaId]) -> Result<(), Refusal> {
        let pods = &self.services[service].pods;
        let pod_of = |id: &ReplicaId| {
            let at = pods.binary_search_by_key(&id.0, |pod| pod.serial()).ok()?;
            self.fleet.pod(pods[at]).is_counted().then_some(pods[at])
        };
        let Some(mut once) = named.iter().map(pod_of).collect::<Option<Vec<PodId>>>() else {
            return Err(Refusal::NoReplica);
        };
        let in_order = once.clone();
        once.sort_unstable();
        once.dedup();
        if once.len() < named.len() {
            return Err(Refusal::NamedTwice);
        }
        for pod in in_order {
            self.delete_replica(pod);
        }
        let spec = self.services[service].register.spec();
        self.write_spec(service, spec.saturating_sub(named.len() as u32));
        self.reconcile(service);
        Ok(())
    }

    /// Writes the register of a service, and of the services whose pods share its GPUs.
    pub(super) fn write_spec(&mut self, service: ServiceId, replicas: u32) {
        let now = self.agenda.now();
        for resident in self.services[service].sharing.residents.clone() {
            self.services[resident].register.follow(replicas);
        }
        let book = &mut self.services[service];
        book.settle_readiness(now);
        book.register.write(replicas, now);
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
