//! What all runners of reference vectors share: recorded decisions of real controllers, compared
//! with ours value by value.

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

/// Plays one line of a reference file.
pub type Runner = fn(&str) -> Result<Outcome, VectorError>;

/// The runners by the name of their file, without its ending; sorted.
pub const RUNNERS: &[(&str, Runner)] = &[
    ("aibrix_algorithms", crate::aibrix::vectors::aibrix_algorithms),
    ("dynamo_easy_load", crate::dynamo::vectors::dynamo_easy_load),
    ("keda_scaledjob", crate::keda::vectors::keda_scaledjob),
    ("keda_scaledobject", crate::keda::vectors::keda_scaledobject),
    ("knative_kpa_decider", crate::knative::vectors::knative_kpa_decider),
    ("knative_manifest", crate::knative::vectors::knative_manifest),
    ("knative_scale_to_zero", crate::knative::vectors::knative_scale_to_zero),
    ("ray_serve_metrics", crate::ray_serve::vectors::ray_serve_metrics),
    ("ray_serve_policy", crate::ray_serve::vectors::ray_serve_policy),
    ("skyserve_fallback", crate::skyserve::vectors::skyserve_fallback),
    ("skyserve_instance_aware", crate::skyserve::vectors::skyserve_instance_aware),
    ("skyserve_pool", crate::skyserve::vectors::skyserve_pool),
    ("skyserve_request_rate", crate::skyserve::vectors::skyserve_request_rate),
    ("skyserve_spot_placer", crate::skyserve::vectors::skyserve_spot_placer),
    ("wva_saturation_v1", crate::wva::vectors::wva_saturation_v1),
];

/// What the tests of runners share.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Outcome, VectorError};
    use std::io::{BufRead, BufReader};

    /// The lines of a shipped part of a reference file.
    pub(crate) fn fixture(name: &str) -> Vec<String> {
        let path = format!("{}/tests/fixtures/controllers/{name}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
        let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("text")).collect()
    }

    /// Puts `value` at `pointer` of a line that passes: then exactly `field` must fail.
    pub(crate) fn corrupted(
        run: fn(&str) -> Result<Outcome, VectorError>,
        line: &serde_json::Value,
        pointer: &str,
        value: &serde_json::Value,
        field: &str,
    ) {
        assert_eq!(run(&line.to_string()).expect("a line").failures, []);
        let mut bad = line.clone();
        *bad.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value.clone();
        let failures = run(&bad.to_string()).expect("still a line").failures;
        assert!(!failures.is_empty(), "{pointer} unnoticed");
        assert!(failures.iter().all(|failure| failure.field == field), "{pointer}: {failures:?}");
    }

    /// A line with some characters replaced.
    pub(crate) fn damaged(name: &str, line: usize, cut: f64, put: &str, gone: usize) -> String {
        let lines = fixture(name);
        let text = &lines[line % lines.len()];
        // A few thousand characters hold every kind of field.
        let at = (cut * text.len().min(3_000) as f64) as usize;
        let rest = (at + gone).min(text.len());
        format!("{}{put}{}", text.get(..at).unwrap_or_default(), text.get(rest..).unwrap_or_default())
    }
}
