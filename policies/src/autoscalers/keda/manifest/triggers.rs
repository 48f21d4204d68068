//! `spec.triggers`, and which of their metadata hold the numbers.

use super::header::{Result, Warnings};
use crate::autoscalers::keda::spec::{MetricType, Trigger};
use crate::manifest::ManifestError;
use crate::manifest::Quantity;
use crate::manifest::fields::Fields;
use crate::manifest::nearest;
use crate::manifest::tree::{Node, Value, shorten};

/// Where a type of trigger has its numbers: targets in order of precedence, the default of the
/// target, the activation.
type Numbers = (&'static str, &'static [&'static str], Option<f64>, &'static str);

/// `metadata` of the scalers in `pkg/scalers`.
const NUMBERS: &[Numbers] = &[
    ("activemq", &["targetQueueSize"], Some(10.0), "activationTargetQueueSize"),
    ("apache-kafka", &["lagThreshold"], Some(10.0), "activationLagThreshold"),
    ("aws-sqs-queue", &["queueLength"], Some(5.0), "activationQueueLength"),
    ("azure-queue", &["queueLength"], Some(5.0), "activationQueueLength"),
    ("azure-servicebus", &["messageCount"], Some(5.0), "activationMessageCount"),
    ("cpu", &["value"], None, "activationValue"),
    ("gcp-pubsub", &["value", "subscriptionSize"], Some(10.0), "activationValue"),
    ("kafka", &["lagThreshold"], Some(10.0), "activationLagThreshold"),
    ("memory", &["value"], None, "activationValue"),
    ("metrics-api", &["targetValue"], None, "activationTargetValue"),
    ("nats-jetstream", &["lagThreshold"], Some(10.0), "activationLagThreshold"),
    ("prometheus", &["threshold"], None, "activationThreshold"),
    ("rabbitmq", &["value", "queueLength"], None, "activationValue"),
    ("redis", &["listLength"], Some(5.0), "activationListLength"),
    ("redis-streams", &["pendingEntriesCount", "streamLength", "lagCount"], Some(5.0), "activationLagCount"),
    ("stan", &["lagThreshold"], Some(10.0), "activationLagThreshold"),
];

/// Of other types: names that many of them use.
const OTHERS: Numbers = ("", &["threshold", "value", "targetValue", "targetQueueSize"], None, "activationThreshold");

/// Reads all triggers.
pub(super) fn read(spec: &mut Fields, warnings: &mut Warnings) -> Result<Vec<Trigger>> {
    let list = spec.required("triggers")?;
    let path = spec.path_of("triggers");
    let mut triggers: Vec<Trigger> = Vec::new();
    for (index, node) in spec.optional_list("triggers")?.unwrap_or_default().iter().enumerate() {
        let trigger = read_one(node, format!("{path}[{index}]"), warnings)?;
        let twice = triggers.iter().any(|other| other.name.is_some() && other.name == trigger.name);
        if twice {
            let place = node.get("name").map_or(node.place, |name| name.place);
            let name = trigger.name.unwrap_or_default();
            let message = format!("{path}[{index}].name: \"{}\" is the name of two triggers", shorten(&name));
            return Err(ManifestError::at(place, message));
        }
        triggers.push(trigger);
    }
    if triggers.is_empty() {
        return Err(ManifestError::at(list.place, format!("{path}: expected at least one")));
    }
    Ok(triggers)
}

fn read_one(node: &Node, path: String, warnings: &mut Warnings) -> Result<Trigger> {
    let mut fields = Fields::of(node, path)?;
    let kind = fields.required_text("type")?.to_owned();
    let name = fields.optional_text("name")?.filter(|name| !name.is_empty()).map(str::to_owned);
    let is_resource = matches!(kind.as_str(), "cpu" | "memory");
    let metric_type = read_metric_type(&mut fields, is_resource)?;
    let use_cached_metrics = fields.optional_bool("useCachedMetrics")?.unwrap_or(false);
    if use_cached_metrics && (is_resource || kind == "cron") {
        return Err(fields.refused("useCachedMetrics", format!("not supported for triggers of type {kind}")));
    }
    fields.without_effect("authenticationRef", "has no effect: every source answers", warnings);
    let metadata_node = fields.required("metadata")?;
    let path = fields.path_of("metadata");
    let metadata = read_metadata(metadata_node, &path)?;
    fields.finish(warnings);
    let mut trigger = Trigger { kind, name, metric_type, use_cached_metrics, metadata, ..Trigger::default() };
    let numbers = NUMBERS.iter().find(|(kind, ..)| *kind == trigger.kind).copied().unwrap_or(OTHERS);
    read_numbers(&mut trigger, numbers, metadata_node, &path)?;
    trigger.ignore_null_values = trigger.metadata("ignoreNullValues") != Some("false");
    Ok(trigger)
}

fn read_metric_type(fields: &mut Fields, is_resource: bool) -> Result<MetricType> {
    let Some(node) = fields.optional("metricType") else {
        return if is_resource {
            Err(fields.refused("metricType", "required for cpu and memory, but missing"))
        } else {
            Ok(MetricType::default())
        };
    };
    let metric_type = fields.word("metricType", node, &MetricType::WORDS)?;
    match (metric_type, is_resource) {
        (MetricType::Utilization, false) => {
            Err(fields.refused("metricType", "Utilization is for cpu and memory: expected AverageValue or Value"))
        }
        (MetricType::Value, true) => {
            Err(fields.refused("metricType", "Value is not for cpu and memory: expected Utilization or AverageValue"))
        }
        _ => Ok(metric_type),
    }
}

fn read_metadata(node: &Node, path: &str) -> Result<Vec<(String, String)>> {
    let Value::Map(entries) = &node.value else {
        return Err(ManifestError::at(node.place, format!("{path}: expected a map, found {}", node.kind())));
    };
    let mut metadata = Vec::new();
    for (key, value) in entries {
        let Some(text) = value.text() else {
            let message = format!("{path}.{}: expected a text, found {}", shorten(&key.text), value.kind());
            return Err(ManifestError::at(value.place, message).hint("put the value in quotes"));
        };
        metadata.push((key.text.clone(), text.to_owned()));
    }
    metadata.sort();
    Ok(metadata)
}

fn read_numbers(trigger: &mut Trigger, numbers: Numbers, node: &Node, path: &str) -> Result<()> {
    let (_, targets, default, activation) = numbers;
    let target = targets.iter().find(|name| trigger.metadata(name).is_some());
    let threshold = match (target, default) {
        (Some(name), _) => Some(number(trigger, name, node, path)?),
        (None, Some(default)) => Some(default),
        (None, None) if trigger.kind == "cron" || trigger.kind.starts_with("external") => Some(1.0),
        (None, None) => None,
    };
    let Some(threshold) = threshold else {
        let wanted = targets.first().copied().unwrap_or_default();
        let near = nearest(wanted, trigger.metadata.iter().map(|(key, _)| key.as_str()));
        let hint = near.map(|key| format!("`{key}` is written there: did you mean `{wanted}`?"));
        return Err(ManifestError::at(node.place, format!("{path}.{wanted}: required, but missing")).maybe_hint(hint));
    };
    // KEDA cuts targets to thousandths.
    let milli = (threshold * 1000.0) as i64;
    if milli <= 0 {
        let name = target.copied().unwrap_or_default();
        let place = node.get(name).map_or(node.place, |node| node.place);
        return Err(ManifestError::at(place, format!("{path}.{name}: expected more than 0, found {threshold}")));
    }
    trigger.threshold = Quantity::from_milli(milli);
    if trigger.metadata(activation).is_some() {
        trigger.activation_threshold = number(trigger, activation, node, path)?;
    }
    Ok(())
}

fn number(trigger: &Trigger, name: &str, node: &Node, path: &str) -> Result<f64> {
    let text = trigger.metadata(name).unwrap_or_default();
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => {
            let place = node.get(name).map_or(node.place, |node| node.place);
            let message = format!("{path}.{name}: expected a number, found the text \"{}\"", shorten(text));
            Err(ManifestError::at(place, message))
        }
    }
}
