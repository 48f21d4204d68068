//! `KServe`'s standard deployments: which HPA or `ScaledObject` its controller makes of an
//! `InferenceService`. Serverless ones are Knative's, read by [`super::knative`].
//!
//! Follows `pkg/controller/v1beta1/inferenceservice/reconcilers/{hpa,keda}` and
//! `pkg/apis/serving/v1beta1/inference_service_validation.go` of `kserve/kserve` @ aaac4e29; by
//! reading. The predictor is what is scaled; stabilization windows of `KServe`'s own `ConfigMap` are
//! not in the file and are left away.

mod predictor;

pub use crate::manifest::{ManifestError, ManifestWarning};

use super::hpa::HpaSpec;
use super::keda::ScaledObject;
use crate::manifest::nearest;
use crate::manifest::objects::{Object, among, objects, texts};
use crate::manifest::tree::{Place, documents, shorten};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, ManifestError>;

const MODE: &str = "serving.kserve.io/deploymentMode";
const CLASS: &str = "serving.kserve.io/autoscalerClass";
const CLASSES: [&str; 4] = ["hpa", "keda", "external", "none"];

/// A standard deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Standard {
    /// Name of the `InferenceService`.
    pub name: String,
    /// What scales it.
    pub scaler: Scaler,
    /// Fields that have no effect, and what was taken for granted.
    pub warnings: Vec<ManifestWarning>,
}

/// What scales a standard deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaler {
    /// Class `hpa`.
    Hpa(HpaSpec),
    /// Class `keda`.
    Keda(Box<ScaledObject>),
    /// Classes `external` and `none`: nobody whom the file knows.
    Nobody {
        /// `minReplicas`.
        replicas: u32,
    },
}

/// Reads the `InferenceService` of a file, if it is a standard deployment: by its annotation, or by
/// metrics that only one can have. `None` for serverless ones and files without any.
///
/// ```
/// use flashcrowd_policies::autoscalers::kserve::{Scaler, read};
/// let standard = read(
///     b"
/// apiVersion: serving.kserve.io/v1beta1
/// kind: InferenceService
/// metadata: {name: m, annotations: {serving.kserve.io/deploymentMode: Standard}}
/// spec: {predictor: {maxReplicas: 4, scaleTarget: 60, model: {modelFormat: {name: huggingface}}}}
/// ",
///     None,
/// )?;
/// let Some(Scaler::Hpa(spec)) = standard.map(|standard| standard.scaler) else { panic!() };
/// assert_eq!((spec.min_replicas, spec.max_replicas), (Some(1), 4));
/// # Ok::<(), flashcrowd_policies::autoscalers::kserve::ManifestError>(())
/// ```
///
/// # Errors
/// What the webhook refuses, and what it lets through and the API server or KEDA then refuse.
pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Option<Standard>> {
    let documents = documents(bytes)?;
    let objects = objects(&documents, "`apiVersion: serving.kserve.io/v1beta1` and `kind: InferenceService`")?;
    let is_own = |object: &&Object| object.kind_name() == "InferenceService" && object.group() == "serving.kserve.io";
    let own: Vec<&Object> = objects.iter().filter(is_own).collect();
    // A name may be that of another object of the file.
    let Ok(Some(object)) = among(&own, "InferenceService", name) else { return Ok(None) };
    let metadata = object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let annotations = texts(metadata, "metadata.annotations")?;
    let annotations: BTreeMap<&str, (&str, Place)> =
        annotations.into_iter().map(|(key, text)| (key.text.as_str(), (text, key.place))).collect();
    let mut warnings = Vec::new();
    let mode = annotations.get(MODE).map(|(mode, _)| *mode);
    let class = class(&annotations)?;
    let class = match (mode, class) {
        (Some("Standard" | "RawDeployment"), class) => class.unwrap_or("hpa"),
        (None, Some(class @ ("keda" | "hpa" | "external" | "none"))) => {
            assumed(object, &mut warnings, "no annotation gives a deployment mode, and the class is one of `Standard`");
            class
        }
        (None, None) if predictor::has_foreign_metrics(object.node) => {
            let message = "no annotation gives a mode or a class, and its metrics are of `Standard` and `keda`";
            assumed(object, &mut warnings, message);
            "keda"
        }
        _ => return Ok(None),
    };
    let scaler = predictor::read(object, class, &mut warnings)?;
    Ok(Some(Standard { name: object.name.unwrap_or_default().to_owned(), scaler, warnings }))
}

/// The class of the autoscaler, if it is given.
fn class<'a>(annotations: &BTreeMap<&str, (&'a str, Place)>) -> Result<Option<&'a str>> {
    let Some((class, place)) = annotations.get(CLASS) else { return Ok(None) };
    if CLASSES.contains(class) {
        return Ok(Some(class));
    }
    let message =
        format!("metadata.annotations.{CLASS}: `{}` is no class: expected hpa, keda, external or none", shorten(class));
    let near = nearest(class, CLASSES).map(|near| format!("did you mean `{near}`?"));
    Err(ManifestError::at(*place, message).maybe_hint(near))
}

fn assumed(object: &Object, warnings: &mut Vec<ManifestWarning>, message: &str) {
    let Place { line, column } = object.node.place;
    let message = format!("{message}: read so; a cluster whose default mode is `Knative` ignores them");
    warnings.push(ManifestWarning { line, column, path: "metadata.annotations".to_owned(), message });
}
