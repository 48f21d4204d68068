//! The policy that knows the arrivals: a bound that others are compared with, no policy to run.
//!
//! It has at every instant as many replicas ready as the load needs, `ceil(rate / rate of a replica)`,
//! and orders each so early that it is ready then. What a replica carries at the latency of the SLO is
//! given, so its replica-hours are a bound up to that figure: those of a zero-lag autoscaler.

use super::parts::{Bounds, ConfigError, limit, period, positive};
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Explanation, MetricExplanation, Observation, Schedule, TargetId,
};
use flashcrowd_core::{SimDuration, SimTime};

/// What will arrive: requests in equal steps of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oracle {
    step: SimDuration,
    counts: Vec<u32>,
}

impl Oracle {
    /// Nothing arrives, counted by `step`.
    pub fn new(step: SimDuration) -> Self {
        Oracle { step, counts: Vec::new() }
    }

    /// One more request arrives then.
    pub fn add(&mut self, at: SimTime) {
        let index = (at.as_ps() / self.step.as_ps().max(1)) as usize;
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] = self.counts[index].saturating_add(1);
    }

    /// The highest rate per second of any `window` that begins within `from..=to`.
    pub fn highest_rate(&self, from: SimTime, to: SimTime, window: SimDuration) -> f64 {
        let step = self.step.as_ps().max(1);
        let wide = (window.as_ps() / step).max(1) as usize;
        let (first, last) = ((from.as_ps() / step) as usize, (to.as_ps() / step) as usize);
        let mut highest = 0_u64;
        let at = |index: usize| u64::from(self.counts.get(index).copied().unwrap_or(0));
        let mut sum: u64 = (first..first + wide).map(at).sum();
        for start in first..=last.min(self.counts.len()) {
            highest = highest.max(sum);
            sum = sum - at(start) + at(start + wide);
        }
        highest as f64 / (wide as f64 * self.step.as_s_f64())
    }
}

/// Settings of [`Clairvoyant`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClairvoyantConfig {
    /// Requests per second that one replica carries at the latency of the SLO.
    pub rate_per_replica: f64,
    /// Time from an order to a ready replica.
    pub lead: SimDuration,
    /// Span over which arrivals are averaged: longer, and bursts within it may wait.
    pub window: SimDuration,
    /// Fewest and most replicas.
    pub bounds: Bounds,
    /// Time between decisions.
    pub period: SimDuration,
}

/// The clairvoyant autoscaler.
#[derive(Clone, Debug)]
pub struct Clairvoyant {
    config: ClairvoyantConfig,
    oracle: Oracle,
}

impl Clairvoyant {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::Autoscaler, "clairvoyant", "knows the arrivals: the bound that others are compared with");

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: ClairvoyantConfig, oracle: Oracle) -> Result<Controller<Self>, ConfigError> {
        positive("rate_per_replica", config.rate_per_replica)?;
        positive("window", config.window.as_s_f64())?;
        config.bounds.check()?;
        period("period", config.period)?;
        let schedule = Schedule::every(config.period).first_at(SimDuration::ZERO);
        Ok(Controller::of("clairvoyant", schedule, target, Clairvoyant { config, oracle }))
    }
}

impl Autoscaler for Clairvoyant {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let ClairvoyantConfig { rate_per_replica, lead, window, bounds, period } = self.config;
        // A replica ordered now is ready after the lead and must last until the next order is
        // ready; one given back now must not be missed before that.
        let rate = self.oracle.highest_rate(seen.now, seen.now + lead + period, window);
        let wanted = (rate / rate_per_replica).ceil();
        let replicas = bounds.clamp(wanted);
        let metric = MetricExplanation {
            name: "arrivals to come".into(),
            current: Some(rate),
            target: rate_per_replica,
            proposal: Some(replicas),
            note: String::new(),
        };
        let limits = limit("bounds", wanted.min(f64::from(u32::MAX)) as u32, replicas).into_iter().collect();
        let why = Explanation { metrics: vec![metric], limits, ..Explanation::default() };
        Decision::scale_to(view, replicas).explained(view.target, why)
    }
}
