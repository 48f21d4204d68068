//! A user's own `autoscaling/v2` manifest, as it runs in production.
//!
//! YAML or JSON, several documents, and the `kind: List` that `kubectl get -o yaml` prints.
//! `status` and metadata are passed over in silence; every field of a spec that has no effect is
//! listed; what the API server would refuse is refused, with its place.

mod error;
mod fields;
mod spec_reader;
mod tree;

pub(crate) use error::nearest;
pub use error::{ManifestError, ManifestWarning};

use super::spec::HpaSpec;
use super::validation::validate;
use tree::{Node, Value, documents, shorten};

type Result<T> = std::result::Result<T, ManifestError>;

/// A `HorizontalPodAutoscaler` as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if given.
    pub namespace: Option<String>,
    /// What it scales.
    pub target: ScaleTarget,
    /// Its spec, before defaulting; it passes [`validate`].
    pub spec: HpaSpec,
    /// Fields of the spec that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// `spec.scaleTargetRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleTarget {
    /// Such as `apps/v1`; may be empty.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A bare spec, without the object around it.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestSpec {
    /// What it scales.
    pub target: ScaleTarget,
    /// The spec, before defaulting.
    pub spec: HpaSpec,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads the `HorizontalPodAutoscaler` of a manifest; `name` (or `namespace/name`) chooses among several.
///
/// ```
/// use flashcrowd_policies::hpa::manifest::read;
/// let manifest = read(
///     "
/// apiVersion: autoscaling/v2
/// kind: HorizontalPodAutoscaler
/// metadata: { name: model-inference-hpa }
/// spec:
///   scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: model-inference }
///   minReplicas: 2
///   maxReplicas: 20
///   metrics:
///   - type: Pods
///     pods:
///       metric: { name: gpu_utilization }
///       target: { type: AverageValue, averageValue: 70 }
///   behavior:
///     scaleUp: { stabilisationWindowSeconds: 30 }
/// ",
///     None,
/// )?;
/// assert_eq!((manifest.name.as_str(), manifest.spec.max_replicas), ("model-inference-hpa", 20));
/// assert_eq!(manifest.warnings[0].path, "spec.behavior.scaleUp.stabilisationWindowSeconds");
/// # Ok::<(), flashcrowd_policies::hpa::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// If the text is not YAML, holds no such object or several without `name`, or holds one that the
/// API server would refuse.
pub fn read(text: &str, name: Option<&str>) -> Result<Manifest> {
    read_bytes(text.as_bytes(), name)
}

/// As [`read`], for the bytes of a file that may not even be text.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8], name: Option<&str>) -> Result<Manifest> {
    let documents = documents(bytes)?;
    let mut objects = Vec::new();
    for document in &documents {
        collect(document, &mut objects)?;
    }
    if objects.is_empty() {
        return Err(ManifestError::general("the file holds no object: expected a HorizontalPodAutoscaler"));
    }
    read_object(choose(&objects, name)?)
}

/// Reads a bare `spec`, as reference files hold it.
///
/// # Errors
/// As [`read`].
pub fn read_spec(text: &str) -> Result<ManifestSpec> {
    let documents = documents(text.as_bytes())?;
    let [node] = documents.as_slice() else {
        return Err(ManifestError::general(format!("expected one document, found {}", documents.len())));
    };
    checked_spec(node)
}

/// An object and what it says it is.
struct Object<'a> {
    node: &'a Node,
    kind: &'a Node,
    api_version: &'a str,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
}

impl Object<'_> {
    fn kind_name(&self) -> &str {
        self.kind.text().unwrap_or_default()
    }

    fn is_hpa(&self) -> bool {
        self.kind_name() == "HorizontalPodAutoscaler"
    }

    fn is_called(&self, name: &str) -> bool {
        let qualified = || format!("{}/{}", self.namespace.unwrap_or("default"), self.name.unwrap_or_default());
        self.name == Some(name) || qualified() == name
    }
}

/// Lists the objects of a document, those inside a `List` one by one.
fn collect<'a>(node: &'a Node, objects: &mut Vec<Object<'a>>) -> Result<()> {
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("expected a Kubernetes object, found {}", node.kind());
        return Err(ManifestError::at(node.place, message));
    }
    let Some(kind) = node.get("kind") else {
        return Err(ManifestError::at(node.place, "kind: required, but missing")
            .hint("a manifest begins with `apiVersion: autoscaling/v2` and `kind: HorizontalPodAutoscaler`"));
    };
    let Some(kind_name) = kind.text() else {
        return Err(ManifestError::at(kind.place, format!("kind: expected a text, found {}", kind.kind())));
    };
    if kind_name == "List" || kind_name == "HorizontalPodAutoscalerList" {
        return match node.get("items").map(|items| &items.value) {
            Some(Value::List(items)) => items.iter().try_for_each(|item| collect(item, objects)),
            _ => Err(ManifestError::at(node.place, "items: expected the list of a `kind: List`")),
        };
    }
    let metadata = node.get("metadata");
    let text = |key| metadata.and_then(|m| m.get(key)).and_then(Node::text);
    let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
    objects.push(Object { node, kind, api_version, name: text("name"), namespace: text("namespace") });
    Ok(())
}

/// The one object that is meant. Others may stand beside it, as in a file with its Deployment.
fn choose<'a, 'b>(objects: &'b [Object<'a>], name: Option<&str>) -> Result<&'b Object<'a>> {
    let hpas: Vec<&Object> = objects.iter().filter(|object| object.is_hpa()).collect();
    let names = || hpas.iter().map(|hpa| hpa.name.unwrap_or("(without a name)")).collect::<Vec<_>>();
    let Some(wanted) = name else {
        return match hpas.as_slice() {
            [] => Err(no_hpa(objects)),
            [one] => Ok(one),
            several => {
                let message = format!("{} HorizontalPodAutoscalers in one file: {}", several.len(), names().join(", "));
                Err(ManifestError::at(several[1].node.place, message).hint("choose one by name"))
            }
        };
    };
    let called: Vec<&&Object> = hpas.iter().filter(|hpa| hpa.is_called(wanted)).collect();
    match called.as_slice() {
        [one] => Ok(one),
        [] if hpas.is_empty() => Err(no_hpa(objects)),
        [] => {
            let message = format!("no HorizontalPodAutoscaler is called \"{}\": found {}", wanted, names().join(", "));
            let hint = nearest(wanted, names()).map(|name| format!("did you mean `{name}`?"));
            Err(ManifestError::general(message).maybe_hint(hint))
        }
        several => {
            let message = format!("{} HorizontalPodAutoscalers are called \"{wanted}\"", several.len());
            Err(ManifestError::at(several[1].node.place, message).hint("choose one as namespace/name"))
        }
    }
}

/// Why a file without any `HorizontalPodAutoscaler` is refused, by what it holds instead.
fn no_hpa(objects: &[Object]) -> ManifestError {
    let scaled = objects.iter().find(|object| matches!(object.kind_name(), "ScaledObject" | "ScaledJob"));
    let Some(object) = scaled.or(objects.first()) else {
        return ManifestError::general("the file holds no object: expected a HorizontalPodAutoscaler");
    };
    let message = format!("kind: expected HorizontalPodAutoscaler, found {}", shorten(object.kind_name()));
    let hint = if scaled.is_some() {
        let name = object.name.unwrap_or("NAME");
        Some(format!("KEDA makes an HPA from it: `kubectl get hpa keda-hpa-{name} -o yaml` prints that one"))
    } else {
        spec_reader::nearest_kind(object.kind_name()).map(|kind| format!("did you mean `{kind}`?"))
    };
    ManifestError::at(object.kind.place, message).maybe_hint(hint)
}

fn read_object(object: &Object) -> Result<Manifest> {
    check_version(object)?;
    let place = object.node.place;
    let Some(name) = object.name else {
        return Err(ManifestError::at(place, "metadata.name: required, but missing"));
    };
    let mut fields = fields::Fields::of(object.node, "")?;
    for known in ["apiVersion", "kind", "metadata", "status"] {
        fields.optional(known);
    }
    let ManifestSpec { target, spec, warnings } = checked_spec(fields.required("spec")?)?;
    let namespace = object.namespace.map(str::to_owned);
    Ok(Manifest { name: name.to_owned(), namespace, target, spec, warnings })
}

fn check_version(object: &Object) -> Result<()> {
    const WANTED: &str = "autoscaling/v2";
    if object.api_version == WANTED {
        return Ok(());
    }
    let place = object.node.get("apiVersion").map_or(object.node.place, |node| node.place);
    if object.api_version.is_empty() {
        return Err(ManifestError::at(place, format!("apiVersion: required, but missing: expected {WANTED}")));
    }
    let message = format!("apiVersion: expected {WANTED}, found {}", shorten(object.api_version));
    let name = object.name.unwrap_or("NAME");
    let hint = match object.api_version {
        "autoscaling/v1" | "autoscaling/v2beta1" | "autoscaling/v2beta2" => {
            format!("`kubectl get hpa.v2.autoscaling {name} -o yaml` prints it as {WANTED}")
        }
        _ => format!("did you mean `{WANTED}`?"),
    };
    Err(ManifestError::at(place, message).hint(hint))
}

/// Reads a spec and refuses what the API server refuses, at the place of the field.
fn checked_spec(node: &Node) -> Result<ManifestSpec> {
    let read = spec_reader::read_spec(node)?;
    match validate(&read.spec).into_iter().next() {
        None => Ok(read),
        Some(error) => Err(ManifestError::at(locate(node, &error.path).place, error.to_string())),
    }
}

/// The node at `path` (which begins with `spec`), or the deepest one on the way.
fn locate<'a>(spec: &'a Node, path: &str) -> &'a Node {
    let mut node = spec;
    for part in path.split('.').skip(1) {
        let (key, index) = match part.split_once('[') {
            Some((key, rest)) => (key, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some(next) = node.get(key) else { return node };
        node = match (index, &next.value) {
            (Some(index), Value::List(items)) => items.get(index).unwrap_or(next),
            _ => next,
        };
    }
    node
}
