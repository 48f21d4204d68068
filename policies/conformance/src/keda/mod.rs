//! The runners of KEDA's reference vectors: runs of the real functions of `kedacore/keda` @ 8b4f083c.

mod scaled_job;
mod scaled_object;
#[cfg(test)]
mod tests;

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::keda::Quirks;

/// Plays one line of `keda_scaledobject`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn keda_scaledobject(line: &str) -> Result<Outcome, VectorError> {
    let scenario = scaled_object::parse(line)?;
    Ok(scaled_object::play(&scenario, scaled_object::executor_of(&scenario, Quirks::default())))
}

/// Plays one line of `keda_scaledjob`.
///
/// # Errors
/// If the line is not of that file's form.
pub fn keda_scaledjob(line: &str) -> Result<Outcome, VectorError> {
    let row = scaled_job::parse(line)?;
    Ok(scaled_job::play(&row, Quirks::default()))
}
