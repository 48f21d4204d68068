//! Scales by requests in flight: `ceil(in flight / target)`, and down only to the highest
//! recommendation of a window.

use super::parts::{Bounds, ConfigError, Window, explain, limit, newest, period, positive, service_signal};
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Autoscaler, Controller, Decision, Observation, Schedule, SignalSource, TargetId, Wake};

/// Settings of [`ConcurrencyTarget`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConcurrencyConfig {
    /// Requests in flight that one replica should have.
    pub in_flight_per_replica: f64,
    /// Fewest and most replicas.
    pub bounds: Bounds,
    /// Time between decisions.
    pub period: SimDuration,
    /// Window whose highest recommendation holds back scale-down.
    pub down_window: SimDuration,
}

/// A concurrency-target autoscaler.
#[derive(Clone, Debug)]
pub struct ConcurrencyTarget {
    config: ConcurrencyConfig,
    window: Window,
}

impl ConcurrencyTarget {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::Autoscaler, "concurrency-target", "requests in flight for each replica");

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: ConcurrencyConfig) -> Result<Controller<Self>, ConfigError> {
        positive("in_flight_per_replica", config.in_flight_per_replica)?;
        config.bounds.check()?;
        period("period", config.period)?;
        let schedule = Schedule { poked_by_requests: config.bounds.min == 0, ..Schedule::every(config.period) };
        let in_flight = service_signal("in_flight_requests", SignalSource::InFlightRequests);
        let policy = ConcurrencyTarget { window: Window::new(config.down_window), config };
        Ok(Controller::of("concurrency-target", schedule, target, policy).reading([in_flight]))
    }
}

impl Autoscaler for ConcurrencyTarget {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let poked = matches!(seen.wake, Wake::Poke(_)) && view.spec_replicas == 0;
        let in_flight = match newest(view) {
            Some(shown) if poked => Some(shown.max(1.0)),
            None if poked => Some(1.0),
            shown => shown,
        };
        let target = self.config.in_flight_per_replica;
        let Some(in_flight) = in_flight else {
            return Decision::hold()
                .explained(view.target, explain("in_flight_requests", None, target, None, Vec::new()));
        };
        let proposal = self.config.bounds.clamp((in_flight / target).ceil());
        let replicas = self.window.highest(seen.now, proposal);
        let limits = limit("down_window", proposal, replicas).into_iter().collect();
        let why = explain("in_flight_requests", Some(in_flight), target, Some(proposal), limits);
        Decision::scale_to(view, replicas).explained(view.target, why)
    }
}
