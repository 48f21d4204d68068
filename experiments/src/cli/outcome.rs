//! How a command ends, and where it prints: data to stdout, talk to stderr.

use crate::sweep::{StoreError, SweepError};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::plain;
use flashcrowd_results::ExportError;
use flashcrowd_validate::ValidateError;
use std::io::{self, Write};

/// Why a command ended without its result.
#[derive(Debug)]
pub(super) enum Failure {
    /// The user's input: exit code 2.
    Input(Box<Diagnostic>),
    /// The outputs could not be written: exit code 2.
    Export(ExportError),
    /// The folder of a sweep: exit code 2.
    Store(StoreError),
    /// A reference file: exit code 2.
    Validate(ValidateError),
    /// Nobody reads the output any more.
    Closed,
    /// The results could not be printed: exit code 1.
    Output(io::Error),
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure::Input(Box::new(diagnostic))
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Failure::Export(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::Input(diagnostic) => Failure::Input(diagnostic),
            SweepError::Store(error) => Failure::Store(error),
        }
    }
}

impl From<ValidateError> for Failure {
    fn from(error: ValidateError) -> Self {
        Failure::Validate(error)
    }
}

impl From<io::Error> for Failure {
    /// What is not handled where it happens came from printing.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Failure::Closed } else { Failure::Output(error) }
    }
}

/// An exit code, or why there is no result.
pub(super) type Outcome = Result<u8, Failure>;

/// Says why a command ended without its result, and gives its exit code.
pub(super) fn ended(outcome: Outcome) -> u8 {
    match outcome {
        Ok(code) => code,
        Err(Failure::Input(diagnostic)) => {
            say(&diagnostic.to_string());
            2
        }
        Err(Failure::Export(error)) => {
            say(&format!("error: {error}"));
            2
        }
        Err(Failure::Store(error)) => {
            say(&format!("error: {error}"));
            2
        }
        Err(Failure::Validate(error)) => {
            say(&format!("error: {error}"));
            2
        }
        // A closed pipe (`| head`) is no error of ours.
        Err(Failure::Closed) => 0,
        // A disk that is full leaves half of the results: whoever reads them must know.
        Err(Failure::Output(error)) => {
            say(&format!("error: the results could not be printed: {}", plain(&error)));
            1
        }
    }
}

/// Talk goes to stderr.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}

/// Data goes to stdout.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}
