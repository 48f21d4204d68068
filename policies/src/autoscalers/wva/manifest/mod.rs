//! A user's own `VariantAutoscaling`s of `llmd.ai/v1alpha1`, one for each variant of a model, and the
//! `ConfigMap` with the saturation thresholds.
//!
//! Follows `api/v1alpha1` and `internal/interfaces/saturation_scaling.go` of
//! `llm-d/llm-d-workload-variant-autoscaler` @ b08b1c77.

mod config;

pub use crate::manifest::{ManifestError, ManifestWarning};

use super::saturation::Thresholds;
use crate::manifest::fields::Fields;
use crate::manifest::objects::{Object, objects};
use crate::manifest::tree::{documents, shorten};
use crate::manifest::{go_text, nearest};

type Result<T> = std::result::Result<T, ManifestError>;

const KIND: &str = "VariantAutoscaling";
const GROUP: &str = "llmd.ai";
/// `variantCost` where none is given.
const DEFAULT_COST: f64 = 10.0;

/// One variant of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `metadata.name`.
    pub name: String,
    /// `spec.scaleTargetRef.name`.
    pub target: String,
    /// `spec.variantCost`: cost of a replica, in any unit.
    pub cost: f64,
    /// `spec.minReplicas`, if given.
    pub min_replicas: Option<u32>,
    /// `spec.maxReplicas`, if given.
    pub max_replicas: Option<u32>,
}

/// A model, its variants and its thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// `spec.modelID`.
    pub id: String,
    /// Sorted by name.
    pub variants: Vec<Variant>,
    /// From the `ConfigMap`, or the values that it is shipped with.
    pub thresholds: Thresholds,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads the variants of a model from a file; `model` is its `modelID` where the file has several.
///
/// ```
/// use flashcrowd_policies::autoscalers::wva::manifest::read;
/// let model = read(
///     b"
/// apiVersion: llmd.ai/v1alpha1
/// kind: VariantAutoscaling
/// metadata: { name: llama-a100, namespace: llm }
/// spec:
///   scaleTargetRef: { kind: Deployment, name: llama-a100 }
///   modelID: meta/llama-3.1-8b
///   variantCost: '20.0'
/// ",
///     None,
/// )?;
/// assert_eq!((model.variants[0].cost, model.thresholds.kv_cache), (20.0, 0.8));
/// # Ok::<(), flashcrowd_policies::autoscalers::wva::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// What the API server and the controller refuse, and a configuration that selects version 2.
pub fn read(bytes: &[u8], model: Option<&str>) -> Result<Model> {
    let documents = documents(bytes)?;
    let objects = objects(&documents, "`apiVersion: llmd.ai/v1alpha1` and `kind: VariantAutoscaling`")?;
    let own: Vec<&Object> = objects.iter().filter(|object| object.kind_name() == KIND).collect();
    let Some(first) = own.first() else { return Err(nothing(&objects)) };
    let mut warnings = Vec::new();
    let mut found: Vec<(String, Option<&str>, Variant)> = Vec::new();
    for object in &own {
        let (id, variant) = read_variant(object, &mut warnings)?;
        if found.iter().any(|(_, _, other)| other.name == variant.name) {
            let message = format!("two {KIND}s are called \"{}\"", shorten(&variant.name));
            return Err(ManifestError::at(object.node.place, message));
        }
        found.push((id, object.namespace, variant));
    }
    let id = match model {
        Some(id) => id.to_owned(),
        None => found[0].0.clone(),
    };
    let mut ids: Vec<&str> = found.iter().map(|(id, _, _)| id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if model.is_none() && ids.len() > 1 {
        let message = format!("{} models in one file: {}", ids.len(), ids.join(", "));
        return Err(ManifestError::at(first.node.place, message).hint("choose one by its modelID"));
    }
    if !ids.contains(&id.as_str()) {
        let hint = nearest(&id, ids.iter().copied()).map(|id| format!("did you mean `{id}`?"));
        let message = format!("no variant of the model \"{}\": found {}", shorten(&id), ids.join(", "));
        return Err(ManifestError::general(message).maybe_hint(hint));
    }
    found.retain(|(own, _, _)| *own == id);
    let namespace = found[0].1.unwrap_or("default").to_owned();
    let thresholds = config::read(&objects, &id, &namespace, &mut warnings)?;
    let mut variants: Vec<Variant> = found.into_iter().map(|(_, _, variant)| variant).collect();
    variants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Model { id, variants, thresholds, warnings })
}

fn nothing(objects: &[Object]) -> ManifestError {
    let Some(object) = objects.first() else {
        return ManifestError::general(format!("the file holds no object: expected a {KIND}"));
    };
    let message = format!("kind: expected {KIND}, found {}", shorten(object.kind_name()));
    let hint = nearest(object.kind_name(), [KIND]).map(|kind| format!("did you mean `{kind}`?"));
    ManifestError::at(object.kind.place, message).maybe_hint(hint)
}

fn read_variant(object: &Object, warnings: &mut Vec<ManifestWarning>) -> Result<(String, Variant)> {
    let place = object.node.place;
    if object.group() != GROUP {
        let place = object.node.get("apiVersion").map_or(place, |node| node.place);
        let message = format!("apiVersion: expected {GROUP}/v1alpha1, found {}", shorten(object.api_version));
        return Err(ManifestError::at(place, message));
    }
    let name = object.name.ok_or_else(|| ManifestError::at(place, "metadata.name: required, but missing"))?;
    let mut fields = Fields::of(object.node, "")?;
    for known in ["apiVersion", "kind", "metadata", "status"] {
        fields.optional(known);
    }
    let mut spec = fields.required_map("spec")?;
    fields.finish(warnings);
    let mut reference = spec.required_map("scaleTargetRef")?;
    for known in ["apiVersion", "kind"] {
        reference.optional_text(known)?;
    }
    let target = reference.required_text("name")?.to_owned();
    reference.finish(warnings);
    let id = spec.required_text("modelID")?.to_owned();
    let cost = match spec.optional_text("variantCost")? {
        None => DEFAULT_COST,
        Some(text) => {
            let cost = go_text::float(text).filter(|cost| *cost >= 0.0 && cost.is_finite());
            let message = format!("\"{}\" must be a number, 0 or more", shorten(text));
            cost.ok_or_else(|| spec.refused("variantCost", message))?
        }
    };
    let min_replicas = count(&mut spec, "minReplicas")?;
    let max_replicas = count(&mut spec, "maxReplicas")?;
    if max_replicas.is_some_and(|max| max < min_replicas.unwrap_or(0).max(1)) {
        return Err(spec.refused("maxReplicas", "must be at least 1 and minReplicas"));
    }
    for name in ["modelProfile", "variantProfile", "sloClassRef", "accelerator", "acceleratorCount", "variantID"] {
        spec.without_effect(name, "has no effect on saturation analysis, ignored", warnings);
    }
    spec.finish(warnings);
    Ok((id, Variant { name: name.to_owned(), target, cost, min_replicas, max_replicas }))
}

fn count(spec: &mut Fields, name: &'static str) -> Result<Option<u32>> {
    let Some(count) = spec.optional_int(name)? else { return Ok(None) };
    u32::try_from(count).map(Some).map_err(|_| spec.refused(name, format!("{count} must be 0 or more")))
}
