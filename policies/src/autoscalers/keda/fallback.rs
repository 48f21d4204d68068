//! What a failing trigger reports (`pkg/fallback/fallback.go`; read, not run).

use super::readings::{Reading, Source};
use super::spec::{Fallback, FallbackBehavior, MetricType, ScaledObject, Trigger};
use flashcrowd_core::ports::TargetView;
use std::sync::{Arc, Mutex};

/// Failures in a row of each trigger (`status.health`), which KEDA's loop and its metrics server
/// count together: each question that fails adds one, one that does not sets it to none.
#[derive(Clone, Debug)]
pub(super) struct Health {
    failures: Arc<Mutex<Vec<u32>>>,
}

/// What a trigger comes to once its failures are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// It answered.
    Answer(f64),
    /// It failed too often: its fallback stands in, which counts as active whatever its value is.
    Fallback(f64),
    /// It failed too often, and the formula is to see nothing.
    Nothing,
    /// It failed.
    Failure,
}

impl Health {
    pub(super) fn new(triggers: usize) -> Self {
        Health { failures: Arc::new(Mutex::new(vec![0; triggers])) }
    }

    /// Failures in a row, by the position of the trigger.
    pub(super) fn failures(&self) -> Vec<u32> {
        self.failures.lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |failures| failures.clone())
    }

    /// Counts an answer; returns the failures in a row.
    fn count(&self, position: usize, failed: bool) -> u32 {
        let mut all = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(own) = all.get_mut(position) else { return 0 };
        *own = if failed { own.saturating_add(1) } else { 0 };
        *own
    }

    /// What the readings come to, in order; they are counted.
    pub(super) fn judge(
        &self,
        object: &ScaledObject,
        sources: &[Source],
        readings: &[Reading],
        view: &TargetView,
    ) -> Vec<Outcome> {
        let judged = sources.iter().zip(readings).map(|(source, reading)| {
            let usable = usable(object).filter(|_| !source.trigger.is_resource());
            let (Some(fallback), kept) = (usable, reading.as_ref().ok().copied()) else {
                return reading.as_ref().map_or(Outcome::Failure, |value| Outcome::Answer(*value));
            };
            let failures = self.count(source.position, kept.is_none());
            match kept {
                Some(value) => Outcome::Answer(value),
                None if failures <= fallback.failure_threshold => Outcome::Failure,
                None => fallen_back(object, fallback, &source.trigger, view),
            }
        });
        judged.collect()
    }
}

/// The fallback, if it is one that the real code uses: a formula's target must be a whole number.
fn usable(object: &ScaledObject) -> Option<Fallback> {
    object.fallback.filter(|_| object.modifiers.as_ref().is_none_or(|modifiers| modifiers.target_is_whole))
}

fn fallen_back(object: &ScaledObject, fallback: Fallback, trigger: &Trigger, view: &TargetView) -> Outcome {
    if object.modifiers.is_some() && fallback.behavior == FallbackBehavior::ScalingModifiers {
        return Outcome::Nothing;
    }
    let (target, kind) = match &object.modifiers {
        Some(modifiers) => (modifiers.target, modifiers.metric_type),
        None => (trigger.threshold, trigger.metric_type),
    };
    let value = reported(fallback, target.as_f64(), kind, view.spec_replicas, view.ready_replicas);
    value.map_or(Outcome::Failure, Outcome::Fallback)
}

/// The value that makes the HPA land on the replicas of `fallback`: `target` times their number,
/// over the ready pods where the target is for all together. `None` if there is no such value:
/// without ready pods to divide by, or where the formula itself deals with it.
///
/// ```
/// use flashcrowd_policies::autoscalers::keda::{Fallback, FallbackBehavior, MetricType, reported};
/// let fallback = Fallback { failure_threshold: 3, replicas: 6, behavior: FallbackBehavior::CurrentReplicasIfHigher };
/// assert_eq!(reported(fallback, 5.0, MetricType::AverageValue, 2, 2), Some(30.0));
/// assert_eq!(reported(fallback, 5.0, MetricType::AverageValue, 9, 9), Some(45.0));
/// assert_eq!(reported(fallback, 5.0, MetricType::Value, 9, 0), None);
/// ```
pub fn reported(fallback: Fallback, target: f64, kind: MetricType, current: u32, ready: u32) -> Option<f64> {
    let replicas = match fallback.behavior {
        FallbackBehavior::Static => fallback.replicas,
        FallbackBehavior::CurrentReplicas => current,
        FallbackBehavior::CurrentReplicasIfHigher => current.max(fallback.replicas),
        FallbackBehavior::CurrentReplicasIfLower => current.min(fallback.replicas),
        FallbackBehavior::ScalingModifiers => return None,
    };
    let total = target * f64::from(replicas);
    match kind {
        MetricType::AverageValue => Some(total),
        MetricType::Value => (ready > 0).then(|| total / f64::from(ready)),
        MetricType::Utilization => None,
    }
}
