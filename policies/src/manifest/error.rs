//! What a manifest reader says when it refuses, and what it passes over.

use super::place::Place;
use std::fmt;

/// Why a manifest was refused, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestError {
    /// Line, counted from 1.
    pub line: Option<usize>,
    /// Column, counted from 1.
    pub column: Option<usize>,
    /// What was found and what was expected; begins with the field's path where there is one.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
}

impl ManifestError {
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Self {
        // The parser reports line 0 where it knows no place.
        let known = place.line > 0;
        ManifestError {
            line: known.then_some(place.line),
            column: (known && place.column > 0).then_some(place.column),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn general(message: impl Into<String>) -> Self {
        ManifestError { message: message.into(), ..ManifestError::default() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The error as one text that begins with `file:line:column`.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::hpa::manifest::read;
    /// let error = read("kind: Deployment\napiVersion: apps/v1\n", None).unwrap_err();
    /// assert!(error.in_file("hpa.yaml").starts_with("hpa.yaml:1:7: "), "{}", error.in_file("hpa.yaml"));
    /// ```
    pub fn in_file(&self, file: &str) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}: {}", self.text()),
            (Some(line), None) => format!("{file}:{line}: {}", self.text()),
            _ => format!("{file}: {}", self.text()),
        }
    }

    fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} (hint: {hint})", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.text()),
            (Some(line), None) => write!(f, "line {line}: {}", self.text()),
            _ => f.write_str(&self.text()),
        }
    }
}

impl std::error::Error for ManifestError {}

/// A field of the spec that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestWarning {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// Which field, such as `spec.behavior.scaleUp.foo`.
    pub path: String,
    /// Why it has no effect.
    pub message: String,
}

impl fmt::Display for ManifestWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}: {}", self.line, self.column, self.path, self.message)
    }
}

/// The known name that looks most like `name`, if one does.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.66;
    let written = name.to_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let edits = strsim::normalized_damerau_levenshtein(&written, &candidate);
        // `Maximum` for `Max` is many edits away and still plain.
        let begins = candidate.len() > 2 && written.len() > 2;
        if begins && (written.starts_with(&candidate) || candidate.starts_with(&written)) {
            edits.max(ALIKE)
        } else {
            edits
        }
    };
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let score = score(candidate);
        if score >= ALIKE && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}
