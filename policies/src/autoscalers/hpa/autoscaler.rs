//! The HPA behind the simulator's port: observations become the reconcile's inputs, its outcome
//! becomes a decision with an explanation.

use super::config::{Container, ControllerSettings, HpaConfig};
use super::defaulting::with_defaults;
use super::explain::explain;
use super::observation::{HpaObservation, MetricReading, Pod, PodPhase, PodSample, ReadyCondition};
use super::spec::{HpaSpec, MetricSource, MetricSpec};
use super::state::HpaState;
use super::step::step;
use super::validation::SpecError;
use crate::metrics::{MetricBinding, MetricNameError, resolve};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Autoscaler, Batch, Controller, Decision, Observation, ReplicaPhase, ReplicaView, Schedule, Scope, SignalRequest,
    TargetId, TargetView,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A metric of the spec, bound to a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundMetric {
    /// The request for the signal.
    pub request: SignalRequest,
    /// The metric's value is the signal's times this.
    pub scale: f64,
}

/// What an [`Hpa`] needs besides its spec.
#[derive(Clone, Debug, PartialEq)]
pub struct HpaOptions {
    /// Its name; `hpa/` is put before it.
    pub name: String,
    /// What it scales.
    pub target: TargetId,
    /// The controller's flags.
    pub settings: ControllerSettings,
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub sync_period: SimDuration,
    /// Time of the first reconcile; `None` draws it, as an HPA created at some moment has its own phase.
    pub phase: Option<SimDuration>,
    /// The pods' containers, for Utilization targets.
    pub containers: Vec<Container>,
    /// One binding for each metric of the completed spec, in its order; see [`bind`].
    pub metrics: Vec<BoundMetric>,
}

impl HpaOptions {
    /// The defaults of the controller manager: 15 s, own phase, 1.28.
    pub fn new(name: impl Into<String>, target: TargetId, metrics: Vec<BoundMetric>) -> Self {
        HpaOptions {
            name: name.into(),
            target,
            settings: ControllerSettings::default(),
            sync_period: SimDuration::from_s(15),
            phase: None,
            containers: Vec::new(),
            metrics,
        }
    }
}

/// Binds every metric of `spec` to a signal: by `chosen` where that names it, else by the table of known names.
///
/// ```
/// use flashcrowd_core::ports::Scope;
/// use flashcrowd_policies::autoscalers::hpa::{HpaSpec, bind};
/// // Without metrics the API server fills in CPU utilization.
/// let spec = HpaSpec { min_replicas: None, max_replicas: 5, metrics: vec![], behavior: None };
/// let bound = bind(&spec, &Default::default())?;
/// assert_eq!((bound[0].request.name.as_str(), bound[0].request.scope), ("cpu", Scope::Replica));
/// # Ok::<(), flashcrowd_policies::metrics::MetricNameError>(())
/// ```
///
/// # Errors
/// If a name is neither chosen nor known.
pub fn bind(spec: &HpaSpec, chosen: &BTreeMap<String, MetricBinding>) -> Result<Vec<BoundMetric>, MetricNameError> {
    let bound = with_defaults(spec).metrics.into_iter().map(|metric| {
        let name = metric.source.metric_name();
        let binding = match chosen.get(name) {
            Some(binding) => *binding,
            None => resolve(name)?,
        };
        let request = binding.request(name, scope_of(&metric));
        Ok(BoundMetric { request, scale: binding.scale })
    });
    bound.collect()
}

fn scope_of(metric: &MetricSpec) -> Scope {
    match metric.source {
        MetricSource::Object { .. } | MetricSource::External(_) => Scope::Service,
        MetricSource::Resource { .. } | MetricSource::ContainerResource { .. } | MetricSource::Pods(_) => {
            Scope::Replica
        }
    }
}

/// A Kubernetes HPA that scales one target.
#[derive(Clone, Debug)]
pub struct Hpa {
    config: HpaConfig,
    state: HpaState,
    scales: Vec<f64>,
    names: Vec<Arc<str>>,
    /// The newest answer for each metric. An API that only refreshes now and then (metrics-server)
    /// goes on giving it.
    newest: Vec<Option<Batch>>,
}

impl Hpa {
    /// Checks the spec and its bindings.
    ///
    /// # Errors
    /// What the API server refuses, and bindings that do not fit the metrics.
    pub fn new(spec: &HpaSpec, options: HpaOptions) -> Result<Controller<Hpa>, Vec<SpecError>> {
        let config = HpaConfig::new(spec, options.settings, options.containers)?;
        let errors = binding_errors(&config, &options.metrics);
        if !errors.is_empty() {
            return Err(errors);
        }
        let (requests, scales): (Vec<_>, Vec<_>) =
            options.metrics.into_iter().map(|metric| (metric.request, metric.scale)).unzip();
        let hpa = Hpa {
            state: HpaState::default(),
            names: config.metrics().iter().map(|metric| metric.source.metric_name().into()).collect(),
            newest: vec![None; scales.len()],
            scales,
            config,
        };
        let schedule = Schedule { phase: options.phase, ..Schedule::every(options.sync_period) };
        Ok(Controller::of(format!("hpa/{}", options.name), schedule, options.target, hpa).reading(requests))
    }

    /// Its completed spec and the controller's flags.
    pub fn config(&self) -> &HpaConfig {
        &self.config
    }

    /// The controller's memory.
    pub fn state(&self) -> &HpaState {
        &self.state
    }

    fn observe(&mut self, view: &TargetView) -> HpaObservation {
        let metrics = self.config.metrics().iter().zip(&self.scales).zip(&mut self.newest);
        let metrics = metrics.enumerate().map(|(index, ((metric, scale), newest))| {
            let signal = view.signals.iter().find(|signal| signal.signal.0 as usize == index);
            let Some(batches) = signal.and_then(|signal| signal.batches.as_ref()) else {
                return MetricReading::Failed("the metrics API is not available".to_owned());
            };
            if let Some(batch) = batches.last() {
                *newest = Some(batch.clone());
            }
            reading(metric, *scale, newest.as_ref())
        });
        HpaObservation {
            scale_failed: false,
            spec_replicas: int(view.spec_replicas),
            status_replicas: int(view.status_replicas),
            metrics: metrics.collect(),
            pods: view.replicas.iter().map(pod).collect(),
        }
    }
}

impl Autoscaler for Hpa {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let shown = self.observe(view);
        let outcome = step(&mut self.state, seen.now.as_ns(), &self.config, &shown);
        let decision = if outcome.updated {
            Decision::set_replicas(view.target, outcome.desired.max(0).unsigned_abs())
        } else {
            Decision::hold()
        };
        decision.explained(view.target, explain(&self.config, &self.names, &outcome))
    }
}

fn binding_errors(config: &HpaConfig, bound: &[BoundMetric]) -> Vec<SpecError> {
    let mut errors = Vec::new();
    if bound.len() != config.metrics().len() {
        let message = format!("{} bindings for {} metrics", bound.len(), config.metrics().len());
        errors.push(SpecError { path: "spec.metrics".to_owned(), message });
    }
    for (index, (metric, bound)) in config.metrics().iter().zip(bound).enumerate() {
        let (wanted, given) = (scope_of(metric), bound.request.scope);
        // What only pods export is a value of the service's while it has pods.
        let fits = wanted == given || (wanted, given) == (Scope::Service, Scope::Pods);
        if !fits {
            let message = format!("is bound to a signal of scope {given:?}: expected {wanted:?}");
            errors.push(SpecError { path: format!("spec.metrics[{index}]"), message });
        }
        if !(bound.scale > 0.0 && bound.scale.is_finite()) {
            let message = format!("is bound with the factor {}: expected a positive number", bound.scale);
            errors.push(SpecError { path: format!("spec.metrics[{index}]"), message });
        }
    }
    errors
}

/// The newest answer as the metrics API gives it, in milli-units.
fn reading(metric: &MetricSpec, scale: f64, newest: Option<&Batch>) -> MetricReading {
    let Some(batch) = newest else { return MetricReading::Failed("no metrics returned".to_owned()) };
    let values = || batch.samples.iter().map(|sample| milli(sample.value, scale));
    match metric.source {
        MetricSource::External(_) => MetricReading::External(values().collect()),
        MetricSource::Object { .. } => match values().next() {
            Some(value) => MetricReading::Object(value),
            None => MetricReading::Failed("no metrics returned".to_owned()),
        },
        MetricSource::Resource { .. } | MetricSource::ContainerResource { .. } | MetricSource::Pods(_) => {
            let samples = batch.samples.iter().filter_map(|sample| {
                let pod = sample.replica?.0;
                Some(PodSample { pod, milli: milli(sample.value, scale), at: sample.at.as_ns() })
            });
            MetricReading::Pods { samples: samples.collect(), window_ns: (batch.window.as_ps() / 1000) as i64 }
        }
    }
}

/// Cut, not rounded, to milli-units; NaN becomes 0. Both as prometheus-adapter does.
fn milli(value: f64, scale: f64) -> i64 {
    (value * scale * 1000.0) as i64
}

fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn pod(replica: &ReplicaView) -> Pod {
    let phase = match replica.phase {
        ReplicaPhase::Pending => PodPhase::Pending,
        ReplicaPhase::Running => PodPhase::Running,
        ReplicaPhase::Succeeded => PodPhase::Succeeded,
        ReplicaPhase::Failed => PodPhase::Failed,
    };
    let since = replica.ready_since.unwrap_or(replica.created).as_ns();
    Pod {
        id: replica.id.0,
        phase,
        deleting: replica.deleted.is_some(),
        started: replica.started.map(flashcrowd_core::SimTime::as_ns),
        ready: replica.ready.map(|status| ReadyCondition { status, since }),
    }
}
