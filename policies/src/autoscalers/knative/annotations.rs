//! The annotations of a revision, with their older spellings, and what the webhook refuses of them.
//!
//! Follows `pkg/apis/autoscaling/annotation_validation.go` and `register.go` of `knative/serving` @ 98e5ef90.

use super::settings::{ClusterSettings, Refusal, TARGET_MIN, WINDOW_MAX_NS, WINDOW_MIN_NS};
use crate::manifest::go_text;
use std::collections::BTreeMap;

/// What all keys begin with.
pub(super) const PREFIX: &str = "autoscaling.knative.dev/";
/// Knative's own autoscaler.
pub const KPA_CLASS: &str = "kpa.autoscaling.knative.dev";
/// Knative's use of a Kubernetes HPA.
pub const HPA_CLASS: &str = "hpa.autoscaling.knative.dev";

/// A key without its prefix, and the older spelling where there is one. The first that is there holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) older: Option<&'static str>,
}

const fn key(name: &'static str) -> Key {
    Key { name, older: None }
}

const fn renamed(name: &'static str, older: &'static str) -> Key {
    Key { name, older: Some(older) }
}

pub(super) const CLASS: Key = key("class");
pub(super) const METRIC: Key = key("metric");
pub(super) const TARGET: Key = key("target");
pub(super) const WINDOW: Key = key("window");
pub(super) const UTILIZATION: Key = renamed("target-utilization-percentage", "targetUtilizationPercentage");
pub(super) const MIN_SCALE: Key = renamed("min-scale", "minScale");
pub(super) const MAX_SCALE: Key = renamed("max-scale", "maxScale");
pub(super) const INITIAL_SCALE: Key = renamed("initial-scale", "initialScale");
pub(super) const ACTIVATION_SCALE: Key = renamed("activation-scale", "activationScale");
pub(super) const SCALE_DOWN_DELAY: Key = renamed("scale-down-delay", "scaleDownDelay");
pub(super) const PANIC_WINDOW: Key = renamed("panic-window-percentage", "panicWindowPercentage");
pub(super) const PANIC_THRESHOLD: Key = renamed("panic-threshold-percentage", "panicThresholdPercentage");
pub(super) const BURST_CAPACITY: Key = renamed("target-burst-capacity", "targetBurstCapacity");
pub(super) const POD_RETENTION: Key = renamed("scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriod");
pub(super) const AGGREGATION: Key = renamed("metric-aggregation-algorithm", "metricAggregationAlgorithm");

/// All keys.
pub(super) const KEYS: [Key; 15] = [
    CLASS,
    METRIC,
    TARGET,
    WINDOW,
    UTILIZATION,
    MIN_SCALE,
    MAX_SCALE,
    INITIAL_SCALE,
    ACTIVATION_SCALE,
    SCALE_DOWN_DELAY,
    PANIC_WINDOW,
    PANIC_THRESHOLD,
    BURST_CAPACITY,
    POD_RETENTION,
    AGGREGATION,
];

/// A revision's annotations, under their full keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Annotations {
    fn from(map: BTreeMap<String, String>) -> Self {
        Annotations(map)
    }
}

/// Refusals so far, by full key.
struct Check<'a> {
    annotations: &'a Annotations,
    refused: Vec<Refusal>,
}

impl Annotations {
    /// The full key that is written, and its text.
    pub(super) fn entry(&self, key: Key) -> Option<(String, &str)> {
        [Some(key.name), key.older].into_iter().flatten().find_map(|name| {
            let full = format!("{PREFIX}{name}");
            self.0.get(&full).map(|text| (full, text.as_str()))
        })
    }

    pub(super) fn text(&self, key: Key) -> Option<&str> {
        self.entry(key).map(|(_, text)| text)
    }

    /// The number, if it is one; a text that is none counts as not given.
    pub(super) fn float(&self, key: Key) -> Option<f64> {
        self.text(key).and_then(go_text::float)
    }

    pub(super) fn int(&self, key: Key) -> Option<i32> {
        self.text(key).and_then(go_text::int32)
    }

    pub(super) fn duration_ns(&self, key: Key) -> Option<i64> {
        self.text(key).and_then(go_text::duration_ns)
    }

    /// The class in effect.
    pub(super) fn class<'a>(&'a self, settings: &'a ClusterSettings) -> &'a str {
        self.text(CLASS).unwrap_or(&settings.class)
    }

    /// What the webhook refuses, given the cluster's settings; empty if nothing.
    pub fn refusals(&self, settings: &ClusterSettings) -> Vec<Refusal> {
        let mut check = Check { annotations: self, refused: Vec::new() };
        check.class_and_metric();
        check.scales(settings);
        check.numbers();
        check.durations();
        check.refused
    }
}

impl Check<'_> {
    fn refuse(&mut self, key: &str, message: impl Into<String>) {
        self.refused.push(Refusal::new(key, message));
    }

    /// Refuses the annotation unless `fits`; `None` stands for a text that could not be read.
    fn expect<T>(
        &mut self,
        key: Key,
        read: impl Fn(&str) -> Option<T>,
        fits: impl Fn(&T) -> bool,
        expected: &str,
    ) -> Option<T> {
        let (full, text) = self.annotations.entry(key)?;
        let value = read(text).filter(fits);
        if value.is_none() {
            let message = format!("\"{text}\" must be {expected}");
            self.refuse(&full, message);
        }
        value
    }

    fn class_and_metric(&mut self) {
        let class = self.annotations.entry(CLASS);
        if let Some((full, class)) = &class
            && class.ends_with(".knative.dev")
            && ![KPA_CLASS, HPA_CLASS].contains(class)
        {
            let message = format!("\"{class}\" must be {KPA_CLASS}, {HPA_CLASS} or another domain's");
            self.refuse(full, message);
        }
        let named = class.map(|(_, class)| class);
        if let Some((full, metric)) = self.annotations.entry(METRIC) {
            match named.unwrap_or(KPA_CLASS) {
                KPA_CLASS if !["concurrency", "rps"].contains(&metric) => {
                    self.refuse(&full, format!("\"{metric}\" must be concurrency or rps for class {KPA_CLASS}"));
                }
                HPA_CLASS if metric.is_empty() => self.refuse(&full, "must not be empty"),
                _ => {}
            }
        }
        // Where no class is written the algorithm goes unchecked, and an unknown one is linear.
        if named == Some(KPA_CLASS) {
            let known =
                |text: &String| ["", "linear", "weighted-exponential", "weightedExponential"].contains(&text.as_str());
            self.expect(AGGREGATION, |text| Some(text.to_owned()), known, "linear or weighted-exponential");
        }
    }

    fn scales(&mut self, settings: &ClusterSettings) {
        let whole = "an integer, 0 or more";
        let min = self.expect(MIN_SCALE, go_text::int32, |min| *min >= 0, whole).unwrap_or(0);
        let max = self.expect(MAX_SCALE, go_text::int32, |max| *max >= 0, whole).unwrap_or(0);
        if let Some((full, _)) = self.annotations.entry(MAX_SCALE) {
            if max != 0 && max < min {
                self.refuse(&full, format!("{max} is less than min-scale, {min}"));
            }
            let limit = settings.max_scale_limit;
            if limit > 0 && (max == 0 || max > limit) {
                self.refuse(&full, format!("{max} must be from 1 to the cluster's max-scale-limit, {limit}"));
            }
        }
        let activation = self.expect(ACTIVATION_SCALE, go_text::int32, |scale| *scale >= 2, "an integer above 1");
        if let (Some(activation), Some((full, _))) = (activation, self.annotations.entry(ACTIVATION_SCALE))
            && (min > activation || (max != 0 && max < activation))
        {
            self.refuse(&full, format!("{activation} must be from min-scale, {min}, to max-scale, {max}"));
        }
        let least = i64::from(!settings.allow_zero_initial_scale);
        let fits = |scale: &i64| *scale >= least;
        let expected = if least == 0 { whole } else { "1 or more: this cluster does not allow an initial scale of 0" };
        self.expect(INITIAL_SCALE, |text| text.parse().ok(), fits, expected);
    }

    fn numbers(&mut self) {
        // Written so that NaN passes, as it does there.
        self.expect(PANIC_WINDOW, go_text::float, |v| !(*v < 1.0 || *v > 100.0), "a number in [1, 100]");
        self.expect(PANIC_THRESHOLD, go_text::float, |v| !(*v < 110.0 || *v > 1000.0), "a number in [110, 1000]");
        self.expect(TARGET, go_text::float, |v| v.is_nan() || *v >= TARGET_MIN, "a number, at least 0.01");
        self.expect(UTILIZATION, go_text::float, |v| !(*v < 1.0 || *v > 100.0), "a number in [1, 100]");
        let burst = |v: &f64| !(*v < 0.0 && *v != -1.0);
        self.expect(BURST_CAPACITY, go_text::float, burst, "a number, 0 or more, or -1 for no limit");
    }

    fn durations(&mut self) {
        let whole = |ns: i64| ns % 1_000_000_000 == 0;
        let window = |ns: &i64| (WINDOW_MIN_NS..=WINDOW_MAX_NS).contains(ns) && whole(*ns);
        self.expect(WINDOW, go_text::duration_ns, window, "a duration of 6s to 1h, in whole seconds");
        let delay = |ns: &i64| (0..=WINDOW_MAX_NS).contains(ns) && whole(*ns);
        self.expect(SCALE_DOWN_DELAY, go_text::duration_ns, delay, "a duration of 0s to 1h, in whole seconds");
        let retention = |ns: &i64| (0..=WINDOW_MAX_NS).contains(ns);
        self.expect(POD_RETENTION, go_text::duration_ns, retention, "a duration of 0s to 1h");
    }
}
