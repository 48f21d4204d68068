//! Where an autoscaler stands in a scenario: what its settings lean on, and what becomes of it.

use super::bindings::bindings;
use super::resolved::{Make, MakeError, ResolvedAutoscaler};
use super::spec::Binding;
use crate::clock::Clock;
use crate::files::Files;
use crate::part::Port;
use crate::registry::Registry;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::{PoolConfig, ScaleDownOrder};
use flashcrowd_core::ports::{Autoscaler, Controller, TargetId};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::autoscalers::baselines::{Bounds, ConfigError};
use flashcrowd_policies::autoscalers::hpa::Container;
use flashcrowd_policies::metrics::MetricBinding;
use std::collections::BTreeMap;

/// The port of autoscalers.
pub(crate) enum Autoscalers {}

impl Port for Autoscalers {
    type Place<'n, 'd: 'n> = Place<'n, 'd>;
    type Made = Scaling;
}

/// What all services of a scenario share.
pub(crate) struct Stage<'a> {
    /// Names of all services, by position.
    pub(crate) services: &'a [&'a str],
    pub(crate) pools: &'a [PoolConfig],
    /// Policies that the program was started with.
    pub(crate) registry: &'a Registry,
    /// When the run begins.
    pub(crate) clock: Clock<'a>,
}

/// Where an autoscaler stands, and what its settings lean on.
pub(crate) struct Place<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    pub(crate) files: &'n mut Files,
    pub(crate) stage: &'n Stage<'n>,
    /// Its path in the scenario.
    pub(crate) path: String,
    pub(crate) service: &'n ResolvedService,
    pub(crate) target: TargetId,
    /// What the scenario says that metric names stand for.
    pub(crate) bind: &'n BTreeMap<String, Binding>,
    /// What the pods request, as an HPA reads it.
    pub(crate) containers: Vec<Container>,
}

/// What an autoscaler comes to.
pub(crate) struct Scaling {
    pub(crate) autoscaler: ResolvedAutoscaler,
    /// Replicas that there are at first, and why.
    pub(crate) initial: (u32, &'static str),
    /// Requests that wait while no replica is ready, and who holds them; as `queue` says if nobody does.
    pub(crate) at_zero: Option<(u32, &'static str)>,
    /// Which replicas go first, and who says so.
    pub(crate) order: (ScaleDownOrder, &'static str),
}

/// Who deletes the pods of a deployment.
pub(crate) const REPLICA_SET: (ScaleDownOrder, &str) =
    (ScaleDownOrder::ReplicaSet, "the order of a Kubernetes ReplicaSet");

/// Source of the period of policies.
pub(crate) const HPA_SYNC: &str = "as often as an HPA";
/// Source of their windows for scale-down.
pub(crate) const HPA_WINDOW: &str = "the HPA's default stabilization";
/// Source of seasons, and of the round of a timetable.
pub(crate) const A_DAY: &str = "a day";
const NONE_AT_LEAST: &str = "at least one replica";
const COLD_START: &str = "a mean cold start of the service, its node included where nodes come and go";

impl Place<'_, '_> {
    pub(crate) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    pub(crate) fn span(
        &mut self,
        field: &str,
        given: Option<Duration>,
        default_s: u64,
        source: &'static str,
    ) -> SimDuration {
        let path = self.at(field);
        self.notes.or(&path, given, Duration(SimDuration::from_s(default_s)), source).get()
    }

    pub(crate) fn number(&mut self, field: &str, given: Option<f64>, default: f64, source: &'static str) -> f64 {
        let path = self.at(field);
        self.notes.or(&path, given, default, source)
    }

    pub(crate) fn bounds(&mut self, min: Option<u32>, max: u32) -> Bounds {
        let path = self.at("min");
        Bounds { min: self.notes.or(&path, min, 1, NONE_AT_LEAST), max }
    }

    pub(crate) fn lead(&mut self, given: Option<Duration>) -> SimDuration {
        let path = self.at("lead");
        let own = self.service.config.pools.iter().map(|&pool| &self.stage.pools[pool as usize]);
        let node_s =
            own.filter(|pool| pool.min_nodes < pool.max_nodes).map(|pool| pool.provisioning.mean()).fold(0.0, f64::max);
        let cold = SimDuration::from_ms(((self.service.mean_cold_start_s() + node_s) * 1e3).round() as u64);
        self.notes.or(&path, given, Duration(cold), COLD_START).get()
    }

    /// The signals that the scenario's own names of metrics stand for.
    pub(crate) fn bindings(&self) -> Result<BTreeMap<String, MetricBinding>, Diagnostic> {
        bindings(self.notes, &self.service.config.name, self.bind)
    }

    /// Makes it once; what it refuses is shown at the setting.
    pub(crate) fn made(
        &self,
        name: &str,
        bounds: Option<(u32, u32)>,
        make: Make,
    ) -> Result<ResolvedAutoscaler, Diagnostic> {
        ResolvedAutoscaler::new(name, bounds, self.target, make).map_err(|error| {
            let field = match &error {
                MakeError::Setting(ConfigError { field, .. }) => Some(self.at(field)),
                MakeError::Refused(_) | MakeError::Source(_) => None,
            };
            let known = field.filter(|field| self.notes.document.get(field).is_some());
            self.notes.error(known.as_ref().unwrap_or(&self.path), error.to_string())
        })
    }

    /// A policy of the program's own, which starts with as few replicas as it keeps.
    pub(crate) fn own(&self, name: &str, bounds: Option<Bounds>, make: Make) -> Result<Scaling, Diagnostic> {
        let bounds = bounds.map(|bounds| (bounds.min, bounds.max));
        let autoscaler = self.made(name, bounds, make)?;
        let fewest = autoscaler.min_replicas().unwrap_or(1);
        Ok(Scaling {
            autoscaler,
            initial: (fewest, "as few as its autoscaler keeps"),
            at_zero: None,
            order: REPLICA_SET,
        })
    }

    /// A policy of the user's own, of which nobody knows how many replicas it keeps.
    pub(crate) fn of_user(&self, name: &str, make: Make) -> Result<Scaling, Diagnostic> {
        let autoscaler = self.made(name, None, make)?;
        Ok(Scaling {
            autoscaler,
            initial: (1, "one replica, until its policy says more"),
            at_zero: None,
            order: REPLICA_SET,
        })
    }
}

/// A policy of one controller.
pub(crate) fn one<P: Autoscaler + 'static, E: Into<MakeError>>(
    made: Result<Controller<P>, E>,
) -> Result<Vec<Controller>, MakeError> {
    made.map(|controller| vec![controller.boxed()]).map_err(Into::into)
}
