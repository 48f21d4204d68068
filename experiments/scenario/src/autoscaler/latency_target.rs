//! Scales by a latency percentile.

use super::place::{Autoscalers, HPA_SYNC, HPA_WINDOW, Place, Scaling, one};
use super::resolved::Make;
use crate::part::Part;
use crate::slo::resolve::latency_part;
use crate::slo::spec::LatencyPart;
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Fraction, NonNegative};
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::baselines as policy;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `LatencyTarget`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyTarget {
    /// Which part of the latency; end to end by default.
    pub metric: Option<LatencyPart>,
    /// Which quantile of it; 0.95 by default.
    pub quantile: Option<Fraction>,
    /// What it should be.
    pub target: Duration,
    /// Share of a change of the error that is answered at once; 0.3 by default.
    pub proportional: Option<NonNegative>,
    /// Share of the error that is answered each minute; 0.2 by default.
    pub integral_per_min: Option<NonNegative>,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
    /// Window of which the highest recommendation holds back scale-down; 5m by default.
    pub down_window: Option<Duration>,
}

impl Part<Autoscalers> for LatencyTarget {
    const POLICIES: &'static [PolicyInfo] = &[policy::LatencyTarget::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        const GAIN: &str = "a gain that is stable with cold starts of minutes in the shipped scenarios";
        let part = latency_part(self.metric);
        if part.is_of_tokens() && !matches!(place.service.config.discipline, Discipline::ContinuousBatch(_)) {
            let error = place.notes.error(&place.at("metric"), "only a token-level engine has that latency");
            return Err(error.with_help("serve with `serving: ContinuousBatch()`, or leave `metric` out"));
        }
        let config = policy::LatencyConfig {
            part,
            quantile: place.number("quantile", self.quantile.map(Fraction::get), 0.95, "as most SLOs"),
            target: self.target.get(),
            proportional: place.number("proportional", self.proportional.map(NonNegative::get), 0.3, GAIN),
            integral_per_min: place.number("integral_per_min", self.integral_per_min.map(NonNegative::get), 0.2, GAIN),
            bounds: place.bounds(self.min, self.max),
            period: place.span("period", self.period, 15, HPA_SYNC),
            down_window: place.span("down_window", self.down_window, 300, HPA_WINDOW),
        };
        let make: Make = Arc::new(move |making| one(policy::LatencyTarget::new(making.target, config)));
        place.own(policy::LatencyTarget::INFO.name, Some(config.bounds), make)
    }
}
