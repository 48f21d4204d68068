//! The `spec` of an `autoscaling/v2` `HorizontalPodAutoscaler`, typed.
//!
//! [`HpaSpec`] is what a user writes: what may be left out is an `Option`. Defaults are filled in
//! by [`super::defaulting`], refusals stand in [`super::validation`].

use crate::manifest::Quantity;
use std::collections::BTreeMap;
use std::fmt;

/// The autoscaling part of a manifest; the scale target stands in [`super::manifest::Manifest`].
#[derive(Clone, Debug, PartialEq)]
pub struct HpaSpec {
    /// Lower bound; 1 if left out.
    pub min_replicas: Option<i32>,
    /// Upper bound.
    pub max_replicas: i32,
    /// The metrics, in the order of the manifest; CPU at 80 % if empty.
    pub metrics: Vec<MetricSpec>,
    /// How fast it may scale. Leaving it out selects other rules than an empty one.
    pub behavior: Option<Behavior>,
}

/// One entry of `spec.metrics`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSpec {
    /// Where the value comes from.
    pub source: MetricSource,
    /// What it is held against.
    pub target: Target,
}

/// Where the value of a metric comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricSource {
    /// A resource of the whole pod.
    Resource {
        /// `cpu` or `memory`.
        name: String,
    },
    /// A resource of one container of each pod.
    ContainerResource {
        /// `cpu` or `memory`.
        name: String,
        /// Which container.
        container: String,
    },
    /// A custom metric of each pod.
    Pods(MetricIdentifier),
    /// A metric of one other object, such as a Service or an Ingress.
    Object {
        /// Which metric.
        metric: MetricIdentifier,
        /// The object's kind; the reason texts name it.
        kind: String,
        /// The object's name.
        name: String,
    },
    /// A metric from outside the cluster.
    External(MetricIdentifier),
}

/// The name of a custom or external metric, and which of its series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricIdentifier {
    /// Its name.
    pub name: String,
    /// A label selector, if one is given.
    pub selector: Option<LabelSelector>,
}

/// A Kubernetes label selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Labels that must be equal.
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions.
    pub match_expressions: Vec<LabelRequirement>,
}

/// One of a selector's `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRequirement {
    /// Label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// Values of `In` and `NotIn`.
    pub values: Vec<String>,
}

/// What a metric is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Percent of the pods' requests (Resource and `ContainerResource`).
    Utilization(i32),
    /// A value per pod.
    AverageValue(Quantity),
    /// A value for the whole target (Object and External).
    Value(Quantity),
}

/// `spec.behavior`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behavior {
    /// Rules upwards.
    pub scale_up: Option<ScalingRules>,
    /// Rules downwards.
    pub scale_down: Option<ScalingRules>,
}

/// The rules of one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScalingRules {
    /// How far back recommendations are looked at.
    pub stabilization_window_seconds: Option<i32>,
    /// Which policy holds where several are given.
    pub select_policy: Option<SelectPolicy>,
    /// How much change is allowed in which time.
    pub policies: Option<Vec<ScalingPolicy>>,
    /// Tolerance in this direction; read by the 2026 variant only.
    pub tolerance: Option<f64>,
}

/// Which policy of a direction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// How much change is allowed in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// The unit of `value`.
    pub kind: PolicyKind,
    /// How much.
    pub value: i32,
    /// In which time.
    pub period_seconds: i32,
}

/// The unit of a scaling policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Pods.
    Pods,
    /// Percent of the replicas at the start of the period.
    Percent,
}

impl HpaSpec {
    /// Whether some metric can be read while no pod exists.
    pub fn has_object_or_external_metric(&self) -> bool {
        self.metrics.iter().any(|m| matches!(m.source, MetricSource::Object { .. } | MetricSource::External(_)))
    }
}

impl MetricSource {
    /// The name of the metric itself, such as `cpu` or `vllm:num_requests_waiting`.
    pub fn metric_name(&self) -> &str {
        match self {
            MetricSource::Resource { name } | MetricSource::ContainerResource { name, .. } => name,
            MetricSource::Pods(metric) | MetricSource::Object { metric, .. } | MetricSource::External(metric) => {
                &metric.name
            }
        }
    }

    /// The reason of the `ScalingActive` condition, and of the event, when the metric fails.
    pub fn failure_reason(&self) -> &'static str {
        match self {
            MetricSource::Resource { .. } => "FailedGetResourceMetric",
            MetricSource::ContainerResource { .. } => "FailedGetContainerResourceMetric",
            MetricSource::Pods(_) => "FailedGetPodsMetric",
            MetricSource::Object { .. } => "FailedGetObjectMetric",
            MetricSource::External(_) => "FailedGetExternalMetric",
        }
    }
}

impl MetricSpec {
    /// The words by which the controller's reason texts call the metric.
    pub fn described(&self) -> String {
        const UTILIZATION: &str = "utilization (percentage of request)";
        let of_request = matches!(self.target, Target::Utilization(_));
        match &self.source {
            MetricSource::ContainerResource { name, .. } if of_request => {
                format!("{name} container resource {UTILIZATION}")
            }
            MetricSource::Resource { name } if of_request => format!("{name} resource {UTILIZATION}"),
            // Upstream's words for raw values do not tell a container from a pod.
            MetricSource::Resource { name } | MetricSource::ContainerResource { name, .. } => {
                format!("{name} resource")
            }
            MetricSource::Pods(metric) => format!("pods metric {}", metric.name),
            MetricSource::Object { metric, kind, .. } if matches!(self.target, Target::Value(_)) => {
                format!("{kind} metric {}", metric.name)
            }
            // Upstream quirk: Object with AverageValue is called external.
            MetricSource::Object { metric, .. } | MetricSource::External(metric) => match &metric.selector {
                None => format!("external metric {}(nil)", metric.name),
                Some(selector) => format!("external metric {}({selector})", metric.name),
            },
        }
    }
}

impl fmt::Display for LabelSelector {
    /// As Go's `%+v` prints the generated type, since the event texts hold it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("&LabelSelector{MatchLabels:map[string]string{")?;
        for (label, value) in &self.match_labels {
            write!(f, "{label}: {value},")?;
        }
        f.write_str("},MatchExpressions:[]LabelSelectorRequirement{")?;
        for LabelRequirement { key, operator, values } in &self.match_expressions {
            let values = values.join(" ");
            write!(f, "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")?;
        }
        f.write_str("},}")
    }
}
