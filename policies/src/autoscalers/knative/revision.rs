//! What holds for one revision: its annotations over the cluster's settings.
//!
//! Follows `pkg/reconciler/autoscaling/resources/target.go`, `kpa/resources/decider.go`,
//! `kpa/resources/metric.go` and `pkg/apis/autoscaling/v1alpha1/pa_lifecycle.go` of
//! `knative/serving` @ 98e5ef90.

use super::annotations::{
    ACTIVATION_SCALE, AGGREGATION, Annotations, BURST_CAPACITY, HPA_CLASS, INITIAL_SCALE, KPA_CLASS, MAX_SCALE, METRIC,
    MIN_SCALE, PANIC_THRESHOLD, PANIC_WINDOW, POD_RETENTION, SCALE_DOWN_DELAY, TARGET, UTILIZATION, WINDOW,
};
use super::buckets::Aggregation;
use super::decider::{DeciderSpec, Rules};
use super::scaler::{Bounds, Reachability};
use super::settings::{ClusterSettings, TARGET_MIN};

const NS_PER_S: i64 = 1_000_000_000;
/// Utilization that requests per second are held at, whatever the `ConfigMap` says.
const RPS_UTILIZATION: f64 = 0.7;
/// No revision has fewer activators.
const MIN_ACTIVATORS: f64 = 2.0;

/// The parameters of a revision. Durations in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The class of its autoscaler.
    pub class: String,
    /// `concurrency` or `rps` (of this class), `cpu` or any other (of others).
    pub metric: String,
    /// The name of the aggregation as it is stored; empty if none was asked for.
    pub aggregation: String,
    /// Wanted metric value a pod.
    pub target_value: f64,
    /// What a pod can bear.
    pub total_value: f64,
    /// Length of the stable window.
    pub stable_window_ns: i64,
    /// Length of the panic window: whole seconds.
    pub panic_window_ns: i64,
    /// Multiple of the ready pods at which panic begins.
    pub panic_threshold: f64,
    /// From the `ConfigMap`.
    pub max_scale_up_rate: f64,
    /// From the `ConfigMap`.
    pub max_scale_down_rate: f64,
    /// In requests; -1 for no limit.
    pub target_burst_capacity: f64,
    /// In requests in flight.
    pub activator_capacity: f64,
    /// `min-scale` and `max-scale`.
    pub bounds: Bounds,
    /// `min-scale` as it would be if a route led here.
    pub min_scale_if_reachable: i32,
    /// Pods to begin with.
    pub initial_scale: i32,
    /// Fewest pods while there is demand; 0 for none.
    pub activation_scale: i32,
    /// How long a lower count must wait.
    pub scale_down_delay_ns: i64,
    /// How long the last pod is kept.
    pub pod_retention_ns: i64,
    /// The same, if a route led here.
    pub pod_retention_if_reachable_ns: i64,
    /// How long the activator must be in the path before the last pod goes.
    pub grace_period_ns: i64,
    /// Whether the last pod may go.
    pub enable_scale_to_zero: bool,
    /// Whether a route leads here.
    pub reachability: Reachability,
}

/// Resolves a revision. `container_concurrency` is the pod's limit of requests in flight; 0 for none.
///
/// What the webhook would refuse is resolved as the controller would have done: a text that cannot be
/// read counts as not given. See [`Annotations::refusals`].
pub fn resolve(
    annotations: &Annotations,
    settings: &ClusterSettings,
    container_concurrency: u32,
    reachability: Reachability,
) -> Revision {
    let class = annotations.class(settings).to_owned();
    let metric = metric(annotations, &class);
    let (target_value, total_value) = target(annotations, settings, &metric, container_concurrency);
    let stable_window_ns = annotations.duration_ns(WINDOW).unwrap_or(settings.stable_window_ns);
    let panic_share = annotations.float(PANIC_WINDOW).unwrap_or(settings.panic_window_percentage);
    let threshold = annotations.float(PANIC_THRESHOLD).unwrap_or(settings.panic_threshold_percentage);
    let min = annotations.int(MIN_SCALE).unwrap_or(settings.min_scale);
    let retention = annotations.duration_ns(POD_RETENTION).unwrap_or(settings.pod_retention_ns);
    let unreachable = reachability == Reachability::Unreachable;
    let initial = annotations.int(INITIAL_SCALE).filter(|scale| *scale != 0 || settings.allow_zero_initial_scale);
    Revision {
        class,
        metric,
        aggregation: aggregation(annotations),
        target_value,
        total_value,
        stable_window_ns,
        panic_window_ns: panic_window_ns(stable_window_ns, panic_share),
        panic_threshold: threshold / 100.0,
        max_scale_up_rate: settings.max_scale_up_rate,
        max_scale_down_rate: settings.max_scale_down_rate,
        target_burst_capacity: annotations.float(BURST_CAPACITY).unwrap_or(settings.target_burst_capacity),
        activator_capacity: settings.activator_capacity,
        bounds: Bounds {
            min: if unreachable { 0 } else { min },
            max: annotations.int(MAX_SCALE).unwrap_or(settings.max_scale),
        },
        min_scale_if_reachable: min,
        initial_scale: initial.unwrap_or(settings.initial_scale),
        activation_scale: annotations.int(ACTIVATION_SCALE).unwrap_or(0),
        scale_down_delay_ns: annotations.duration_ns(SCALE_DOWN_DELAY).unwrap_or(settings.scale_down_delay_ns),
        pod_retention_ns: if unreachable { 0 } else { retention },
        pod_retention_if_reachable_ns: retention,
        grace_period_ns: settings.grace_period_ns,
        enable_scale_to_zero: settings.enable_scale_to_zero,
        reachability,
    }
}

fn metric(annotations: &Annotations, class: &str) -> String {
    let default = match class {
        KPA_CLASS => "concurrency",
        HPA_CLASS => "cpu",
        _ => "",
    };
    annotations.text(METRIC).unwrap_or(default).to_owned()
}

fn aggregation(annotations: &Annotations) -> String {
    match annotations.text(AGGREGATION).unwrap_or_default() {
        "weightedExponential" => "weighted-exponential".to_owned(),
        other => other.to_owned(),
    }
}

/// Target and total.
fn target(annotations: &Annotations, settings: &ClusterSettings, metric: &str, concurrency: u32) -> (f64, f64) {
    let (mut total, mut utilization) = match metric {
        "rps" => (settings.rps_target, RPS_UTILIZATION),
        _ if concurrency == 0 => (settings.concurrency_target, settings.concurrency_utilization),
        _ => (f64::from(concurrency), settings.concurrency_utilization),
    };
    if let Some(wanted) = annotations.float(TARGET) {
        let limited = metric == "concurrency" && concurrency > 0;
        total = if limited { wanted.min(f64::from(concurrency)) } else { wanted };
    }
    if let Some(percentage) = annotations.float(UTILIZATION) {
        utilization = percentage / 100.0;
    }
    ((total * utilization).max(TARGET_MIN), total)
}

/// A share of the stable window in whole seconds, at least one.
fn panic_window_ns(stable_ns: i64, percentage: f64) -> i64 {
    let exact = (stable_ns as f64 * percentage / 100.0) as i64;
    let whole = (exact / NS_PER_S).saturating_add((exact % NS_PER_S) / (NS_PER_S / 2));
    whole.max(1).saturating_mul(NS_PER_S)
}

impl Revision {
    /// The decider's part; windows are cut to what a decider can hold.
    pub fn decider_spec(&self, rules: Rules) -> DeciderSpec {
        let seconds = |ns: i64| u32::try_from((ns / NS_PER_S).clamp(1, 86_400)).unwrap_or(1);
        DeciderSpec {
            aggregation: Aggregation::from_text(&self.aggregation),
            target_value: self.target_value,
            total_value: self.total_value,
            target_burst_capacity: self.target_burst_capacity,
            panic_threshold: self.panic_threshold,
            max_scale_up_rate: self.max_scale_up_rate,
            max_scale_down_rate: self.max_scale_down_rate,
            stable_window_s: seconds(self.stable_window_ns),
            panic_window_s: seconds(self.panic_window_ns),
            scale_down_delay_ns: self.scale_down_delay_ns,
            activation_scale: self.activation_scale,
            reachable: self.reachability != Reachability::Unreachable,
            max_scale: self.bounds.max,
            rules,
        }
    }

    /// Activators that the revision is spread over while `ready` pods are ready.
    pub fn activators(&self, ready: u32) -> i32 {
        if self.target_burst_capacity == 0.0 {
            return MIN_ACTIVATORS as i32;
        }
        let mut covered = f64::from(ready) * self.total_value;
        if self.target_burst_capacity > 0.0 {
            covered += self.target_burst_capacity;
        }
        (covered / self.activator_capacity).ceil().max(MIN_ACTIVATORS) as i32
    }
}
