//! From the tree of a `ScaledObject` to the object.

use super::header::{Result, Warnings, annotations_of, name_of, spec_of};
use super::{checks, triggers};
use crate::autoscalers::hpa::manifest::ScaleTarget;
use crate::autoscalers::hpa::manifest::spec_reader::read_behavior;
use crate::autoscalers::keda::formula::Formula;
use crate::autoscalers::keda::spec::{
    Annotations, Fallback, FallbackBehavior, MetricType, ScaledObject, ScalingModifiers,
};
use crate::manifest::Quantity;
use crate::manifest::fields::Fields;
use crate::manifest::objects::Object;

/// Reads the object and notes what has no effect.
pub(super) fn read(object: &Object, warnings: &mut Warnings) -> Result<ScaledObject> {
    let mut spec = spec_of(object)?;
    let mut reference = spec.required_map("scaleTargetRef")?;
    let target = ScaleTarget {
        api_version: reference.optional_text("apiVersion")?.unwrap_or("apps/v1").to_owned(),
        kind: reference.optional_text("kind")?.unwrap_or("Deployment").to_owned(),
        name: reference.required_text("name")?.to_owned(),
    };
    reference.without_effect("envSourceContainerName", "has no effect: every source answers", warnings);
    reference.finish(warnings);
    let advanced = object.node.get("spec").and_then(|spec| spec.get("advanced"));
    let for_formula = advanced.and_then(|advanced| advanced.get("scalingModifiers")).is_some();
    let mut annotations = Annotations::default();
    for (key, value) in annotations_of(object)? {
        annotations.set(key, value);
    }
    let mut scaled = ScaledObject {
        name: name_of(object)?,
        namespace: object.namespace.map(str::to_owned),
        target,
        polling_interval_s: spec.optional_count("pollingInterval")?,
        cooldown_period_s: spec.optional_count("cooldownPeriod")?,
        initial_cooldown_period_s: spec.optional_count("initialCooldownPeriod")?,
        idle_replica_count: spec.optional_count("idleReplicaCount")?,
        min_replica_count: spec.optional_count("minReplicaCount")?,
        max_replica_count: spec.optional_count("maxReplicaCount")?,
        fallback: read_fallback(&mut spec, warnings)?,
        annotations,
        triggers: triggers::read(&mut spec, for_formula, warnings)?,
        ..ScaledObject::default()
    };
    if let Some(advanced) = spec.optional_map("advanced")? {
        read_advanced(advanced, &mut scaled, warnings)?;
    }
    checks::scaled_object(&mut spec, object.node, &scaled)?;
    spec.finish(warnings);
    Ok(scaled)
}

fn read_fallback(spec: &mut Fields, warnings: &mut Warnings) -> Result<Option<Fallback>> {
    let Some(mut fields) = spec.optional_map("fallback")? else { return Ok(None) };
    fields.required("failureThreshold")?;
    fields.required("replicas")?;
    let behavior = match fields.optional("behavior") {
        None => FallbackBehavior::default(),
        Some(node) => fields.word("behavior", node, &FallbackBehavior::WORDS)?,
    };
    let fallback = Fallback {
        failure_threshold: fields.optional_count("failureThreshold")?.unwrap_or_default(),
        replicas: fields.optional_count("replicas")?.unwrap_or_default(),
        behavior,
    };
    fields.finish(warnings);
    Ok(Some(fallback))
}

fn read_advanced(mut advanced: Fields, scaled: &mut ScaledObject, warnings: &mut Warnings) -> Result<()> {
    let why = "has no effect: the object is never deleted in a run";
    advanced.without_effect("restoreToOriginalReplicaCount", why, warnings);
    if let Some(mut config) = advanced.optional_map("horizontalPodAutoscalerConfig")? {
        scaled.hpa_name = config.optional_text("name")?.filter(|name| !name.is_empty()).map(str::to_owned);
        scaled.behavior = config.optional_map("behavior")?.map(|map| read_behavior(map, warnings)).transpose()?;
        config.finish(warnings);
    }
    if let Some(modifiers) = advanced.optional_map("scalingModifiers")? {
        scaled.modifiers = Some(read_modifiers(modifiers, scaled, warnings)?);
    }
    advanced.finish(warnings);
    Ok(())
}

fn read_modifiers(mut fields: Fields, scaled: &ScaledObject, warnings: &mut Warnings) -> Result<ScalingModifiers> {
    let text = fields.required_text("formula")?;
    let external = scaled.triggers.iter().filter(|trigger| !trigger.is_resource());
    let names: Vec<String> = external.filter_map(|trigger| trigger.name.clone()).collect();
    let formula = Formula::new(text, &names).map_err(|error| fields.refused("formula", error.to_string()))?;
    let target_text = fields.required_text("target")?;
    let target = target_text.parse::<f64>().ok().filter(|target| target.is_finite() && *target > 0.0);
    let Some(target) = target else {
        return Err(fields.refused("target", format!("expected a positive number in quotes, found \"{target_text}\"")));
    };
    let activation_target = match fields.optional_text("activationTarget")? {
        None | Some("") => 0.0,
        Some(text) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => {
                return Err(
                    fields.refused("activationTarget", format!("expected a number in quotes, found \"{text}\""))
                );
            }
        },
    };
    let words = [("AverageValue", MetricType::AverageValue), ("Value", MetricType::Value)];
    let metric_type = match fields.optional("metricType") {
        None => MetricType::AverageValue,
        Some(node) => fields.word("metricType", node, &words)?,
    };
    let milli = (target * 1000.0) as i64;
    if milli == 0 {
        return Err(fields.refused("target", "expected at least 0.001"));
    }
    fields.finish(warnings);
    let target_is_whole = target_text.parse::<i64>().is_ok_and(|value| value > 0);
    let target = Quantity::from_milli(milli);
    Ok(ScalingModifiers { formula, target, target_is_whole, activation_target, metric_type })
}
