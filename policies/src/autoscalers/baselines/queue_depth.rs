//! Scales by requests that wait: more replicas while each ready one has too many, fewer one by one
//! when nothing has waited for a while.

use super::parts::{Bounds, ConfigError, explain, limit, newest, period, positive, service_signal};
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Observation, Schedule, SignalSource, TargetId, TargetView, Wake,
};
use flashcrowd_core::{SimDuration, SimTime};

/// Settings of [`QueueDepth`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueDepthConfig {
    /// Waiting requests that one replica may have.
    pub waiting_per_replica: f64,
    /// Fewest and most replicas.
    pub bounds: Bounds,
    /// Time between decisions.
    pub period: SimDuration,
    /// How long the queue must have been empty before a replica is given back, and between two
    /// such.
    pub idle: SimDuration,
}

/// A queue-depth autoscaler: `ceil(ready * waiting / (ready * target))`, at most twice as many at once.
#[derive(Clone, Debug)]
pub struct QueueDepth {
    config: QueueDepthConfig,
    /// Since when nothing has waited.
    quiet_since: Option<SimTime>,
}

impl QueueDepth {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::Autoscaler, "queue-depth", "requests that wait for each ready replica");

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: QueueDepthConfig) -> Result<Controller<Self>, ConfigError> {
        positive("waiting_per_replica", config.waiting_per_replica)?;
        config.bounds.check()?;
        period("period", config.period)?;
        // Without replicas nothing is scraped: the first request itself must wake the policy.
        let schedule = Schedule { poked_by_requests: config.bounds.min == 0, ..Schedule::every(config.period) };
        let waiting = service_signal("waiting_requests", SignalSource::WaitingRequests);
        let policy = QueueDepth { config, quiet_since: None };
        Ok(Controller::of("queue-depth", schedule, target, policy).reading([waiting]))
    }

    fn wanted(&mut self, now: SimTime, view: &TargetView, waiting: f64) -> f64 {
        let spec = f64::from(view.spec_replicas);
        if waiting > 0.0 {
            self.quiet_since = None;
            let ready = f64::from(view.ready_replicas.max(1));
            let ratio = waiting / ready / self.config.waiting_per_replica;
            // Replicas that are starting were ordered for this queue.
            return if ratio > 1.0 { (ready * ratio.min(2.0)).ceil().max(spec) } else { spec };
        }
        let since = *self.quiet_since.get_or_insert(now);
        if now.since(since) < self.config.idle {
            return spec;
        }
        self.quiet_since = Some(now);
        spec - 1.0
    }
}

impl Autoscaler for QueueDepth {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let (bounds, target) = (self.config.bounds, self.config.waiting_per_replica);
        // A request that finds no replica wakes the policy at once, not a scrape later.
        let poked = matches!(seen.wake, Wake::Poke(_)) && view.spec_replicas == 0;
        let waiting =
            newest(view).or(poked.then_some(0.0)).map(|waiting| if poked { waiting.max(1.0) } else { waiting });
        let Some(waiting) = waiting else {
            return Decision::hold()
                .explained(view.target, explain("waiting_requests", None, target, None, Vec::new()));
        };
        let wanted = if poked { 1.0 } else { self.wanted(seen.now, view, waiting) };
        let replicas = bounds.clamp(wanted);
        let limits = limit("bounds", wanted.max(0.0) as u32, replicas).into_iter().collect();
        let why = explain("waiting_requests", Some(waiting), target, Some(replicas), limits);
        Decision::scale_to(view, replicas).explained(view.target, why)
    }
}
