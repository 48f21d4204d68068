//! Why the values of a test cannot be found.

use flashcrowd_core::simulation::RunError;
use flashcrowd_workloads::ParameterError;
use serde_json::Value;

/// Why the values of a test cannot be found: its parameters, or the run of its set-up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum CaseError {
    /// A parameter that this form of the family does not have.
    #[error("`params` has an unknown `{name}`: expected {}", .known.join(", "))]
    UnknownParameter { name: String, known: Vec<String> },
    /// A parameter that is not there.
    #[error("`params` has no `{name}`, but {}", if .given.is_empty() { "nothing".to_owned() } else { .given.join(", ") })]
    MissingParameter { name: String, given: Vec<String> },
    /// A parameter of another type.
    #[error("`{name}` is {value}: expected {expected}")]
    WrongType { name: String, value: Value, expected: &'static str },
    /// Service laws that are not named.
    #[error("`laws` is not a list of names")]
    UnnamedLaws,
    /// A number outside its range.
    #[error("`{name}` is {value}: expected {expected}")]
    OutOfRange { name: String, value: f64, expected: String },
    /// A load without a stationary state.
    #[error("the utilisation is {utilisation}: a stationary state needs less than 1")]
    Unstable { utilisation: f64 },
    /// A system with less room than servers.
    #[error("`K` is {capacity}, less than `c`, which is {servers}")]
    RoomBelowServers { capacity: u32, servers: u32 },
    /// A share of memory, or memory, that no GPU has.
    #[error("{utilization} of {total_gib} GiB: expected at most 1 of at most 1e6 GiB")]
    Memory { utilization: f64, total_gib: f64 },
    /// A load that swings below 0 or asks for too many replicas.
    #[error("a load of {mean} that swings by {amplitude}: expected at least 0 and at most 1e6 replicas")]
    Swing { mean: f64, amplitude: f64 },
    /// Retries that are not a count, or a failure that is not a probability.
    #[error("{max_retries} retries of attempts that fail with probability {failure}")]
    Retries { max_retries: f64, failure: f64 },
    /// More servers than a set-up may have.
    #[error("{servers} servers: expected at most {most}")]
    TooManyServers { servers: u32, most: u32 },
    /// More spare units than can be added up.
    #[error("`{key}` asks for {need} and {spare} more: expected at most {most}")]
    TooManySpares { key: String, need: u32, spare: u32, most: u32 },
    /// Rates that the engine cannot keep.
    #[error("expected rates of {slowest} to {fastest} GB/s")]
    LinkRates { slowest: f64, fastest: f64 },
    /// Loads that are too many or take too long.
    #[error("expected at most {most} loads of at most {longest_s} s")]
    Loads { most: u32, longest_s: f64 },
    /// Two loads that are too short or take too long.
    #[error("expected loads of 0.001 to {longest_s} s alone, and `t1` at most that")]
    LoadPair { longest_s: f64 },
    /// What would be played for too long.
    #[error("{what} {seconds} s: expected at most {longest_s} s")]
    TooLong { what: &'static str, seconds: f64, longest_s: f64 },
    /// A run that had no replica.
    #[error("no replica was started")]
    NoReplica,
    /// A run that ended before its replicas were ready.
    #[error("a replica did not become ready")]
    NotReady,
    /// Parameters that a source of traffic or faults refuses.
    #[error(transparent)]
    Source(#[from] ParameterError),
    /// A run that did not come to its end.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl CaseError {
    /// Whether the case has a form that is not known here, rather than a wrong value.
    pub(super) fn is_of_form(&self) -> bool {
        matches!(self, CaseError::UnknownParameter { .. } | CaseError::MissingParameter { .. })
    }

    pub(super) fn out_of_range(name: &str, value: impl Into<f64>, expected: impl Into<String>) -> Self {
        CaseError::OutOfRange { name: name.to_owned(), value: value.into(), expected: expected.into() }
    }
}
