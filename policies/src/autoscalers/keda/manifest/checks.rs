//! What KEDA's webhook refuses of a `ScaledObject` (`apis/keda/v1alpha1/scaledobject_webhook.go`), and
//! the API server of its HPA.

use super::header::Result;
use crate::autoscalers::hpa::validate;
use crate::autoscalers::keda::hpa_feed::hpa_spec;
use crate::autoscalers::keda::spec::ScaledObject;
use crate::manifest::ManifestError;
use crate::manifest::fields::Fields;
use crate::manifest::tree::Node;

/// The first thing that is refused, at its place.
pub(super) fn scaled_object(spec: &mut Fields, node: &Node, scaled: &ScaledObject) -> Result<()> {
    // A minimum of 0 that is written there counts as the 1 of the HPA; one that is not, as 0.
    let min = scaled.min_replica_count.map_or(0, |_| scaled.hpa_min_replicas());
    let max = scaled.hpa_max_replicas();
    if min > max {
        let field = if scaled.min_replica_count.is_some_and(|n| n > 0) { "minReplicaCount" } else { "maxReplicaCount" };
        return Err(spec.refused(field, format!("the minimum, {min}, is above the maximum, {max}")));
    }
    if let Some(idle) = scaled.idle_replica_count.filter(|idle| *idle >= min) {
        let message = format!("{idle} must be below minReplicaCount, {}", scaled.min_replicas());
        return Err(spec.refused("idleReplicaCount", &message));
    }
    if scaled.has_resource_triggers_only() {
        if scaled.min_replicas() == 0 {
            let message = "must be 1 or more with cpu and memory triggers alone, which never scale to zero";
            return Err(spec.refused("minReplicaCount", message));
        }
        if scaled.fallback.is_some() {
            return Err(spec.refused("fallback", "needs a trigger that is not cpu or memory"));
        }
        if scaled.modifiers.is_some() {
            return Err(spec.refused("advanced", "scalingModifiers need a trigger that is not cpu or memory"));
        }
    }
    hpa(spec, node, scaled)
}

fn hpa(spec: &mut Fields, node: &Node, scaled: &ScaledObject) -> Result<()> {
    let Some(error) = validate(&hpa_spec(scaled)).into_iter().next() else { return Ok(()) };
    let advanced = node.get("spec").and_then(|spec| spec.get("advanced"));
    let config = advanced.and_then(|advanced| advanced.get("horizontalPodAutoscalerConfig"));
    let behavior = config.and_then(|config| config.get("behavior"));
    match (error.path.strip_prefix("spec.behavior"), behavior) {
        (Some(rest), Some(behavior)) => {
            let path = format!("spec.advanced.horizontalPodAutoscalerConfig.behavior{rest}");
            Err(ManifestError::at(behavior.place, format!("{path}: {}", error.message)))
        }
        _ if error.path.contains("maxReplicas") => Err(spec.refused("maxReplicaCount", &error.message)),
        _ => Err(spec.refused("triggers", format!("the HPA would be refused: {error}"))),
    }
}
