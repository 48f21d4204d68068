//! The readings of the triggers at one moment: the newest answer of each, or why there is none.

use super::binding::{Bindings, TriggerError, bind_trigger, cached};
use super::cron::CronWindow;
use super::fallback::Outcome;
use super::spec::Trigger;
use crate::clock::WallClock;
use crate::metrics::Combine;
use flashcrowd_core::SimTime;
use flashcrowd_core::ports::{Batch, MetricExplanation, Scope, SignalRequest, TargetView};

/// The triggers of an object, bound to signals and to the clock.
#[derive(Clone, Debug)]
pub(super) struct Readings {
    pub(super) sources: Vec<Source>,
    requests: Vec<SignalRequest>,
    clock: WallClock,
}

/// One trigger and where its answers come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) key: String,
    pub(super) trigger: Trigger,
    /// Its position among the object's triggers.
    pub(super) position: usize,
    feed: Feed,
}

#[derive(Clone, Debug)]
enum Feed {
    /// A signal, and its newest answer.
    Signal { signal: u32, scale: f64, combine: Combine, newest: Option<Batch> },
    /// The clock: inside its window, and whether that was so at the last question.
    Clock { window: CronWindow, inside: bool },
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
        (chosen, clock): (&Bindings, WallClock),
        with_resources: bool,
        polling_interval_s: Option<u32>,
    ) -> Result<Self, TriggerError> {
        let (mut sources, mut requests) = (Vec::new(), Vec::new());
        for (position, trigger) in triggers.iter().enumerate().filter(|(_, t)| with_resources || !t.is_resource()) {
            let key = trigger.key(position);
            let is_chosen = chosen.contains_key(&key) || chosen.contains_key(&trigger.own_key(position));
            let feed = if let Some(window) = trigger.window.clone().filter(|_| !is_chosen) {
                Feed::Clock { window, inside: false }
            } else {
                let (mut binding, combine) = bind_trigger(trigger, position, chosen)?;
                if let Some(interval_s) = polling_interval_s.filter(|_| trigger.use_cached_metrics) {
                    binding = cached(binding, interval_s);
                }
                let of_service = !trigger.is_resource() && combine == Combine::Service;
                let scope = if of_service { Scope::Service } else { Scope::Replica };
                let signal = requests.len() as u32;
                requests.push(binding.request(&key, scope));
                Feed::Signal { signal, scale: binding.scale, combine, newest: None }
            };
            sources.push(Source { key, trigger: trigger.clone(), position, feed });
        }
        Ok(Readings { sources, requests, clock })
    }

    pub(super) fn requests(&self) -> &[SignalRequest] {
        &self.requests
    }

    /// The value of every trigger, in order.
    pub(super) fn read(&mut self, view: &TargetView, now: SimTime) -> Vec<Reading> {
        let clock = self.clock;
        self.sources.iter_mut().map(|source| source.read(view, clock, now)).collect()
    }
}

/// The batches of a signal; `None` if the call failed.
fn batches(view: &TargetView, wanted: u32) -> Option<&[Batch]> {
    view.signals.iter().find(|signal| signal.signal.0 == wanted)?.batches.as_deref()
}

impl Source {
    /// What was answered, as it came.
    pub(super) fn batches<'a>(&self, view: &'a TargetView) -> Option<&'a [Batch]> {
        match &self.feed {
            Feed::Signal { signal, .. } => batches(view, *signal),
            Feed::Clock { .. } => None,
        }
    }

    /// The signal that it reads, by position.
    pub(super) fn signal(&self) -> Option<u32> {
        match &self.feed {
            Feed::Signal { signal, .. } => Some(*signal),
            Feed::Clock { .. } => None,
        }
    }

    fn read(&mut self, view: &TargetView, clock: WallClock, now: SimTime) -> Reading {
        match &mut self.feed {
            Feed::Clock { window, inside } => {
                let value = window.value(clock.at(now));
                *inside = value.is_some();
                Ok(value.unwrap_or(0.0))
            }
            Feed::Signal { signal, scale, combine, newest } => {
                let Some(batches) = batches(view, *signal) else {
                    // Prometheus answers with nothing where no series is.
                    return Err(ReadingError::NoAnswer);
                };
                if let Some(batch) = batches.last() {
                    *newest = Some(batch.clone());
                }
                let samples = newest.as_ref().map(|batch| batch.samples.as_slice()).unwrap_or_default();
                if samples.is_empty() {
                    return if self.trigger.ignore_null_values { Ok(0.0) } else { Err(ReadingError::NoValue) };
                }
                let value = combine.value(samples) * *scale;
                if value.is_finite() { Ok(value) } else { Err(ReadingError::NotFinite(value)) }
            }
        }
    }

    /// Whether it makes the object active: a window of time by itself, whatever it asks for.
    pub(super) fn is_active(&self, reading: &Reading) -> bool {
        match &self.feed {
            Feed::Clock { inside, .. } => *inside,
            Feed::Signal { .. } => reading.as_ref().is_ok_and(|value| *value > self.trigger.activation_threshold),
        }
    }

    /// For the decision log: what was compared with the activation threshold.
    pub(super) fn explain(&self, reading: &Reading, outcome: Outcome) -> MetricExplanation {
        let note = match reading {
            Ok(_) if self.is_active(reading) => "active".to_owned(),
            Ok(_) => "not active".to_owned(),
            Err(why) if matches!(outcome, Outcome::Fallback(_)) => format!("{why}: its fallback counts as active"),
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
