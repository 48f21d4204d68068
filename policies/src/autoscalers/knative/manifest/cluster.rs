//! The cluster's settings in a file: the `ConfigMap`s `config-autoscaler` and `config-defaults`, and
//! the `KnativeServing` from which Knative's operator fills them.
//!
//! The operator sets each key of `spec.config` over that of the `ConfigMap`; the prefix `config-` may
//! be left out (`knative/operator` @ 5ee67e8a, `pkg/reconciler/common/config_maps.go`). Of
//! `config-defaults` (`knative/serving`, `pkg/apis/config/defaults.go`) only the limit of requests of
//! a revision without `containerConcurrency` concerns the autoscaler.

use super::{ManifestWarning, Result, refusal};
use crate::autoscalers::knative::settings::{self, ClusterSettings};
use crate::manifest::fields::Fields;
use crate::manifest::objects::{Object, among, choose, texts};
use crate::manifest::tree::{Place, Value, shorten};
use crate::manifest::{ManifestError, nearest};
use std::collections::BTreeMap;

type Warnings = Vec<ManifestWarning>;

const AUTOSCALER: &str = "config-autoscaler";
const DEFAULTS: &str = "config-defaults";
const PREFIX: &str = "config-";
const OPERATOR: (&str, &str) = ("KnativeServing", "operator.knative.dev");
/// The `ConfigMap`s are shipped with their explanation under this key.
const EXAMPLE: &str = "_example";
/// `container-concurrency-max-limit`, unless it is given.
const MOST_CONCURRENCY: u32 = 1000;

/// What a cluster says of its revisions.
pub(super) struct Cluster {
    pub(super) settings: ClusterSettings,
    /// `containerConcurrency` of a revision that has none.
    pub(super) container_concurrency: u32,
    /// The largest that is allowed.
    pub(super) most_concurrency: u32,
}

/// A key of a `ConfigMap`, and where it was found.
struct Entry {
    text: String,
    path: String,
    place: Place,
}

type Entries = BTreeMap<String, Entry>;

/// Reads the settings of all objects.
pub(super) fn read(objects: &[Object], warnings: &mut Warnings) -> Result<Cluster> {
    warn_of_others(objects, warnings);
    let operator = operator(objects, warnings)?;
    let autoscaler = entries(objects, operator.as_ref(), AUTOSCALER, warnings)?;
    let defaults = entries(objects, operator.as_ref(), DEFAULTS, warnings)?;
    let settings = read_settings(&autoscaler, warnings)?;
    let (container_concurrency, most_concurrency) = read_defaults(&defaults, warnings)?;
    Ok(Cluster { settings, container_concurrency, most_concurrency })
}

/// `spec.config` of the operator's object.
fn operator<'a>(objects: &[Object<'a>], warnings: &mut Warnings) -> Result<Option<Fields<'a>>> {
    let own: Vec<&Object> = objects.iter().filter(|object| (object.kind_name(), object.group()) == OPERATOR).collect();
    let Some(object) = among(&own, OPERATOR.0, None)? else { return Ok(None) };
    let Some(spec) = object.node.get("spec") else { return Ok(None) };
    let Some(config) = Fields::of(spec, "spec")?.optional_map("config")? else { return Ok(None) };
    let Some(Value::Map(maps)) = spec.get("config").map(|node| &node.value) else { return Ok(None) };
    for (key, _) in maps {
        let name = key.text.strip_prefix(PREFIX).unwrap_or(&key.text);
        if ![AUTOSCALER, DEFAULTS].iter().any(|map| map.strip_prefix(PREFIX) == Some(name)) {
            let known = [AUTOSCALER, DEFAULTS].map(|map| map.trim_start_matches(PREFIX));
            let near = nearest(name, known).map(|name| format!("; did you mean `{name}`?"));
            warnings.push(ManifestWarning {
                line: key.place.line,
                column: key.place.column,
                path: config.path_of(&shorten(&key.text)),
                message: format!("has no effect on the autoscaler, ignored{}", near.unwrap_or_default()),
            });
        }
    }
    Ok(Some(config))
}

/// What a `ConfigMap` holds once the operator has been over it.
fn entries(
    objects: &[Object],
    operator: Option<&Fields<'_>>,
    map: &'static str,
    warnings: &mut Warnings,
) -> Result<Entries> {
    let own: Vec<&Object> =
        objects.iter().filter(|object| object.kind_name() == "ConfigMap" && object.name == Some(map)).collect();
    let mut found = Entries::new();
    if let Some(object) = among(&own, "ConfigMap", None)? {
        for (key, text) in texts(object.node.get("data"), "data")? {
            let path = format!("data.{}", shorten(&key.text));
            found.insert(key.text.clone(), Entry { text: text.to_owned(), path, place: key.place });
        }
    }
    let Some(config) = operator else { return Ok(found) };
    let short = map.trim_start_matches(PREFIX);
    let (name, node) = match (config.entry(map), config.entry(short)) {
        (Some(node), other) => {
            if let Some(other) = other {
                warn(warnings, other.place, config.path_of(short), format!("ignored: `{map}` is given too"));
            }
            (map, node)
        }
        (None, Some(node)) => (short, node),
        (None, None) => return Ok(found),
    };
    let path = config.path_of(name);
    for (key, text) in texts(Some(node), &path)? {
        let path = format!("{path}.{}", shorten(&key.text));
        let set = Entry { text: text.to_owned(), path, place: key.place };
        if let Some(old) = found.insert(key.text.clone(), set).filter(|old| old.text != text) {
            let message = format!("has no effect: the operator sets it to \"{}\"", shorten(text));
            warn(warnings, old.place, old.path, message);
        }
    }
    Ok(found)
}

fn read_settings(found: &Entries, warnings: &mut Warnings) -> Result<ClusterSettings> {
    for (key, entry) in found.iter().filter(|(key, _)| *key != EXAMPLE) {
        if !settings::KEYS.contains(&key.as_str()) {
            let near = nearest(key, settings::KEYS).map(|name| format!("; did you mean `{name}`?"));
            let message = format!("unknown setting, ignored{}", near.unwrap_or_default());
            warn(warnings, entry.place, entry.path.clone(), message);
        }
    }
    let data = found.iter().map(|(key, entry)| (key.clone(), entry.text.clone())).collect();
    let places = found.iter().map(|(key, entry)| (key.clone(), entry.place)).collect();
    let start = Place { line: 0, column: 0 };
    ClusterSettings::from_data(&data).map_err(|refused| match refused.first() {
        Some(first) => refusal(first, &places, start),
        None => ManifestError::general("the settings of config-autoscaler: refused"),
    })
}

/// The default and the upper limit of `containerConcurrency`.
fn read_defaults(found: &Entries, warnings: &mut Warnings) -> Result<(u32, u32)> {
    const KEYS: [&str; 2] = ["container-concurrency", "container-concurrency-max-limit"];
    for (key, entry) in found.iter().filter(|(key, _)| *key != EXAMPLE && !KEYS.contains(&key.as_str())) {
        let near = nearest(key, KEYS).map(|name| format!("; did you mean `{name}`?"));
        let message = format!("has no effect on the autoscaler, ignored{}", near.unwrap_or_default());
        warn(warnings, entry.place, entry.path.clone(), message);
    }
    let number = |key: &str, default: u32, most: u32| match found.get(key) {
        None => Ok(default),
        Some(entry) => entry.text.trim().parse().ok().filter(|value| *value <= most).ok_or_else(|| {
            let message = format!("{}: \"{}\" must be a number from 0 to {most}", entry.path, shorten(&entry.text));
            ManifestError::at(entry.place, message)
        }),
    };
    let most = number(KEYS[1], MOST_CONCURRENCY, i32::MAX.unsigned_abs())?;
    Ok((number(KEYS[0], 0, most)?, most))
}

/// A `ConfigMap` of another name is not Knative's business, unless it was meant to be.
fn warn_of_others(objects: &[Object], warnings: &mut Warnings) {
    let is_read = |object: &Object| object.name == Some(AUTOSCALER);
    if objects.iter().any(|object| object.kind_name() == "ConfigMap" && is_read(object)) {
        return;
    }
    if let Ok(Some(other)) = choose(objects, "ConfigMap", None)
        && other.name != Some(DEFAULTS)
    {
        let name = other.name.unwrap_or_default();
        let near = nearest(name, [AUTOSCALER]).map(|name| format!("; did you mean `{name}`?"));
        let message = format!("ConfigMap `{}` is ignored{}", shorten(name), near.unwrap_or_default());
        warn(warnings, other.node.place, "metadata.name".to_owned(), message);
    }
}

fn warn(warnings: &mut Warnings, Place { line, column }: Place, path: String, message: String) {
    warnings.push(ManifestWarning { line, column, path, message });
}
