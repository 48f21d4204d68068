//! A user's serve config (`serve deploy config.yaml`), or the `RayService` that holds one.
//!
//! YAML or JSON. What Ray's model of a deployment refuses is refused, with its place; fields of
//! `autoscaling_config` that have no effect are listed.

use super::config::{Aggregation, AutoscalingConfig};
use crate::manifest::fields::Fields;
use crate::manifest::nearest;
use crate::manifest::objects::{choose, objects};
use crate::manifest::tree::{Node, Value, documents, shorten};
pub use crate::manifest::{ManifestError, ManifestWarning};

type Result<T> = std::result::Result<T, ManifestError>;
type Warnings = Vec<ManifestWarning>;

const CONFIG: &str = "autoscaling_config";
const DEFAULT_POLICY: &str = "default_autoscaling_policy";

/// The autoscaling of one deployment as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `application/deployment`.
    pub name: String,
    /// What the autoscaling is asked for; it passes [`AutoscalingConfig::validate`].
    pub config: AutoscalingConfig,
    /// `target_capacity` of the file, in percent.
    pub target_capacity_percent: Option<f64>,
    /// `max_ongoing_requests` of the deployment, if given: what a replica takes at a time.
    pub max_ongoing_requests: Option<u32>,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads the deployment that scales; `name` (or `application/name`) chooses among several.
///
/// ```
/// use flashcrowd_policies::autoscalers::ray_serve::manifest::read;
/// let manifest = read("
/// applications:
/// - name: llm
///   deployments:
///   - name: Model
///     autoscaling_config: {min_replicas: 1, max_replicas: 8, target_ongoing_requests: 16, upscale_delay: 10}
/// ", None)?;
/// assert_eq!((manifest.name.as_str(), manifest.config.max_replicas), ("llm/Model", 8));
/// assert!(manifest.warnings[0].message.contains("did you mean `upscale_delay_s`?"));
/// # Ok::<(), flashcrowd_policies::autoscalers::ray_serve::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// If the text is not YAML, has no deployment that scales or several without `name`, or one that
/// Ray would refuse.
pub fn read(text: &str, name: Option<&str>) -> Result<Manifest> {
    read_bytes(text.as_bytes(), name)
}

/// As [`read`], for the bytes of a file that may not even be text.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8], name: Option<&str>) -> Result<Manifest> {
    let documents = documents(bytes)?;
    let is_object = documents.iter().any(|node| node.get("kind").is_some() || node.get("apiVersion").is_some());
    if is_object { read_object(&documents, name) } else { read_documents(&documents, name) }
}

/// Reads a bare `autoscaling_config`.
///
/// # Errors
/// As [`read`].
pub fn read_config(text: &str) -> Result<(AutoscalingConfig, Vec<ManifestWarning>)> {
    let documents = documents(text.as_bytes())?;
    let [node] = documents.as_slice() else {
        return Err(ManifestError::general(format!("expected one document, found {}", documents.len())));
    };
    let mut warnings = Vec::new();
    let config = read_autoscaling(node, CONFIG.to_owned(), AutoscalingConfig::default(), &mut warnings)?;
    Ok((config, warnings))
}

/// The config within a `RayService`. Messages name places within its text.
fn read_object(documents: &[Node], name: Option<&str>) -> Result<Manifest> {
    let objects = objects(documents, "`apiVersion: ray.io/v1` and `kind: RayService`")?;
    let Some(service) = choose(&objects, "RayService", None)? else {
        let Some(first) = objects.first() else { return Err(ManifestError::general("the file holds no object")) };
        let message = format!("kind: expected RayService, found {}", shorten(first.kind_name()));
        let hint = nearest(first.kind_name(), ["RayService"]).map(|kind| format!("did you mean `{kind}`?"));
        return Err(ManifestError::at(first.kind.place, message).maybe_hint(hint));
    };
    if !service.api_version.starts_with("ray.io/") {
        let place = service.node.get("apiVersion").map_or(service.node.place, |node| node.place);
        let message = format!("apiVersion: expected ray.io/v1, found \"{}\"", shorten(service.api_version));
        return Err(ManifestError::at(place, message));
    }
    let mut fields = Fields::of(service.node, "")?;
    let mut spec = fields.required_map("spec")?;
    let node = spec.required("serveConfigV2")?;
    let text = spec.required_text("serveConfigV2")?;
    let inner = documents_of(text).and_then(|documents| read_documents(&documents, name));
    let within = |line: usize, column: usize| format!("line {line}, column {column} of its text");
    match inner {
        Ok(mut manifest) => {
            for warning in &mut manifest.warnings {
                warning.message = format!("{} ({})", warning.message, within(warning.line, warning.column));
                (warning.line, warning.column) = (node.place.line, node.place.column);
            }
            Ok(manifest)
        }
        Err(error) => {
            let place = error.line.map(|line| format!(" ({})", within(line, error.column.unwrap_or(1))));
            let message = format!("spec.serveConfigV2: {}{}", error.message, place.unwrap_or_default());
            Err(ManifestError::at(node.place, message).maybe_hint(error.hint))
        }
    }
}

fn documents_of(text: &str) -> Result<Vec<Node>> {
    documents(text.as_bytes())
}

fn read_documents(documents: &[Node], name: Option<&str>) -> Result<Manifest> {
    let [node] = documents else {
        return Err(ManifestError::general(format!("expected one serve config, found {} documents", documents.len())));
    };
    let mut fields = Fields::of(node, "")?;
    let target_capacity_percent = fields.optional_number("target_capacity")?;
    if target_capacity_percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
        return Err(fields.refused("target_capacity", "expected a percentage from 0 to 100"));
    }
    fields.required("applications")?;
    let mut found = Vec::new();
    for (index, item) in fields.optional_list("applications")?.unwrap_or_default().iter().enumerate() {
        let mut application = Fields::of(item, format!("applications[{index}]"))?;
        let outer = application.optional_text("name")?.unwrap_or("default");
        let path = application.path_of("deployments");
        for (index, node) in application.optional_list("deployments")?.unwrap_or_default().iter().enumerate() {
            let deployment = Deployment::read(node, outer, format!("{path}[{index}]"))?;
            found.push(deployment);
        }
    }
    let mut manifest = chosen(node, &found, name)?.autoscaling()?;
    manifest.target_capacity_percent = target_capacity_percent;
    Ok(manifest)
}

/// One deployment, before its autoscaling is read.
struct Deployment<'a> {
    name: String,
    path: String,
    node: &'a Node,
    config: Option<&'a Node>,
    is_auto: bool,
    max_ongoing_requests: Option<u32>,
}

impl<'a> Deployment<'a> {
    fn read(node: &'a Node, application: &str, path: String) -> Result<Self> {
        let mut fields = Fields::of(node, path.clone())?;
        let name = format!("{application}/{}", fields.required_text("name")?);
        let config = fields.optional(CONFIG);
        let replicas = fields.optional("num_replicas");
        let is_auto = replicas.is_some_and(|node| node.text() == Some("auto"));
        if let Some(text) = replicas.filter(|_| !is_auto).and_then(Node::text) {
            let message = format!("expected a number or \"auto\", found \"{}\"", shorten(text));
            return Err(fields.refused("num_replicas", &message));
        }
        if replicas.is_some() && !is_auto && config.is_some() {
            let message = "a number does not go with autoscaling_config: leave it out, or write \"auto\"";
            return Err(fields.refused("num_replicas", message));
        }
        let max_ongoing_requests = fields.optional_count("max_ongoing_requests")?;
        Ok(Deployment { name, path, node, config, is_auto, max_ongoing_requests })
    }

    fn scales(&self) -> bool {
        self.config.is_some() || self.is_auto
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.name.split_once('/').is_some_and(|(_, own)| own == name)
    }

    fn autoscaling(&self) -> Result<Manifest> {
        let mut warnings = Vec::new();
        let start = if self.is_auto { AutoscalingConfig::auto() } else { AutoscalingConfig::default() };
        let config = match self.config {
            None => start,
            Some(node) => read_autoscaling(node, format!("{}.{CONFIG}", self.path), start, &mut warnings)?,
        };
        let (name, max_ongoing_requests) = (self.name.clone(), self.max_ongoing_requests);
        Ok(Manifest { name, config, target_capacity_percent: None, max_ongoing_requests, warnings })
    }
}

fn chosen<'a, 'b>(root: &Node, found: &'b [Deployment<'a>], name: Option<&str>) -> Result<&'b Deployment<'a>> {
    let names = |list: &[&Deployment]| list.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(", ");
    let scaling: Vec<&Deployment> = found.iter().filter(|deployment| deployment.scales()).collect();
    let Some(name) = name else {
        return match scaling.as_slice() {
            [one] => Ok(one),
            [] => {
                let hint = "give it `autoscaling_config`, or `num_replicas: auto`";
                Err(ManifestError::at(root.place, "applications: no deployment scales").hint(hint))
            }
            several => {
                let message = format!("{} deployments scale: {}", several.len(), names(several));
                Err(ManifestError::at(several[1].node.place, message).hint("choose one by name"))
            }
        };
    };
    let called: Vec<&Deployment> = found.iter().filter(|deployment| deployment.is_called(name)).collect();
    match called.as_slice() {
        [one] if one.scales() => Ok(one),
        [one] => {
            let message = format!("{}: has neither {CONFIG} nor `num_replicas: auto`", one.path);
            Err(ManifestError::at(one.node.place, message))
        }
        [] => {
            let all: Vec<&Deployment> = found.iter().collect();
            let message = format!("no deployment is called \"{}\": found {}", shorten(name), names(&all));
            let hint = nearest(name, found.iter().map(|one| one.name.as_str()));
            Err(ManifestError::general(message).maybe_hint(hint.map(|name| format!("did you mean `{name}`?"))))
        }
        several => {
            let message = format!("{} deployments are called \"{}\"", several.len(), shorten(name));
            Err(ManifestError::at(several[1].node.place, message).hint("choose one as application/name"))
        }
    }
}

fn read_autoscaling(
    node: &Node,
    path: String,
    start: AutoscalingConfig,
    warnings: &mut Warnings,
) -> Result<AutoscalingConfig> {
    let mut fields = Fields::of(node, path)?;
    let mut config = start;
    let counts = [("min_replicas", &mut config.min_replicas), ("max_replicas", &mut config.max_replicas)];
    for (name, value) in counts {
        *value = fields.optional_count(name)?.unwrap_or(*value);
    }
    config.initial_replicas = fields.optional_count("initial_replicas")?;
    let numbers = [
        ("target_ongoing_requests", &mut config.target_ongoing_requests),
        ("metrics_interval_s", &mut config.metrics_interval_s),
        ("look_back_period_s", &mut config.look_back_period_s),
        ("smoothing_factor", &mut config.smoothing_factor),
        ("upscale_delay_s", &mut config.upscale_delay_s),
        ("downscale_delay_s", &mut config.downscale_delay_s),
    ];
    for (name, value) in numbers {
        *value = fields.optional_number(name)?.unwrap_or(*value);
    }
    let optional = [
        ("upscale_smoothing_factor", &mut config.upscale_smoothing_factor),
        ("downscale_smoothing_factor", &mut config.downscale_smoothing_factor),
        ("upscaling_factor", &mut config.upscaling_factor),
        ("downscaling_factor", &mut config.downscaling_factor),
        ("downscale_to_zero_delay_s", &mut config.downscale_to_zero_delay_s),
    ];
    for (name, value) in optional {
        *value = fields.optional_number(name)?;
    }
    if let Some(node) = fields.optional("aggregation_function") {
        config.aggregation_function = fields.word("aggregation_function", node, &Aggregation::WORDS)?;
    }
    refuse_own_policy(&mut fields)?;
    fields.finish(warnings);
    match config.validate() {
        Ok(()) => Ok(config),
        Err(error) => {
            let place = node.get(error.field).map_or(node.place, |field| field.place);
            Err(ManifestError::at(place, format!("{CONFIG}.{error}")))
        }
    }
}

/// A policy of the user's own is Python code, which the simulator does not run.
fn refuse_own_policy(fields: &mut Fields) -> Result<()> {
    for name in ["policy", "_policy", "_serialized_policy_def"] {
        let Some(node) = fields.optional(name) else { continue };
        let function = match &node.value {
            Value::Map(_) => node.get("policy_function").or(node.get("name")).and_then(Node::text),
            _ => node.text(),
        };
        if !function.is_some_and(|function| function.ends_with(DEFAULT_POLICY)) {
            let message = format!("a policy of your own is code: only the {DEFAULT_POLICY} is reproduced");
            return Err(fields.refused(name, &message));
        }
    }
    Ok(())
}
