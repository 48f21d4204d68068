//! Karpenter.

use super::place::{Made, NodeAutoscalers, Place, path};
use crate::part::Part;
use crate::settings::Notes;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::{PolicyInfo, nodes};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

const KARPENTER: &str = "Karpenter's own default (22664681)";

/// Settings of `Karpenter`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Karpenter {
    /// So long without another replica ends a batch.
    pub batch_idle: Option<Duration>,
    /// So long ends it in any case.
    pub batch_max: Option<Duration>,
    /// Which nodes are consolidated.
    pub consolidation_policy: Option<ConsolidationPolicy>,
    /// How long a node must be unchanged before that.
    pub consolidate_after: Option<Duration>,
    /// How many nodes may be on their way out.
    pub budget: Option<DisruptionBudget>,
    /// How often it looks for nodes that could go.
    pub disruption_poll: Option<Duration>,
    /// How long a plan waits before it is looked at again.
    pub validate_after: Option<Duration>,
    /// After so long a node is drained.
    pub expire_after: Option<Duration>,
    /// Whether spot nodes are replaced by cheaper spot nodes.
    pub spot_to_spot: Option<bool>,
    /// Cheaper pools that this needs.
    pub spot_to_spot_types: Option<u32>,
    /// A node that has not booted by then is given back.
    pub registration_timeout: Option<Duration>,
    /// How long an offer that was refused is left alone.
    pub unavailable_for: Option<Duration>,
    /// Whether notices of reclaims reach it.
    pub interruption_queue: Option<bool>,
}

/// Which nodes are consolidated.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum ConsolidationPolicy {
    /// Empty ones.
    WhenEmpty,
    /// Those too whose replicas fit elsewhere, or on a cheaper node.
    WhenEmptyOrUnderutilized,
}

/// How many nodes may be on their way out.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum DisruptionBudget {
    /// Of a hundred, rounded up.
    Percent(u32),
    /// So many.
    Nodes(u32),
}

impl Part<NodeAutoscalers> for Karpenter {
    const POLICIES: &'static [PolicyInfo] = &[nodes::Karpenter::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Made, Diagnostic> {
        let own = nodes::KarpenterConfig::default();
        let disruption_poll = place.period("disruption_poll", self.disruption_poll, own.disruption_poll, KARPENTER)?;
        let ttl = "UnavailableOfferingsTTL of karpenter-provider-aws, which is not pinned";
        let unavailable_for = place.span("unavailable_for", self.unavailable_for, own.unavailable_for, ttl);
        let mut span = |field: &str, given, default| place.span(field, given, default, KARPENTER);
        let mut config = nodes::KarpenterConfig {
            disruption_poll,
            unavailable_for,
            batch_idle: span("batch_idle", self.batch_idle, own.batch_idle),
            batch_max: span("batch_max", self.batch_max, own.batch_max),
            consolidate_after: span("consolidate_after", self.consolidate_after, own.consolidate_after),
            validate_after: span("validate_after", self.validate_after, own.validate_after),
            expire_after: span("expire_after", self.expire_after, own.expire_after),
            registration_timeout: span("registration_timeout", self.registration_timeout, own.registration_timeout),
            ..own
        };
        match self.consolidation_policy {
            Some(policy) => {
                place.notes.given(&path("consolidation_policy"), "");
                config.consolidation = match policy {
                    ConsolidationPolicy::WhenEmpty => nodes::Consolidation::WhenEmpty,
                    ConsolidationPolicy::WhenEmptyOrUnderutilized => nodes::Consolidation::WhenEmptyOrUnderutilized,
                };
            }
            None => place.notes.default(&path("consolidation_policy"), "WhenEmptyOrUnderutilized", KARPENTER, false),
        }
        config.budget = budget(place.notes, self.budget)?;
        config.spot_to_spot = place.notes.or(&path("spot_to_spot"), self.spot_to_spot, config.spot_to_spot, KARPENTER);
        let types = config.spot_to_spot_types;
        config.spot_to_spot_types =
            place.notes.or(&path("spot_to_spot_types"), self.spot_to_spot_types, types, KARPENTER);
        let queue = "the queue is there and named rightly";
        config.interruption_queue = place.notes.or(&path("interruption_queue"), self.interruption_queue, true, queue);
        Ok(Made {
            make: Some(Arc::new(move |_| Box::new(nodes::Karpenter::new(config.clone())))),
            drains_on_notice: (false, "Karpenter drains by itself, if its queue brings it the notice"),
        })
    }
}

fn budget(notes: &mut Notes<'_>, given: Option<DisruptionBudget>) -> Result<nodes::Budget, Diagnostic> {
    let path = path("budget");
    match given {
        Some(DisruptionBudget::Percent(percent)) => {
            notes.given(&path, "");
            notes.within(&path, u64::from(percent), 0, 100)?;
            Ok(nodes::Budget::Percent(percent))
        }
        Some(DisruptionBudget::Nodes(nodes)) => {
            notes.given(&path, "");
            Ok(nodes::Budget::Nodes(nodes))
        }
        None => {
            notes.default(&path, "Percent(10)", KARPENTER, false);
            Ok(nodes::Budget::Percent(10))
        }
    }
}
