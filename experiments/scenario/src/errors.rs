//! What sources, manifests and names come to as errors that the user reads.

use crate::settings::Notes;
use flashcrowd_core::ports::SourceError;
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_policies::autoscalers::hpa::manifest::ManifestError;

/// An unknown name, with the known ones and the nearest.
pub(crate) fn unknown<'a>(
    notes: &Notes<'_>,
    path: &str,
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let error = notes.error(path, format!("there is no {what} `{wanted}`"));
    let error = error.with_label(format!("expected {}", list(known.iter().copied())));
    match nearest(wanted, known) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// A refused row, as the user sees it: the place is already in its words.
pub fn source_error(error: &SourceError) -> Diagnostic {
    let diagnostic = Diagnostic::about(&error.place, error.message.clone());
    match &error.hint {
        Some(hint) => diagnostic.with_help(hint.clone()),
        None => diagnostic,
    }
}

/// A refused manifest, with its line.
pub fn manifest_error(file: &str, error: &ManifestError) -> Diagnostic {
    let mut diagnostic = Diagnostic::about(file, error.message.clone());
    diagnostic.line = error.line.unwrap_or(0) as u32;
    diagnostic.column = error.column.unwrap_or(1) as u32;
    match &error.hint {
        Some(hint) => diagnostic.with_help(hint.clone()),
        None => diagnostic,
    }
}
