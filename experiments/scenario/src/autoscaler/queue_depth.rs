//! Scales by requests that wait.

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

/// Parameters of `QueueDepth`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueDepth {
    /// Waiting requests that one replica may have.
    pub waiting_per_replica: Positive,
    /// Fewest replicas; 1 by default.
    pub min: Option<u32>,
    /// Most replicas.
    pub max: u32,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
    /// For how long nothing must have waited before a replica is given back; 5m by default.
    pub idle: Option<Duration>,
}

impl Part<Autoscalers> for QueueDepth {
    const POLICIES: &'static [PolicyInfo] = &[policy::QueueDepth::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let config = policy::QueueDepthConfig {
            waiting_per_replica: self.waiting_per_replica.get(),
            bounds: place.bounds(self.min, self.max),
            period: place.span("period", self.period, 15, HPA_SYNC),
            idle: place.span("idle", self.idle, 300, HPA_WINDOW),
        };
        let make: Make = Arc::new(move |making| one(policy::QueueDepth::new(making.target, config)));
        place.own(policy::QueueDepth::INFO.name, Some(config.bounds), make)
    }
}
