//! The `ConfigMap` with the saturation thresholds: an entry `default`, and entries of single models.

use crate::autoscalers::wva::saturation::Thresholds;
use crate::manifest::fields::Fields;
use crate::manifest::objects::{Object, among, texts};
use crate::manifest::tree::{Key, documents, shorten};
use crate::manifest::{ManifestError, ManifestWarning};

type Result<T> = std::result::Result<T, ManifestError>;

/// Names that the `ConfigMap` has had.
const NAMES: [&str; 4] =
    ["wva-saturation-scaling-config", "saturation-scaling-config", "wva-saturation-config", "capacity-scaling-config"];
const DEFAULT: &str = "default";

/// The thresholds in effect for a model; those of the shipped `ConfigMap` if the file has none.
pub(super) fn read(
    objects: &[Object],
    model: &str,
    namespace: &str,
    warnings: &mut Vec<ManifestWarning>,
) -> Result<Thresholds> {
    let is_own = |object: &&Object| object.name.is_some_and(|name| NAMES.contains(&name));
    let own: Vec<&Object> = objects.iter().filter(|object| object.kind_name() == "ConfigMap").filter(is_own).collect();
    let Some(object) = among(&own, "ConfigMap", None)? else { return Ok(Thresholds::default()) };
    let entries = texts(object.node.get("data"), "data")?;
    let Some(default) = entries.iter().find(|(key, _)| key.text == DEFAULT) else {
        let message = "data.default: required, but missing: without it every replica counts as saturated";
        return Err(ManifestError::at(object.node.place, message));
    };
    let zero = Thresholds { kv_cache: 0.0, queue_length: 0.0, kv_spare: 0.0, queue_spare: 0.0 };
    let mut thresholds = read_entry(default.0, default.1, zero, warnings)?.thresholds;
    for (key, text) in entries.iter().filter(|(key, _)| key.text != DEFAULT && key.text != "_example") {
        let entry = read_entry(key, text, thresholds, warnings)?;
        let here = entry.namespace.as_deref().is_none_or(|own| own == namespace);
        if entry.model.as_deref() == Some(model) && here {
            thresholds = entry.thresholds;
        }
    }
    Ok(thresholds)
}

struct Entry {
    model: Option<String>,
    namespace: Option<String>,
    thresholds: Thresholds,
}

/// An entry is YAML within the YAML; what it does not say is as in `base`.
fn read_entry(key: &Key, text: &str, base: Thresholds, warnings: &mut Vec<ManifestWarning>) -> Result<Entry> {
    let path = format!("data.{}", shorten(&key.text));
    // A block of text begins in the line after its key, indented by what the parser has taken off.
    let outside = |mut error: ManifestError| {
        error.line = Some(key.place.line + error.line.unwrap_or(0));
        error.column = None;
        error
    };
    let inner = documents(text.as_bytes()).map_err(outside)?;
    let [node] = inner.as_slice() else {
        return Err(ManifestError::at(key.place, format!("{path}: expected the thresholds as one YAML map")));
    };
    let mut noted = Vec::new();
    let entry = Fields::of(node, path).and_then(|fields| read_fields(fields, base, &mut noted)).map_err(outside)?;
    for mut warning in noted {
        warning.line += key.place.line;
        warnings.push(warning);
    }
    Ok(entry)
}

fn read_fields(mut fields: Fields, base: Thresholds, warnings: &mut Vec<ManifestWarning>) -> Result<Entry> {
    const VERSION_2: &str = "selects version 2 of the analysis, which is not implemented";
    let newer = fields.optional_text("analyzerName")?.is_some_and(|name| name == "saturation");
    if newer || fields.optional_list("analyzers")?.is_some_and(|list| !list.is_empty()) {
        let name = if newer { "analyzerName" } else { "analyzers" };
        return Err(fields.refused(name, VERSION_2).hint("remove it to stay on version 1"));
    }
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let any = |value: f64| value >= 0.0;
    let mut own = |name, fits: fn(f64) -> bool, expected: &str, base: f64| -> Result<f64> {
        Ok(fields.number_that(name, fits, expected)?.unwrap_or(base))
    };
    let thresholds = Thresholds {
        kv_cache: own("kvCacheThreshold", share, "from 0 to 1", base.kv_cache)?,
        queue_length: own("queueLengthThreshold", any, "0 or more", base.queue_length)?,
        kv_spare: own("kvSpareTrigger", share, "from 0 to 1", base.kv_spare)?,
        queue_spare: own("queueSpareTrigger", any, "0 or more", base.queue_spare)?,
    };
    if thresholds.kv_cache < thresholds.kv_spare {
        let message = format!("{} must be at most kvCacheThreshold, {}", thresholds.kv_spare, thresholds.kv_cache);
        return Err(fields.refused("kvSpareTrigger", message));
    }
    let model = fields.optional_text("model_id")?.filter(|text| !text.is_empty()).map(str::to_owned);
    let namespace = fields.optional_text("namespace")?.filter(|text| !text.is_empty()).map(str::to_owned);
    for name in ["scaleUpThreshold", "scaleDownBoundary", "enableLimiter", "priority"] {
        fields.without_effect(name, "has no effect on version 1 of the analysis, ignored", warnings);
    }
    fields.finish(warnings);
    Ok(Entry { model, namespace, thresholds })
}
