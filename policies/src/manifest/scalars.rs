//! Numbers and truth values of a map, as fields that may be missing.

use super::ManifestError;
use super::fields::Fields;
use super::tree::Value;

type Result<T> = std::result::Result<T, ManifestError>;

/// A number; text is refused.
pub(crate) fn number(fields: &mut Fields, name: &'static str) -> Result<Option<f64>> {
    let Some(node) = fields.optional(name) else { return Ok(None) };
    match node.value {
        Value::Int(value) => Ok(Some(value as f64)),
        Value::Float(value) if value.is_finite() => Ok(Some(value)),
        _ => {
            let message = format!("{}: expected a number, found {}", fields.path_of(name), node.kind());
            Err(ManifestError::at(node.place, message))
        }
    }
}

/// A number that `fits`; `expected` says which do.
pub(crate) fn number_that(
    fields: &mut Fields,
    name: &'static str,
    fits: impl Fn(f64) -> bool,
    expected: &str,
) -> Result<Option<f64>> {
    let Some(value) = number(fields, name)? else { return Ok(None) };
    if fits(value) {
        return Ok(Some(value));
    }
    Err(refused(fields, name, format!("{value} must be {expected}")))
}

/// A truth value; text is refused.
pub(crate) fn truth(fields: &mut Fields, name: &'static str) -> Result<Option<bool>> {
    let Some(node) = fields.optional(name) else { return Ok(None) };
    if let Value::Bool(value) = node.value {
        Ok(Some(value))
    } else {
        let message = format!("{}: expected true or false, found {}", fields.path_of(name), node.kind());
        Err(ManifestError::at(node.place, message))
    }
}

/// A refusal at a field, or at its map if it is missing.
pub(crate) fn refused(fields: &mut Fields, name: &'static str, message: impl std::fmt::Display) -> ManifestError {
    let place = fields.optional(name).map_or(fields.place, |node| node.place);
    ManifestError::at(place, format!("{}: {message}", fields.path_of(name)))
}
