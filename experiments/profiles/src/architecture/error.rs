//! What is refused of a `config.json`, and what is doubted.

use flashcrowd_language::Diagnostic;
use flashcrowd_language::diagnostic::Source;
use flashcrowd_language::tree::Place;
use std::fmt;
use std::path::Path;

/// Why a configuration gives no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .field.as_deref().map(|field| format!("`{field}`: ")).unwrap_or_default())]
pub struct ConfigError {
    /// The field that it is about, with dots between steps.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
    /// Where it is in the text, bytes: of the field's name, or of what holds it.
    pub place: Option<(usize, usize)>,
    /// Whether it is about the `hf_quant_config.json` beside the file.
    pub is_beside: bool,
}

impl ConfigError {
    pub(super) fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { field: Some(field.into()), message: message.into(), hint: None, place: None, is_beside: false }
    }

    pub(super) fn general(message: impl Into<String>) -> Self {
        ConfigError { field: None, message: message.into(), hint: None, place: None, is_beside: false }
    }

    /// The message with the line of the file that it is about; `beside` is the text of the other file.
    pub fn diagnostic(&self, file: &str, text: &str, beside: Option<&str>) -> Diagnostic {
        let other = Path::new(file).with_file_name("hf_quant_config.json").display().to_string();
        let (file, text) = if self.is_beside { (&*other, beside.unwrap_or_default()) } else { (file, text) };
        let error = match self.place {
            Some((start, end)) => {
                let source = Source { name: file.to_owned(), text: text.to_owned(), is_override: false };
                Diagnostic::at(&source, Place { source: 0, start: start as u32, end: end as u32 }, self.to_string())
            }
            None => Diagnostic::about(file, self.to_string()),
        };
        match &self.hint {
            Some(hint) => error.with_help(hint.clone()),
            None => error,
        }
    }

    #[must_use]
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What is not verified about a model, its sizes or its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A `model_type` that was never compared with a published size; all its fields are known.
    UnknownKind,
    /// Attention whose times were compared with nothing.
    UnverifiedAttention,
    /// 4-bit integers of experts: their kernels differ by up to ten times between versions of engines.
    Int4Experts,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doubt::UnknownKind => "this `model_type` was never compared with a published size",
            Doubt::UnverifiedAttention => "times of this kind of attention were compared with no measurement",
            Doubt::Int4Experts => {
                "experts in 4-bit integers reach 0.1 to 0.85 of the bandwidth, by the version of the engine: times may \
                 be off by a factor of two"
            }
        })
    }
}
