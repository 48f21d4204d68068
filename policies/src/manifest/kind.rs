//! Which autoscaler a file is for.

use super::ManifestError;
use super::error::nearest;
use super::tree::{Node, Value, documents, shorten};

/// A kind of manifest: how a file shows that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is, with its article: for messages about files of no known kind.
    pub what: &'static str,
    /// Kinds of its Kubernetes objects.
    pub objects: &'static [ObjectKind],
    /// Fields that only this form has, where there is no `kind`.
    pub fields: &'static [&'static str],
}

/// A kind of Kubernetes object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectKind {
    /// Its `kind`.
    pub name: &'static str,
    /// How its `apiVersion` begins, where other groups have the same `kind`.
    pub group: Option<&'static str>,
}

impl ObjectKind {
    /// An object whose `kind` is enough to know it by.
    pub const fn of(name: &'static str) -> Self {
        ObjectKind { name, group: None }
    }

    fn is(&self, kind: &str, api_version: &str) -> bool {
        self.name == kind && self.group.is_none_or(|group| api_version.starts_with(group))
    }
}

/// What a file holds, as a position in `kinds`: the first object or document of one of them; others may
/// stand beside it.
///
/// ```
/// use flashcrowd_policies::autoscalers::{keda, skyserve};
/// use flashcrowd_policies::manifest::detect;
/// let kinds = [keda::SCALED_OBJECT, skyserve::KIND];
/// assert_eq!(detect(b"kind: Deployment\n---\nkind: ScaledObject\n", &kinds), Ok(0));
/// assert_eq!(detect(b"service: { replicas: 2 }", &kinds), Ok(1));
/// let error = detect(b"kind: ScaledObjekt", &kinds).unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean `ScaledObject`?"));
/// ```
///
/// # Errors
/// If the file is no YAML or JSON, or holds none of the kinds.
pub fn detect(bytes: &[u8], kinds: &[Kind]) -> Result<usize, ManifestError> {
    let documents = documents(bytes)?;
    let found = documents.iter().find_map(|document| kind_of(document, kinds));
    found.ok_or_else(|| unknown(&documents, kinds))
}

fn kind_of(node: &Node, kinds: &[Kind]) -> Option<usize> {
    match &node.value {
        // Lists of AWS stand at the top level of a file that a command printed.
        Value::List(items) => items.iter().find_map(|item| kind_of(item, kinds)),
        Value::Map(entries) => {
            let Some(name) = node.get("kind").and_then(Node::text) else {
                return kinds.iter().position(|kind| kind.fields.iter().any(|field| node.get(field).is_some()));
            };
            if name.ends_with("List") {
                let items = entries.iter().find(|(key, _)| key.text == "items");
                return items.and_then(|(_, items)| kind_of(items, kinds));
            }
            let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
            kinds.iter().position(|kind| kind.objects.iter().any(|object| object.is(name, api_version)))
        }
        _ => None,
    }
}

fn unknown(documents: &[Node], kinds: &[Kind]) -> ManifestError {
    let expected = expected(kinds);
    let Some(first) = documents.first() else {
        return ManifestError::general(format!("the file holds no object: {expected}"));
    };
    let Some(kind) = first.get("kind") else {
        return ManifestError::at(first.place, format!("nothing in the file says how to scale: {expected}"));
    };
    let name = kind.text().unwrap_or_default();
    let objects = kinds.iter().flat_map(|kind| kind.objects);
    let hint = nearest(name, objects.map(|object| object.name)).filter(|near| *near != name);
    let error = ManifestError::at(kind.place, format!("kind: {} does not scale: {expected}", shorten(name)));
    error.maybe_hint(hint.map(|near| format!("did you mean `{near}`?")))
}

/// All kinds in words.
fn expected(kinds: &[Kind]) -> String {
    let mut words = String::from("expected ");
    for (i, kind) in kinds.iter().enumerate() {
        match i {
            0 => {}
            last if last + 1 == kinds.len() => words.push_str(" or "),
            _ => words.push_str(", "),
        }
        words.push_str(kind.what);
    }
    words
}
