//! A user's own `autoscaling/v2` or `autoscaling/v1` manifest, as it runs in production.
//!
//! YAML or JSON, several documents, and the `kind: List` that `kubectl get -o yaml` prints.
//! `status` and metadata are passed over in silence; every field of a spec that has no effect is
//! listed; what the API server would refuse is refused, with its place.

mod dependent;
mod shared;
pub(crate) mod spec_reader;
mod v1;

pub use dependent::Dependent;
pub use shared::{ManifestSpec, ScaleTarget};

pub use crate::manifest::{ManifestError, ManifestWarning};

use super::spec::HpaSpec;
use super::validation::validate;
use crate::manifest::fields::Fields;
use crate::manifest::objects::{self, Object};
use crate::manifest::tree::{Node, documents, shorten};
use shared::{Result, locate};

const KIND: &str = "HorizontalPodAutoscaler";

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
    /// Fields that only some clusters take.
    pub dependent: Dependent,
}

/// Reads the `HorizontalPodAutoscaler` of a manifest; `name` (or `namespace/name`) chooses among several.
///
/// ```
/// use flashcrowd_policies::autoscalers::hpa::manifest::read;
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
/// # Ok::<(), flashcrowd_policies::autoscalers::hpa::manifest::ManifestError>(())
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
    let objects = objects::objects(&documents, "`apiVersion: autoscaling/v2` and `kind: HorizontalPodAutoscaler`")?;
    match objects::choose(&objects, KIND, name)? {
        Some(object) => read_object(object),
        None => Err(no_hpa(&objects)),
    }
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
    checked(node, spec_reader::read_spec(node)?)
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
    let is_first = check_version(object)?;
    let place = object.node.place;
    let Some(name) = object.name else {
        return Err(ManifestError::at(place, "metadata.name: required, but missing"));
    };
    let mut fields = Fields::of(object.node, "")?;
    for known in ["apiVersion", "kind", "metadata", "status"] {
        fields.optional(known);
    }
    let node = fields.required("spec")?;
    let read = if is_first { v1::read(object, node)? } else { spec_reader::read_spec(node)? };
    let ManifestSpec { target, spec, warnings, dependent } = checked(node, read)?;
    let namespace = object.namespace.map(str::to_owned);
    Ok(Manifest { name: name.to_owned(), namespace, target, spec, warnings, dependent })
}

/// Whether it is `autoscaling/v1`. The versions between are no longer served.
fn check_version(object: &Object) -> Result<bool> {
    const WANTED: &str = "autoscaling/v2";
    if let WANTED | "autoscaling/v1" = object.api_version {
        return Ok(object.api_version != WANTED);
    }
    let place = object.node.get("apiVersion").map_or(object.node.place, |node| node.place);
    if object.api_version.is_empty() {
        return Err(ManifestError::at(place, format!("apiVersion: required, but missing: expected {WANTED}")));
    }
    let found = format!("apiVersion: expected {WANTED} or autoscaling/v1, found {}", shorten(object.api_version));
    let name = object.name.unwrap_or("NAME");
    let convert = format!("`kubectl get hpa.v2.autoscaling {name} -o yaml` prints the one of a cluster");
    let (message, hint) = match object.api_version {
        "autoscaling/v2beta2" => {
            let hint = format!("write {WANTED}: its fields are the same; {convert}");
            (format!("{found}, which Kubernetes 1.26 removed"), hint)
        }
        "autoscaling/v2beta1" => {
            let hint = format!("{convert} as {WANTED}, `kubectl convert` does so with a file");
            (format!("{found}, which Kubernetes 1.25 removed"), hint)
        }
        _ => (found, format!("did you mean `{WANTED}`?")),
    };
    Err(ManifestError::at(place, message).hint(hint))
}

/// Refuses what the API server refuses, at the place of the field.
fn checked(node: &Node, read: ManifestSpec) -> Result<ManifestSpec> {
    match validate(&read.spec).into_iter().next() {
        None => Ok(ManifestSpec { dependent: Dependent::of(node, &read.spec), ..read }),
        Some(error) => Err(ManifestError::at(locate(node, &error.path).place, error.to_string())),
    }
}
