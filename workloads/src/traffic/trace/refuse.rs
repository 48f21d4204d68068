//! Errors of a trace, with their place.

use flashcrowd_core::ports::SourceError;
use std::sync::Arc;

/// An error at a place, with advice if there is any.
pub(super) fn refuse(place: impl Into<Arc<str>>, message: impl Into<String>, hint: Option<String>) -> SourceError {
    SourceError { place: place.into(), message: message.into(), hint }
}
