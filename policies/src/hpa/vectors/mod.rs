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

use super::config::Variant;
use std::fmt::Debug;

/// What a line, or several, came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many values were compared.
    pub checks: u64,
    /// Those that differed.
    pub failures: Vec<Mismatch>,
}

/// One value that differed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {field}: expected {expected}, found {found}")]
pub struct Mismatch {
    /// Scenario and time, or function and arguments.
    pub place: String,
    /// Which output.
    pub field: &'static str,
    /// What the real controller gave.
    pub expected: String,
    /// What came out here.
    pub found: String,
}

/// Why a line could not be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct VectorError {
    /// The scenario's name, or a word for the line.
    pub place: String,
    /// What was wrong.
    pub message: String,
}

impl VectorError {
    fn new(place: &str, message: impl Into<String>) -> Self {
        VectorError { place: place.to_owned(), message: message.into() }
    }
}

impl Outcome {
    /// Adds another outcome.
    pub fn absorb(&mut self, other: Outcome) {
        self.checks += other.checks;
        self.failures.extend(other.failures);
    }

    fn compare<T: PartialEq + Debug>(&mut self, place: &str, field: &'static str, expected: &T, found: &T) {
        self.checks += 1;
        if expected != found {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            self.failures.push(Mismatch { place: place.to_owned(), field, expected, found });
        }
    }
}

/// Enough of a line to tell function rows from scenarios.
#[derive(serde::Deserialize)]
struct Form {
    #[serde(rename = "fn")]
    function: Option<serde::de::IgnoredAny>,
}

/// Plays one line. `variant` is for function rows, which do not name theirs; scenarios do.
///
/// ```
/// use flashcrowd_policies::hpa::{Variant, vectors::run_line};
/// let line = r#"{"fn":"scaleDownPercentLimit","args":[10,80],"out":1,"exact":2}"#;
/// let outcome = run_line(line, Variant::K8s128)?;
/// assert_eq!((outcome.checks, outcome.failures.len()), (1, 0));
/// # Ok::<(), flashcrowd_policies::hpa::vectors::VectorError>(())
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
