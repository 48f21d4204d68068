//! What both kinds of object have: a name, a spec, annotations.

use crate::manifest::fields::Fields;
use crate::manifest::objects::Object;
use crate::manifest::tree::{Value, shorten};
use crate::manifest::{ManifestError, ManifestWarning};

pub(super) type Result<T> = std::result::Result<T, ManifestError>;
pub(super) type Warnings = Vec<ManifestWarning>;

/// The name of an object, which it must have.
pub(super) fn name_of(object: &Object) -> Result<String> {
    let missing = || ManifestError::at(object.node.place, "metadata.name: required, but missing");
    object.name.map(str::to_owned).ok_or_else(missing)
}

/// The spec of an object.
pub(super) fn spec_of<'a>(object: &Object<'a>) -> Result<Fields<'a>> {
    Fields::of(object.node, "")?.required_map("spec")
}

/// The annotations of KEDA, which must be texts.
pub(super) fn annotations_of<'a>(object: &Object<'a>) -> Result<Vec<(&'a str, &'a str)>> {
    let Some(node) = object.node.get("metadata").and_then(|metadata| metadata.get("annotations")) else {
        return Ok(Vec::new());
    };
    let Value::Map(entries) = &node.value else {
        let message = format!("metadata.annotations: expected a map, found {}", node.kind());
        return Err(ManifestError::at(node.place, message));
    };
    let mut found = Vec::new();
    for (key, value) in entries {
        let Some(text) = value.text() else {
            let message =
                format!("metadata.annotations.{}: expected a text, found {}", shorten(&key.text), value.kind());
            return Err(ManifestError::at(value.place, message).hint("put the value in quotes"));
        };
        found.push((key.text.as_str(), text));
    }
    Ok(found)
}
