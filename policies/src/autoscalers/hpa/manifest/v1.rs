//! `autoscaling/v1`, as the API server converts it: a target for CPU, and annotations that hold the
//! other metrics and the behavior.
//!
//! Follows `pkg/apis/autoscaling/v1/conversion.go` of `kubernetes/kubernetes` 1.28. The metrics of the
//! annotation come first and have the fields of `v2beta1`; the behavior is JSON of Go's own names
//! (`ScaleUp`), and Go tells no cases apart. An annotation that the server cannot read it passes over
//! in silence; here it is refused.

use super::shared::{ManifestSpec, Result};
use super::spec_reader::{self, Warnings};
use crate::autoscalers::hpa::spec::{
    Behavior, HpaSpec, LabelSelector, MetricIdentifier, MetricSource, MetricSpec, Target,
};
use crate::manifest::fields::Fields;
use crate::manifest::objects::{Object, texts};
use crate::manifest::tree::{Key, Node, Value, documents};
use crate::manifest::{ManifestError, ManifestWarning};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
/// Fields of the annotations' JSON.
const NAMES: [&str; 28] = [
    "scaleUp",
    "scaleDown",
    "stabilizationWindowSeconds",
    "selectPolicy",
    "policies",
    "tolerance",
    "type",
    "value",
    "periodSeconds",
    "object",
    "pods",
    "resource",
    "containerResource",
    "external",
    "target",
    "kind",
    "name",
    "apiVersion",
    "container",
    "metricName",
    "metricSelector",
    "selector",
    "targetValue",
    "averageValue",
    "targetAverageValue",
    "targetAverageUtilization",
    "matchLabels",
    "matchExpressions",
];

/// Reads the `spec` and the annotations of one object.
pub(super) fn read(object: &Object, node: &Node) -> Result<ManifestSpec> {
    let mut warnings = Vec::new();
    let mut fields = Fields::of(node, "spec")?;
    let target = spec_reader::read_target_ref(&mut fields, &mut warnings)?;
    let min_replicas = fields.optional_int("minReplicas")?;
    let max_replicas = fields.required_int("maxReplicas")?;
    let cpu = fields.optional_int("targetCPUUtilizationPercentage")?;
    for name in ["metrics", "behavior"] {
        let why = "has no effect: it is a field of autoscaling/v2, which autoscaling/v1 does not have";
        fields.without_effect(name, why, &mut warnings);
    }
    fields.finish(&mut warnings);
    let (mut metrics, mut behavior) = (Vec::new(), None);
    let annotations = object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
    for (key, text) in texts(annotations, "metadata.annotations")? {
        match key.text.as_str() {
            METRICS => metrics = within(key, text, &mut warnings, read_metrics)?,
            BEHAVIOR => behavior = Some(within(key, text, &mut warnings, read_behavior)?),
            _ => {}
        }
    }
    // Without any metric, defaulting adds CPU at 80 %.
    metrics.extend(cpu.map(|percent| MetricSpec {
        source: MetricSource::Resource { name: "cpu".to_owned() },
        target: Target::Utilization(percent),
    }));
    let behavior = behavior.filter(|behavior| *behavior != Behavior::default());
    let spec = HpaSpec { min_replicas, max_replicas, metrics, behavior };
    Ok(ManifestSpec { target, spec, warnings, dependent: super::Dependent::default() })
}

/// Reads the JSON of an annotation; places are those of the annotation, with those of its text.
fn within<T>(key: &Key, text: &str, warnings: &mut Warnings, read: fn(&Node, &mut Warnings) -> Result<T>) -> Result<T> {
    let path = format!("metadata.annotations.{}", key.text);
    let mut own = Warnings::new();
    let value = documents(text.as_bytes()).and_then(|documents| match documents.as_slice() {
        [node] => read(&any_case(node), &mut own),
        _ => Err(ManifestError::general("expected JSON")),
    });
    let inside = |line: Option<usize>, column: Option<usize>| match line {
        Some(line) => format!(" (line {line}, column {} of its text)", column.unwrap_or(1)),
        None => String::new(),
    };
    warnings.extend(own.into_iter().map(|warning| ManifestWarning {
        line: key.place.line,
        column: key.place.column,
        path: format!("{path}: {}", warning.path),
        message: format!("{}{}", warning.message, inside(Some(warning.line), Some(warning.column))),
    }));
    value.map_err(|error| {
        let message = format!("{path}: {}{}", error.message, inside(error.line, error.column));
        ManifestError::at(key.place, message).maybe_hint(error.hint)
    })
}

/// The same tree with known keys in the case of the API.
fn any_case(node: &Node) -> Node {
    let value = match &node.value {
        Value::Map(entries) => Value::Map(entries.iter().map(|(key, value)| (named(key), any_case(value))).collect()),
        Value::List(items) => Value::List(items.iter().map(any_case).collect()),
        other => other.clone(),
    };
    Node { value, place: node.place }
}

fn named(key: &Key) -> Key {
    let name = NAMES.iter().find(|name| name.eq_ignore_ascii_case(&key.text));
    Key { text: name.map_or_else(|| key.text.clone(), |name| (*name).to_owned()), place: key.place }
}

fn read_behavior(node: &Node, warnings: &mut Warnings) -> Result<Behavior> {
    spec_reader::read_behavior(Fields::of(node, "behavior")?, warnings)
}

fn read_metrics(node: &Node, warnings: &mut Warnings) -> Result<Vec<MetricSpec>> {
    let Value::List(items) = &node.value else {
        return Err(ManifestError::at(node.place, format!("expected a list of metrics, found {}", node.kind())));
    };
    let read = |(index, item)| read_metric(item, format!("[{index}]"), warnings);
    items.iter().enumerate().map(read).collect()
}

fn read_metric(node: &Node, path: String, warnings: &mut Warnings) -> Result<MetricSpec> {
    let mut fields = Fields::of(node, path)?;
    let kind = fields.required("type")?;
    let section = fields.word("type", kind, &spec_reader::METRIC_TYPES)?;
    let mut body = fields.required_map(section)?;
    let source = match section {
        "resource" | "containerResource" => spec_reader::read_resource(section, &mut body)?,
        "pods" => MetricSource::Pods(identifier(&mut body, "selector", warnings)?),
        "object" => {
            let metric = identifier(&mut body, "selector", warnings)?;
            let mut object = body.required_map("target")?;
            object.optional_text("apiVersion")?;
            let (kind, name) = (object.required_text("kind")?.to_owned(), object.required_text("name")?.to_owned());
            object.finish(warnings);
            MetricSource::Object { metric, kind, name }
        }
        _ => MetricSource::External(identifier(&mut body, "metricSelector", warnings)?),
    };
    let target = target(&mut body, section)?;
    body.finish(warnings);
    fields.finish(warnings);
    Ok(MetricSpec { source, target })
}

fn identifier(body: &mut Fields<'_>, selector: &'static str, warnings: &mut Warnings) -> Result<MetricIdentifier> {
    let name = body.required_text("metricName")?.to_owned();
    let selector = body.optional_map(selector)?;
    let selector: Option<LabelSelector> = selector.map(|map| spec_reader::read_selector(map, warnings)).transpose()?;
    Ok(MetricIdentifier { name, selector })
}

/// The target, whose field says its type. An average goes before a value, as in the conversion.
fn target(body: &mut Fields<'_>, section: &str) -> Result<Target> {
    let average = if section == "object" { "averageValue" } else { "targetAverageValue" };
    let has_value = matches!(section, "object" | "external");
    if matches!(section, "resource" | "containerResource")
        && let Some(percent) = body.optional_int("targetAverageUtilization")?
    {
        return Ok(Target::Utilization(percent));
    }
    if let Some(average) = body.optional_quantity(average)? {
        return Ok(Target::AverageValue(average));
    }
    if has_value && let Some(value) = body.optional_quantity("targetValue")? {
        return Ok(Target::Value(value));
    }
    Err(body.refused(average, "required, but missing"))
}
