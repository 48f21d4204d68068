//! Settings with their origins: what was given where, and what a default assumed.

use flashcrowd_language::{Diagnostic, Document, Origin};
use std::fmt;

/// Where a setting's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOrigin {
    /// The scenario file, at this line.
    Given {
        /// The line.
        line: u32,
    },
    /// An override, as typed.
    Override(String),
    /// A manifest.
    Manifest {
        /// File and line.
        place: String,
    },
    /// A default.
    Default {
        /// Where its value comes from.
        source: &'static str,
        /// Whether results lean on it, so that reports name it.
        assumed: bool,
    },
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingOrigin::Given { line } => write!(f, "given, line {line}"),
            SettingOrigin::Override(text) => write!(f, "given by {text}"),
            SettingOrigin::Manifest { place } => write!(f, "manifest, {place}"),
            SettingOrigin::Default { source, .. } => write!(f, "default: {source}"),
        }
    }
}

/// One resolved setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its path, as for `--set`.
    pub path: String,
    /// Its value, in the notation of scenarios.
    pub value: String,
    /// Where it comes from.
    pub origin: SettingOrigin,
}

impl Setting {
    /// Whether this is a default that results lean on.
    pub fn is_assumed(&self) -> bool {
        matches!(self.origin, SettingOrigin::Default { assumed: true, .. })
    }
}

/// What resolving collects on its way.
pub(crate) struct Notes<'d> {
    pub(crate) document: &'d Document,
    pub(crate) settings: Vec<Setting>,
    pub(crate) warnings: Vec<String>,
}

impl<'d> Notes<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Notes { document, settings: Vec::new(), warnings: Vec::new() }
    }

    /// The given value, or a default that is beyond doubt.
    pub(crate) fn or<T: fmt::Display>(&mut self, path: &str, given: Option<T>, default: T, source: &'static str) -> T {
        if let Some(value) = given {
            self.given(path, &value.to_string());
            return value;
        }
        self.default(path, &default.to_string(), source, false);
        default
    }

    /// Notes a value that the scenario gives.
    pub(crate) fn given(&mut self, path: &str, value: &str) {
        let origin = match self.document.origin(path) {
            Some(Origin::File { line }) => SettingOrigin::Given { line },
            Some(Origin::Override { text }) => SettingOrigin::Override(text),
            None => SettingOrigin::Given { line: 1 },
        };
        let value = self.document.text_at(path).unwrap_or(value).split_whitespace().collect::<Vec<_>>().join(" ");
        self.settings.push(Setting { path: path.to_owned(), value, origin });
    }

    /// Notes a default.
    pub(crate) fn default(&mut self, path: &str, value: &str, source: &'static str, assumed: bool) {
        let origin = SettingOrigin::Default { source, assumed };
        self.settings.push(Setting { path: path.to_owned(), value: value.to_owned(), origin });
    }

    /// Notes a value that a manifest gives.
    pub(crate) fn manifest(&mut self, path: &str, value: &str, place: String) {
        let origin = SettingOrigin::Manifest { place };
        self.settings.push(Setting { path: path.to_owned(), value: value.to_owned(), origin });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    pub(crate) fn error(&self, path: &str, message: impl Into<String>) -> Diagnostic {
        self.document.error_at(path, message)
    }

    /// Refuses a value beyond its range.
    pub(crate) fn within(&self, path: &str, value: u64, low: u64, high: u64) -> Result<(), Diagnostic> {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        let last = path.rsplit('.').next().unwrap_or(path);
        Err(self.error(path, format!("`{last}` is {value}; expected {low} to {high}")))
    }
}
