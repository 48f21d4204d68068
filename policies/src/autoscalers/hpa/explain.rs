//! From a reconcile's outcome to the explanation in the decision log.

use super::config::HpaConfig;
use super::decision::{CurrentValue, HpaDecision, MetricOutcome};
use super::spec::{MetricSpec, Target};
use flashcrowd_core::ports::{Explanation, Limit, MetricExplanation};
use std::sync::Arc;

/// Explains `decision`; `names` are the metrics' names, in the order of the spec.
pub(super) fn explain(config: &HpaConfig, names: &[Arc<str>], decision: &HpaDecision) -> Explanation {
    let outcomes = decision.metrics.as_deref().unwrap_or_default();
    let metrics = config.metrics().iter().zip(names).zip(outcomes);
    let limits = decision.limits.iter().map(|limit| Limit {
        name: limit.name,
        before: limit.before.max(0).unsigned_abs(),
        after: limit.after.max(0).unsigned_abs(),
    });
    Explanation {
        metrics: metrics.map(|((spec, name), outcome)| explain_metric(spec, name, outcome)).collect(),
        limits: limits.collect(),
        reason: decision.reason.clone(),
        error: decision.error.clone(),
    }
}

fn explain_metric(spec: &MetricSpec, name: &Arc<str>, outcome: &MetricOutcome) -> MetricExplanation {
    let target = match spec.target {
        Target::Utilization(percent) => f64::from(percent),
        Target::AverageValue(quantity) | Target::Value(quantity) => quantity.as_f64(),
    };
    let name = Arc::clone(name);
    match &outcome.result {
        Ok(proposal) => MetricExplanation {
            name,
            current: shown(proposal.current),
            target,
            proposal: Some(proposal.replicas.max(0).unsigned_abs()),
            note: String::new(),
        },
        Err(why) => MetricExplanation { name, current: None, target, proposal: None, note: why.to_string() },
    }
}

/// The current value in the unit of the target: percent, or units instead of milli-units.
fn shown(current: CurrentValue) -> Option<f64> {
    match current {
        CurrentValue::Utilization { percent, .. } => Some(f64::from(percent)),
        CurrentValue::Average(average) => average.map(|milli| milli as f64 / 1000.0),
        CurrentValue::Value(milli) => Some(milli as f64 / 1000.0),
    }
}
