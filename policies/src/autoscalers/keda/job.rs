//! How many jobs a `ScaledJob` creates (`pkg/scaling/executor/scale_jobs.go`,
//! `pkg/scaling/scaledjob/metrics.go`).

use super::spec::Quirks;

const MAX_JOBS: i64 = 100;

/// Bounds and strategy of a `ScaledJob`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobRules {
    /// Jobs that always run; 0 if unset.
    pub min_replica_count: Option<u32>,
    /// Jobs that run at most, with those of the minimum; 100 beyond them if unset.
    pub max_replica_count: Option<u32>,
    /// `scalingStrategy.strategy`; an unknown name is the default one.
    pub strategy: String,
    /// `customScalingQueueLengthDeduction`.
    pub queue_length_deduction: Option<i32>,
    /// `customScalingRunningJobPercentage`; a text that is not a number selects the default
    /// strategy.
    pub running_job_percentage: String,
    /// `multipleScalersCalculation`: `max`, `min`, `avg` or `sum`.
    pub calculation: String,
}

/// What one trigger says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// Length of its queue.
    pub length: f64,
    /// How many jobs it asks for, within the bound.
    pub max_value: f64,
    /// Whether it is active.
    pub is_active: bool,
}

/// All triggers as one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Combined {
    /// Whether any counts.
    pub is_active: bool,
    /// Length of the queue, rounded up.
    pub scale_to: i64,
    /// How many jobs are asked for, rounded up.
    pub max_scale: i64,
}

/// What one poll came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// How many jobs the strategy lets through, at least 0.
    pub effective_max_scale: i64,
    /// How many the queue asks for.
    pub scale_to: i64,
    /// How many are created.
    pub jobs: u32,
}

impl JobRules {
    /// The minimum, within the maximum.
    pub fn min(&self) -> i64 {
        let min = i64::from(self.min_replica_count.unwrap_or(0));
        min.min(self.max_replica_count.map_or(MAX_JOBS.max(min), i64::from))
    }

    /// Jobs beyond the minimum.
    pub fn max(&self, quirks: Quirks) -> i64 {
        match self.max_replica_count.map(i64::from) {
            // A minimum above the maximum does not reduce the maximum.
            Some(max) if i64::from(self.min_replica_count.unwrap_or(0)) > max => max,
            Some(max) => max - self.min(),
            None if quirks.job_default_max_ignores_min => MAX_JOBS,
            None => (MAX_JOBS - self.min()).max(0),
        }
    }

    /// Jobs at most, those of the minimum among them.
    fn total_max(&self) -> i64 {
        self.max_replica_count.map_or(MAX_JOBS, i64::from)
    }

    /// What a trigger with this queue and this target per job says.
    pub fn queue(&self, length: f64, target: f64, is_active: bool, quirks: Quirks) -> Queue {
        let max_value = (length / target).min(self.max(quirks) as f64);
        Queue { length, max_value, is_active }
    }

    /// The triggers as one.
    pub fn combine(&self, queues: &[Queue], quirks: Quirks) -> Combined {
        let active = || queues.iter().filter(|queue| queue.is_active);
        let sums = || active().fold((0.0, 0.0), |sum, queue| (sum.0 + queue.length, sum.1 + queue.max_value));
        let count = active().count();
        let mut is_active = count > 0;
        let (length, value) = match self.calculation.as_str() {
            "min" => active().fold((0.0, 0.0), |least, queue| {
                // A smallest value of 0 counts as none yet.
                if least.0 == 0.0 || queue.length < least.0 { (queue.length, queue.max_value) } else { least }
            }),
            "avg" if count > 0 => {
                let (length, value) = sums();
                (length / count as f64, value / count as f64)
            }
            "avg" => (0.0, 0.0),
            "sum" => sums(),
            _ => {
                let most = active().fold((0.0, 0.0), |most: (f64, f64), queue| {
                    if queue.length > most.0 { (queue.length, queue.max_value) } else { most }
                });
                is_active = most.0 > 0.0;
                most
            }
        };
        let value = value.min(self.max(quirks) as f64);
        Combined {
            is_active: is_active || self.min() > 0,
            scale_to: length.ceil() as i64,
            max_scale: value.ceil() as i64,
        }
    }

    /// How many jobs are created while `running` and `pending` ones exist.
    pub fn create(&self, combined: Combined, running: i64, pending: i64, quirks: Quirks) -> Creation {
        let (min, max) = (self.min(), self.max(quirks));
        let (mut scale_to, effective) = if running < min {
            (min - running, min - running)
        } else {
            let is_eager = self.strategy == "eager";
            let effective = if is_eager && !quirks.eager_ignores_min_jobs {
                (self.total_max() - running - pending).min(combined.max_scale)
            } else {
                self.effective(combined.max_scale, running - min, pending, max)
            };
            (if is_eager { max } else { combined.scale_to }, effective)
        };
        let effective = effective.max(0);
        scale_to = scale_to.max(0);
        let jobs = if combined.is_active { scale_to.min(effective) } else { 0 };
        Creation { effective_max_scale: effective, scale_to, jobs: u32::try_from(jobs).unwrap_or(u32::MAX) }
    }

    fn effective(&self, max_scale: i64, running: i64, pending: i64, max: i64) -> i64 {
        match self.strategy.as_str() {
            "custom" => match self.running_job_percentage.parse::<f64>() {
                Ok(share) => {
                    let deduction = i64::from(self.queue_length_deduction.unwrap_or(0));
                    (max_scale - deduction - (running as f64 * share) as i64).min(max)
                }
                Err(_) => max_scale - running,
            },
            "accurate" if max_scale + running - pending > max => max - running,
            "accurate" => max_scale - pending,
            "eager" => (max - running - pending).min(max_scale),
            _ => max_scale - running,
        }
    }
}
