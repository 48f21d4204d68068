//! The controllers of a `ScaledObject` behind the simulator's port: KEDA's own loop, and the HPA
//! that it makes.

use super::binding::{Bindings, TriggerError};
use super::executor::{Activity, Executor, Poll};
use super::fallback::{Health, Outcome};
use super::hpa_feed::{CompositeError, KedaHpa, composite, hpa_spec};
use super::readings::{Reading, Readings};
use super::spec::{POLLING_INTERVAL_S, Quirks, ScaledObject};
use crate::autoscalers::hpa::{BoundMetric, Container, ControllerSettings, Hpa, HpaOptions, SpecError};
use crate::clock::WallClock;
use crate::metrics::resolve;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Explanation, Limit, MetricExplanation, Observation, Schedule, Scope,
    SignalRequest, TargetId, TargetView,
};

/// What the controllers need besides their manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct KedaOptions {
    /// What they scale.
    pub target: TargetId,
    /// The user's own bindings of triggers to signals.
    pub bindings: Bindings,
    /// Which habits of KEDA are kept.
    pub quirks: Quirks,
    /// Flags of the controller manager that runs the HPA.
    pub hpa_settings: ControllerSettings,
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub hpa_sync_period: SimDuration,
    /// Time of the HPA's first reconcile; `None` draws it.
    pub hpa_phase: Option<SimDuration>,
    /// The pods' containers, for cpu and memory triggers with Utilization targets.
    pub containers: Vec<Container>,
    /// When the run begins, for `cron` triggers.
    pub clock: WallClock,
}

impl KedaOptions {
    /// Faithful, with the defaults of the controller manager.
    pub fn new(target: TargetId) -> Self {
        KedaOptions {
            target,
            bindings: Bindings::new(),
            quirks: Quirks::default(),
            hpa_settings: ControllerSettings::default(),
            hpa_sync_period: SimDuration::from_s(15),
            hpa_phase: None,
            containers: Vec::new(),
            clock: WallClock::default(),
        }
    }
}

/// The controllers that own the target of a `ScaledObject`.
#[derive(Debug)]
pub struct Controllers {
    /// KEDA's loop.
    pub executor: Controller<KedaExecutor>,
    /// Its HPA; none while the object is paused.
    pub hpa: Option<Controller<KedaHpa>>,
}

impl Controllers {
    /// Both, as the simulator takes them.
    pub fn boxed(self) -> Vec<Controller> {
        [self.executor.boxed()].into_iter().chain(self.hpa.map(Controller::boxed)).collect()
    }
}

impl ScaledObject {
    /// The controllers that KEDA and Kubernetes run for this object.
    ///
    /// # Errors
    /// A trigger that no signal is known for, and what the API server refuses of the HPA.
    pub fn controllers(&self, options: &KedaOptions) -> Result<Controllers, Vec<SpecError>> {
        let unbound =
            |error: TriggerError| vec![SpecError { path: "spec.triggers".to_owned(), message: error.to_string() }];
        let feeds = (&options.bindings, options.clock);
        let polled = Readings::new(&self.triggers, feeds, false, None).map_err(unbound)?;
        let interval_s = self.polling_interval_s.unwrap_or(POLLING_INTERVAL_S);
        let asked = Readings::new(&self.triggers, feeds, true, Some(interval_s)).map_err(unbound)?;
        let health = Health::new(self.triggers.len());
        let period = SimDuration::from_s(u64::from(interval_s.max(1)));
        let schedule = Schedule::every(period).first_at(SimDuration::ZERO);
        let requests = polled.requests().to_vec();
        let executor = KedaExecutor {
            object: self.clone(),
            quirks: options.quirks,
            executor: None,
            readings: polled,
            health: health.clone(),
        };
        let executor = Controller::of(format!("keda/{}", self.name), schedule, options.target, executor);
        let executor = executor.reading(requests);
        let hpa = if self.annotations.stops_hpa() { None } else { Some(self.hpa(options, asked, health)?) };
        Ok(Controllers { executor, hpa })
    }

    fn hpa(
        &self,
        options: &KedaOptions,
        readings: Readings,
        health: Health,
    ) -> Result<Controller<KedaHpa>, Vec<SpecError>> {
        let spec = hpa_spec(self);
        // The feed makes the values; the binding of the HPA itself only gives their scope.
        // What the clock says comes through no signal of its own.
        let fed = resolve("queue_length")
            .map_err(|error| vec![SpecError { path: "spec.triggers".to_owned(), message: error.to_string() }])?;
        let shown = readings.sources.iter().map(|source| {
            let signal = source.signal().and_then(|signal| readings.requests().get(signal as usize)).cloned();
            let request = signal.unwrap_or_else(|| fed.request(&source.key, Scope::Service));
            let scope = if source.trigger.is_resource() { Scope::Replica } else { Scope::Service };
            BoundMetric { request: SignalRequest { scope, ..request }, scale: 1.0 }
        });
        let mut bound: Vec<BoundMetric> = shown.collect();
        if self.modifiers.is_some() {
            bound.retain(|metric| metric.request.scope == Scope::Replica);
            bound.push(BoundMetric { request: fed.request("composite-metric", Scope::Service), scale: 1.0 });
        }
        let mut hpa = HpaOptions::new(self.hpa_name(), options.target, bound);
        hpa.settings = options.hpa_settings;
        hpa.sync_period = options.hpa_sync_period;
        hpa.phase = options.hpa_phase;
        hpa.containers.clone_from(&options.containers);
        Ok(KedaHpa::around(Hpa::new(&spec, hpa)?, self, options.quirks, readings, health))
    }
}

/// KEDA's loop of one `ScaledObject`: it polls all triggers at once when it begins, and then each
/// polling interval, and owns the step between none and one.
#[derive(Clone, Debug)]
pub struct KedaExecutor {
    object: ScaledObject,
    quirks: Quirks,
    /// Made at the first poll, which is when the object is.
    executor: Option<Executor>,
    readings: Readings,
    /// Shared with the metrics server.
    health: Health,
}

impl KedaExecutor {
    /// The executor and its memory; none before the first poll.
    pub fn executor(&self) -> Option<&Executor> {
        self.executor.as_ref()
    }

    /// Whether the object is active, and what the formula gave if there is one.
    fn activity(&self, readings: &[Reading], outcomes: &[Outcome]) -> (Activity, Option<MetricExplanation>) {
        let is_error = outcomes.contains(&Outcome::Failure);
        let Some(modifiers) = &self.object.modifiers else {
            let sources = self.readings.sources.iter().zip(readings).zip(outcomes);
            let mut active = sources.map(|((source, reading), outcome)| match outcome {
                Outcome::Answer(_) => source.is_active(reading),
                Outcome::Fallback(_) => true,
                Outcome::Nothing | Outcome::Failure => false,
            });
            let is_active = active.any(|active| active) || self.object.has_resource_triggers_only();
            return (Activity { is_active, is_error }, None);
        };
        // One trigger that fails keeps the object inactive, though another falls back.
        let result = if is_error {
            Err(CompositeError::Trigger)
        } else {
            composite(modifiers, &self.readings.sources, outcomes)
        };
        let is_active = result.as_ref().is_ok_and(|value| *value > modifiers.activation_target);
        let note = match &result {
            Ok(_) if is_active => "active".to_owned(),
            Ok(_) => "not active".to_owned(),
            Err(why) => why.to_string(),
        };
        let explanation = MetricExplanation {
            name: "composite-metric".into(),
            current: result.as_ref().ok().copied(),
            target: modifiers.activation_target,
            proposal: None,
            note,
        };
        (Activity { is_active, is_error: is_error || result.is_err() }, Some(explanation))
    }

    fn explain(
        &self,
        view: &TargetView,
        (readings, outcomes): (&[Reading], &[Outcome]),
        composite: Option<MetricExplanation>,
        poll: Poll,
    ) -> Explanation {
        let sources = self.readings.sources.iter().zip(readings).zip(outcomes);
        let mut metrics: Vec<MetricExplanation> =
            sources.map(|((source, reading), outcome)| source.explain(reading, *outcome)).collect();
        metrics.extend(composite);
        let cooling = self.executor.as_ref().and_then(Executor::active).is_some_and(|c| c.reason == "ScalerCooldown");
        let goal = self.object.idle_replica_count.unwrap_or(self.object.min_replicas());
        let limit = Limit { name: "Cooldown", before: goal, after: view.spec_replicas };
        let error = readings.iter().find_map(|reading| reading.as_ref().err().map(ToString::to_string));
        Explanation {
            metrics,
            limits: cooling.then_some(limit).into_iter().collect(),
            reason: poll.reason.to_owned(),
            error,
        }
    }
}

impl Autoscaler for KedaExecutor {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let readings = self.readings.read(view, seen.now);
        let outcomes = self.health.judge(&self.object, &self.readings.sources, &readings, view);
        let (activity, composite) = self.activity(&readings, &outcomes);
        let fresh = || Executor::new(&self.object, self.quirks, seen.now);
        let poll = self.executor.get_or_insert_with(fresh).poll(seen.now, view.spec_replicas, activity);
        let decision = match poll.write {
            Some(replicas) => Decision::set_replicas(view.target, replicas),
            None => Decision::hold(),
        };
        decision.explained(view.target, self.explain(view, (&readings, &outcomes), composite, poll))
    }
}
