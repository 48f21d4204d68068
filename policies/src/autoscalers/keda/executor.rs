//! The loop between none and one (`pkg/scaling/executor/scale_scaledobjects.go`).

use super::spec::{Quirks, ScaledObject};
use flashcrowd_core::{SimDuration, SimTime};

/// What the triggers say at a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Whether any trigger is active.
    pub is_active: bool,
    /// Whether any trigger failed.
    pub is_error: bool,
}

/// Status and reason of a condition, as KEDA writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// Its reason.
    pub reason: &'static str,
}

const READY: Condition = Condition { status: "True", reason: "ScaledObjectReady" };
const PARTIAL_ERROR: Condition = Condition { status: "Unknown", reason: "PartialTriggerError" };
const TRIGGER_ERROR: Condition = Condition { status: "False", reason: "TriggerError" };
const ACTIVE: Condition = Condition { status: "True", reason: "ScalerActive" };
const NOT_ACTIVE: Condition = Condition { status: "False", reason: "ScalerNotActive" };
const COOLDOWN: Condition = Condition { status: "False", reason: "ScalerCooldown" };

/// What one poll came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The count that it writes, if it writes one.
    pub write: Option<u32>,
    /// Why, in a few words.
    pub reason: &'static str,
}

/// The executor of one `ScaledObject` and its memory.
///
/// ```
/// use flashcrowd_core::SimTime;
/// use flashcrowd_policies::autoscalers::keda::{Activity, Executor, Quirks, ScaledObject};
/// let object = ScaledObject { cooldown_period_s: Some(60), ..ScaledObject::default() };
/// let mut executor = Executor::new(&object, Quirks::default(), SimTime::ZERO);
/// let active = Activity { is_active: true, is_error: false };
/// assert_eq!(executor.poll(SimTime::ZERO, 0, active).write, Some(1));
/// assert_eq!(executor.poll(SimTime::from_s(60), 4, Activity::default()).write, None); // not yet over
/// assert_eq!(executor.poll(SimTime::from_s(90), 4, Activity::default()).write, Some(0)); // all four at once
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Executor {
    object: ScaledObject,
    quirks: Quirks,
    created: SimTime,
    last_active: Option<SimTime>,
    ready: Condition,
    active: Option<Condition>,
    /// Those of the real executor, unless a test breaks one.
    pub rules: Rules,
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A cooldown that is exactly over is not over.
    pub cooldown_is_strict: bool,
    /// A poll with a failing trigger does not count as active for the cooldown.
    pub error_keeps_last_active: bool,
    /// With a fallback of 0 replicas, an inactive failing object goes on to zero.
    pub zero_fallback_goes_on: bool,
}

impl Rules {
    const KEDA: Rules = Rules { cooldown_is_strict: true, error_keeps_last_active: true, zero_fallback_goes_on: true };
}

impl Executor {
    /// An executor of an object that was made at `created`.
    pub fn new(object: &ScaledObject, quirks: Quirks, created: SimTime) -> Self {
        Executor {
            object: object.clone(),
            quirks,
            created,
            last_active: None,
            ready: READY,
            active: None,
            rules: Rules::KEDA,
        }
    }

    /// When a poll last found a trigger active.
    pub fn last_active(&self) -> Option<SimTime> {
        self.last_active
    }

    /// The `Ready` condition.
    pub fn ready(&self) -> Condition {
        self.ready
    }

    /// The `Active` condition; none before the first poll that is not paused.
    pub fn active(&self) -> Option<Condition> {
        self.active
    }

    /// One poll, at which `current` replicas are wanted.
    pub fn poll(&mut self, now: SimTime, current: u32, seen: Activity) -> Poll {
        let annotations = self.object.annotations;
        if let Some(count) = annotations.paused_replicas {
            let write = (count != current).then_some(count);
            return Poll { write, reason: "paused at a fixed count by annotation" };
        }
        if annotations.paused {
            return Poll { write: None, reason: "paused by annotation" };
        }
        self.ready = READY;
        if seen.is_active || annotations.force_activation {
            self.poll_active(now, current, seen)
        } else {
            self.poll_inactive(now, current, seen)
        }
    }

    fn poll_active(&mut self, now: SimTime, current: u32, seen: Activity) -> Poll {
        self.active = Some(ACTIVE);
        let min = self.object.min_replicas();
        let leaves_idle = self.object.idle_replica_count.is_some() && current < min;
        if leaves_idle || current == 0 {
            if self.object.annotations.paused_scale_out {
                return Poll { write: None, reason: "active, scaling out is paused by annotation" };
            }
            self.last_active = Some(now);
            return Poll { write: Some(min.max(1)), reason: "active: activated" };
        }
        if seen.is_error {
            self.ready = PARTIAL_ERROR;
            if self.rules.error_keeps_last_active {
                return Poll { write: None, reason: "active, some triggers fail" };
            }
        }
        self.last_active = Some(now);
        Poll { write: None, reason: "active: the HPA decides" }
    }

    fn poll_inactive(&mut self, now: SimTime, current: u32, seen: Activity) -> Poll {
        self.active = Some(NOT_ACTIVE);
        let (min, idle) = (self.object.min_replicas(), self.object.idle_replica_count);
        if seen.is_error {
            match self.object.fallback {
                None => {
                    self.ready = TRIGGER_ERROR;
                    return Poll { write: None, reason: "triggers fail, there is no fallback" };
                }
                Some(fallback) if fallback.replicas != 0 || !self.rules.zero_fallback_goes_on => {
                    return Poll { write: None, reason: "triggers fail, the fallback holds" };
                }
                // The real code looks at the count alone; a fallback of 0 counts as none.
                Some(_) => {}
            }
        }
        let may_shrink = match idle {
            Some(idle) => current > idle || (current > 0 && min == 0),
            None => current > 0 && min == 0,
        };
        if may_shrink {
            return self.shrink(now, current, idle.unwrap_or(min));
        }
        if idle.is_none() && current < min {
            return Poll { write: Some(min), reason: "not active: below the minimum" };
        }
        Poll { write: None, reason: "not active" }
    }

    fn shrink(&mut self, now: SimTime, current: u32, goal: u32) -> Poll {
        if self.object.annotations.paused_scale_in {
            return Poll { write: None, reason: "not active, scaling in is paused by annotation" };
        }
        let (since, cooldown_s) = match self.last_active {
            None => (self.created, self.object.initial_cooldown_period_s.unwrap_or(0)),
            Some(at) => (at, self.object.cooldown_s()),
        };
        let (waited, cooldown) = (now.since(since), SimDuration::from_s(u64::from(cooldown_s)));
        let is_over = waited > cooldown || (waited == cooldown && !self.rules.cooldown_is_strict);
        if !is_over {
            self.active = Some(COOLDOWN);
            return Poll { write: None, reason: "not active, the cooldown runs" };
        }
        if !self.quirks.to_zero_in_one_write && current > self.object.hpa_min_replicas() {
            return Poll { write: None, reason: "not active: the HPA steps down first" };
        }
        Poll { write: Some(goal), reason: "not active: the cooldown is over" }
    }
}
