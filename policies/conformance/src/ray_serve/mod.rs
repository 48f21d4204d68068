//! The runners of Ray Serve's reference vectors: runs of the real package, `ray` 2.60.0.

mod metrics;
mod policy;
#[cfg(test)]
mod tests;

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::ray_serve::Quirks;

/// Plays one line of `ray_serve_policy`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn ray_serve_policy(line: &str) -> Result<Outcome, VectorError> {
    let scenario = policy::parse(line)?;
    policy::play(&scenario, policy::policy_of(&scenario, Quirks::default())?)
}

/// Plays one line of `ray_serve_metrics`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn ray_serve_metrics(line: &str) -> Result<Outcome, VectorError> {
    metrics::run(line)
}
