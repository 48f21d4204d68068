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
    /// Its value in words.
    pub value: String,
    /// The same in the notation of scenarios, where the words are not that.
    pub written: Option<String>,
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
    /// Paths of what has no effect.
    pub(crate) idle: Vec<String>,
}

impl<'d> Notes<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Notes { document, settings: Vec::new(), warnings: Vec::new(), idle: Vec::new() }
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
        self.settings.push(Setting { path: path.to_owned(), value, written: None, origin });
    }

    /// Notes a default.
    pub(crate) fn default(&mut self, path: &str, value: &str, source: &'static str, assumed: bool) {
        let origin = SettingOrigin::Default { source, assumed };
        self.settings.push(Setting { path: path.to_owned(), value: value.to_owned(), written: None, origin });
    }

    /// Notes a default on which results lean, in words and in the notation of scenarios.
    pub(crate) fn assume(&mut self, path: &str, value: &str, written: String, source: &'static str) {
        let origin = SettingOrigin::Default { source, assumed: true };
        self.settings.push(Setting { path: path.to_owned(), value: value.to_owned(), written: Some(written), origin });
    }

    /// Notes a default that is beyond doubt, in words and in the notation of scenarios.
    pub(crate) fn default_as(&mut self, path: &str, value: &str, written: &str, source: &'static str) {
        let origin = SettingOrigin::Default { source, assumed: false };
        let (value, written) = (value.to_owned(), Some(written.to_owned()));
        self.settings.push(Setting { path: path.to_owned(), value, written, origin });
    }

    /// The given value, or none, which is noted.
    pub(crate) fn or_none<T: fmt::Display>(&mut self, path: &str, given: Option<T>, source: &'static str) -> Option<T> {
        match &given {
            Some(value) => self.given(path, &value.to_string()),
            None => self.default(path, "None", source, false),
        }
        given
    }

    /// Takes back the defaults of a field that means nothing here; the last name of its path.
    pub(crate) fn without_default(&mut self, last: &str) {
        let is_it = |setting: &Setting| {
            matches!(setting.origin, SettingOrigin::Default { .. }) && setting.path.rsplit('.').next() == Some(last)
        };
        self.settings.retain(|setting| !is_it(setting));
    }

    /// Notes a value that a manifest gives.
    pub(crate) fn manifest(&mut self, path: &str, value: &str, place: String) {
        let origin = SettingOrigin::Manifest { place };
        self.settings.push(Setting { path: path.to_owned(), value: value.to_owned(), written: None, origin });
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
