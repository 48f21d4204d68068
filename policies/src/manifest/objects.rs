//! The Kubernetes objects of a file: several documents, those of a `kind: List` one by one, and the
//! choice of the one that is meant.

use super::tree::{Key, Node, Value, shorten};
use super::{ManifestError, nearest};

/// An object and what it says it is.
pub(crate) struct Object<'a> {
    pub(crate) node: &'a Node,
    pub(crate) kind: &'a Node,
    pub(crate) api_version: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
}

impl Object<'_> {
    /// The part of `apiVersion` before the version; empty for the core group.
    pub(crate) fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    pub(crate) fn kind_name(&self) -> &str {
        self.kind.text().unwrap_or_default()
    }

    fn is_called(&self, name: &str) -> bool {
        let qualified = || format!("{}/{}", self.namespace.unwrap_or("default"), self.name.unwrap_or_default());
        self.name == Some(name) || qualified() == name
    }
}

/// Lists the objects of all documents. `example` is what a manifest of the wanted kind begins with.
pub(crate) fn objects<'a>(documents: &'a [Node], example: &str) -> Result<Vec<Object<'a>>, ManifestError> {
    let mut objects = Vec::new();
    for document in documents {
        collect(document, example, &mut objects)?;
    }
    Ok(objects)
}

fn collect<'a>(node: &'a Node, example: &str, objects: &mut Vec<Object<'a>>) -> Result<(), ManifestError> {
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("expected a Kubernetes object, found {}", node.kind());
        return Err(ManifestError::at(node.place, message));
    }
    let Some(kind) = node.get("kind") else {
        return Err(ManifestError::at(node.place, "kind: required, but missing")
            .hint(format!("a manifest begins with {example}")));
    };
    let Some(kind_name) = kind.text() else {
        return Err(ManifestError::at(kind.place, format!("kind: expected a text, found {}", kind.kind())));
    };
    if kind_name.ends_with("List") {
        return match node.get("items").map(|items| &items.value) {
            Some(Value::List(items)) => items.iter().try_for_each(|item| collect(item, example, objects)),
            _ => Err(ManifestError::at(
                node.place,
                format!("items: expected the list of a `kind: {}`", shorten(kind_name)),
            )),
        };
    }
    let metadata = node.get("metadata");
    let text = |key| metadata.and_then(|m| m.get(key)).and_then(Node::text);
    let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
    objects.push(Object { node, kind, api_version, name: text("name"), namespace: text("namespace") });
    Ok(())
}

/// A map of texts with the places of its keys, as annotations and a `ConfigMap`'s data are; empty if
/// there is none. The API server refuses values that are no texts.
pub(crate) fn texts<'a>(node: Option<&'a Node>, path: &str) -> Result<Vec<(&'a Key, &'a str)>, ManifestError> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let Value::Map(entries) = &node.value else {
        return Err(ManifestError::at(node.place, format!("{path}: expected a map, found {}", node.kind())));
    };
    let text = |(key, value): &'a (Key, Node)| {
        if let Some(text) = value.text() {
            Ok((key, text))
        } else {
            let message = format!("{path}.{}: expected a text, found {}", shorten(&key.text), value.kind());
            Err(ManifestError::at(value.place, message).hint("put the value in quotes"))
        }
    };
    entries.iter().map(text).collect()
}

/// The one object of `kind` that is meant: called `name` (or `namespace/name`), or the only one.
/// Others may stand beside it, as in a file with its Deployment. `None` if there is none of this kind.
pub(crate) fn choose<'a, 'b>(
    objects: &'b [Object<'a>],
    kind: &str,
    name: Option<&str>,
) -> Result<Option<&'b Object<'a>>, ManifestError> {
    let own: Vec<&Object> = objects.iter().filter(|object| object.kind_name() == kind).collect();
    among(&own, kind, name)
}

/// The one of `own` that is meant; `kind` is what they are called together.
pub(crate) fn among<'a, 'b>(
    own: &[&'b Object<'a>],
    kind: &str,
    name: Option<&str>,
) -> Result<Option<&'b Object<'a>>, ManifestError> {
    let names = || own.iter().map(|object| object.name.unwrap_or("(without a name)")).collect::<Vec<_>>();
    let Some(wanted) = name else {
        return match own {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => {
                let message = format!("{} {kind}s in one file: {}", several.len(), names().join(", "));
                Err(ManifestError::at(several[1].node.place, message).hint("choose one by name"))
            }
        };
    };
    let called: Vec<&Object> = own.iter().copied().filter(|object| object.is_called(wanted)).collect();
    match called.as_slice() {
        [one] => Ok(Some(*one)),
        [] if own.is_empty() => Ok(None),
        [] => {
            let message = format!("no {kind} is called \"{}\": found {}", wanted, names().join(", "));
            let hint = nearest(wanted, names()).map(|name| format!("did you mean `{name}`?"));
            Err(ManifestError::general(message).maybe_hint(hint))
        }
        several => {
            let message = format!("{} {kind}s are called \"{wanted}\"", several.len());
            Err(ManifestError::at(several[1].node.place, message).hint("choose one as namespace/name"))
        }
    }
}
