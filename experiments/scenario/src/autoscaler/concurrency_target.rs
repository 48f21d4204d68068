//! Scales by requests in flight.

use super::place::{Autoscalers, HPA_SYNC, HPA_WINDOW, Place, Scaling, one};
use super::resolved::Make;
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Positive};
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::baselines as policy;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `ConcurrencyTarget`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcurrencyTarget {
    /// Requests in flight that one replica should have.
    pub in_flight_per_replica: Positive,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
    /// Window of which the highest recommendation holds back scale-down; 5m by default.
    pub down_window: Option<Duration>,
}

impl Part<Autoscalers> for ConcurrencyTarget {
    const POLICIES: &'static [PolicyInfo] = &[policy::ConcurrencyTarget::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let config = policy::ConcurrencyConfig {
            in_flight_per_replica: self.in_flight_per_replica.get(),
            bounds: place.bounds(self.min, self.max),
            period: place.span("period", self.period, 15, HPA_SYNC),
            down_window: place.span("down_window", self.down_window, 300, HPA_WINDOW),
        };
        let make: Make = Arc::new(move |making| one(policy::ConcurrencyTarget::new(making.target, config)));
        place.own(policy::ConcurrencyTarget::INFO.name, Some(config.bounds), make)
    }
}
