//! Why a formula is refused or fails.

/// Why a formula is refused or fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {message}")]
pub struct FormulaError {
    /// Where, in characters, counted from 1.
    pub position: usize,
    /// What was found and what was expected.
    pub message: String,
}

impl FormulaError {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        FormulaError { position: at + 1, message: message.into() }
    }
}
