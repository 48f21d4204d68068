//! From the proposals of all metrics to one number, also when some of them failed.

use super::config::HpaConfig;
use super::decision::{ConditionState, Event, MetricOutcome};
use super::metric_error::MetricError;
use super::metrics::propose;
use super::observation::HpaObservation;

/// What all metrics together say.
pub(super) struct Combined {
    /// Each metric's part.
    pub(super) outcomes: Vec<MetricOutcome>,
    /// The largest proposal and the position of its metric; `None` if the failures forbid any.
    pub(super) chosen: Option<(i32, usize)>,
    /// The `ScalingActive` condition.
    pub(super) active: ConditionState,
    /// Set if any metric failed.
    pub(super) error: Option<String>,
    /// One event for each failed metric.
    pub(super) events: Vec<Event>,
}

/// Asks every metric, in the order of the spec.
pub(super) fn combine(config: &HpaConfig, now: i64, seen: &HpaObservation) -> Combined {
    let mut outcomes = Vec::with_capacity(config.metrics().len());
    let mut events = Vec::new();
    let mut first_failure: Option<(&'static str, MetricError)> = None;
    let mut chosen: Option<(i32, usize)> = None;
    for (index, metric) in config.metrics().iter().enumerate() {
        let result = propose(config, now, seen, metric, seen.metrics.get(index));
        match &result {
            // A proposal of 0 gives way to any later one; otherwise the first of equals stays.
            Ok(proposal) if chosen.is_none_or(|(most, _)| most == 0 || proposal.replicas > most) => {
                chosen = Some((proposal.replicas, index));
            }
            Ok(_) => {}
            Err(why) => {
                let reason = metric.source.failure_reason();
                events.push(Event { reason, message: why.to_string() });
                first_failure.get_or_insert_with(|| (reason, why.clone()));
            }
        }
        outcomes.push(MetricOutcome { result });
    }
    let failed = events.len();
    let error = first_failure
        .as_ref()
        .map(|(_, why)| format!("invalid metrics ({failed} invalid out of {}), first error is: {why}", outcomes.len()));
    // Partial information may hold or raise the count, never lower it.
    let chosen = chosen.filter(|(replicas, _)| failed == 0 || *replicas >= seen.spec_replicas);
    let active = match (chosen, &first_failure) {
        (None, Some((reason, _))) => ConditionState::no(reason),
        _ => ConditionState::yes("ValidMetricFound"),
    };
    Combined { outcomes, chosen, active, error, events }
}
