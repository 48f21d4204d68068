//! A user's own `keda.sh/v1alpha1` manifest: `ScaledObject` and `ScaledJob`.
//!
//! YAML or JSON, several documents, and the `kind: List` of `kubectl get -o yaml`. What the API
//! server or KEDA's webhook would refuse is refused, with its place; fields of a spec that have no
//! effect are listed.

mod checks;
mod header;
mod scaled_job;
mod scaled_object;
pub mod scalers;
mod targets;
mod triggers;

use super::spec::{ScaledJob, ScaledObject, Trigger};
use crate::manifest::nearest;
use crate::manifest::objects::{Object, choose, objects};
use crate::manifest::tree::{Node, documents, shorten};
pub use crate::manifest::{ManifestError, ManifestWarning};
use header::Result;

const VERSION: &str = "keda.sh/v1alpha1";

/// A `ScaledObject` as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectManifest {
    /// The object.
    pub object: ScaledObject,
    /// Fields of its spec that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// A `ScaledJob` as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct JobManifest {
    /// The object.
    pub job: ScaledJob,
    /// Fields of its spec that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads the `ScaledObject` of a file; `name` (or `namespace/name`) chooses among several.
///
/// ```
/// use flashcrowd_policies::autoscalers::keda::manifest::read_scaled_object;
/// let manifest = read_scaled_object(
///     br#"
/// apiVersion: keda.sh/v1alpha1
/// kind: ScaledObject
/// metadata: {name: vllm, annotations: {autoscaling.keda.sh/paused-scale-in: "false"}}
/// spec:
///   scaleTargetRef: {name: vllm}
///   maxReplicaCount: 8
///   cooldownPeriod: 600
///   triggers:
///   - type: prometheus
///     metadata: {serverAddress: "http://prometheus", query: "sum(vllm:num_requests_waiting)", threshold: "5"}
/// "#,
///     None,
/// )?;
/// let object = manifest.object;
/// assert_eq!((object.hpa_name().as_str(), object.hpa_max_replicas(), object.cooldown_s()), ("keda-hpa-vllm", 8, 600));
/// # Ok::<(), flashcrowd_policies::autoscalers::keda::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// If the bytes are not YAML, hold no such object or several without `name`, or hold one that would
/// be refused.
pub fn read_scaled_object(bytes: &[u8], name: Option<&str>) -> Result<ObjectManifest> {
    read(bytes, "ScaledObject", name, |object| {
        let mut warnings = Vec::new();
        let object = scaled_object::read(object, &mut warnings)?;
        Ok(ObjectManifest { object, warnings })
    })
}

/// Reads the `ScaledJob` of a file; `name` (or `namespace/name`) chooses among several.
///
/// # Errors
/// As [`read_scaled_object`].
pub fn read_scaled_job(bytes: &[u8], name: Option<&str>) -> Result<JobManifest> {
    read(bytes, "ScaledJob", name, |object| {
        let mut warnings = Vec::new();
        let job = scaled_job::read(object, &mut warnings)?;
        Ok(JobManifest { job, warnings })
    })
}

fn read<T>(bytes: &[u8], kind: &str, name: Option<&str>, of: impl Fn(&Object) -> Result<T>) -> Result<T> {
    let documents = documents(bytes)?;
    let objects = objects(&documents, &format!("`apiVersion: {VERSION}` and `kind: {kind}`"))?;
    let Some(object) = choose(&objects, kind, name)? else {
        let Some(first) = objects.first() else {
            return Err(ManifestError::general(format!("the file holds no object: expected a {kind}")));
        };
        let message = format!("kind: expected {kind}, found {}", shorten(first.kind_name()));
        let hint =
            nearest(first.kind_name(), ["ScaledObject", "ScaledJob"]).map(|near| format!("did you mean `{near}`?"));
        return Err(ManifestError::at(first.kind.place, message).maybe_hint(hint));
    };
    if object.api_version != VERSION {
        let place = object.node.get("apiVersion").map_or(object.node.place, |node| node.place);
        let message = format!("apiVersion: expected {VERSION}, found \"{}\"", shorten(object.api_version));
        return Err(ManifestError::at(place, message));
    }
    of(object)
}

/// Reads one trigger, for objects of which somebody makes a `ScaledObject`.
pub(crate) fn read_trigger(node: &Node, path: String, warnings: &mut Vec<ManifestWarning>) -> Result<Trigger> {
    triggers::read_one(node, path, false, warnings)
}
