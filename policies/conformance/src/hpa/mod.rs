//! The runner of the reference vectors: runs of the real controller code, line by line.
//!
//! A file holds one scenario (or one function row) per line. Everything that a line tells is
//! compared: proposals, current values, the written count, errors, all conditions, events and,
//! where the file has them, the controller's internal lists.

mod format;
mod functions;
mod scenario;
#[cfg(test)]
mod tests;

pub use format::{ContainerRow, Controller, Current, Expected, FunctionRow, PodRow, Reading, Scenario, Tick};
pub use functions::run_function_row;
pub use scenario::run_scenario;

use crate::outcome::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::hpa::Variant;

/// Enough of a line to tell function rows from scenarios.
#[derive(serde::Deserialize)]
struct Form {
    #[serde(rename = "fn")]
    function: Option<serde::de::IgnoredAny>,
}

/// Plays one line. `variant` is for function rows, which do not name theirs; scenarios do.
///
/// ```
/// use flashcrowd_conformance::hpa::run_line;
/// use flashcrowd_policies::autoscalers::hpa::Variant;
/// let line = r#"{"fn":"scaleDownPercentLimit","args":[10,80],"out":1,"exact":2}"#;
/// let outcome = run_line(line, Variant::K8s128)?;
/// assert_eq!((outcome.checks, outcome.failures.len()), (1, 0));
/// # Ok::<(), flashcrowd_conformance::VectorError>(())
/// ```
///
/// # Errors
/// If the line is not JSON or not of a known form.
pub fn run_line(line: &str, variant: Variant) -> Result<Outcome, VectorError> {
    let malformed = |error: serde_json::Error| VectorError::new("malformed line", error.to_string());
    let form: Form = serde_json::from_str(line).map_err(malformed)?;
    if form.function.is_some() {
        return run_function_row(variant, &serde_json::from_str(line).map_err(malformed)?);
    }
    run_scenario(&serde_json::from_str(line).map_err(malformed)?)
}
