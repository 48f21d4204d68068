//! The predictor of a standard deployment, and what `KServe` makes of its fields.

use super::{ManifestWarning, Result, Scaler};
use crate::autoscalers::hpa::manifest::ScaleTarget;
use crate::autoscalers::hpa::manifest::spec_reader::read_behavior;
use crate::autoscalers::hpa::{Behavior, HpaSpec, MetricSource, MetricSpec, Target};
use crate::autoscalers::keda::manifest::read_trigger;
use crate::autoscalers::keda::{ScaledObject, Trigger};
use crate::autoscalers::knative::manifest::{POD_FIELDS, PREDICTOR_FIELDS};
use crate::manifest::Quantity;
use crate::manifest::fields::Fields;
use crate::manifest::objects::Object;
use crate::manifest::tree::{Key, Node, Place, Value, shorten};

type Warnings = Vec<ManifestWarning>;

/// `constants.DefaultCPUUtilization`.
const CPU_PERCENT: i32 = 80;
/// The least that the webhook takes as a mean of memory: `1Mi`.
const LEAST_MEMORY: Quantity = Quantity::from_milli((1 << 20) * 1_000);
/// The fields of a predictor that say how it is scaled; the others are the pod's and the model's.
const OTHERS: [&str; 6] =
    ["scaleMetricType", "containerConcurrency", "batcher", "canaryTrafficPercent", "timeout", "logger"];

/// Whether the predictor has metrics that no Knative autoscaler takes.
pub(super) fn has_foreign_metrics(object: &Node) -> bool {
    let predictor = object.get("spec").and_then(|spec| spec.get("predictor"));
    let scaling = predictor.and_then(|predictor| predictor.get("autoScaling"));
    let metrics = scaling.and_then(|scaling| scaling.get("metrics"));
    let Some(Value::List(metrics)) = metrics.map(|metrics| &metrics.value) else { return false };
    metrics.iter().any(|metric| matches!(metric.get("type").and_then(Node::text), Some("External" | "PodMetric")))
}

/// Makes the scaler of a class.
pub(super) fn read(object: &Object, class: &str, warnings: &mut Warnings) -> Result<Scaler> {
    let mut all = Fields::of(object.node, "")?;
    let mut spec = all.required_map("spec")?;
    for component in ["transformer", "explainer"] {
        spec.without_effect(component, "is another service, ignored", warnings);
    }
    let mut predictor = spec.required_map("predictor")?;
    for name in OTHERS {
        predictor.without_effect(name, "has no effect on the autoscaler, ignored", warnings);
    }
    let min = predictor.optional_count("minReplicas")?;
    let max = predictor.optional_count("maxReplicas")?.unwrap_or(0);
    let scaler = match class {
        "hpa" => hpa(&mut predictor, min, max, warnings).map(Scaler::Hpa)?,
        "keda" => keda(object, &mut predictor, min, max, warnings).map(Box::new).map(Scaler::Keda)?,
        _ => {
            let message = format!("class `{class}`: no autoscaler of this file scales it");
            let Place { line, column } = predictor.place;
            warnings.push(ManifestWarning { line, column, path: "spec.predictor".to_owned(), message });
            for name in ["autoScaling", "scaleMetric", "scaleTarget"] {
                predictor.without_effect(name, "has no effect in this class", warnings);
            }
            Scaler::Nobody { replicas: min.unwrap_or(1) }
        }
    };
    for name in PREDICTOR_FIELDS.iter().chain(&POD_FIELDS).chain(&["annotations"]) {
        predictor.optional(name);
    }
    predictor.finish(warnings);
    spec.finish(warnings);
    Ok(scaler)
}

fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// `createHPA`: at least one replica, and never fewer at most than at least.
fn hpa(predictor: &mut Fields, min: Option<u32>, max: u32, warnings: &mut Warnings) -> Result<HpaSpec> {
    let min = min.unwrap_or(1).max(1);
    let mut metrics = Vec::new();
    let scaling = predictor.optional_map("autoScaling")?;
    let name = predictor.optional_text("scaleMetric")?.unwrap_or("cpu").to_owned();
    if !matches!(name.as_str(), "cpu" | "memory") {
        let message = format!("`{}` is no metric of class hpa: expected cpu or memory", shorten(&name));
        return Err(predictor.refused("scaleMetric", message));
    }
    let percent = percentage(predictor, "scaleTarget")?;
    if let Some(mut scaling) = scaling {
        for name in ["scaleMetric", "scaleTarget"] {
            predictor.without_effect(name, "has no effect beside `autoScaling`", warnings);
        }
        scaling.without_effect("behavior", "KServe makes the HPA without it", warnings);
        let path = scaling.path_of("metrics");
        for (index, node) in scaling.optional_list("metrics")?.unwrap_or_default().iter().enumerate() {
            metrics.push(resource_metric(Fields::of(node, format!("{path}[{index}]"))?, warnings)?);
        }
        scaling.finish(warnings);
    } else {
        // Memory has no default.
        let percent = percent.or((name == "cpu").then_some(CPU_PERCENT));
        metrics.extend(percent.map(|percent| utilization(&name, percent)));
    }
    // An empty behaviour is not the same as none.
    let behavior = Some(Behavior::default());
    Ok(HpaSpec { min_replicas: Some(int(min)), max_replicas: int(max.max(min)), metrics, behavior })
}

/// A percentage that the webhook lets through.
fn percentage(fields: &mut Fields, name: &'static str) -> Result<Option<i32>> {
    let percent = fields.optional_int(name)?;
    if percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
        return Err(fields.refused(name, "expected a percentage from 1 to 100"));
    }
    Ok(percent)
}

fn utilization(name: &str, percent: i32) -> MetricSpec {
    MetricSpec { source: MetricSource::Resource { name: name.to_owned() }, target: Target::Utilization(percent) }
}

/// One metric of class `hpa`. Of what is neither cpu nor memory upstream makes none; it is refused here.
fn resource_metric(mut fields: Fields, warnings: &mut Warnings) -> Result<MetricSpec> {
    let kind = fields.required_text("type")?;
    if kind != "Resource" {
        let message = format!("`{}` is no metric of class hpa: expected Resource", shorten(kind));
        return Err(fields.refused("type", message).hint("External and PodMetric are of class keda"));
    }
    let mut resource = fields.required_map("resource")?;
    let name = resource.required_text("name")?.to_owned();
    let mut target = resource.required_map("target")?;
    let percent = target.optional_int("averageUtilization")?;
    let kind = target.optional_text("type")?;
    let metric = match (name.as_str(), kind, percent) {
        ("cpu", _, percent) => utilization(&name, percent.unwrap_or(CPU_PERCENT)),
        ("memory", Some("AverageValue"), _) => {
            let value = quantity(&mut target, "averageValue")?;
            MetricSpec { source: MetricSource::Resource { name }, target: Target::AverageValue(value) }
        }
        ("memory", _, Some(percent)) => utilization(&name, percent),
        ("memory", _, None) => return Err(target.refused("averageUtilization", "required, but missing")),
        _ => {
            return Err(
                resource.refused("name", format!("`{}` makes no metric: expected cpu or memory", shorten(&name)))
            );
        }
    };
    target.finish(warnings);
    resource.finish(warnings);
    fields.finish(warnings);
    Ok(metric)
}

fn quantity(target: &mut Fields, name: &'static str) -> Result<Quantity> {
    let text = scalar(target.required(name)?);
    text.parse().map_err(|_| target.refused(name, format!("`{}` is no quantity", shorten(&text))))
}

/// A quantity as it is written.
fn scalar(node: &Node) -> String {
    match &node.value {
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}

/// `createKedaScaledObject`.
fn keda(
    object: &Object,
    predictor: &mut Fields,
    min: Option<u32>,
    max: u32,
    warnings: &mut Warnings,
) -> Result<ScaledObject> {
    if predictor.optional("scaleMetric").is_some() {
        return Err(predictor.refused("scaleMetric", "not supported for class keda"));
    }
    predictor.without_effect("scaleTarget", "has no effect for class keda", warnings);
    let min = min.unwrap_or(1);
    let (mut triggers, mut behavior) = (Vec::new(), None);
    if let Some(mut scaling) = predictor.optional_map("autoScaling")? {
        let path = scaling.path_of("metrics");
        for (index, node) in scaling.optional_list("metrics")?.unwrap_or_default().iter().enumerate() {
            triggers.push(trigger(node, format!("{path}[{index}]"), warnings)?);
        }
        behavior =
            scaling.optional_map("behavior")?.map(|map| read_behavior(map, warnings).map(windows_of)).transpose()?;
        scaling.finish(warnings);
    }
    if triggers.is_empty() {
        return Err(predictor.refused("autoScaling", "class keda needs `autoScaling.metrics`, at least one"));
    }
    let name = object.name.unwrap_or_default().to_owned();
    Ok(ScaledObject {
        target: ScaleTarget { api_version: "apps/v1".into(), kind: "Deployment".into(), name: name.clone() },
        name,
        namespace: object.namespace.map(str::to_owned),
        min_replica_count: Some(min),
        max_replica_count: Some(max.max(min)),
        behavior,
        triggers,
        ..ScaledObject::default()
    })
}

/// Of the behaviour only the stabilization windows are handed on.
fn windows_of(mut behavior: Behavior) -> Behavior {
    for rules in [&mut behavior.scale_up, &mut behavior.scale_down].into_iter().flatten() {
        *rules = crate::autoscalers::hpa::ScalingRules {
            stabilization_window_seconds: rules.stabilization_window_seconds,
            ..crate::autoscalers::hpa::ScalingRules::default()
        };
    }
    behavior
}

/// One metric as the trigger that `KServe` writes, read as KEDA reads it.
fn trigger(node: &Node, path: String, warnings: &mut Warnings) -> Result<Trigger> {
    let mut fields = Fields::of(node, path.clone())?;
    let kind = fields.required_text("type")?;
    let (kind, metric_type, metadata) = match kind {
        "Resource" => resource_trigger(&mut fields, warnings)?,
        "External" => external_trigger(&mut fields, warnings)?,
        "PodMetric" => pod_trigger(&mut fields, warnings)?,
        other => {
            let message = format!("`{}` is no metric: expected Resource, External or PodMetric", shorten(other));
            return Err(fields.refused("type", message));
        }
    };
    fields.finish(warnings);
    let place = node.place;
    let text = |text: &str| Node { value: Value::Text(text.to_owned()), place };
    let key = |text: &str| Key { text: text.to_owned(), place };
    let metadata = metadata.into_iter().map(|(name, node)| (key(name), node)).collect();
    let mut entries = vec![(key("type"), text(&kind)), (key("metadata"), Node { value: Value::Map(metadata), place })];
    entries.extend(metric_type.map(|metric_type| (key("metricType"), text(&metric_type))));
    read_trigger(&Node { value: Value::Map(entries), place }, path, warnings)
}

/// Type, metric type and metadata of a trigger.
type Parts = (String, Option<String>, Vec<(&'static str, Node)>);

fn as_text(node: &Node) -> Node {
    Node { value: Value::Text(scalar(node)), place: node.place }
}

fn resource_trigger(fields: &mut Fields, warnings: &mut Warnings) -> Result<Parts> {
    let mut resource = fields.required_map("resource")?;
    let name = resource.required_text("name")?.to_owned();
    let mut target = resource.required_map("target")?;
    let kind = target.required_text("type")?.to_owned();
    let field = match (name.as_str(), kind.as_str()) {
        ("cpu" | "memory", "Utilization") => "averageUtilization",
        ("memory", "AverageValue") => "averageValue",
        ("cpu", _) => return Err(target.refused("type", "of cpu it should be Utilization")),
        ("memory", _) => return Err(target.refused("type", "of memory it should be AverageValue or Utilization")),
        _ => return Err(resource.refused("name", format!("`{}` is not supported", shorten(&name)))),
    };
    let value = as_text(target.required(field)?);
    if field == "averageUtilization" {
        percentage(&mut target, field)?;
    } else if quantity(&mut target, field)? < LEAST_MEMORY {
        return Err(target.refused(field, "expected at least 1Mi"));
    }
    target.finish(warnings);
    resource.finish(warnings);
    Ok((name, Some(kind), vec![("value", value)]))
}

fn external_trigger(fields: &mut Fields, warnings: &mut Warnings) -> Result<Parts> {
    let mut external = fields.required_map("external")?;
    let mut metric = external.required_map("metric")?;
    let backend = metric.optional_text("backend")?.unwrap_or("prometheus").to_owned();
    let mut metadata = Vec::new();
    for name in ["serverAddress", "query", "namespace"] {
        let node = if name == "query" { Some(metric.required(name)?) } else { metric.optional(name) };
        metadata.extend(node.map(|node| (name, node.clone())));
    }
    let mut target = external.required_map("target")?;
    metadata.push(("threshold", as_text(target.required("value")?)));
    // Upstream hands on `value` alone.
    target.optional("type");
    target.finish(warnings);
    metric.finish(warnings);
    external.without_effect("authenticationRef", "has no effect: every source answers", warnings);
    external.finish(warnings);
    Ok((backend, None, metadata))
}

fn pod_trigger(fields: &mut Fields, warnings: &mut Warnings) -> Result<Parts> {
    let mut pods = fields.required_map("podmetric")?;
    let mut metric = pods.required_map("metric")?;
    let query = metric.required("query")?.clone();
    let mut target = pods.required_map("target")?;
    let value = as_text(target.required("value")?);
    for name in ["backend", "serverAddress", "operationOverTime"] {
        metric.optional(name);
    }
    target.optional("type");
    target.finish(warnings);
    metric.finish(warnings);
    pods.finish(warnings);
    // The scaler of KServe's OpenTelemetry add-on, which answers by itself.
    Ok(("external".to_owned(), None, vec![("metricQuery", query), ("targetValue", value)]))
}
