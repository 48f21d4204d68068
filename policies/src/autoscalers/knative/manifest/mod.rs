//! A user's own manifest: a Knative Service, Configuration or Revision, or a `KServe` `InferenceService`,
//! with the cluster's settings in the same file: `ConfigMap`s, or the operator's `KnativeServing`.
//!
//! YAML or JSON, several documents. What the webhook refuses is refused, with its place; annotations
//! of the autoscaler that nobody knows and fields that have no effect are listed.

mod cluster;
mod template;

pub use crate::manifest::{ManifestError, ManifestWarning};

use super::annotations::{Annotations, CLASS, KEYS, KPA_CLASS, PREFIX};
use super::autoscaler::KnativeOptions;
use super::revision::{Revision, resolve};
use super::scaler::Reachability;
use super::settings::{ClusterSettings, Refusal};
use crate::manifest::nearest;
use crate::manifest::objects::{Object, among, objects};
use crate::manifest::tree::{Place, documents, shorten};
use flashcrowd_core::ports::TargetId;
use std::collections::BTreeMap;
use template::Template;
pub(crate) use template::{POD_FIELDS, PREDICTOR_FIELDS};

type Result<T> = std::result::Result<T, ManifestError>;

/// Kinds that have a revision template or are one, and their API groups.
const KINDS: [(&str, &str); 4] = [
    ("Service", "serving.knative.dev"),
    ("Configuration", "serving.knative.dev"),
    ("Revision", "serving.knative.dev"),
    ("InferenceService", "serving.kserve.io"),
];

/// What was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if given.
    pub namespace: Option<String>,
    /// `Service`, `Configuration`, `Revision` or `InferenceService`.
    pub kind: String,
    /// `containerConcurrency`: the pod's limit of requests in flight; 0 for none.
    pub container_concurrency: u32,
    /// Annotation `serving.knative.dev/progress-deadline`, in nanoseconds, if given.
    pub progress_deadline_ns: Option<i64>,
    /// The cluster's settings.
    pub settings: ClusterSettings,
    /// The revision's parameters; a route leads to it.
    pub revision: Revision,
    /// Annotations and fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

impl Manifest {
    /// The options of a faithful autoscaler for `target`.
    pub fn options(&self, target: TargetId) -> KnativeOptions {
        let mut options = KnativeOptions::new(self.name.clone(), target, self.revision.clone());
        options.progress_deadline_ns = self.progress_deadline_ns.unwrap_or(options.progress_deadline_ns);
        options
    }
}

/// Reads a file; `name` (or `namespace/name`) chooses among several objects.
///
/// ```
/// use flashcrowd_policies::autoscalers::knative::manifest::read;
/// let manifest = read(
///     b"
/// apiVersion: serving.knative.dev/v1
/// kind: Service
/// metadata: { name: llm }
/// spec:
///   template:
///     metadata:
///       annotations: { autoscaling.knative.dev/max-scale: '20', autoscaling.knative.dev/min-scal: '1' }
///     spec: { containerConcurrency: 10 }
/// ",
///     None,
/// )?;
/// assert_eq!((manifest.revision.bounds.max, manifest.revision.target_value), (20, 7.0));
/// assert!(manifest.warnings[0].message.contains("`autoscaling.knative.dev/min-scale`"));
/// # Ok::<(), flashcrowd_policies::autoscalers::knative::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// What the API server and Knative's webhook refuse, and classes that are not the KPA.
pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Manifest> {
    let documents = documents(bytes)?;
    let objects = objects(&documents, "`apiVersion: serving.knative.dev/v1` and `kind: Service`")?;
    let mut warnings = Vec::new();
    let cluster = cluster::read(&objects, &mut warnings)?;
    let settings = cluster.settings.clone();
    let own: Vec<&Object> =
        objects.iter().filter(|object| KINDS.contains(&(object.kind_name(), object.group()))).collect();
    let Some(object) = among(&own, "service", name)? else { return Err(nothing(&objects)) };
    let template = Template::read(object, cluster.most_concurrency, &mut warnings)?;
    let container_concurrency = template.container_concurrency.unwrap_or(cluster.container_concurrency);
    let annotations = read_annotations(&template, &mut warnings);
    if let Some(refused) = annotations.refusals(&settings).first() {
        return Err(refusal(refused, &template.places, template.place));
    }
    check_class(&annotations, &settings, &template, object)?;
    let revision = resolve(&annotations, &settings, container_concurrency, Reachability::Reachable);
    Ok(Manifest {
        name: object.name.unwrap_or_default().to_owned(),
        namespace: object.namespace.map(str::to_owned),
        kind: object.kind_name().to_owned(),
        container_concurrency,
        progress_deadline_ns: template.progress_deadline_ns,
        settings,
        revision,
        warnings,
    })
}

fn refusal(refused: &Refusal, places: &BTreeMap<String, Place>, fallback: Place) -> ManifestError {
    ManifestError::at(places.get(&refused.key).copied().unwrap_or(fallback), refused.to_string())
}

fn nothing(objects: &[Object]) -> ManifestError {
    let kinds = KINDS.map(|(kind, group)| format!("{kind} of {group}")).join(", ");
    let Some(object) = objects
        .iter()
        .find(|object| !["ConfigMap", "KnativeServing"].contains(&object.kind_name()))
        .or(objects.first())
    else {
        return ManifestError::general(format!("the file holds no object: expected a {kinds}"));
    };
    let found = format!("{} of {}", shorten(object.kind_name()), shorten(object.api_version));
    let error = ManifestError::at(object.kind.place, format!("kind: expected a {kinds}; found {found}"));
    let hint = match object.kind_name() {
        "Service" => {
            Some("this is a Kubernetes Service; Knative's has `apiVersion: serving.knative.dev/v1`".to_owned())
        }
        kind => nearest(kind, KINDS.map(|(kind, _)| kind)).map(|kind| format!("did you mean `{kind}`?")),
    };
    error.maybe_hint(hint)
}

/// The autoscaler's annotations; the others are passed over in silence.
fn read_annotations(template: &Template, warnings: &mut Vec<ManifestWarning>) -> Annotations {
    let annotations = Annotations::from(template.annotations.clone());
    let known = || KEYS.iter().flat_map(|key| [Some(key.name), key.older]).flatten();
    for full in template.annotations.keys() {
        let Some(name) = full.strip_prefix(PREFIX) else { continue };
        let message = match KEYS.iter().find(|key| key.name == name || key.older == Some(name)) {
            None => {
                let similar = nearest(name, known()).map(|name| format!("; did you mean `{PREFIX}{name}`?"));
                format!("unknown annotation, ignored{}", similar.unwrap_or_default())
            }
            Some(key) if key.name != name && template.annotations.contains_key(&format!("{PREFIX}{}", key.name)) => {
                format!("ignored: `{PREFIX}{}` is given too", key.name)
            }
            Some(_) => continue,
        };
        let place = template.places.get(full).copied().unwrap_or(template.place);
        let path = format!("{}.{}", template.path, shorten(full));
        warnings.push(ManifestWarning { line: place.line, column: place.column, path, message });
    }
    annotations
}

fn check_class(
    annotations: &Annotations,
    settings: &ClusterSettings,
    template: &Template,
    object: &Object,
) -> Result<()> {
    let class = annotations.class(settings);
    if class == KPA_CLASS {
        return Ok(());
    }
    let written = annotations.entry(CLASS).and_then(|(full, _)| template.places.get(&full).copied());
    let place = written.unwrap_or(template.place);
    let message = format!("class `{}`: expected {KPA_CLASS}", shorten(class));
    let name = object.name.unwrap_or("NAME");
    let hint = if class.starts_with("hpa") {
        format!("Knative makes an HPA for each of its revisions: `kubectl get hpa -o yaml` prints {name}'s")
    } else {
        "another controller handles this class".to_owned()
    };
    Err(ManifestError::at(place, message).hint(hint))
}
