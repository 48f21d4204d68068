//! The cluster's defaults: `ConfigMap` `config-autoscaler` in namespace `knative-serving`.
//!
//! Follows `pkg/autoscaler/config/config.go` of `knative/serving` @ 98e5ef90.

use super::annotations::KPA_CLASS;
use crate::manifest::go_text;
use std::collections::BTreeMap;

const NS_PER_S: i64 = 1_000_000_000;
/// Shortest stable window.
pub(super) const WINDOW_MIN_NS: i64 = 6 * NS_PER_S;
/// Longest stable window, and longest delay of every other kind.
pub(super) const WINDOW_MAX_NS: i64 = 3600 * NS_PER_S;
/// Least target of a pod.
pub(super) const TARGET_MIN: f64 = 0.01;

/// Why a setting or an annotation is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Refusal {
    /// The key as it is written.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(key: &str, message: impl Into<String>) -> Self {
        Refusal { key: key.to_owned(), message: message.into() }
    }
}

/// The settings of a cluster. Durations in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSettings {
    /// `pod-autoscaler-class`.
    pub class: String,
    /// `enable-scale-to-zero`.
    pub enable_scale_to_zero: bool,
    /// `allow-zero-initial-scale`.
    pub allow_zero_initial_scale: bool,
    /// `max-scale-up-rate`.
    pub max_scale_up_rate: f64,
    /// `max-scale-down-rate`.
    pub max_scale_down_rate: f64,
    /// `container-concurrency-target-percentage`, as a share.
    pub concurrency_utilization: f64,
    /// `container-concurrency-target-default`, in requests in flight.
    pub concurrency_target: f64,
    /// `requests-per-second-target-default`.
    pub rps_target: f64,
    /// `target-burst-capacity`, in requests; -1 for no limit.
    pub target_burst_capacity: f64,
    /// `panic-window-percentage`.
    pub panic_window_percentage: f64,
    /// `panic-threshold-percentage`.
    pub panic_threshold_percentage: f64,
    /// `activator-capacity`, in requests in flight.
    pub activator_capacity: f64,
    /// `initial-scale`.
    pub initial_scale: i32,
    /// `min-scale`.
    pub min_scale: i32,
    /// `max-scale`; 0 for none.
    pub max_scale: i32,
    /// `max-scale-limit`; 0 for none.
    pub max_scale_limit: i32,
    /// `stable-window`.
    pub stable_window_ns: i64,
    /// `scale-down-delay`.
    pub scale_down_delay_ns: i64,
    /// `scale-to-zero-grace-period`.
    pub grace_period_ns: i64,
    /// `scale-to-zero-pod-retention-period`.
    pub pod_retention_ns: i64,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        ClusterSettings {
            class: KPA_CLASS.to_owned(),
            enable_scale_to_zero: true,
            allow_zero_initial_scale: false,
            max_scale_up_rate: 1000.0,
            max_scale_down_rate: 2.0,
            concurrency_utilization: 0.7,
            concurrency_target: 100.0,
            rps_target: 200.0,
            target_burst_capacity: 211.0,
            panic_window_percentage: 10.0,
            panic_threshold_percentage: 200.0,
            activator_capacity: 100.0,
            initial_scale: 1,
            min_scale: 0,
            max_scale: 0,
            max_scale_limit: 0,
            stable_window_ns: 60 * NS_PER_S,
            scale_down_delay_ns: 0,
            grace_period_ns: 30 * NS_PER_S,
            pod_retention_ns: 0,
        }
    }
}

/// All keys that the `ConfigMap` may have.
pub(super) const KEYS: [&str; 20] = [
    "pod-autoscaler-class",
    "enable-scale-to-zero",
    "allow-zero-initial-scale",
    "max-scale-up-rate",
    "max-scale-down-rate",
    "container-concurrency-target-percentage",
    "container-concurrency-target-default",
    "requests-per-second-target-default",
    "target-burst-capacity",
    "panic-window-percentage",
    "panic-threshold-percentage",
    "activator-capacity",
    "initial-scale",
    "min-scale",
    "max-scale",
    "max-scale-limit",
    "stable-window",
    "scale-down-delay",
    "scale-to-zero-grace-period",
    "scale-to-zero-pod-retention-period",
];

/// Reads texts of a `ConfigMap` into fields, keeping what they were before.
struct Reader<'a> {
    data: &'a BTreeMap<String, String>,
    refused: Vec<Refusal>,
}

impl Reader<'_> {
    fn set<T>(&mut self, key: &str, read: impl Fn(&str) -> Option<T>, expected: &str, field: &mut T) {
        let Some(text) = self.data.get(key) else { return };
        match read(text) {
            Some(value) => *field = value,
            None => self.refused.push(Refusal::new(key, format!("expected {expected}, found \"{text}\""))),
        }
    }

    fn float(&mut self, key: &str, field: &mut f64) {
        self.set(key, go_text::float, "a number", field);
    }

    fn int(&mut self, key: &str, field: &mut i32) {
        self.set(key, go_text::int32, "an integer of 32 bits", field);
    }

    fn boolean(&mut self, key: &str, field: &mut bool) {
        self.set(key, go_text::boolean, "true or false", field);
    }

    fn duration(&mut self, key: &str, field: &mut i64) {
        self.set(key, go_text::duration_ns, "a duration such as 60s", field);
    }
}

impl ClusterSettings {
    /// Reads the `ConfigMap`'s data over the defaults; unknown keys are ignored.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::knative::ClusterSettings;
    /// let data = [("stable-window".to_owned(), "6.5s".to_owned())].into_iter().collect();
    /// let refused = ClusterSettings::from_data(&data).unwrap_err();
    /// assert_eq!(refused[0].key, "stable-window");
    /// ```
    ///
    /// # Errors
    /// All that Knative refuses; it then keeps its former settings as a whole.
    pub fn from_data(data: &BTreeMap<String, String>) -> Result<Self, Vec<Refusal>> {
        let mut read = Reader { data, refused: Vec::new() };
        let mut it = ClusterSettings::default();
        read.set("pod-autoscaler-class", |text| Some(text.to_owned()), "a text", &mut it.class);
        read.boolean("enable-scale-to-zero", &mut it.enable_scale_to_zero);
        read.boolean("allow-zero-initial-scale", &mut it.allow_zero_initial_scale);
        read.float("max-scale-up-rate", &mut it.max_scale_up_rate);
        read.float("max-scale-down-rate", &mut it.max_scale_down_rate);
        read.float("container-concurrency-target-percentage", &mut it.concurrency_utilization);
        read.float("container-concurrency-target-default", &mut it.concurrency_target);
        read.float("requests-per-second-target-default", &mut it.rps_target);
        read.float("target-burst-capacity", &mut it.target_burst_capacity);
        read.float("panic-window-percentage", &mut it.panic_window_percentage);
        read.float("panic-threshold-percentage", &mut it.panic_threshold_percentage);
        read.float("activator-capacity", &mut it.activator_capacity);
        read.int("initial-scale", &mut it.initial_scale);
        read.int("min-scale", &mut it.min_scale);
        read.int("max-scale", &mut it.max_scale);
        read.int("max-scale-limit", &mut it.max_scale_limit);
        read.duration("stable-window", &mut it.stable_window_ns);
        read.duration("scale-down-delay", &mut it.scale_down_delay_ns);
        read.duration("scale-to-zero-grace-period", &mut it.grace_period_ns);
        read.duration("scale-to-zero-pod-retention-period", &mut it.pod_retention_ns);
        // Earlier versions wrote shares as fractions: only a value above 1 is a percentage.
        if it.concurrency_utilization > 1.0 {
            it.concurrency_utilization /= 100.0;
        }
        let mut refused = read.refused;
        if refused.is_empty() {
            it.check_numbers(&mut refused);
            it.check_durations(&mut refused);
            it.check_scales(&mut refused);
        }
        if refused.is_empty() { Ok(it) } else { Err(refused) }
    }

    fn check_numbers(&self, refused: &mut Vec<Refusal>) {
        let mut refuse = |bad: bool, key: &str, value: f64, expected: &str| {
            if bad {
                refused.push(Refusal::new(key, format!("{value} must be {expected}")));
            }
        };
        let burst = self.target_burst_capacity;
        refuse(burst < 0.0 && burst != -1.0, "target-burst-capacity", burst, "0 or more, or -1 for no limit");
        let share = self.concurrency_utilization;
        let key = "container-concurrency-target-percentage";
        refuse(share <= 0.0 || share > 1.0, key, share * 100.0, "in (0, 100]");
        let target = share * self.concurrency_target;
        let key = "container-concurrency-target-default";
        refuse(target < TARGET_MIN, key, target, "at least 0.01 when multiplied with the target percentage");
        refuse(self.rps_target < TARGET_MIN, "requests-per-second-target-default", self.rps_target, "at least 0.01");
        refuse(self.activator_capacity < 1.0, "activator-capacity", self.activator_capacity, "at least 1");
        refuse(self.max_scale_up_rate <= 1.0, "max-scale-up-rate", self.max_scale_up_rate, "greater than 1");
        refuse(self.max_scale_down_rate <= 1.0, "max-scale-down-rate", self.max_scale_down_rate, "greater than 1");
        let panic = self.panic_window_percentage;
        refuse(!(1.0..=100.0).contains(&panic) && !panic.is_nan(), "panic-window-percentage", panic, "in [1, 100]");
    }

    fn check_durations(&self, refused: &mut Vec<Refusal>) {
        let mut refuse = |bad: bool, key: &str, ns: i64, expected: &str| {
            if bad {
                refused.push(Refusal::new(key, format!("{} s must be {expected}", go_text::seconds(ns))));
            }
        };
        let whole = |ns: i64| ns % NS_PER_S == 0;
        refuse(self.grace_period_ns <= 0, "scale-to-zero-grace-period", self.grace_period_ns, "positive");
        refuse(self.pod_retention_ns < 0, "scale-to-zero-pod-retention-period", self.pod_retention_ns, "0 or more");
        let delay = self.scale_down_delay_ns;
        refuse(delay < 0 || !whole(delay), "scale-down-delay", delay, "0 or more whole seconds");
        let window = self.stable_window_ns;
        let fits = (WINDOW_MIN_NS..=WINDOW_MAX_NS).contains(&window) && whole(window);
        refuse(!fits, "stable-window", window, "6 s to 1 h, in whole seconds");
    }

    fn check_scales(&self, refused: &mut Vec<Refusal>) {
        let mut refuse = |bad: bool, key: &str, value: i32, expected: &str| {
            if bad {
                refused.push(Refusal::new(key, format!("{value} must be {expected}")));
            }
        };
        let initial = self.initial_scale;
        let expected = "at least 1, or 0 where allow-zero-initial-scale is true";
        refuse(initial < 0 || (initial == 0 && !self.allow_zero_initial_scale), "initial-scale", initial, expected);
        let (max, limit) = (self.max_scale, self.max_scale_limit);
        refuse(limit < 0, "max-scale-limit", limit, "0 or more");
        let least = i32::from(limit > 0);
        refuse(max < least || (limit > 0 && max > limit), "max-scale", max, "0 or more; from 1 to any max-scale-limit");
        let above = max > 0 && self.min_scale > max;
        refuse(self.min_scale < 0 || above, "min-scale", self.min_scale, "0 or more and at most max-scale");
    }
}
