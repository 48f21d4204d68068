//! Turns a recommendation into what is written: bounds, and the way to zero.
//!
//! Follows `pkg/reconciler/autoscaling/kpa/scaler.go` of `knative/serving` @ 98e5ef90.

const NS_PER_S: i64 = 1_000_000_000;
/// What a failing activation is given beyond the progress deadline.
const ACTIVATION_BUFFER_NS: i64 = 30 * NS_PER_S;
/// When to look again after the activator's path is being set up.
const PROXY_RECHECK_NS: i64 = 3 * NS_PER_S;
/// No desired count yet: there is no data.
pub const UNKNOWN: i32 = -1;

/// The `PodAutoscaler`'s condition `Active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// `Unknown`: pods are wanted and none serves yet.
    Activating,
    /// `True`.
    Active,
    /// `False`: nothing is wanted.
    Inactive,
}

/// Whether a route leads to a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reachability {
    /// Not known yet.
    #[default]
    Unknown,
    /// A route leads to it.
    Reachable,
    /// None does.
    Unreachable,
}

/// Bounds of what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Fewest pods.
    pub min: i32,
    /// Most pods; 0 for no bound.
    pub max: i32,
}

impl Bounds {
    /// `desired` within the bounds.
    pub fn clamp(self, desired: i32) -> i32 {
        if desired < self.min {
            self.min
        } else if self.max != 0 && desired > self.max {
            self.max
        } else {
            desired
        }
    }
}

/// What the way to zero depends on. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZeroState {
    /// The desired count within its bounds.
    pub desired: i32,
    /// `enable-scale-to-zero`.
    pub enabled: bool,
    /// The condition.
    pub active: Active,
    /// For how long the condition has been so.
    pub condition_age_ns: i64,
    /// The revision's stable window.
    pub stable_window_ns: i64,
    /// `scale-to-zero-grace-period`.
    pub grace_ns: i64,
    /// How long the last pod is kept; 0 for none.
    pub retention_ns: i64,
    /// The revision's progress deadline.
    pub progress_deadline_ns: i64,
    /// Whether the activator is in the path by choice (mode `Proxy`).
    pub in_proxy_mode: bool,
    /// The revision's target burst capacity; at -1 the activator is always in the path.
    pub target_burst_capacity: f64,
    /// Whether a probe of the activator answers.
    pub probe_ok: bool,
    /// For how long the activator has been in the path; `None`: it never was.
    pub populated_for_ns: Option<i64>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The count; [`UNKNOWN`] to hold.
    pub desired: i32,
    /// Whether to write it. A count of 0 that is not written marks the revision inactive.
    pub write: bool,
    /// After how many nanoseconds to look again, if asked for.
    pub recheck_ns: Option<i64>,
}

impl Scale {
    fn write(desired: i32) -> Self {
        Scale { desired, write: true, recheck_ns: None }
    }

    fn wait(desired: i32, recheck_ns: Option<i64>) -> Self {
        Scale { desired, write: false, recheck_ns }
    }
}

/// Takes the last pod only if all that must be waited for has passed.
///
/// ```
/// use flashcrowd_policies::autoscalers::knative::{Active, ZeroState, to_zero};
/// let second = 1_000_000_000;
/// let state = ZeroState {
///     desired: 0, enabled: true, active: Active::Active, condition_age_ns: 20 * second,
///     stable_window_ns: 60 * second, grace_ns: 30 * second, retention_ns: 0,
///     progress_deadline_ns: 600 * second, in_proxy_mode: false, target_burst_capacity: 211.0,
///     probe_ok: true, populated_for_ns: None,
/// };
/// let scale = to_zero(&state);
/// assert_eq!((scale.desired, scale.recheck_ns), (1, Some(40 * second)));
/// ```
pub fn to_zero(state: &ZeroState) -> Scale {
    if state.desired != 0 {
        return Scale::write(state.desired);
    }
    if !state.enabled {
        return Scale::write(1);
    }
    match state.active {
        Active::Activating => {
            let timeout = state.progress_deadline_ns.saturating_add(ACTIVATION_BUFFER_NS);
            if state.condition_age_ns > timeout { Scale::write(0) } else { Scale::wait(UNKNOWN, Some(timeout)) }
        }
        Active::Active if state.condition_age_ns >= state.stable_window_ns => {
            Scale::wait(0, state.in_proxy_mode.then_some(PROXY_RECHECK_NS))
        }
        Active::Active => {
            Scale { recheck_ns: Some(state.stable_window_ns.saturating_sub(state.condition_age_ns)), ..Scale::write(1) }
        }
        Active::Inactive => from_inactive(state),
    }
}

fn from_inactive(state: &ZeroState) -> Scale {
    // With an unlimited burst capacity the activator is always in the path, so no probe is needed.
    if state.target_burst_capacity != -1.0 && !state.probe_ok {
        return Scale::wait(0, None);
    }
    let inactive = state.condition_age_ns;
    if inactive >= state.grace_ns.max(state.retention_ns) {
        return Scale::write(0);
    }
    if state.retention_ns > 0 && inactive < state.retention_ns {
        return Scale::wait(0, Some(state.retention_ns.saturating_sub(inactive)));
    }
    let left = state.grace_ns.saturating_sub(state.populated_for_ns.unwrap_or(0));
    if left <= 0 { Scale::write(0) } else { Scale::wait(0, Some(left)) }
}

/// The condition after a reconcile that wanted `want` (or [`UNKNOWN`]) while `ready` pods are ready
/// and at least `threshold` must be.
pub(super) fn next_condition(active: Active, want: i32, ready: i32, threshold: i32) -> Active {
    if want == 0 || threshold == 0 || (want < 0 && active == Active::Inactive) {
        Active::Inactive
    } else if ready < threshold {
        Active::Activating
    } else {
        Active::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_follows_what_is_wanted_and_ready() {
        let table = [
            (Active::Active, 0, 5, 1, Active::Inactive),
            (Active::Inactive, 2, 0, 1, Active::Activating),
            (Active::Activating, 2, 1, 1, Active::Active),
            (Active::Active, 2, 1, 2, Active::Activating),
            (Active::Inactive, UNKNOWN, 1, 1, Active::Inactive),
            (Active::Activating, UNKNOWN, 0, 1, Active::Activating),
            (Active::Activating, UNKNOWN, 1, 1, Active::Active),
            (Active::Activating, UNKNOWN, 0, 0, Active::Inactive),
        ];
        for (before, want, ready, threshold, after) in table {
            assert_eq!(next_condition(before, want, ready, threshold), after, "{before:?} {want} {ready}");
        }
    }

    #[test]
    fn bounds_of_zero_do_not_bind_above() {
        let bounds = Bounds { min: 2, max: 0 };
        assert_eq!((bounds.clamp(-1), bounds.clamp(1000)), (2, 1000));
        // The minimum wins over a lower maximum, since it is applied first.
        assert_eq!(Bounds { min: 5, max: 3 }.clamp(1), 5);
    }
}
