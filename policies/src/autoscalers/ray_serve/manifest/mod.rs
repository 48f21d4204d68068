//! A user's serve config (`serve deploy config.yaml`), or the `RayService` that holds one.
//!
//! YAML or JSON. What Ray's model of a deployment refuses is refused, with its place; fields of
//! `autoscaling_config` that have no effect are listed. Follows `serve/schema.py` and
//! `serve/deployment.py` of ray 2.60.0.
//!
//! | part | owns |
//! | --- | --- |
//! | `shared` | what they share |
//! | `application` | an application and its deployments |
//! | `llm` | the deployments that builders of Ray Serve LLM make |
//! | `deployment` | one deployment's options, and the choice among several |
//! | `autoscaling` | one `autoscaling_config` |

mod application;
mod autoscaling;
mod deployment;
mod llm;
mod shared;

use super::config::AutoscalingConfig;
use crate::manifest::fields::Fields;
use crate::manifest::nearest;
use crate::manifest::objects::{choose, objects};
use crate::manifest::tree::{Node, documents, shorten};
pub use crate::manifest::{ManifestError, ManifestWarning};
use autoscaling::read_autoscaling;
pub use shared::Manifest;
use shared::{CONFIG, Result};

/// Reads the deployment that scales, or the only one; `name` (or `application/name`) chooses among
/// several. A deployment of Ray Serve LLM is called by its model's id.
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
/// If the text is not YAML, has no deployment or several that may be meant without `name`, or one
/// that Ray would refuse.
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
        found.extend(application::read(item, format!("applications[{index}]"))?);
    }
    let mut manifest = deployment::chosen(node, &found, name)?.scaling()?;
    manifest.target_capacity_percent = target_capacity_percent;
    Ok(manifest)
}
