//! What is wrong with the parameters of a source.

/// Why parameters are no source of traffic, faults or capacity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {expected}")]
pub struct ParameterError {
    /// The parameter.
    pub what: String,
    /// What it should have been.
    pub expected: String,
}

impl ParameterError {
    pub(crate) fn new(what: impl Into<String>, expected: impl Into<String>) -> Self {
        ParameterError { what: what.into(), expected: expected.into() }
    }
}
