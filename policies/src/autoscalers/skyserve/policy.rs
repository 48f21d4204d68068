//! The words of a service's `replica_policy`, their defaults and what is refused.

/// Time between two decisions in seconds; the delays are counted in it, also where the controller
/// decides more often (`sky/serve/constants.py`).
pub(super) const DECISION_INTERVAL_S: f64 = 20.0;

const UPSCALE_DELAY_S: f64 = 300.0;
const DOWNSCALE_DELAY_S: f64 = 1200.0;
const QUEUE_LENGTH_THRESHOLD: u32 = 1;

/// What a service asks of its autoscaler (`sky/serve/service_spec.py` of skypilot 0.14.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaPolicy {
    /// Lower bound, and where the target starts.
    pub min_replicas: u32,
    /// Upper bound; the lower one if unset.
    pub max_replicas: Option<u32>,
    /// Replicas kept above the target.
    pub num_overprovision: Option<u32>,
    /// Requests per second that a replica takes.
    pub target_qps_per_replica: TargetQps,
    /// How long the target must be too low before it rises, in seconds; 300 if unset.
    pub upscale_delay_s: Option<f64>,
    /// How long the target must be too high before it falls, in seconds; 1200 if unset.
    pub downscale_delay_s: Option<f64>,
    /// On-demand replicas that are always there.
    pub base_ondemand_fallback_replicas: Option<u32>,
    /// Whether on-demand replicas stand in for spot replicas that are not ready.
    pub dynamic_ondemand_fallback: Option<bool>,
    /// Whether spot replicas are placed by `SpotHedge`.
    pub spot_placer: bool,
    /// Whether this is a pool of workers, scaled by its queue of jobs.
    pub pool: bool,
    /// Jobs that may wait in a pool's queue; 1 if unset.
    pub queue_length_threshold: Option<u32>,
}

/// `target_qps_per_replica`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TargetQps {
    /// No autoscaling.
    #[default]
    Unset,
    /// The same for all replicas, in requests per second.
    Replica(f64),
    /// By GPU type (`H100` or `H100:1`), in the order of the file, in requests per second.
    Gpu(Vec<(String, f64)>),
}

/// Which of `SkyServe`'s autoscalers a policy selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `RequestRateAutoscaler`.
    RequestRate,
    /// `FallbackRequestRateAutoscaler`.
    Fallback,
    /// `InstanceAwareRequestRateAutoscaler`.
    InstanceAware,
    /// `QueueLengthAutoscaler`.
    Pool,
}

impl Algorithm {
    /// Its name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::RequestRate => "request-rate",
            Algorithm::Fallback => "fallback",
            Algorithm::InstanceAware => "instance-aware",
            Algorithm::Pool => "pool",
        }
    }
}

/// Consecutive decisions that must agree before the target moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Upwards.
    pub up: u32,
    /// Downwards.
    pub down: u32,
}

/// Behaviour of the real code that users report as faults; each may be switched off to see what a
/// fix would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// With fewer replicas wanted than the on-demand base, the decision fails and nothing is done.
    /// Repaired: no spot replica is wanted then.
    pub base_above_target_fails: bool,
    /// The instance-aware autoscaler picks its victims without a look at their status. Repaired:
    /// replicas that are not ready go first.
    pub instance_aware_ignores_status: bool,
    /// The instance-aware autoscaler never leaves zero. Repaired: the request rate over the
    /// largest rate of a replica is wanted while none is live.
    pub instance_aware_stays_at_zero: bool,
}

impl Quirks {
    /// None of them.
    pub const FIXED: Quirks = Quirks {
        base_above_target_fails: false,
        instance_aware_ignores_status: false,
        instance_aware_stays_at_zero: false,
    };
}

impl Default for Quirks {
    /// All of them: faithful to the real code.
    fn default() -> Self {
        Quirks {
            base_above_target_fails: true,
            instance_aware_ignores_status: true,
            instance_aware_stays_at_zero: true,
        }
    }
}

/// Why a policy is refused, and at which of its fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct PolicyError {
    /// The field's name in the file.
    pub field: &'static str,
    /// What was found and what was expected.
    pub message: String,
}

impl ReplicaPolicy {
    /// The autoscaler that `SkyServe` makes of it.
    pub fn algorithm(&self) -> Algorithm {
        let fallback =
            self.dynamic_ondemand_fallback == Some(true) || self.base_ondemand_fallback_replicas.is_some_and(|n| n > 0);
        match self.target_qps_per_replica {
            _ if self.pool => Algorithm::Pool,
            _ if fallback => Algorithm::Fallback,
            TargetQps::Gpu(_) => Algorithm::InstanceAware,
            TargetQps::Unset | TargetQps::Replica(_) => Algorithm::RequestRate,
        }
    }

    /// The delays in decisions.
    pub fn thresholds(&self) -> Thresholds {
        let ticks = |delay_s: Option<f64>, default_s| (delay_s.unwrap_or(default_s) / DECISION_INTERVAL_S) as u32;
        Thresholds {
            up: ticks(self.upscale_delay_s, UPSCALE_DELAY_S),
            down: ticks(self.downscale_delay_s, DOWNSCALE_DELAY_S),
        }
    }

    /// Checks it as `SkyServiceSpec` does, and what would fail in each decision besides.
    ///
    /// # Errors
    /// The first field that is refused.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let refuse = |field, message: String| Err(PolicyError { field, message });
        let (min, max) = (self.min_replicas, self.max_replicas);
        if max.is_some_and(|max| max < min) {
            let max = max.unwrap_or_default();
            return refuse("max_replicas", format!("{max} is below min_replicas, {min}"));
        }
        let set = self.target_qps_per_replica != TargetQps::Unset;
        if set && max.is_none() && !self.pool {
            return refuse("max_replicas", "must be set where target_qps_per_replica is".to_owned());
        }
        if !set && !self.pool && max.is_some_and(|max| max != min) {
            let message = "must be set where min_replicas and max_replicas differ".to_owned();
            return refuse("target_qps_per_replica", message);
        }
        for (field, delay) in
            [("upscale_delay_seconds", self.upscale_delay_s), ("downscale_delay_seconds", self.downscale_delay_s)]
        {
            if let Some(delay_s) = delay.filter(|delay_s| !(delay_s.is_finite() && *delay_s >= 0.0)) {
                return refuse(field, format!("expected a number of seconds that is not negative, found {delay_s}"));
            }
        }
        self.validate_rates()
    }

    fn validate_rates(&self) -> Result<(), PolicyError> {
        let refuse = |message: String| Err(PolicyError { field: "target_qps_per_replica", message });
        let rates: Vec<f64> = match &self.target_qps_per_replica {
            TargetQps::Unset => return Ok(()),
            TargetQps::Replica(qps) => vec![*qps],
            TargetQps::Gpu(rates) if rates.is_empty() => return refuse("the map has no GPU type".to_owned()),
            TargetQps::Gpu(rates) => rates.iter().map(|(_, qps)| *qps).collect(),
        };
        // The schema lets 0 pass; the first decision would divide by it.
        if let Some(qps) = rates.iter().find(|qps| !(qps.is_finite() && **qps > 0.0)) {
            return refuse(format!("expected a positive number, found {qps}"));
        }
        if self.algorithm() == Algorithm::Fallback && matches!(self.target_qps_per_replica, TargetQps::Gpu(_)) {
            // Accepted by the schema; then every decision of the real controller fails.
            return refuse("a map of GPU types does not go with on-demand fallback: expected a number".to_owned());
        }
        Ok(())
    }

    pub(super) fn max(&self) -> i64 {
        i64::from(self.max_replicas.unwrap_or(self.min_replicas))
    }

    pub(super) fn queue_threshold(&self) -> i64 {
        i64::from(self.queue_length_threshold.unwrap_or(QUEUE_LENGTH_THRESHOLD))
    }

    /// Into the bounds; the lower one holds where they cross.
    pub(super) fn clip(&self, replicas: i64) -> i64 {
        replicas.min(self.max()).max(i64::from(self.min_replicas))
    }
}
