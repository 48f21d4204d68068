//! The readings of the triggers at one moment: the newest answer of each, or why there is none.

use super::binding::{Bindings, Combine, bind_trigger, cached};
use super::spec::Trigger;
use crate::metrics::MetricNameError;
use flashcrowd_core::ports::{Batch, MetricExplanation, Scope, SignalRequest, TargetView};

/// The triggers of an object, bound to signals.
#[derive(Clone, Debug)]
pub(super) struct Readings {
    pub(super) sources: Vec<Source>,
    requests: Vec<SignalRequest>,
}

/// One trigger and its newest answer.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) key: String,
    pub(super) trigger: Trigger,
    scale: f64,
    combine: Combine,
    newest: Option<Batch>,
}

/// What one trigger says.
pub(super) type Reading = Result<f64, ReadingError>;

/// Why a trigger has no value.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum ReadingError {
    #[error("the trigger's source does not answer")]
    NoAnswer,
    #[error("the answer has no value")]
    NoValue,
    #[error("the answer is {0}")]
    NotFinite(f64),
}

impl Readings {
    /// Binds `triggers`. Resources of the pods are left out unless `with_resources`; values that the
    /// HPA is to see cached come so if `polling_interval_s` is given.
    pub(super) fn new(
        triggers: &[Trigger],
        chosen: &Bindings,
        with_resources: bool,
        polling_interval_s: Option<u32>,
    ) -> Result<Self, MetricNameError> {
        let (mut sources, mut requests) = (Vec::new(), Vec::new());
        for (index, trigger) in triggers.iter().enumerate().filter(|(_, t)| with_resources || !t.is_resource()) {
            let mut binding = bind_trigger(trigger, index, chosen)?;
            if let Some(interval_s) = polling_interval_s.filter(|_| trigger.use_cached_metrics) {
                binding = cached(binding, interval_s);
            }
            let key = trigger.key(index);
            let combine = Combine::of(trigger, index, &binding, chosen);
            let of_service = !trigger.is_resource() && combine == Combine::Service;
            let scope = if of_service { Scope::Service } else { Scope::Replica };
            requests.push(binding.request(&key, scope));
            sources.push(Source { key, trigger: trigger.clone(), scale: binding.scale, combine, newest: None });
        }
        Ok(Readings { sources, requests })
    }

    pub(super) fn requests(&self) -> &[SignalRequest] {
        &self.requests
    }

    /// The value of every trigger, in order.
    pub(super) fn read(&mut self, view: &TargetView) -> Vec<Reading> {
        let sources = self.sources.iter_mut().enumerate();
        sources.map(|(index, source)| source.read(batches(view, index))).collect()
    }
}

/// The batches of the signal at `index`; `None` if the call failed.
pub(super) fn batches(view: &TargetView, index: usize) -> Option<&[Batch]> {
    view.signals.iter().find(|signal| signal.signal.0 as usize == index)?.batches.as_deref()
}

impl Source {
    fn read(&mut self, batches: Option<&[Batch]>) -> Reading {
        let Some(batches) = batches else { return Err(ReadingError::NoAnswer) };
        if let Some(batch) = batches.last() {
            self.newest = Some(batch.clone());
        }
        let samples = self.newest.as_ref().map(|batch| batch.samples.as_slice()).unwrap_or_default();
        if samples.is_empty() {
            return if self.trigger.ignore_null_values { Ok(0.0) } else { Err(ReadingError::NoValue) };
        }
        let value = self.combine.value(samples) * self.scale;
        if value.is_finite() { Ok(value) } else { Err(ReadingError::NotFinite(value)) }
    }

    pub(super) fn is_active(&self, reading: &Reading) -> bool {
        reading.as_ref().is_ok_and(|value| *value > self.trigger.activation_threshold)
    }

    /// For the decision log: what was compared with the activation threshold.
    pub(super) fn explain(&self, reading: &Reading) -> MetricExplanation {
        let note = match reading {
            Ok(_) if self.is_active(reading) => "active".to_owned(),
            Ok(_) => "not active".to_owned(),
            Err(why) => why.to_string(),
        };
        MetricExplanation {
            name: self.key.as_str().into(),
            current: reading.as_ref().ok().copied(),
            target: self.trigger.activation_threshold,
            proposal: None,
            note,
        }
    }
}
