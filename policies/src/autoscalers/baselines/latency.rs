//! Scales by a latency percentile: a PI controller on how far it is from its target.
//!
//! The controlled quantity is a real number of replicas. Its logarithm moves by
//! `proportional * (e - e') + integral * e * dt`, with `e = ln(latency / target)` cut to one step of
//! e either way: relative, so that 10 % above and 10 % below weigh alike, and in the velocity form,
//! whose bounds need no anti-windup of their own. (Astrom and Hagglund, PID Controllers, 1995, 3.5.)

use super::parts::{Bounds, ConfigError, Window, explain, limit, newest, period, positive, service_signal};
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, LatencyPart, Observation, Schedule, SignalSource, TargetId,
};
use flashcrowd_core::{SimDuration, SimTime};

/// Settings of [`LatencyTarget`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyConfig {
    /// Which part of the latency.
    pub part: LatencyPart,
    /// Which quantile of it, over the last minute.
    pub quantile: f64,
    /// What it should be.
    pub target: SimDuration,
    /// Share of a change of the error that is answered at once.
    pub proportional: f64,
    /// Share of the error that is answered each minute.
    pub integral_per_min: f64,
    /// Fewest and most replicas.
    pub bounds: Bounds,
    /// Time between decisions.
    pub period: SimDuration,
    /// Window whose highest recommendation holds back scale-down.
    pub down_window: SimDuration,
}

/// An autoscaler that keeps a latency percentile at its target.
#[derive(Clone, Debug)]
pub struct LatencyTarget {
    config: LatencyConfig,
    window: Window,
    /// Logarithm of the replicas that are wanted, the last error, and when.
    state: Option<(f64, f64, SimTime)>,
}

impl LatencyTarget {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::Autoscaler, "latency-target", "a latency percentile, by PI control");

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: LatencyConfig) -> Result<Controller<Self>, ConfigError> {
        positive("target", config.target.as_s_f64())?;
        for (field, gain) in [("proportional", config.proportional), ("integral_per_min", config.integral_per_min)] {
            if !(0.0..=100.0).contains(&gain) {
                return Err(ConfigError { field, found: gain.to_string(), expected: "0 to 100" });
            }
        }
        if !(config.quantile > 0.0 && config.quantile < 1.0) {
            return Err(ConfigError {
                field: "quantile",
                found: config.quantile.to_string(),
                expected: "between 0 and 1",
            });
        }
        let bounds = config.bounds.check()?;
        if bounds.min == 0 {
            return Err(ConfigError {
                field: "min",
                found: "0".into(),
                expected: "at least 1: no latency comes from none",
            });
        }
        period("period", config.period)?;
        let window = SimDuration::from_s(60);
        let source = SignalSource::LatencyQuantile { part: config.part, quantile: config.quantile, window };
        let policy = LatencyTarget { window: Window::new(config.down_window), config, state: None };
        let controller = Controller::of("latency-target", Schedule::every(config.period), target, policy);
        Ok(controller.reading([service_signal("latency", source)]))
    }

    /// The next logarithm of the replicas.
    fn step(&mut self, now: SimTime, spec: u32, latency_s: f64) -> f64 {
        let bounds = self.config.bounds;
        let error = (latency_s.max(1e-6) / self.config.target.as_s_f64()).ln().clamp(-1.0, 1.0);
        let start = f64::from(spec.clamp(bounds.min, bounds.max)).ln();
        let (log, before, at) = self.state.unwrap_or((start, error, now));
        let minutes = now.since(at).as_s_f64() / 60.0;
        let moved = log + self.config.proportional * (error - before) + self.config.integral_per_min * error * minutes;
        let log = moved.clamp(f64::from(bounds.min).ln(), f64::from(bounds.max).ln());
        self.state = Some((log, error, now));
        log
    }
}

impl Autoscaler for LatencyTarget {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let target_s = self.config.target.as_s_f64();
        let Some(latency_s) = newest(view) else {
            return Decision::hold().explained(view.target, explain("latency", None, target_s, None, Vec::new()));
        };
        let wanted = self.step(seen.now, view.spec_replicas, latency_s).exp();
        // Rounds up, except for an excess that rounding errors explain.
        let proposal = self.config.bounds.clamp((wanted - 1e-9).ceil());
        let replicas = self.window.highest(seen.now, proposal);
        let limits = limit("down_window", proposal, replicas).into_iter().collect();
        let why = explain("latency", Some(latency_s), target_s, Some(proposal), limits);
        Decision::scale_to(view, replicas).explained(view.target, why)
    }
}
