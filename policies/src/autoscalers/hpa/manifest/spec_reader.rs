//! From the tree of an `autoscaling/v2` object's `spec` to [`HpaSpec`].

use super::dependent::Dependent;
use super::shared::{ManifestSpec, ScaleTarget};
use crate::autoscalers::hpa::spec::{
    Behavior, HpaSpec, LabelRequirement, LabelSelector, MetricIdentifier, MetricSource, MetricSpec, PolicyKind,
    ScalingPolicy, ScalingRules, SelectPolicy, Target,
};
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, Value};
use crate::manifest::{ManifestError, ManifestWarning, nearest};
use crate::manifest::{Quantity, approximate_f64};

type Result<T> = std::result::Result<T, ManifestError>;
pub(super) type Warnings = Vec<ManifestWarning>;

/// Types of metrics, and the fields that hold them.
pub(super) const METRIC_TYPES: [(&str, &str); 5] = [
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
    ("Pods", "pods"),
    ("Object", "object"),
    ("External", "external"),
];

/// Reads `spec` and notes the fields that have no effect.
pub(super) fn read_spec(node: &Node) -> Result<ManifestSpec> {
    let mut warnings = Vec::new();
    let mut fields = Fields::of(node, "spec")?;
    let target = read_target_ref(&mut fields, &mut warnings)?;
    let min_replicas = fields.optional_int("minReplicas")?;
    let max_replicas = fields.required_int("maxReplicas")?;
    let mut metrics = Vec::new();
    for (index, item) in fields.optional_list("metrics")?.unwrap_or_default().iter().enumerate() {
        metrics.push(read_metric(item, format!("spec.metrics[{index}]"), &mut warnings)?);
    }
    let behavior = fields.optional_map("behavior")?.map(|map| read_behavior(map, &mut warnings)).transpose()?;
    fields.finish(&mut warnings);
    let spec = HpaSpec { min_replicas, max_replicas, metrics, behavior };
    Ok(ManifestSpec { target, spec, warnings, dependent: Dependent::default() })
}

/// `scaleTargetRef`.
pub(super) fn read_target_ref(fields: &mut Fields, warnings: &mut Warnings) -> Result<ScaleTarget> {
    let mut reference = fields.required_map("scaleTargetRef")?;
    let target = ScaleTarget {
        api_version: reference.optional_text("apiVersion")?.unwrap_or_default().to_owned(),
        kind: reference.required_text("kind")?.to_owned(),
        name: reference.required_text("name")?.to_owned(),
    };
    reference.finish(warnings);
    Ok(target)
}

/// A resource of the pods, or of one of their containers.
pub(super) fn read_resource(section: &str, body: &mut Fields) -> Result<MetricSource> {
    let name = body.required_text("name")?.to_owned();
    if section == "resource" {
        return Ok(MetricSource::Resource { name });
    }
    Ok(MetricSource::ContainerResource { name, container: body.required_text("container")?.to_owned() })
}

fn read_metric(node: &Node, path: String, warnings: &mut Warnings) -> Result<MetricSpec> {
    let mut fields = Fields::of(node, path)?;
    let kind = fields.required("type")?;
    let section = fields.word("type", kind, &METRIC_TYPES)?;
    for (other_type, other) in METRIC_TYPES.iter().filter(|(_, name)| *name != section) {
        if let Some(stray) = fields.optional(other) {
            let message = format!("{}: must not be given for another type of metric", fields.path_of(other));
            return Err(ManifestError::at(stray.place, message).hint(format!("is the type meant to be {other_type}?")));
        }
    }
    let mut body = fields.required_map(section)?;
    let source = match section {
        "resource" | "containerResource" => read_resource(section, &mut body)?,
        "pods" => MetricSource::Pods(read_identifier(&mut body, warnings)?),
        "object" => read_object(&mut body, warnings)?,
        _ => MetricSource::External(read_identifier(&mut body, warnings)?),
    };
    let target = read_target(&mut body, &source, warnings)?;
    body.finish(warnings);
    fields.finish(warnings);
    Ok(MetricSpec { source, target })
}

fn read_object(body: &mut Fields, warnings: &mut Warnings) -> Result<MetricSource> {
    let metric = read_identifier(body, warnings)?;
    let mut object = body.required_map("describedObject")?;
    object.optional_text("apiVersion")?;
    let kind = object.required_text("kind")?.to_owned();
    let name = object.required_text("name")?.to_owned();
    object.finish(warnings);
    Ok(MetricSource::Object { metric, kind, name })
}

fn read_identifier(body: &mut Fields, warnings: &mut Warnings) -> Result<MetricIdentifier> {
    let mut metric = body.required_map("metric")?;
    let name = metric.required_text("name")?.to_owned();
    let selector = metric.optional_map("selector")?.map(|map| read_selector(map, warnings)).transpose()?;
    metric.finish(warnings);
    Ok(MetricIdentifier { name, selector })
}

pub(super) fn read_selector(mut fields: Fields, warnings: &mut Warnings) -> Result<LabelSelector> {
    let mut selector = LabelSelector::default();
    if let Some(labels) = fields.optional("matchLabels") {
        let path = fields.path_of("matchLabels");
        let Value::Map(entries) = &labels.value else {
            return Err(ManifestError::at(labels.place, format!("{path}: expected a map, found {}", labels.kind())));
        };
        for (key, value) in entries {
            let Some(text) = value.text() else {
                let message = format!("{path}.{}: expected a text, found {}", key.text, value.kind());
                return Err(ManifestError::at(value.place, message).hint("put the label's value in quotes"));
            };
            selector.match_labels.insert(key.text.clone(), text.to_owned());
        }
    }
    let path = fields.path_of("matchExpressions");
    for (index, item) in fields.optional_list("matchExpressions")?.unwrap_or_default().iter().enumerate() {
        let mut requirement = Fields::of(item, format!("{path}[{index}]"))?;
        let key = requirement.required_text("key")?.to_owned();
        let operator = requirement.required("operator")?;
        let words = ["In", "NotIn", "Exists", "DoesNotExist"].map(|word| (word, word));
        let operator = requirement.word("operator", operator, &words)?.to_owned();
        let mut values = Vec::new();
        for value in requirement.optional_list("values")?.unwrap_or_default() {
            let message = || format!("{path}[{index}].values: expected texts, found {}", value.kind());
            values.push(value.text().ok_or_else(|| ManifestError::at(value.place, message()))?.to_owned());
        }
        requirement.finish(warnings);
        selector.match_expressions.push(LabelRequirement { key, operator, values });
    }
    fields.finish(warnings);
    Ok(selector)
}

/// The target of a metric: its `type` names the field that holds the number.
fn read_target(body: &mut Fields, source: &MetricSource, warnings: &mut Warnings) -> Result<Target> {
    let mut fields = body.required_map("target")?;
    let kind = fields.required("type")?;
    let all = ["Utilization", "Value", "AverageValue"].map(|word| (word, word));
    let kind_name = fields.word("type", kind, &all)?;
    let allowed = source.allowed_targets();
    if !allowed.contains(&kind_name) {
        let path = fields.path_of("type");
        let message = format!(
            "{path}: {kind_name} does not fit a {} metric: expected {}",
            source.section(),
            allowed.join(" or ")
        );
        let hint = (kind_name == "Utilization").then(|| {
            "Utilization is a percentage of a CPU or memory request; other metrics take averageValue".to_owned()
        });
        return Err(ManifestError::at(kind.place, message).maybe_hint(hint));
    }
    let target = match kind_name {
        "Utilization" => Target::Utilization(fields.required_int("averageUtilization")?),
        "Value" => Target::Value(required_quantity(&mut fields, "value")?),
        _ => Target::AverageValue(required_quantity(&mut fields, "averageValue")?),
    };
    // The API server refuses two targets only where its controller would not know which one to take.
    let exclusive: &[&str] = match source {
        MetricSource::Resource { .. } | MetricSource::ContainerResource { .. } => {
            &["averageUtilization", "averageValue"]
        }
        MetricSource::External(_) => &["value", "averageValue"],
        MetricSource::Pods(_) | MetricSource::Object { .. } => &[],
    };
    for other in ["averageUtilization", "value", "averageValue"].into_iter().filter(|name| *name != target.field()) {
        let stray = fields.optional(other).filter(|_| exclusive.contains(&other));
        if let Some(stray) = stray {
            let message = format!("{}: must not be given together with {}", fields.path_of(other), target.field());
            return Err(ManifestError::at(stray.place, message));
        }
        fields.without_effect(other, "has no effect for this target type", warnings);
    }
    fields.finish(warnings);
    Ok(target)
}

fn required_quantity(fields: &mut Fields, name: &'static str) -> Result<Quantity> {
    let node = fields.required(name)?;
    let message = format!("{}: required, but missing", fields.path_of(name));
    fields.optional_quantity(name)?.ok_or_else(|| ManifestError::at(node.place, message))
}

pub(crate) fn read_behavior(mut fields: Fields, warnings: &mut Warnings) -> Result<Behavior> {
    let scale_up = fields.optional_map("scaleUp")?.map(|map| read_rules(map, warnings)).transpose()?;
    let scale_down = fields.optional_map("scaleDown")?.map(|map| read_rules(map, warnings)).transpose()?;
    fields.finish(warnings);
    Ok(Behavior { scale_up, scale_down })
}

fn read_rules(mut fields: Fields, warnings: &mut Warnings) -> Result<ScalingRules> {
    let stabilization_window_seconds = fields.optional_int("stabilizationWindowSeconds")?;
    let words = [("Max", SelectPolicy::Max), ("Min", SelectPolicy::Min), ("Disabled", SelectPolicy::Disabled)];
    let select_policy = match fields.optional("selectPolicy") {
        Some(node) => Some(fields.word("selectPolicy", node, &words)?),
        None => None,
    };
    let path = fields.path_of("policies");
    let policies = match fields.optional_list("policies")? {
        None => None,
        Some(items) => {
            let mut policies: Vec<ScalingPolicy> = Vec::new();
            for (index, item) in items.iter().enumerate() {
                policies.push(read_policy(item, format!("{path}[{index}]"), warnings)?);
            }
            Some(policies)
        }
    };
    let tolerance = match fields.optional_quantity_text("tolerance")? {
        None => None,
        Some((text, node)) => Some(
            approximate_f64(&text)
                .map_err(|error| ManifestError::at(node.place, format!("{}: {error}", fields.path_of("tolerance"))))?,
        ),
    };
    fields.finish(warnings);
    Ok(ScalingRules { stabilization_window_seconds, select_policy, policies, tolerance })
}

fn read_policy(node: &Node, path: String, warnings: &mut Warnings) -> Result<ScalingPolicy> {
    let mut fields = Fields::of(node, path)?;
    let kind = fields.required("type")?;
    let kind = fields.word("type", kind, &[("Pods", PolicyKind::Pods), ("Percent", PolicyKind::Percent)])?;
    let policy = ScalingPolicy {
        kind,
        value: fields.required_int("value")?,
        period_seconds: fields.required_int("periodSeconds")?,
    };
    fields.finish(warnings);
    Ok(policy)
}

/// The nearest of the kinds that a manifest may have; for messages.
pub(super) fn nearest_kind(kind: &str) -> Option<&'static str> {
    nearest(kind, ["HorizontalPodAutoscaler", "List"])
}
