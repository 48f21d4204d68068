//! What a line came to: how many values were compared, which differed, or why it could not be played.

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
    pub(crate) fn new(place: &str, message: impl Into<String>) -> Self {
        VectorError { place: place.to_owned(), message: message.into() }
    }
}

/// Reads one line of a reference file.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(line: &str) -> Result<T, VectorError> {
    serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))
}

impl Outcome {
    /// Adds another outcome.
    pub fn absorb(&mut self, other: Outcome) {
        self.checks += other.checks;
        self.failures.extend(other.failures);
    }

    pub(crate) fn compare<T: PartialEq + Debug>(&mut self, place: &str, field: &'static str, expected: &T, found: &T) {
        self.checks += 1;
        if expected != found {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            self.failures.push(Mismatch { place: place.to_owned(), field, expected, found });
        }
    }

    /// Compares floats that may differ by rounding: by at most `tolerance`, absolute.
    pub(crate) fn compare_near(
        &mut self,
        place: &str,
        field: &'static str,
        expected: Option<f64>,
        found: Option<f64>,
        tolerance: f64,
    ) {
        let near = match (expected, found) {
            (Some(expected), Some(found)) => (expected - found).abs() <= tolerance,
            (None, None) => true,
            _ => false,
        };
        if near {
            self.checks += 1;
        } else {
            self.compare(place, field, &expected, &found);
        }
    }
}
