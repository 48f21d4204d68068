//! Which autoscaler a file is for.

use super::ManifestError;
use super::error::nearest;
use super::tree::{Node, Place, Value, documents, shorten};

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

impl Kind {
    /// Whether it takes objects of a `kind` and an `apiVersion`.
    pub fn takes(&self, kind: &str, api_version: &str) -> bool {
        self.objects.iter().any(|object| object.is(kind, api_version))
    }
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

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// Its kind, as a position in the list of kinds.
    pub kind: usize,
    /// The name of the object that is meant, without the kind that may stand before it.
    pub name: Option<String>,
}

/// What a file holds: its only kind, or that of `name`, which may be an object's name,
/// `namespace/name` or `kind/name`. Objects of other kinds may stand beside it.
///
/// ```
/// use flashcrowd_policies::autoscalers::{keda, skyserve};
/// use flashcrowd_policies::manifest::detect;
/// let kinds = [keda::SCALED_OBJECT, skyserve::KIND];
/// let kind = |text: &[u8]| detect(text, &kinds, None).map(|found| found.kind);
/// assert_eq!(kind(b"kind: Deployment\n---\nkind: ScaledObject\n"), Ok(0));
/// assert_eq!(kind(b"service: { replicas: 2 }"), Ok(1));
/// let error = kind(b"kind: ScaledObjekt").unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean `ScaledObject`?"));
/// ```
///
/// # Errors
/// If the file is no YAML or JSON, holds none of the kinds, or several of which none is named.
pub fn detect(bytes: &[u8], kinds: &[Kind], name: Option<&str>) -> Result<Detected, ManifestError> {
    let documents = documents(bytes)?;
    let mut found = Vec::new();
    documents.iter().for_each(|document| collect(document, kinds, &mut found));
    let Some(first) = found.first() else { return Err(unknown(&documents, kinds)) };
    if found.iter().all(|one| one.kind == first.kind) {
        // A kind before the name is allowed where it is not needed.
        let bare = name.map(|name| found.iter().find(|one| one.is_called_with_kind(name)).map_or(name, |one| one.name));
        return Ok(Detected { kind: first.kind, name: bare.map(str::to_owned) });
    }
    let list = || found.iter().map(Found::to_string).collect::<Vec<_>>().join(", ");
    let Some(name) = name else {
        let several = found.iter().find(|one| one.kind != first.kind).unwrap_or(first);
        let message = format!("several autoscalers in one file: {}", list());
        let hint = format!("choose one by kind and name: `name: \"{}\"`", several);
        return Err(ManifestError::at(several.place, message).hint(hint));
    };
    let exact = found.iter().find(|one| one.is_called_with_kind(name));
    let called: Vec<&Found> = found.iter().filter(|one| one.is_called(name)).collect();
    if let Some(one) = exact {
        return Ok(Detected { kind: one.kind, name: Some(one.name.to_owned()) });
    }
    let Some(one) = called.first() else {
        let message = format!("no autoscaler in the file is called \"{}\"", shorten(name));
        return Err(ManifestError::general(message).hint(format!("there: {}", list())));
    };
    if let Some(other) = called.iter().find(|other| other.kind != one.kind) {
        let message = format!("several autoscalers are called \"{}\"", shorten(name));
        return Err(ManifestError::at(other.place, message).hint(format!("choose one by kind and name: {}", list())));
    }
    Ok(Detected { kind: one.kind, name: Some(name.to_owned()) })
}

/// An object of one of the kinds.
struct Found<'a> {
    kind: usize,
    /// Its own `kind`, empty for forms without one.
    kind_name: &'a str,
    name: &'a str,
    namespace: Option<&'a str>,
    place: Place,
}

impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.kind_name, self.name) {
            ("", name) => f.write_str(name),
            (kind, name) => write!(f, "{kind}/{name}"),
        }
    }
}

impl Found<'_> {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || format!("{}/{}", self.namespace.unwrap_or("default"), self.name) == name
    }

    fn is_called_with_kind(&self, name: &str) -> bool {
        let short = |kind: &str| match kind {
            "horizontalpodautoscaler" => "hpa".to_owned(),
            "inferenceservice" => "isvc".to_owned(),
            "scaledobject" => "so".to_owned(),
            "scaledjob" => "sj".to_owned(),
            other => other.to_owned(),
        };
        let Some((kind, own)) = name.split_once('/') else { return false };
        let (kind, mine) = (kind.to_ascii_lowercase(), self.kind_name.to_ascii_lowercase());
        own == self.name && !mine.is_empty() && (kind == mine || kind == short(&mine))
    }
}

fn collect<'a>(node: &'a Node, kinds: &[Kind], found: &mut Vec<Found<'a>>) {
    match &node.value {
        // Lists of AWS stand at the top level of a file that a command printed: together they are one.
        Value::List(items) => {
            let before = found.len();
            items.iter().for_each(|item| collect(item, kinds, found));
            found.truncate(found.len().min(before + 1));
        }
        Value::Map(entries) => {
            let Some(kind_name) = node.get("kind").and_then(Node::text) else {
                let kind = kinds.iter().position(|kind| kind.fields.iter().any(|field| node.get(field).is_some()));
                let one =
                    |kind| Found { kind, kind_name: "", name: kinds[kind].what, namespace: None, place: node.place };
                // Documents of one form without a kind are parts of one manifest.
                found.extend(kind.filter(|kind| found.iter().all(|one| one.kind != *kind)).map(one));
                return;
            };
            if kind_name.ends_with("List") {
                if let Some((_, items)) = entries.iter().find(|(key, _)| key.text == "items")
                    && let Value::List(items) = &items.value
                {
                    items.iter().for_each(|item| collect(item, kinds, found));
                }
                return;
            }
            let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
            let kind = kinds.iter().position(|kind| kind.takes(kind_name, api_version));
            let metadata = node.get("metadata");
            let text = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Node::text);
            let place = node.place;
            found.extend(kind.map(|kind| Found {
                kind,
                kind_name,
                name: text("name").unwrap_or("(without a name)"),
                namespace: text("namespace"),
                place,
            }));
        }
        _ => {}
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
