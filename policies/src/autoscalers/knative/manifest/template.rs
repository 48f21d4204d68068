//! The revision template of an object: its annotations with their places, and the pod's limit of requests.

use crate::autoscalers::knative::annotations::{KPA_CLASS, PREFIX};
use crate::manifest::fields::Fields;
use crate::manifest::go_text;
use crate::manifest::objects::{Object, texts};
use crate::manifest::tree::{Node, Place, Value, shorten};
use crate::manifest::{ManifestError, ManifestWarning};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, ManifestError>;
type Warnings = Vec<ManifestWarning>;

const PROGRESS_DEADLINE: &str = "serving.knative.dev/progress-deadline";
/// Fields of a pod that do not concern its autoscaler.
pub(crate) const POD_FIELDS: [&str; 22] = [
    "affinity",
    "automountServiceAccountToken",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "imagePullSecrets",
    "initContainers",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "shareProcessNamespace",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
];
/// Further ones of a predictor: what it serves and how.
pub(crate) const PREDICTOR_FIELDS: [&str; 16] = [
    "deploymentStrategy",
    "huggingface",
    "labels",
    "lightgbm",
    "model",
    "onnx",
    "paddle",
    "pmml",
    "pytorch",
    "sklearn",
    "spark",
    "tensorflow",
    "terminationGracePeriodSeconds",
    "triton",
    "workerSpec",
    "xgboost",
];
const NO_EFFECT: &str = "has no effect on the autoscaler, ignored";

/// What a revision is made from.
pub(super) struct Template {
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) places: BTreeMap<String, Place>,
    /// Path of the annotations.
    pub(super) path: &'static str,
    /// Where the template, or else the object, begins.
    pub(super) place: Place,
    /// `containerConcurrency`, if given.
    pub(super) container_concurrency: Option<u32>,
    /// The largest that the cluster allows.
    most_concurrency: u32,
    pub(super) progress_deadline_ns: Option<i64>,
}

impl Template {
    pub(super) fn read(object: &Object, most_concurrency: u32, warnings: &mut Warnings) -> Result<Self> {
        let place = object.node.place;
        if object.name.is_none() {
            return Err(ManifestError::at(place, "metadata.name: required, but missing"));
        }
        let mut fields = Fields::of(object.node, "")?;
        for known in ["apiVersion", "kind", "metadata", "status"] {
            fields.optional(known);
        }
        let spec = fields.required_map("spec")?;
        fields.finish(warnings);
        let mut template = Template {
            annotations: BTreeMap::new(),
            places: BTreeMap::new(),
            path: "metadata.annotations",
            place,
            container_concurrency: None,
            most_concurrency,
            progress_deadline_ns: None,
        };
        let own = object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
        match object.kind_name() {
            "Revision" => {
                template.add(own, "metadata.annotations")?;
                template.read_pod(spec, warnings)?;
            }
            "InferenceService" => template.read_predictor(own, spec, warnings)?,
            kind => template.read_service(kind, own, spec, warnings)?,
        }
        template.read_deadline()?;
        Ok(template)
    }

    fn add(&mut self, node: Option<&Node>, path: &str) -> Result<()> {
        for (key, text) in texts(node, path)? {
            self.places.insert(key.text.clone(), key.place);
            self.annotations.insert(key.text.clone(), text.to_owned());
        }
        Ok(())
    }

    fn read_service(
        &mut self,
        kind: &str,
        own: Option<&Node>,
        mut spec: Fields,
        warnings: &mut Warnings,
    ) -> Result<()> {
        if let Some((key, _)) = texts(own, "metadata.annotations")?.iter().find(|(key, _)| key.text.starts_with(PREFIX))
        {
            let message = format!("metadata.annotations.{}: not allowed on a {kind}", shorten(&key.text));
            let hint = "autoscaling annotations go under `spec.template.metadata.annotations`";
            return Err(ManifestError::at(key.place, message).hint(hint));
        }
        spec.without_effect("traffic", NO_EFFECT, warnings);
        let mut template = spec.required_map("template")?;
        spec.finish(warnings);
        self.path = "spec.template.metadata.annotations";
        self.place = template.place;
        let metadata = template.optional("metadata");
        self.add(metadata.and_then(|metadata| metadata.get("annotations")), self.path)?;
        if let Some(pod) = template.optional_map("spec")? {
            self.read_pod(pod, warnings)?;
        }
        template.finish(warnings);
        Ok(())
    }

    /// The pod's spec: of its many fields one matters, and those of requests' lives are listed.
    fn read_pod(&mut self, mut pod: Fields, warnings: &mut Warnings) -> Result<()> {
        for name in POD_FIELDS {
            pod.optional(name);
        }
        for name in ["timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"] {
            pod.without_effect(name, NO_EFFECT, warnings);
        }
        self.container_concurrency = concurrency(&mut pod, self.most_concurrency)?;
        pod.finish(warnings);
        Ok(())
    }

    /// `KServe` gives the predictor's revision the object's annotations, the predictor's own, and
    /// those that its fields stand for, unless they are written already.
    fn read_predictor(&mut self, own: Option<&Node>, mut spec: Fields, warnings: &mut Warnings) -> Result<()> {
        self.add(own, "metadata.annotations")?;
        let mode = "serving.kserve.io/deploymentMode";
        if let Some(found) =
            self.annotations.get(mode).filter(|mode| !["Serverless", "Knative"].contains(&mode.as_str()))
        {
            let message = format!("metadata.annotations.{mode}: `{}` has no Knative autoscaler", shorten(found));
            let place = self.places.get(mode).copied().unwrap_or(self.place);
            return Err(ManifestError::at(place, message).hint("KServe makes an HPA there: read that one"));
        }
        let mut predictor = spec.required_map("predictor")?;
        for component in ["transformer", "explainer"] {
            spec.without_effect(component, "is another service, ignored", warnings);
        }
        spec.finish(warnings);
        let annotations = predictor.optional("annotations");
        self.add(annotations, "spec.predictor.annotations")?;
        self.insert("class", KPA_CLASS.to_owned(), None);
        let min = predictor.optional("minReplicas").map(|node| node.place);
        let min_replicas = predictor.optional_int("minReplicas")?.unwrap_or(1);
        self.insert_renamed("min-scale", "minScale", min_replicas, min);
        let max = predictor.optional("maxReplicas").map(|node| node.place);
        if let Some(most) = predictor.optional_int("maxReplicas")?.filter(|most| *most != 0) {
            self.insert_renamed("max-scale", "maxScale", most, max);
        }
        if let Some(metric) = predictor.optional_text("scaleMetric")? {
            self.insert("metric", metric.to_owned(), None);
        }
        let target = predictor.optional("scaleTarget").map(|node| node.place);
        if let Some(wanted) = predictor.optional_int("scaleTarget")? {
            self.insert("target", wanted.to_string(), target);
        }
        self.container_concurrency = concurrency(&mut predictor, self.most_concurrency)?;
        for name in ["timeout", "batcher", "logger", "canaryTrafficPercent", "scaleMetricType", "autoScaling"] {
            predictor.without_effect(name, NO_EFFECT, warnings);
        }
        for name in PREDICTOR_FIELDS.iter().chain(&POD_FIELDS) {
            predictor.optional(name);
        }
        predictor.finish(warnings);
        Ok(())
    }

    fn insert(&mut self, name: &str, text: String, place: Option<Place>) {
        let full = format!("{PREFIX}{name}");
        if !self.annotations.contains_key(&full) {
            if let Some(place) = place {
                self.places.insert(full.clone(), place);
            }
            self.annotations.insert(full, text);
        }
    }

    fn insert_renamed(&mut self, name: &str, older: &str, value: i32, place: Option<Place>) {
        if !self.annotations.contains_key(&format!("{PREFIX}{older}")) {
            self.insert(name, value.to_string(), place);
        }
    }

    fn read_deadline(&mut self) -> Result<()> {
        let Some(text) = self.annotations.get(PROGRESS_DEADLINE) else { return Ok(()) };
        let ns = go_text::duration_ns(text).filter(|ns| *ns >= 1_000_000_000 && ns % 1_000_000_000 == 0);
        if ns.is_none() {
            let place = self.places.get(PROGRESS_DEADLINE).copied().unwrap_or(self.place);
            let message = format!("{PROGRESS_DEADLINE}: \"{}\" must be a duration of whole seconds", shorten(text));
            return Err(ManifestError::at(place, message));
        }
        self.progress_deadline_ns = ns;
        Ok(())
    }
}

fn concurrency(fields: &mut Fields, most: u32) -> Result<Option<u32>> {
    let Some(node) = fields.optional("containerConcurrency") else { return Ok(None) };
    let limit = fields.optional_int("containerConcurrency")?.and_then(|limit| u32::try_from(limit).ok());
    limit.filter(|limit| *limit <= most).map(Some).ok_or_else(|| {
        let path = fields.path_of("containerConcurrency");
        let found = if let Value::Int(value) = node.value { value } else { 0 };
        ManifestError::at(node.place, format!("{path}: {found} must be from 0 to {most}"))
    })
}
