//! The runners of `SkyServe`'s reference vectors: runs of the real classes of `skypilot` 0.14.1.

mod controller;
mod placer;
#[cfg(test)]
mod tests;

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::skyserve::Algorithm;

/// Plays one line of `skyserve_request_rate`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn skyserve_request_rate(line: &str) -> Result<Outcome, VectorError> {
    controller::run(line, Algorithm::RequestRate)
}

/// Plays one line of `skyserve_fallback`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn skyserve_fallback(line: &str) -> Result<Outcome, VectorError> {
    controller::run(line, Algorithm::Fallback)
}

/// Plays one line of `skyserve_instance_aware`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn skyserve_instance_aware(line: &str) -> Result<Outcome, VectorError> {
    controller::run(line, Algorithm::InstanceAware)
}

/// Plays one line of `skyserve_pool`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn skyserve_pool(line: &str) -> Result<Outcome, VectorError> {
    controller::run(line, Algorithm::Pool)
}

/// Plays one line of `skyserve_spot_placer`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn skyserve_spot_placer(line: &str) -> Result<Outcome, VectorError> {
    placer::run(line)
}
