//! `spec.triggers`, by the table of KEDA's scalers.

use super::header::{Result, Warnings};
use super::scalers::{self, Scaler};
use super::targets::{self, Metadata};
use crate::autoscalers::keda::cron::CronWindow;
use crate::autoscalers::keda::spec::{MetricType, Trigger};
use crate::clock::cron::Cron;
use crate::clock::{nearest_zone, zone};
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, Value, shorten};
use crate::manifest::{ManifestError, ManifestWarning, nearest};

/// Reads all triggers; `for_formula` if they only feed `scalingModifiers`, which has its own target.
pub(super) fn read(spec: &mut Fields, for_formula: bool, warnings: &mut Warnings) -> Result<Vec<Trigger>> {
    let list = spec.required("triggers")?;
    let path = spec.path_of("triggers");
    let mut triggers: Vec<Trigger> = Vec::new();
    for (index, node) in spec.optional_list("triggers")?.unwrap_or_default().iter().enumerate() {
        let trigger = read_one(node, format!("{path}[{index}]"), for_formula, warnings)?;
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

/// Reads one trigger.
pub(super) fn read_one(node: &Node, path: String, for_formula: bool, warnings: &mut Warnings) -> Result<Trigger> {
    let mut fields = Fields::of(node, path)?;
    let kind = fields.required_text("type")?.to_owned();
    let Some(scaler) = scalers::find(&kind) else {
        let near = nearest(&kind, scalers::all().map(|scaler| scaler.kind));
        let message = format!("no scaler of KEDA is called \"{}\"", shorten(&kind));
        return Err(fields.refused("type", &message).maybe_hint(near.map(|near| format!("did you mean `{near}`?"))));
    };
    let name = fields.optional_text("name")?.filter(|name| !name.is_empty()).map(str::to_owned);
    let metric_type = read_metric_type(&mut fields, scaler, warnings)?;
    let use_cached_metrics = fields.optional_bool("useCachedMetrics")?.unwrap_or(false);
    if use_cached_metrics && matches!(kind.as_str(), "cpu" | "memory" | "cron") {
        return Err(fields.refused("useCachedMetrics", format!("not supported for triggers of type {kind}")));
    }
    fields.without_effect("authenticationRef", "has no effect: every source answers", warnings);
    let metadata_node = fields.required("metadata")?;
    let path = fields.path_of("metadata");
    let metadata = read_metadata(metadata_node, &path)?;
    fields.finish(warnings);
    let mut trigger = Trigger { kind, name, metric_type, use_cached_metrics, metadata, ..Trigger::default() };
    if scaler.kind == "datadog" {
        read_old_metric_type(&mut trigger, node, metadata_node, &path)?;
    }
    targets::read(&mut trigger, scaler, Metadata { node: metadata_node, path: &path, for_formula }, warnings)?;
    note_unknown(scaler, metadata_node, &path, warnings);
    if let Some(name) = metadata_node.get("metricName").filter(|_| scaler.kind == "prometheus") {
        let path = format!("{path}.metricName");
        let message = "has no effect: the query says what is read".to_owned();
        warnings.push(ManifestWarning { line: name.place.line, column: name.place.column, path, message });
    }
    trigger.place = (metadata_node.place.line as u32, metadata_node.place.column as u32);
    if scaler.kind == "cron" {
        trigger.window = Some(window(&trigger, metadata_node, &path)?);
    }
    Ok(trigger)
}

/// `metadata.type` of `datadog`, older than `metricType`.
fn read_old_metric_type(trigger: &mut Trigger, node: &Node, metadata: &Node, path: &str) -> Result<()> {
    let (Some(word), Some(written)) = (trigger.metadata("type"), metadata.get("type")) else { return Ok(()) };
    let refused = |message: &str| Err(ManifestError::at(written.place, format!("{path}.type: {message}")));
    trigger.metric_type = match word.to_lowercase().as_str() {
        _ if node.get("metricType").is_some() => return refused("does not go with `metricType`"),
        "average" => MetricType::AverageValue,
        "global" => MetricType::Value,
        _ => return refused(&format!("\"{}\" is not one of average, global", shorten(word))),
    };
    Ok(())
}

/// Notes every name that KEDA would pass over in silence.
fn note_unknown(scaler: &Scaler, metadata: &Node, path: &str, warnings: &mut Warnings) {
    let Value::Map(entries) = &metadata.value else { return };
    for (key, _) in entries.iter().filter(|(key, _)| !scaler.knows(&key.text)) {
        let message = if scaler.is_outside(&key.text) {
            format!("ignored: it is read from a TriggerAuthentication or by `{}FromEnv` alone", shorten(&key.text))
        } else {
            // A name that is there already cannot be the one that was meant.
            let absent = |name: &&str| entries.iter().all(|(key, _)| key.text != *name);
            let similar = nearest(&key.text, scaler.names().filter(absent));
            let suggestion = similar.map(|name| format!("; did you mean `{name}`?"));
            format!("unknown field, ignored{}", suggestion.unwrap_or_default())
        };
        let (line, column) = (key.place.line, key.place.column);
        warnings.push(ManifestWarning { line, column, path: format!("{path}.{}", shorten(&key.text)), message });
    }
}

/// The window of a `cron` trigger. A zone that is not known fails upstream at each poll; it is refused
/// here.
fn window(trigger: &Trigger, node: &Node, path: &str) -> Result<CronWindow> {
    let text = |name: &str| trigger.metadata(name).unwrap_or_default().trim().to_owned();
    let wrong = |name: &str, message: String| {
        let place = node.get(name).map_or(node.place, |node| node.place);
        ManifestError::at(place, format!("{path}.{name}: {message}"))
    };
    let name = text("timezone");
    let zone = zone(&name).ok_or_else(|| {
        let near = nearest_zone(&name).map(|near| format!("did you mean `{near}`?"));
        wrong("timezone", format!("there is no time zone \"{}\"", shorten(&name))).maybe_hint(near)
    })?;
    let cron = |name: &str| Cron::parse(&text(name), zone.clone()).map_err(|why| wrong(name, why.to_string()));
    let (start, end) = (cron("start")?, cron("end")?);
    if text("start") == text("end") {
        return Err(wrong("end", "start and end are the same".to_owned()));
    }
    let desired = serde_json::from_str::<i64>(&text("desiredReplicas")).ok().filter(|desired| *desired != 0);
    let desired = desired.ok_or_else(|| {
        wrong(
            "desiredReplicas",
            format!("expected a whole number, not 0, found \"{}\"", shorten(&text("desiredReplicas"))),
        )
    })?;
    Ok(CronWindow::new(start, end, desired))
}

fn read_metric_type(fields: &mut Fields, scaler: &Scaler, warnings: &mut Warnings) -> Result<MetricType> {
    let is_resource = matches!(scaler.kind, "cpu" | "memory");
    let Some(node) = fields.optional("metricType") else {
        return if is_resource {
            Err(fields.refused("metricType", "required for cpu and memory, but missing"))
        } else {
            Ok(scaler.forced.unwrap_or_default())
        };
    };
    let metric_type = fields.word("metricType", node, &MetricType::WORDS)?;
    match (metric_type, scaler.forced) {
        (MetricType::Utilization, _) if !is_resource => {
            Err(fields.refused("metricType", "Utilization is for cpu and memory: expected AverageValue or Value"))
        }
        (MetricType::Value, _) if is_resource => {
            Err(fields.refused("metricType", "Value is not for cpu and memory: expected Utilization or AverageValue"))
        }
        (_, Some(forced)) if forced != metric_type => {
            warnings.push(ManifestWarning {
                line: node.place.line,
                column: node.place.column,
                path: fields.path_of("metricType"),
                message: format!("has no effect: {forced:?} holds for triggers of type {}", scaler.kind),
            });
            Ok(forced)
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
