//! The HPA that KEDA makes, fed with what KEDA's metrics server would answer: values of triggers,
//! the composite metric of a formula, or a fallback.

use super::fallback::{Health, Outcome};
use super::formula::{FormulaError, Values};
use super::readings::{Readings, Source};
use super::spec::{MetricType, Quirks, ScaledObject, ScalingModifiers, Trigger};
use crate::autoscalers::hpa::{
    Behavior, Hpa, HpaSpec, MetricIdentifier, MetricSource, MetricSpec, SelectPolicy, Target,
};
use crate::manifest::Quantity;
use flashcrowd_core::ports::{
    Action, Autoscaler, Batch, Controller, Decision, Limit, Observation, Sample, SignalId, SignalView, TargetView, Want,
};
use flashcrowd_core::{SimDuration, SimTime};

/// Name of the metric that a formula gives.
const COMPOSITE: &str = "composite-metric";

/// `keda-hpa-<name>`, behind the simulator's port.
///
/// The failures of each trigger are counted at each of its questions, and one that failed too often
/// reports its fallback.
#[derive(Clone, Debug)]
pub struct KedaHpa {
    inner: Hpa,
    object: ScaledObject,
    quirks: Quirks,
    readings: Readings,
    health: Health,
    last_active: Option<SimTime>,
}

impl KedaHpa {
    /// Puts KEDA's metrics server between an HPA and its metrics.
    pub(super) fn around(
        hpa: Controller<Hpa>,
        object: &ScaledObject,
        quirks: Quirks,
        readings: Readings,
        health: Health,
    ) -> Controller<Self> {
        let wants: Vec<Want> = readings.requests().iter().cloned().map(Want::Signal).collect();
        let mut fed =
            hpa.map(|inner| KedaHpa { inner, object: object.clone(), quirks, readings, health, last_active: None });
        fed.targets.iter_mut().for_each(|watched| watched.wants.clone_from(&wants));
        fed
    }

    /// The HPA itself.
    pub fn hpa(&self) -> &Hpa {
        &self.inner
    }

    /// Failures in a row of each trigger.
    pub fn failures(&self) -> Vec<u32> {
        self.health.failures()
    }

    /// What the metrics server answers for each metric of the HPA, in its order. At no replicas the
    /// HPA asks for nothing.
    fn answers(&mut self, view: &TargetView, now: SimTime) -> Vec<Option<Vec<Batch>>> {
        let readings = self.readings.read(view, now);
        let sources = &self.readings.sources;
        let outcomes = if view.spec_replicas == 0 {
            vec![Outcome::Failure; sources.len()]
        } else {
            self.health.judge(&self.object, sources, &readings, view)
        };
        if sources.iter().zip(&readings).any(|(source, reading)| source.is_active(reading)) {
            self.last_active = Some(now);
        }
        let mut answers = Vec::new();
        for (source, outcome) in sources.iter().zip(&outcomes) {
            if source.trigger.is_resource() {
                answers.push(source.batches(view).map(<[Batch]>::to_vec));
            } else if self.object.modifiers.is_none() {
                let value = match outcome {
                    Outcome::Answer(value) | Outcome::Fallback(value) => Some(*value),
                    Outcome::Nothing | Outcome::Failure => None,
                };
                answers.push(value.map(|value| vec![one(now, value)]));
            }
        }
        if let Some(modifiers) = &self.object.modifiers {
            let value = composite(modifiers, sources, &outcomes).ok();
            answers.push(value.map(|value| vec![one(now, value)]));
        }
        answers
    }

    /// With the cooldown repaired, shrinking waits until it is over.
    fn holds(&self, now: SimTime) -> bool {
        let cooldown = SimDuration::from_s(u64::from(self.object.cooldown_s()));
        !self.quirks.no_cooldown_above_zero
            && self.object.min_replicas() > 0
            && self.last_active.is_some_and(|at| now.since(at) <= cooldown)
    }
}

impl Autoscaler for KedaHpa {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let answers = self.answers(view, seen.now).into_iter().enumerate();
        let signals = answers.map(|(id, batches)| SignalView { signal: SignalId(id as u32), batches });
        let shown = TargetView { signals: signals.collect(), ..view.clone() };
        let shown = Observation { now: seen.now, wake: seen.wake, targets: vec![shown] };
        let before = self.holds(seen.now).then(|| self.inner.clone());
        let mut decision = self.inner.decide(&shown);
        let wanted = decision.actions.iter().find_map(|action| match action {
            Action::SetReplicas { replicas, .. } if *replicas < view.spec_replicas => Some(*replicas),
            _ => None,
        });
        if let (Some(before), Some(wanted)) = (before, wanted) {
            // The count has not shrunk, so the HPA must not remember a scale-down.
            self.inner = before;
            decision.actions.clear();
            if let Some(explanation) = decision.explanations.get_mut(&view.target) {
                explanation.limits.push(Limit { name: "KedaCooldown", before: wanted, after: view.spec_replicas });
            }
        }
        decision
    }
}

/// Why there is no composite metric.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompositeError {
    #[error("a trigger of the formula fails")]
    Trigger,
    #[error(transparent)]
    Formula(#[from] FormulaError),
}

/// What the formula gives: the first fallback in its place, if a trigger has one, though another
/// fails.
pub(super) fn composite(
    modifiers: &ScalingModifiers,
    sources: &[Source],
    outcomes: &[Outcome],
) -> Result<f64, CompositeError> {
    let external = || sources.iter().zip(outcomes).filter(|(source, _)| !source.trigger.is_resource());
    let fallback = external().find_map(|(_, outcome)| match outcome {
        Outcome::Fallback(value) => Some(*value),
        _ => None,
    });
    if let Some(value) = fallback {
        return Ok(value);
    }
    let mut values = Values::new();
    for (source, outcome) in external() {
        let value = match outcome {
            Outcome::Answer(value) | Outcome::Fallback(value) => Some(*value),
            Outcome::Nothing => None,
            Outcome::Failure => return Err(CompositeError::Trigger),
        };
        if let Some(name) = &source.trigger.name {
            values.insert(name.clone(), value);
        }
    }
    Ok(to_milli(modifiers.formula.value(&values)?))
}

/// An answer with one value.
fn one(now: SimTime, value: f64) -> Batch {
    Batch { at: now, window: SimDuration::ZERO, samples: vec![Sample { replica: None, at: now, value }] }
}

/// Cut to thousandths toward zero, as the metrics API carries it.
pub(super) fn to_milli(value: f64) -> f64 {
    (value * 1000.0).trunc() / 1000.0
}

/// The spec of the HPA that KEDA makes of `object`.
pub(super) fn hpa_spec(object: &ScaledObject) -> HpaSpec {
    let mut metrics: Vec<MetricSpec> = Vec::new();
    for (index, trigger) in object.triggers.iter().enumerate() {
        if trigger.is_resource() {
            metrics.push(resource_metric(trigger));
        } else if object.modifiers.is_none() {
            metrics.push(external_metric(trigger.key(index), trigger.metric_type, trigger.threshold));
        }
    }
    if let Some(modifiers) = &object.modifiers {
        metrics.push(external_metric(COMPOSITE.to_owned(), modifiers.metric_type, modifiers.target));
    }
    let int = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    HpaSpec {
        min_replicas: Some(int(object.hpa_min_replicas())),
        max_replicas: int(object.hpa_max_replicas()),
        metrics,
        behavior: behavior(object),
    }
}

/// `behavior`, with the directions that annotations close.
fn behavior(object: &ScaledObject) -> Option<Behavior> {
    let annotations = object.annotations;
    let mut behavior = object.behavior.clone();
    let closed = [annotations.paused_scale_out, annotations.paused_scale_in];
    for (up, _) in [true, false].into_iter().zip(closed).filter(|(_, closed)| *closed) {
        let behavior = behavior.get_or_insert_default();
        let rules = if up { &mut behavior.scale_up } else { &mut behavior.scale_down };
        rules.get_or_insert_default().select_policy = Some(SelectPolicy::Disabled);
    }
    behavior
}

fn external_metric(name: String, kind: MetricType, target: Quantity) -> MetricSpec {
    let source = MetricSource::External(MetricIdentifier { name, selector: None });
    let target = match kind {
        MetricType::Value => Target::Value(target),
        MetricType::AverageValue | MetricType::Utilization => Target::AverageValue(target),
    };
    MetricSpec { source, target }
}

fn resource_metric(trigger: &Trigger) -> MetricSpec {
    let name = trigger.kind.clone();
    let source = match trigger.metadata("containerName") {
        Some(container) => MetricSource::ContainerResource { name, container: container.to_owned() },
        None => MetricSource::Resource { name },
    };
    let target = match trigger.metric_type {
        MetricType::Utilization => {
            Target::Utilization(i32::try_from(trigger.threshold.milli() / 1000).unwrap_or(i32::MAX))
        }
        MetricType::AverageValue | MetricType::Value => Target::AverageValue(trigger.threshold),
    };
    MetricSpec { source, target }
}
