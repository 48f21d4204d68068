//! What the policies of this folder share: bounds, a window that delays scale-down, one signal.

use crate::metrics::Preset;
use flashcrowd_core::ports::{Explanation, Limit, MetricExplanation, Scope, SignalRequest, SignalSource, TargetView};
use flashcrowd_core::{SimDuration, SimTime};
use std::collections::VecDeque;

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {found}: expected {expected}")]
pub struct ConfigError {
    /// Which setting.
    pub field: &'static str,
    /// What it is.
    pub found: String,
    /// What would do.
    pub expected: &'static str,
}

/// Refuses a number that is not above zero.
pub(super) fn positive(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(ConfigError { field, found: value.to_string(), expected: "a number above zero" })
}

/// Refuses a period in which a controller would run for ever.
pub(super) fn period(field: &'static str, span: SimDuration) -> Result<SimDuration, ConfigError> {
    if span >= SimDuration::from_ms(100) {
        return Ok(span);
    }
    Err(ConfigError { field, found: span.to_string(), expected: "at least 100ms" })
}

/// Fewest and most replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Fewest.
    pub min: u32,
    /// Most.
    pub max: u32,
}

impl Bounds {
    pub(super) fn check(self) -> Result<Self, ConfigError> {
        if self.min <= self.max && self.max > 0 {
            return Ok(self);
        }
        Err(ConfigError { field: "max", found: self.max.to_string(), expected: "at least 1, and no less than `min`" })
    }

    pub(super) fn clamp(self, wanted: f64) -> u32 {
        // NaN and values beyond 32 bits become a bound.
        (wanted.max(0.0) as u32).clamp(self.min, self.max)
    }
}

/// Gives capacity back only when nothing higher was recommended for a while: follows the highest
/// recommendation of a window, as the HPA's stabilization does.
#[derive(Clone, Debug)]
pub(super) struct Window {
    span: SimDuration,
    recommendations: VecDeque<(SimTime, u32)>,
}

impl Window {
    pub(super) fn new(span: SimDuration) -> Self {
        Window { span, recommendations: VecDeque::new() }
    }

    /// The highest recommendation within the window, this one included.
    pub(super) fn highest(&mut self, now: SimTime, recommendation: u32) -> u32 {
        // Lower recommendations before it can never be the highest again.
        while self.recommendations.back().is_some_and(|&(_, earlier)| earlier <= recommendation) {
            self.recommendations.pop_back();
        }
        self.recommendations.push_back((now, recommendation));
        while self.recommendations.len() > 1
            && self.recommendations.front().is_some_and(|&(at, _)| now.since(at) > self.span)
        {
            self.recommendations.pop_front();
        }
        self.recommendations.front().map_or(recommendation, |&(_, highest)| highest)
    }
}

/// A request for one value of the whole service through its usual pipeline.
pub(super) fn service_signal(name: &str, source: SignalSource) -> SignalRequest {
    let pipeline = Preset::VllmGauge15s.pipeline();
    SignalRequest { name: name.to_owned(), source, scope: Scope::Service, pipeline }
}

/// The newest value of a target's first signal.
pub(super) fn newest(view: &TargetView) -> Option<f64> {
    let batch = view.signals.first()?.batches.as_ref()?.last()?;
    batch.samples.last().map(|sample| sample.value).filter(|value| value.is_finite())
}

/// The words of a decision by one metric.
pub(super) fn explain(
    name: &str,
    current: Option<f64>,
    target: f64,
    proposal: Option<u32>,
    limits: Vec<Limit>,
) -> Explanation {
    let note = if current.is_none() { "no sample".to_owned() } else { String::new() };
    let metric = MetricExplanation { name: name.into(), current, target, proposal, note };
    Explanation { metrics: vec![metric], limits, ..Explanation::default() }
}

/// A limit, if it changed anything.
pub(super) fn limit(name: &'static str, before: u32, after: u32) -> Option<Limit> {
    (before != after).then_some(Limit { name, before, after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_gives_the_highest_of_its_span(recommendations in prop::collection::vec((0_u64..20, 0_u32..9), 1..60)) {
            let mut window = Window::new(SimDuration::from_s(30));
            let (mut now, mut all) = (SimTime::ZERO, Vec::new());
            for (step, recommendation) in recommendations {
                now += SimDuration::from_s(step);
                all.push((now, recommendation));
                let within = all.iter().filter(|(at, _)| now.since(*at) <= SimDuration::from_s(30));
                prop_assert_eq!(window.highest(now, recommendation), within.map(|&(_, recommendation)| recommendation).max().unwrap());
            }
        }
    }
}
