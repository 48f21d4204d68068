//! Numbers and truth values of manifests that are not Kubernetes objects, and schemas that refuse
//! what they do not know.

use super::ManifestError;
use super::fields::Fields;
use super::tree::{Node, Value};

type Result<T> = std::result::Result<T, ManifestError>;

impl Fields<'_> {
    /// A finite number that may be missing.
    pub(crate) fn optional_number(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(node) = self.optional(name) else { return Ok(None) };
        match number(node) {
            Some(value) => Ok(Some(value)),
            None => Err(self.unexpected(name, node, "a number")),
        }
    }

    /// A count that may be missing: an integer that is not negative.
    pub(crate) fn optional_count(&mut self, name: &'static str) -> Result<Option<u32>> {
        let Some(value) = self.optional_int(name)? else { return Ok(None) };
        let count = u32::try_from(value).map(Some);
        count.map_err(|_| self.refused(name, format!("expected 0 or more, found {value}")))
    }

    /// A truth value that may be missing.
    pub(crate) fn optional_bool(&mut self, name: &'static str) -> Result<Option<bool>> {
        let Some(node) = self.optional(name) else { return Ok(None) };
        match node.value {
            Value::Bool(value) => Ok(Some(value)),
            _ => Err(self.unexpected(name, node, "true or false")),
        }
    }

    /// Refuses the first field that was not read, where the schema does so.
    pub(crate) fn refuse_unknown(self) -> Result<()> {
        let mut unknown = Vec::new();
        self.finish(&mut unknown);
        let Some(first) = unknown.into_iter().next() else { return Ok(()) };
        let hint = first.message.split_once("; ").map(|(_, hint)| hint.to_owned());
        let message = format!("{}: unknown field, which the schema refuses", first.path);
        Err(ManifestError { line: Some(first.line), column: Some(first.column), message, hint })
    }

    /// A number that `fits`; `expected` says which do.
    pub(crate) fn number_that(
        &mut self,
        name: &'static str,
        fits: impl Fn(f64) -> bool,
        expected: &str,
    ) -> Result<Option<f64>> {
        match self.optional_number(name)? {
            Some(value) if !fits(value) => Err(self.refused(name, format!("{value} must be {expected}"))),
            found => Ok(found),
        }
    }

    /// The refusal of a field at its place, or at its map if it is missing.
    pub(crate) fn refused(&mut self, name: &'static str, message: impl std::fmt::Display) -> ManifestError {
        let place = self.optional(name).map_or(self.place, |node| node.place);
        ManifestError::at(place, format!("{}: {message}", self.path_of(name)))
    }

    /// The refusal of a value of the wrong type.
    pub(crate) fn unexpected(&self, name: &str, node: &Node, expected: &str) -> ManifestError {
        let message = format!("{}: expected {expected}, found {}", self.path_of(name), node.kind());
        ManifestError::at(node.place, message)
    }
}

/// The node as a finite number, if it is one.
pub(crate) fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value).filter(|value| value.is_finite()),
        _ => None,
    }
}
