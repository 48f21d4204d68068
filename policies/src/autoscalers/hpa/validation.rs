//! What the API server refuses in a spec whose fields all have the right types.
//!
//! Wrong and missing fields never get this far: the manifest reader refuses them where they stand.

use super::spec::{Behavior, HpaSpec, MetricSource, MetricSpec, ScalingPolicy, ScalingRules, Target};

const MAX_PERIOD_SECONDS: i32 = 1800;
const MAX_WINDOW_SECONDS: i32 = 3600;

/// One refused field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Where, such as `spec.behavior.scaleUp.policies[0].periodSeconds`.
    pub path: String,
    /// What was expected there.
    pub message: String,
}

/// Everything that the API server would refuse in `spec`, in the order of its fields.
///
/// ```
/// use flashcrowd_policies::autoscalers::hpa::{HpaSpec, validate};
/// let spec = HpaSpec { min_replicas: Some(5), max_replicas: 3, metrics: vec![], behavior: None };
/// assert_eq!(validate(&spec)[0].to_string(), "spec.maxReplicas: 3 is less than minReplicas 5");
/// ```
pub fn validate(spec: &HpaSpec) -> Vec<SpecError> {
    let mut found = Found(Vec::new());
    let min = spec.min_replicas.unwrap_or(1);
    if min < 0 {
        found.add("spec.minReplicas", format!("{min} is negative"));
    }
    if min == 0 && !spec.has_object_or_external_metric() {
        let message = "0 needs at least one Object or External metric: without pods, nothing else has a value";
        found.add("spec.minReplicas", message);
    }
    if spec.max_replicas < 1 {
        found.add("spec.maxReplicas", format!("{} must be at least 1", spec.max_replicas));
    } else if spec.max_replicas < min {
        found.add("spec.maxReplicas", format!("{} is less than minReplicas {min}", spec.max_replicas));
    }
    for (index, metric) in spec.metrics.iter().enumerate() {
        metric_errors(&mut found, &format!("spec.metrics[{index}]"), metric);
    }
    if let Some(Behavior { scale_up, scale_down }) = &spec.behavior {
        for (name, rules) in [("scaleUp", scale_up), ("scaleDown", scale_down)] {
            if let Some(rules) = rules {
                rules_errors(&mut found, &format!("spec.behavior.{name}"), rules);
            }
        }
    }
    found.0
}

struct Found(Vec<SpecError>);

impl Found {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(SpecError { path: path.into(), message: message.into() });
    }

    fn require(&mut self, path: String, text: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        }
    }
}

fn metric_errors(found: &mut Found, path: &str, metric: &MetricSpec) {
    let section = metric.source.section();
    match &metric.source {
        MetricSource::Resource { name } => found.require(format!("{path}.{section}.name"), name),
        MetricSource::ContainerResource { name, container } => {
            found.require(format!("{path}.{section}.name"), name);
            found.require(format!("{path}.{section}.container"), container);
        }
        MetricSource::Pods(metric) | MetricSource::External(metric) => {
            found.require(format!("{path}.{section}.metric.name"), &metric.name);
        }
        MetricSource::Object { metric, kind, name } => {
            found.require(format!("{path}.{section}.metric.name"), &metric.name);
            found.require(format!("{path}.{section}.describedObject.kind"), kind);
            found.require(format!("{path}.{section}.describedObject.name"), name);
        }
    }
    let target = metric.target;
    if !metric.source.allowed_targets().contains(&target.type_name()) {
        let allowed = metric.source.allowed_targets().join(" or ");
        found.add(
            format!("{path}.{section}.target.type"),
            format!("{} does not fit this metric type: expected {allowed}", target.type_name()),
        );
    }
    let (value, shown) = match target {
        Target::Utilization(percent) => (i64::from(percent), percent.to_string()),
        Target::AverageValue(quantity) | Target::Value(quantity) => (quantity.milli(), quantity.to_string()),
    };
    if value <= 0 {
        found.add(format!("{path}.{section}.target.{}", target.field()), format!("{shown} must be greater than 0"));
    }
}

fn rules_errors(found: &mut Found, path: &str, rules: &ScalingRules) {
    if let Some(window) = rules.stabilization_window_seconds
        && !(0..=MAX_WINDOW_SECONDS).contains(&window)
    {
        let message = format!("{window} is out of range: expected 0 to {MAX_WINDOW_SECONDS}");
        found.add(format!("{path}.stabilizationWindowSeconds"), message);
    }
    if let Some(tolerance) = rules.tolerance
        && !(tolerance >= 0.0 && tolerance.is_finite())
    {
        found.add(format!("{path}.tolerance"), format!("{tolerance} must be 0 or greater"));
    }
    let Some(policies) = &rules.policies else { return };
    if policies.is_empty() {
        found.add(format!("{path}.policies"), "must list at least one policy, or be left out for the default");
    }
    for (index, ScalingPolicy { value, period_seconds, .. }) in policies.iter().enumerate() {
        let path = format!("{path}.policies[{index}]");
        if *value <= 0 {
            found.add(format!("{path}.value"), format!("{value} must be greater than 0"));
        }
        if !(1..=MAX_PERIOD_SECONDS).contains(period_seconds) {
            let message = format!("{period_seconds} is out of range: expected 1 to {MAX_PERIOD_SECONDS}");
            found.add(format!("{path}.periodSeconds"), message);
        }
    }
}

impl MetricSource {
    /// The field of a metric that holds this source.
    pub fn section(&self) -> &'static str {
        match self {
            MetricSource::Resource { .. } => "resource",
            MetricSource::ContainerResource { .. } => "containerResource",
            MetricSource::Pods(_) => "pods",
            MetricSource::Object { .. } => "object",
            MetricSource::External(_) => "external",
        }
    }

    /// The target types that this source may have.
    pub fn allowed_targets(&self) -> &'static [&'static str] {
        match self {
            MetricSource::Resource { .. } | MetricSource::ContainerResource { .. } => &["Utilization", "AverageValue"],
            MetricSource::Pods(_) => &["AverageValue"],
            MetricSource::Object { .. } | MetricSource::External(_) => &["Value", "AverageValue"],
        }
    }
}

impl Target {
    /// The value of its `type` field.
    pub fn type_name(self) -> &'static str {
        match self {
            Target::Utilization(_) => "Utilization",
            Target::AverageValue(_) => "AverageValue",
            Target::Value(_) => "Value",
        }
    }

    /// The field that holds its number.
    pub fn field(self) -> &'static str {
        match self {
            Target::Utilization(_) => "averageUtilization",
            Target::AverageValue(_) => "averageValue",
            Target::Value(_) => "value",
        }
    }
}
