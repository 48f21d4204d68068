//! What a `ScaledObject` or a `ScaledJob` says, typed, with KEDA's defaults.

use super::cron::CronWindow;
use super::formula::Formula;
use super::job::JobRules;
use crate::autoscalers::hpa::Behavior;
use crate::autoscalers::hpa::manifest::ScaleTarget;
use crate::manifest::Quantity;

/// `pollingInterval` where it is not given, in seconds.
pub(super) const POLLING_INTERVAL_S: u32 = 30;
const COOLDOWN_PERIOD_S: u32 = 300;
const MAX_REPLICA_COUNT: u32 = 100;

/// A `keda.sh/v1alpha1` `ScaledObject` (`apis/keda/v1alpha1/scaledobject_types.go`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScaledObject {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if given.
    pub namespace: Option<String>,
    /// `spec.scaleTargetRef`.
    pub target: ScaleTarget,
    /// Time between two polls in seconds; 30 if unset.
    pub polling_interval_s: Option<u32>,
    /// How long all triggers must be inactive before the last replica goes, in seconds; 300 if unset.
    pub cooldown_period_s: Option<u32>,
    /// The same while no trigger has ever been active, counted from creation, in seconds; 0 if unset.
    pub initial_cooldown_period_s: Option<u32>,
    /// Replicas while no trigger is active, in place of `min_replica_count`.
    pub idle_replica_count: Option<u32>,
    /// Lower bound; 0 if unset.
    pub min_replica_count: Option<u32>,
    /// Upper bound; 100 if unset.
    pub max_replica_count: Option<u32>,
    /// What to do while triggers fail.
    pub fallback: Option<Fallback>,
    /// Annotations by which a person holds the object.
    pub annotations: Annotations,
    /// Name of the HPA, where it is given.
    pub hpa_name: Option<String>,
    /// `behavior` of the HPA.
    pub behavior: Option<Behavior>,
    /// One metric out of all triggers.
    pub modifiers: Option<ScalingModifiers>,
    /// The triggers, in order.
    pub triggers: Vec<Trigger>,
}

/// `spec.fallback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// More failures in a row than these make a trigger fall back.
    pub failure_threshold: u32,
    /// How many replicas to fall back to.
    pub replicas: u32,
    /// How that number is meant.
    pub behavior: FallbackBehavior,
}

/// How `fallback.replicas` is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FallbackBehavior {
    /// That many.
    #[default]
    Static,
    /// As many as there are.
    CurrentReplicas,
    /// As many as there are, but no fewer.
    CurrentReplicasIfHigher,
    /// As many as there are, but no more.
    CurrentReplicasIfLower,
    /// The formula sees nil for a trigger that fails.
    ScalingModifiers,
}

impl FallbackBehavior {
    /// The words of a manifest.
    pub(super) const WORDS: [(&'static str, FallbackBehavior); 5] = [
        ("static", FallbackBehavior::Static),
        ("currentReplicas", FallbackBehavior::CurrentReplicas),
        ("currentReplicasIfHigher", FallbackBehavior::CurrentReplicasIfHigher),
        ("currentReplicasIfLower", FallbackBehavior::CurrentReplicasIfLower),
        ("scalingModifiers", FallbackBehavior::ScalingModifiers),
    ];
}

/// Annotations `autoscaling.keda.sh/...`, as truth values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation of its own")]
pub struct Annotations {
    /// `paused`: nothing is done, and the HPA is gone.
    pub paused: bool,
    /// `paused-replicas`: this count is written, and the HPA is gone.
    pub paused_replicas: Option<u32>,
    /// `paused-scale-in`.
    pub paused_scale_in: bool,
    /// `paused-scale-out`.
    pub paused_scale_out: bool,
    /// `force-activation`: as if a trigger were active.
    pub force_activation: bool,
}

impl Annotations {
    pub(super) const PREFIX: &str = "autoscaling.keda.sh/";

    /// Takes in one annotation; those of others are passed over. A value that is no truth value for
    /// Go's `strconv.ParseBool` counts as true.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::keda::Annotations;
    /// let mut annotations = Annotations::default();
    /// annotations.set("autoscaling.keda.sh/paused", "F");
    /// annotations.set("autoscaling.keda.sh/paused-scale-in", "yes");
    /// assert!(!annotations.paused && annotations.paused_scale_in);
    /// ```
    pub fn set(&mut self, key: &str, value: &str) {
        let truth = !matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False");
        match key.strip_prefix(Self::PREFIX) {
            Some("paused") => self.paused = truth,
            Some("paused-replicas") => self.paused_replicas = value.parse().ok(),
            Some("paused-scale-in") => self.paused_scale_in = truth,
            Some("paused-scale-out") => self.paused_scale_out = truth,
            Some("force-activation") => self.force_activation = truth,
            _ => {}
        }
    }

    /// Whether the HPA is taken away.
    pub fn stops_hpa(&self) -> bool {
        self.paused || self.paused_replicas.is_some()
    }
}

/// `spec.advanced.scalingModifiers`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingModifiers {
    /// The formula over the triggers' names.
    pub formula: Formula,
    /// What the composite metric is held against.
    pub target: Quantity,
    /// Whether `target` is a whole number, without which there is no fallback.
    pub target_is_whole: bool,
    /// The composite metric activates above this.
    pub activation_target: f64,
    /// How the target is meant.
    pub metric_type: MetricType,
}

/// How a trigger's target is meant (`metricType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricType {
    /// Per replica.
    #[default]
    AverageValue,
    /// For all replicas together.
    Value,
    /// Percent of the request; cpu and memory only.
    Utilization,
}

impl MetricType {
    /// The words of a manifest.
    pub(super) const WORDS: [(&'static str, MetricType); 3] = [
        ("AverageValue", MetricType::AverageValue),
        ("Value", MetricType::Value),
        ("Utilization", MetricType::Utilization),
    ];
}

/// One entry of `spec.triggers`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trigger {
    /// Its type, such as `prometheus`.
    pub kind: String,
    /// Its name, if given.
    pub name: Option<String>,
    /// How its target is meant.
    pub metric_type: MetricType,
    /// What its value is held against.
    pub threshold: Quantity,
    /// It is active above this.
    pub activation_threshold: f64,
    /// Whether the HPA is shown the value of the last poll.
    pub use_cached_metrics: bool,
    /// Whether an answer without a value counts as 0 (`ignoreNullValues`); otherwise it is an error.
    pub ignore_null_values: bool,
    /// The rest of its metadata, sorted by name.
    pub metadata: Vec<(String, String)>,
    /// The window of a `cron` trigger.
    pub window: Option<CronWindow>,
    /// Line and column of its metadata in the file; zeros without a file.
    pub place: (u32, u32),
}

impl Trigger {
    /// By what it is bound: its name, or `s<index>-<type>`.
    pub fn key(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("s{index}-{}", self.kind))
    }

    /// `s<index>-<type>`, by which it may be bound whatever its name is.
    pub fn own_key(&self, index: usize) -> String {
        format!("s{index}-{}", self.kind)
    }

    /// Whether it is a resource of the pods, which the HPA reads itself.
    pub fn is_resource(&self) -> bool {
        matches!(self.kind.as_str(), "cpu" | "memory")
    }

    /// One of its metadata.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Behaviour of the real code that users report as faults; each may be switched off to see what a
/// fix would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one habit that a user repairs alone")]
pub struct Quirks {
    /// After the cooldown all replicas go in one write, past the HPA's `scaleDown` rules
    /// (keda#7770). Repaired: the HPA steps down by its rules, and only its last replicas go at once.
    pub to_zero_in_one_write: bool,
    /// The cooldown does not hold where at least one replica stays (keda#737). Repaired: the HPA
    /// does not shrink before it is over.
    pub no_cooldown_above_zero: bool,
    /// Without `maxReplicaCount` a `ScaledJob` may create 100 jobs beyond its minimum. Repaired:
    /// 100 with it.
    pub job_default_max_ignores_min: bool,
    /// The strategy `eager` counts running jobs without those of the minimum, so that 100 more than
    /// those may run where `maxReplicaCount` is not given. Repaired: all count, and 100 is the most.
    pub eager_ignores_min_jobs: bool,
}

impl Quirks {
    /// None of them.
    pub const FIXED: Quirks = Quirks {
        to_zero_in_one_write: false,
        no_cooldown_above_zero: false,
        job_default_max_ignores_min: false,
        eager_ignores_min_jobs: false,
    };
}

impl Default for Quirks {
    /// All of them: faithful to the real code.
    fn default() -> Self {
        Quirks {
            to_zero_in_one_write: true,
            no_cooldown_above_zero: true,
            job_default_max_ignores_min: true,
            eager_ignores_min_jobs: true,
        }
    }
}

impl ScaledObject {
    /// The lower bound.
    pub fn min_replicas(&self) -> u32 {
        self.min_replica_count.unwrap_or(0)
    }

    /// The lower bound of the HPA, which is never 0.
    pub fn hpa_min_replicas(&self) -> u32 {
        self.min_replicas().max(1)
    }

    /// The upper bound of the HPA.
    pub fn hpa_max_replicas(&self) -> u32 {
        self.max_replica_count.unwrap_or(MAX_REPLICA_COUNT)
    }

    /// The cooldown in seconds.
    pub fn cooldown_s(&self) -> u32 {
        self.cooldown_period_s.unwrap_or(COOLDOWN_PERIOD_S)
    }

    /// Name of the HPA that KEDA makes.
    pub fn hpa_name(&self) -> String {
        self.hpa_name.clone().unwrap_or_else(|| format!("keda-hpa-{}", self.name))
    }

    /// Whether all triggers are resources of the pods, which are always active.
    pub fn has_resource_triggers_only(&self) -> bool {
        !self.triggers.is_empty() && self.triggers.iter().all(Trigger::is_resource)
    }
}

/// A `keda.sh/v1alpha1` `ScaledJob` (`apis/keda/v1alpha1/scaledjob_types.go`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScaledJob {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if given.
    pub namespace: Option<String>,
    /// Time between two polls in seconds; 30 if unset.
    pub polling_interval_s: Option<u32>,
    /// `autoscaling.keda.sh/paused`.
    pub paused: bool,
    /// Bounds and strategy.
    pub rules: JobRules,
    /// The triggers, in order.
    pub triggers: Vec<Trigger>,
}
