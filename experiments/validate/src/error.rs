//! Why reference data could not be played.

use std::fmt;

/// Why reference data could not be played. Nothing is judged then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidateError {
    /// The file.
    pub file: String,
    /// The line, from 1, if it is known.
    pub line: Option<u64>,
    /// What was wrong.
    pub message: String,
}

impl ValidateError {
    pub(crate) fn new(file: &str, line: Option<u64>, message: impl Into<String>) -> Self {
        ValidateError { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for ValidateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ValidateError {}
