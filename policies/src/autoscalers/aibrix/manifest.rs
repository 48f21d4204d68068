//! A user's own `PodAutoscaler` of `autoscaling.aibrix.ai/v1alpha1`, with its annotations.
//!
//! Follows `api/autoscaling/v1alpha1/podautoscaler_types.go` and
//! `pkg/controller/podautoscaler/types/annotations.go` of `vllm-project/aibrix` @ e3e10f9e.

pub use crate::manifest::{ManifestError, ManifestWarning};

use super::algorithm::Settings;
use super::schedule::{self, DailyWindow};
use crate::manifest::fields::Fields;
use crate::manifest::objects::{Object, choose, objects, texts};
use crate::manifest::tree::{Key, documents, shorten};
use crate::manifest::{go_text, nearest};

type Result<T> = std::result::Result<T, ManifestError>;

const KIND: &str = "PodAutoscaler";
const API_VERSION: &str = "autoscaling.aibrix.ai/v1alpha1";
const PREFIX: &str = "autoscaling.aibrix.ai/";
const NS_PER_S: i64 = 1_000_000_000;
const ANNOTATIONS: [&str; 8] = [
    "max-scale-up-rate",
    "max-scale-down-rate",
    "scale-up-tolerance",
    "scale-down-tolerance",
    "panic-threshold",
    "scale-up-cooldown-window",
    "scale-down-cooldown-window",
    "scale-to-zero",
];

/// `scalingStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `AIBrix`'s own ratio.
    Apa,
    /// Knative's shape.
    Kpa,
}

/// Where a metric comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Each pod's engine, over HTTP (`pod`).
    Pod,
    /// metrics-server (`resource`).
    Resource,
    /// The custom metrics API, for each pod (`custom`).
    Custom,
    /// One value for the service (`external`, `domain`).
    External,
}

/// One of `metricsSources`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `targetMetric`.
    pub name: String,
    /// Where it comes from.
    pub kind: MetricKind,
    /// `targetValue`, a pod.
    pub target: f64,
}

/// A `PodAutoscaler` as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct PodAutoscaler {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if given.
    pub namespace: Option<String>,
    /// Kind and name of what it scales.
    pub target: (String, String),
    /// `scalingStrategy`.
    pub strategy: Strategy,
    /// `metricsSources`; at least one.
    pub metrics: Vec<Metric>,
    /// Bounds, rates, tolerances and panic; its `target` is that of each metric.
    pub settings: Settings,
    /// Window of the long average, in nanoseconds.
    pub stable_window_ns: i64,
    /// Window of the short average, in nanoseconds.
    pub panic_window_ns: i64,
    /// Cooldown upwards, in nanoseconds.
    pub up_cooldown_ns: i64,
    /// Cooldown downwards, in nanoseconds.
    pub down_cooldown_ns: i64,
    /// Bounds by the time of day.
    pub schedules: Vec<DailyWindow>,
    /// Fields and annotations that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads the `PodAutoscaler` of a file; `name` (or `namespace/name`) chooses among several.
///
/// ```
/// use flashcrowd_policies::autoscalers::aibrix::{Strategy, manifest::read};
/// let manifest = read(
///     b"
/// apiVersion: autoscaling.aibrix.ai/v1alpha1
/// kind: PodAutoscaler
/// metadata:
///   name: llama
///   annotations: { autoscaling.aibrix.ai/scale-down-cooldown-window: '60s' }
/// spec:
///   scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: llama }
///   maxReplicas: 8
///   scalingStrategy: APA
///   metricsSources:
///   - { metricSourceType: pod, protocolType: http, port: '8000', path: metrics,
///       targetMetric: num_requests_waiting, targetValue: '5' }
/// ",
///     None,
/// )?;
/// assert_eq!((manifest.strategy, manifest.down_cooldown_ns), (Strategy::Apa, 60_000_000_000));
/// # Ok::<(), flashcrowd_policies::autoscalers::aibrix::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// What the API server and the controller refuse, and the strategy HPA, which is a Kubernetes HPA.
pub fn read(bytes: &[u8], name: Option<&str>) -> Result<PodAutoscaler> {
    let documents = documents(bytes)?;
    let objects = objects(&documents, "`apiVersion: autoscaling.aibrix.ai/v1alpha1` and `kind: PodAutoscaler`")?;
    if let Some(object) = choose(&objects, KIND, name)? {
        return read_object(object);
    }
    let Some(object) = objects.first() else {
        return Err(ManifestError::general(format!("the file holds no object: expected a {KIND}")));
    };
    let message = format!("kind: expected {KIND}, found {}", shorten(object.kind_name()));
    let hint = nearest(object.kind_name(), [KIND]).map(|kind| format!("did you mean `{kind}`?"));
    Err(ManifestError::at(object.kind.place, message).maybe_hint(hint))
}

fn read_object(object: &Object) -> Result<PodAutoscaler> {
    let place = object.node.place;
    if object.api_version != API_VERSION {
        let place = object.node.get("apiVersion").map_or(place, |node| node.place);
        let message = format!("apiVersion: expected {API_VERSION}, found {}", shorten(object.api_version));
        let knative = object.api_version.starts_with("autoscaling.internal.knative.dev");
        let hint = knative.then(|| "this is Knative's own object: read the Knative Service".to_owned());
        return Err(ManifestError::at(place, message).maybe_hint(hint));
    }
    let name = object.name.ok_or_else(|| ManifestError::at(place, "metadata.name: required, but missing"))?;
    let mut warnings = Vec::new();
    let mut fields = Fields::of(object.node, "")?;
    for known in ["apiVersion", "kind", "metadata", "status"] {
        fields.optional(known);
    }
    let spec = fields.required_map("spec")?;
    fields.finish(&mut warnings);
    let mut read = PodAutoscaler {
        name: name.to_owned(),
        namespace: object.namespace.map(str::to_owned),
        target: (String::new(), String::new()),
        strategy: Strategy::Apa,
        metrics: Vec::new(),
        settings: Settings::default(),
        stable_window_ns: 180 * NS_PER_S,
        panic_window_ns: 60 * NS_PER_S,
        up_cooldown_ns: 0,
        down_cooldown_ns: 300 * NS_PER_S,
        schedules: Vec::new(),
        warnings,
    };
    read.read_spec(spec)?;
    let annotations = object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
    for (key, text) in texts(annotations, "metadata.annotations")? {
        if let Some(name) = key.text.strip_prefix(PREFIX) {
            read.read_annotation(key, name, text)?;
        } else if let Some((before, name)) = key.text.split_once(PREFIX).filter(|(before, _)| before.ends_with('.')) {
            read.warn(key, other_prefix(before, name));
        }
    }
    Ok(read)
}

impl PodAutoscaler {
    fn read_spec(&mut self, mut spec: Fields) -> Result<()> {
        let mut reference = spec.required_map("scaleTargetRef")?;
        for known in ["apiVersion", "namespace"] {
            reference.optional_text(known)?;
        }
        self.target = (reference.required_text("kind")?.to_owned(), reference.required_text("name")?.to_owned());
        reference.finish(&mut self.warnings);
        self.read_strategy(&mut spec)?;
        self.settings.min_replicas = spec.optional_int("minReplicas")?.unwrap_or(1);
        self.settings.max_replicas = spec.required_int("maxReplicas")?;
        if self.settings.min_replicas < 0 {
            return Err(spec.refused("minReplicas", "must be 0 or more"));
        }
        if self.settings.max_replicas < self.settings.min_replicas.max(1) {
            let message = format!("must be at least 1 and minReplicas, {}", self.settings.min_replicas);
            return Err(spec.refused("maxReplicas", message));
        }
        self.read_windows(&mut spec)?;
        let bounds = (self.settings.min_replicas, self.settings.max_replicas);
        self.schedules = schedule::read(&mut spec, bounds, &mut self.warnings)?;
        let sources = spec.optional_list("metricsSources")?.unwrap_or_default();
        if sources.is_empty() {
            return Err(spec.refused("metricsSources", "at least one is required"));
        }
        for (index, source) in sources.iter().enumerate() {
            let fields = Fields::of(source, format!("spec.metricsSources[{index}]"))?;
            let metric = read_metric(fields, &mut self.warnings)?;
            self.metrics.push(metric);
        }
        spec.without_effect("subTargetSelector", "is not simulated, ignored", &mut self.warnings);
        spec.finish(&mut self.warnings);
        Ok(())
    }

    fn read_windows(&mut self, spec: &mut Fields) -> Result<()> {
        for (name, is_stable) in [("observeWindowSeconds", true), ("panicWindowSeconds", false)] {
            let Some(seconds) = spec.optional_int(name)? else { continue };
            if !(1..=3600).contains(&seconds) {
                return Err(spec.refused(name, format!("{seconds} must be from 1 to 3600")));
            }
            let field = if is_stable { &mut self.stable_window_ns } else { &mut self.panic_window_ns };
            *field = i64::from(seconds) * NS_PER_S;
        }
        if self.panic_window_ns > self.stable_window_ns {
            let (panic_s, stable_s) = (self.panic_window_ns / NS_PER_S, self.stable_window_ns / NS_PER_S);
            let given = spec.optional("panicWindowSeconds").is_some();
            let name = if given { "panicWindowSeconds" } else { "observeWindowSeconds" };
            let message = format!("the panic window of {panic_s} s is longer than the window of {stable_s} s");
            return Err(spec.refused(name, message).hint("`panicWindowSeconds` is 60 where it is not given"));
        }
        Ok(())
    }

    fn read_strategy(&mut self, spec: &mut Fields) -> Result<()> {
        let node = spec.required("scalingStrategy")?;
        let words = [("HPA", None), ("KPA", Some(Strategy::Kpa)), ("APA", Some(Strategy::Apa))];
        self.strategy = spec.word("scalingStrategy", node, &words)?.ok_or_else(|| {
            let message = "spec.scalingStrategy: HPA is no algorithm of AIBrix: expected KPA or APA";
            ManifestError::at(node.place, message)
                .hint("AIBrix makes a Kubernetes HPA from it: `kubectl get hpa -o yaml` prints that one")
        })?;
        Ok(())
    }

    fn read_annotation(&mut self, key: &Key, name: &str, text: &str) -> Result<()> {
        let wrong = |expected: &str| {
            let message = format!("metadata.annotations.{}: \"{}\" must be {expected}", key.text, shorten(text));
            ManifestError::at(key.place, message)
        };
        // The real controller accepts any number and makes nothing of a senseless one, which is
        // therefore refused here.
        let number = |least: f64, expected: &str| {
            go_text::float(text).filter(|value| *value >= least && value.is_finite()).ok_or_else(|| wrong(expected))
        };
        let duration = || {
            let ns = go_text::duration_ns(text).filter(|ns| *ns >= 0);
            ns.ok_or_else(|| wrong("a duration, 0s or more"))
        };
        match name {
            "max-scale-up-rate" => self.settings.max_scale_up_rate = number(1.0, "a number, 1 or more")?,
            "max-scale-down-rate" => self.settings.max_scale_down_rate = number(1.0, "a number, 1 or more")?,
            "scale-up-tolerance" => self.settings.up_tolerance = number(0.0, "a number, 0 or more")?,
            "scale-down-tolerance" => self.settings.down_tolerance = number(0.0, "a number, 0 or more")?,
            "panic-threshold" => self.settings.panic_threshold = number(0.0, "a number, 0 or more")?,
            "scale-up-cooldown-window" => self.up_cooldown_ns = duration()?,
            "scale-down-cooldown-window" => self.down_cooldown_ns = duration()?,
            "scale-to-zero" => {
                go_text::boolean(text).ok_or_else(|| wrong("true or false"))?;
                self.warn(key, "has no effect: `minReplicas` alone decides about zero".to_owned());
            }
            _ => {
                let similar = nearest(name, ANNOTATIONS).map(|name| format!("; did you mean `{PREFIX}{name}`?"));
                self.warn(key, format!("unknown annotation, ignored{}", similar.unwrap_or_default()));
            }
        }
        Ok(())
    }

    fn warn(&mut self, key: &Key, message: String) {
        let path = format!("metadata.annotations.{}", shorten(&key.text));
        self.warnings.push(ManifestWarning { line: key.place.line, column: key.place.column, path, message });
    }
}

/// What to say of an annotation of the time when each strategy had its own, such as
/// `kpa.autoscaling.aibrix.ai/scale-down-delay`.
fn other_prefix(before: &str, name: &str) -> String {
    let today = match name {
        "scale-down-delay" | "down-cooldown-window" => Some("scale-down-cooldown-window"),
        "up-cooldown-window" => Some("scale-up-cooldown-window"),
        "up-fluctuation-tolerance" => Some("scale-up-tolerance"),
        "down-fluctuation-tolerance" => Some("scale-down-tolerance"),
        _ => nearest(name, ANNOTATIONS),
    };
    let hint = today.map(|today| format!("; today: `{PREFIX}{today}`")).unwrap_or_default();
    let hint = match name {
        "window" | "stable-window" => "; today: `spec.observeWindowSeconds`".to_owned(),
        "panic-window" => "; today: `spec.panicWindowSeconds`".to_owned(),
        _ => hint,
    };
    format!("has no effect: this version reads no annotations with `{before}` before its prefix{hint}")
}

fn read_metric(mut fields: Fields, warnings: &mut Vec<ManifestWarning>) -> Result<Metric> {
    let node = fields.required("metricSourceType")?;
    let words = [
        ("pod", MetricKind::Pod),
        ("resource", MetricKind::Resource),
        ("custom", MetricKind::Custom),
        ("external", MetricKind::External),
        ("domain", MetricKind::External),
    ];
    let kind = fields.word("metricSourceType", node, &words)?;
    let name = fields.required_text("targetMetric")?.to_owned();
    let text = fields.required_text("targetValue")?;
    let target = go_text::float(text).filter(|value| *value > 0.0 && value.is_finite());
    let target = target
        .ok_or_else(|| fields.refused("targetValue", format!("\"{}\" must be a positive number", shorten(text))))?;
    read_source(&mut fields, kind, &name)?;
    fields.finish(warnings);
    Ok(Metric { name, kind, target })
}

/// Where a metric comes from, as the controller checks it (`validateMetricsSources`); the simulator
/// decides that itself.
fn read_source(fields: &mut Fields, kind: MetricKind, name: &str) -> Result<()> {
    let mut has = |field| fields.optional_text(field).map(|text| text.is_some_and(|text| !text.is_empty()));
    let (protocol, endpoint) = (has("protocolType")?, has("endpoint")?);
    let (path, port) = (has("path")?, has("port")?);
    let all = [("protocolType", protocol), ("endpoint", endpoint), ("path", path), ("port", port)];
    let needs = |wanted: &[&'static str]| {
        all.into_iter().find(|(field, given)| wanted.contains(field) && !given).map(|(field, _)| field)
    };
    match kind {
        MetricKind::Pod => match needs(&["protocolType", "port", "path"]) {
            Some(missing) => Err(fields.refused(missing, "required for metricSourceType pod, but missing")),
            None => Ok(()),
        },
        MetricKind::External if endpoint => match needs(&["protocolType", "path"]) {
            Some(missing) => Err(fields.refused(missing, "required beside `endpoint`, but missing")),
            None => Ok(()),
        },
        MetricKind::Resource => {
            if !matches!(name, "cpu" | "memory") {
                let message = format!("`{}` is no resource: expected cpu or memory", shorten(name));
                return Err(fields.refused("targetMetric", message));
            }
            match all.into_iter().find(|(_, given)| *given) {
                Some((field, _)) => Err(fields.refused(field, "not allowed for metricSourceType resource")),
                None => Ok(()),
            }
        }
        MetricKind::External | MetricKind::Custom => Ok(()),
    }
}
