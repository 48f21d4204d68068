//! Scales by the arrivals themselves: the bound, which nobody can run.

use super::place::{Autoscalers, HPA_SYNC, Place, Scaling, one};
use super::resolved::Make;
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Positive};
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::baselines as policy;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Clairvoyant`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clairvoyant {
    /// Requests per second that one replica carries at the latency of the SLO.
    pub rate_per_replica: Positive,
    /// Time from an order to a ready replica; a mean cold start by default.
    pub lead: Option<Duration>,
    /// Span over which arrivals are averaged; 15s by default.
    pub window: Option<Duration>,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
}

impl Part<Autoscalers> for Clairvoyant {
    const POLICIES: &'static [PolicyInfo] = &[policy::Clairvoyant::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let config = policy::ClairvoyantConfig {
            rate_per_replica: self.rate_per_replica.get(),
            lead: place.lead(self.lead),
            window: place.span("window", self.window, 15, "as long as a scrape"),
            bounds: place.bounds(self.min, self.max),
            period: place.span("period", self.period, 15, HPA_SYNC),
        };
        let make: Make =
            Arc::new(move |making| one(policy::Clairvoyant::new(making.target, config, (making.oracle)()?)));
        let made = place.own(policy::Clairvoyant::INFO.name, Some(config.bounds), make)?;
        Ok(Scaling { autoscaler: made.autoscaler.knowing(), ..made })
    }
}
