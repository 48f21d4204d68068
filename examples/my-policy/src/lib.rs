//! A policy in a crate of its own: so many requests in flight for each replica, and down by one at a time.

use flashcrowd::Registry;
use flashcrowd::scenario::language::units::{Duration, Positive};
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Observation, Schedule, Scope, SignalRequest, SignalSource, TargetId,
};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::metrics::Preset;
use serde::Deserialize;

/// Settings, as a scenario writes them: `config: (in_flight: 4, max: 10)`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Requests in flight that a replica should have.
    pub in_flight: Positive,
    /// Most replicas; the fewest is one.
    pub max: u32,
    /// For how long less must be enough before a replica is given back; five minutes by default.
    pub patience: Option<Duration>,
}

/// Why settings are refused; shown at their place in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedConfig {
    /// The policy could never have a replica.
    #[error("`max` is 0: expected at least 1")]
    NoReplicas,
}

/// The policy.
pub struct Steady {
    config: Config,
    enough_since: Option<SimTime>,
}

impl Steady {
    /// A controller of `target`: checks the settings, and declares when it runs and what it reads.
    ///
    /// # Errors
    /// A maximum of zero.
    pub fn new(config: Config, target: TargetId) -> Result<Controller<Self>, RefusedConfig> {
        if config.max == 0 {
            return Err(RefusedConfig::NoReplicas);
        }
        let (name, source) = ("in_flight".to_owned(), SignalSource::InFlightRequests);
        let pipeline = Preset::VllmGauge15s.pipeline();
        let in_flight = SignalRequest { name, source, scope: Scope::Service, pipeline };
        let schedule = Schedule::every(SimDuration::from_s(15));
        let policy = Steady { config, enough_since: None };
        Ok(Controller::of("steady", schedule, target, policy).reading([in_flight]))
    }
}

impl Autoscaler for Steady {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let shown = view.signals[0].batches.as_ref().and_then(|batches| batches.last()?.samples.last());
        // Without a value it holds, but never below one replica.
        let per_replica = self.config.in_flight.get();
        let wanted = shown.map_or(view.spec_replicas, |shown| (shown.value / per_replica).ceil() as u32);
        let wanted = wanted.clamp(1, self.config.max);
        if wanted >= view.spec_replicas {
            self.enough_since = None;
            return Decision::set_replicas(view.target, wanted);
        }
        let patience = self.config.patience.map_or(SimDuration::from_s(300), Duration::get);
        if seen.now.since(*self.enough_since.get_or_insert(seen.now)) < patience {
            return Decision::hold();
        }
        self.enough_since = Some(seen.now);
        Decision::set_replicas(view.target, (view.spec_replicas - 1).min(self.config.max))
    }
}

/// The policies of this crate, by name.
pub fn registry() -> Registry {
    Registry::new().policy("steady", Steady::new)
}
