//! Which autoscaler a file is for.

use super::ManifestError;
use super::error::nearest;
use super::tree::{Node, Value, documents, shorten};

/// A kind of manifest that there is a reader for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `autoscaling/v2` `HorizontalPodAutoscaler`.
    Hpa,
    /// `keda.sh/v1alpha1` `ScaledObject`.
    ScaledObject,
    /// `keda.sh/v1alpha1` `ScaledJob`.
    ScaledJob,
    /// Knative Service, Configuration or Revision, or `KServe` `InferenceService`.
    Knative,
    /// A Ray Serve config, or a `RayService`.
    RayServe,
    /// A `SkyPilot` task with a `service`.
    SkyServe,
    /// `AIBrix` `PodAutoscaler`.
    PodAutoscaler,
    /// llm-d `VariantAutoscaling`.
    VariantAutoscaling,
    /// The Dynamo planner's configuration.
    DynamoPlanner,
    /// AWS Application Auto Scaling.
    ApplicationAutoScaling,
}

/// Kinds of Kubernetes objects; a Service is one of Knative's only in its API group.
const OBJECTS: [(&str, Kind); 10] = [
    ("HorizontalPodAutoscaler", Kind::Hpa),
    ("ScaledObject", Kind::ScaledObject),
    ("ScaledJob", Kind::ScaledJob),
    ("Service", Kind::Knative),
    ("Configuration", Kind::Knative),
    ("Revision", Kind::Knative),
    ("InferenceService", Kind::Knative),
    ("RayService", Kind::RayServe),
    ("PodAutoscaler", Kind::PodAutoscaler),
    ("VariantAutoscaling", Kind::VariantAutoscaling),
];

/// Fields that only one form has, where there is no `kind`.
const FIELDS: [(&str, Kind); 19] = [
    ("applications", Kind::RayServe),
    ("deployments", Kind::RayServe),
    ("autoscaling_config", Kind::RayServe),
    ("service", Kind::SkyServe),
    ("MinCapacity", Kind::ApplicationAutoScaling),
    ("ScalableTargets", Kind::ApplicationAutoScaling),
    ("ScalingPolicies", Kind::ApplicationAutoScaling),
    ("PolicyType", Kind::ApplicationAutoScaling),
    ("TargetTrackingScalingPolicyConfiguration", Kind::ApplicationAutoScaling),
    ("StepScalingPolicyConfiguration", Kind::ApplicationAutoScaling),
    ("optimization_target", Kind::DynamoPlanner),
    ("enable_load_scaling", Kind::DynamoPlanner),
    ("enable_throughput_scaling", Kind::DynamoPlanner),
    ("max_gpu_budget", Kind::DynamoPlanner),
    ("min_endpoint", Kind::DynamoPlanner),
    ("load_adjustment_interval_seconds", Kind::DynamoPlanner),
    ("decode_engine_num_gpu", Kind::DynamoPlanner),
    ("prefill_engine_num_gpu", Kind::DynamoPlanner),
    ("advisory", Kind::DynamoPlanner),
];

/// What a file holds: the first object or document of a known kind; others may stand beside it.
///
/// ```
/// use flashcrowd_policies::manifest::{Kind, detect};
/// assert_eq!(detect(b"kind: Deployment\n---\nkind: ScaledObject\n"), Ok(Kind::ScaledObject));
/// assert_eq!(detect(b"service: { replicas: 2 }"), Ok(Kind::SkyServe));
/// let error = detect(b"kind: ScaledObjekt").unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean `ScaledObject`?"));
/// ```
///
/// # Errors
/// If the file is no YAML or JSON, or holds nothing that scales.
pub fn detect(bytes: &[u8]) -> Result<Kind, ManifestError> {
    let documents = documents(bytes)?;
    if let Some(kind) = documents.iter().find_map(kind_of) {
        return Ok(kind);
    }
    Err(unknown(&documents))
}

fn kind_of(node: &Node) -> Option<Kind> {
    match &node.value {
        // Lists of AWS stand at the top level of a file that a command printed.
        Value::List(items) => items.iter().find_map(kind_of),
        Value::Map(entries) => {
            let Some(kind) = node.get("kind").and_then(Node::text) else {
                return FIELDS.iter().find(|(field, _)| node.get(field).is_some()).map(|(_, kind)| *kind);
            };
            if kind.ends_with("List") {
                return entries.iter().find(|(key, _)| key.text == "items").and_then(|(_, items)| kind_of(items));
            }
            let group = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
            let plain = matches!(kind, "Service" | "Configuration") && !group.starts_with("serving.knative.dev");
            let known = OBJECTS.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
            known.filter(|_| !plain)
        }
        _ => None,
    }
}

fn unknown(documents: &[Node]) -> ManifestError {
    const EXPECTED: &str = "expected a HorizontalPodAutoscaler, ScaledObject, ScaledJob, Knative Service, \
                            InferenceService, RayService, PodAutoscaler or VariantAutoscaling, a Ray Serve config, a \
                            SkyPilot task, a Dynamo planner configuration, or policies of AWS Application Auto Scaling";
    let Some(first) = documents.first() else {
        return ManifestError::general(format!("the file holds no object: {EXPECTED}"));
    };
    let Some(kind) = first.get("kind") else {
        return ManifestError::at(first.place, format!("nothing in the file says how to scale: {EXPECTED}"));
    };
    let name = kind.text().unwrap_or_default();
    let hint = nearest(name, OBJECTS.iter().map(|(name, _)| *name)).filter(|near| *near != name);
    let error = ManifestError::at(kind.place, format!("kind: {} does not scale: {EXPECTED}", shorten(name)));
    error.maybe_hint(hint.map(|near| format!("did you mean `{near}`?")))
}
