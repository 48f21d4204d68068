//! Scales by a forecast of the arrivals.

use super::place::{A_DAY, Autoscalers, HPA_WINDOW, Place, Scaling, one};
use super::resolved::Make;
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, NonNegative, Positive};
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::baselines as policy;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Predictive`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predictive {
    /// Requests per second that one replica carries.
    pub rate_per_replica: Positive,
    /// Share that is added to the forecast; 0.2 by default.
    pub headroom: Option<NonNegative>,
    /// How far ahead; a mean cold start by default.
    pub lead: Option<Duration>,
    /// Length of a season; a day by default.
    pub season: Option<Duration>,
    /// Time between decisions, and range of the rate; 1m by default.
    pub step: Option<Duration>,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Window of which the highest recommendation holds back scale-down; 5m by default.
    pub down_window: Option<Duration>,
}

impl Part<Autoscalers> for Predictive {
    const POLICIES: &'static [PolicyInfo] = &[policy::Predictive::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let config = policy::PredictiveConfig {
            rate_per_replica: self.rate_per_replica.get(),
            headroom: place.number(
                "headroom",
                self.headroom.map(NonNegative::get),
                0.2,
                "a fifth for what no forecast knows",
            ),
            lead: place.lead(self.lead),
            season: place.span("season", self.season, 86_400, A_DAY),
            step: place.span("step", self.step, 60, "four scrapes of 15s"),
            bounds: place.bounds(self.min, self.max),
            down_window: place.span("down_window", self.down_window, 300, HPA_WINDOW),
        };
        let make: Make = Arc::new(move |making| one(policy::Predictive::new(making.target, config)));
        place.own(policy::Predictive::INFO.name, Some(config.bounds), make)
    }
}
