//! The runners of the reference vectors: runs of Knative's own packages, one scenario a line.
//!
//! Each function is named as its file, plays one line and compares every output.

mod decider;
mod revision;
#[cfg(test)]
mod tests;
mod values;
mod zero;

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::knative::Rules;

/// One line of `knative_kpa_decider`: a decider's life, report by report and decision by decision.
///
/// ```
/// let line = r#"{"id":"one","spec":{"metric":"concurrency","aggregation":"linear","target_value":70,
/// "total_value":100,"target_burst_capacity":211,"panic_threshold":2,"max_scale_up_rate":1000,
/// "max_scale_down_rate":2,"stable_window_s":60,"panic_window_ms":6000,"scale_down_delay_s":0,
/// "activation_scale":0,"reachable":true,"initial_ready":1},"events":[
/// {"t_ms":0,"kind":"stat","concurrency":100,"rps":0},
/// {"t_ms":500,"kind":"scale","ready":1,"valid":true,"stable":100,"panic":100,"desired":2,"ebc":-211,
/// "in_panic":true,"max_panic_pods":2}]}"#;
/// let outcome = flashcrowd_conformance::knative::knative_kpa_decider(line)?;
/// assert_eq!((outcome.checks, outcome.failures.len()), (7, 0));
/// # Ok::<(), flashcrowd_conformance::VectorError>(())
/// ```
///
/// # Errors
/// If the line is not JSON or not of this form.
pub fn knative_kpa_decider(line: &str) -> Result<Outcome, VectorError> {
    decider::run(line, Rules::FAITHFUL)
}

/// One line of `knative_manifest`: a `ConfigMap` and annotations, and what comes of them or is refused.
///
/// # Errors
/// If the line is not JSON or not of this form.
pub fn knative_manifest(line: &str) -> Result<Outcome, VectorError> {
    revision::run(line)
}

/// One line of `knative_scale_to_zero`: one decision about the last pod.
///
/// # Errors
/// If the line is not JSON or not of this form.
pub fn knative_scale_to_zero(line: &str) -> Result<Outcome, VectorError> {
    zero::run(line, flashcrowd_policies::autoscalers::knative::to_zero)
}
