//! Scales by requests in flight: `ceil(in flight / target)`, and down only to the highest wish of a
//! window.

use super::parts::{Bounds, ConfigError, Window, explain, limit, newest, period, positive, service_signal};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Autoscaler, Decision, Observation, Schedule, SignalRequest, SignalSource, TargetId, Wake,
};

/// Settings of [`ConcurrencyTarget`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConcurrencyConfig {
    /// Requests in flight that one replica should have.
    pub in_flight_per_replica: f64,
    /// Fewest and most replicas.
    pub bounds: Bounds,
    /// Time between decisions.
    pub period: SimDuration,
    /// Window of which the highest wish holds back scale-down.
    pub down_window: SimDuration,
}

/// A concurrency-target autoscaler.
#[derive(Clone, Debug)]
pub struct ConcurrencyTarget {
    config: ConcurrencyConfig,
    targets: [TargetId; 1],
    signals: [SignalRequest; 1],
    window: Window,
}

impl ConcurrencyTarget {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: ConcurrencyConfig) -> Result<Self, ConfigError> {
        positive("in_flight_per_replica", config.in_flight_per_replica)?;
        config.bounds.check()?;
        period("period", config.period)?;
        Ok(ConcurrencyTarget {
            window: Window::new(config.down_window),
            config,
            targets: [target],
            signals: [service_signal("in_flight_requests", SignalSource::InFlightRequests)],
        })
    }
}

impl Autoscaler for ConcurrencyTarget {
    fn name(&self) -> &'static str {
        "concurrency-target"
    }

    fn schedule(&self) -> Schedule {
        Schedule { period: self.config.period, phase: None, poked_by_requests: self.config.bounds.min == 0 }
    }

    fn targets(&self) -> &[TargetId] {
        &self.targets
    }

    fn signals(&self, _target: TargetId) -> &[SignalRequest] {
        &self.signals
    }

    fn decide(&mut self, seen: &Observation) -> Decision {
        let Some(view) = seen.targets.first() else { return Decision::hold() };
        let poked = matches!(seen.wake, Wake::Poke(_)) && view.spec_replicas == 0;
        let in_flight = match newest(view) {
            Some(shown) if poked => Some(shown.max(1.0)),
            None if poked => Some(1.0),
            shown => shown,
        };
        let target = self.config.in_flight_per_replica;
        let Some(in_flight) = in_flight else {
            let mut hold = Decision::hold();
            hold.explanation = Some(Box::new(explain("in_flight_requests", None, target, None, Vec::new())));
            return hold;
        };
        let proposal = self.config.bounds.clamp((in_flight / target).ceil());
        let replicas = self.window.highest(seen.now, proposal);
        let mut decision = if replicas == view.spec_replicas {
            Decision::hold()
        } else {
            Decision::set_replicas(self.targets[0], replicas)
        };
        let limits = limit("down_window", proposal, replicas).into_iter().collect();
        decision.explanation =
            Some(Box::new(explain("in_flight_requests", Some(in_flight), target, Some(proposal), limits)));
        decision
    }
}
