//! Ready pods of a service over time, and how many its register asks for that are not ready.

use crate::clock::{SimDuration, SimTime};

/// Integrals of ready and of missing pods.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    ready_ps: u128,
    missing_ps: u128,
    /// Time in which at least one was missing.
    short: SimDuration,
    since: SimTime,
    most: u32,
    /// `ready_ps` at the last row of the series.
    row_ps: u128,
}

impl Readiness {
    /// Brings the integrals to `now`; since the last call, `ready` pods were ready and `spec`
    /// wanted. Call before either number changes.
    pub(crate) fn advance(&mut self, ready: u32, spec: u32, now: SimTime) {
        let span = now.since(self.since);
        self.ready_ps += u128::from(span.as_ps()) * u128::from(ready);
        let missing = spec.saturating_sub(ready);
        if missing > 0 {
            self.missing_ps += u128::from(span.as_ps()) * u128::from(missing);
            self.short += span;
        }
        self.since = now;
    }

    /// Notes how many are ready now.
    pub(crate) fn reach(&mut self, ready: u32) {
        self.most = self.most.max(ready);
    }

    /// The highest number of ready pods.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// Ready pod-picoseconds since the last row of the series.
    pub(crate) fn take_row_ps(&mut self) -> u128 {
        self.ready_ps - std::mem::replace(&mut self.row_ps, self.ready_ps)
    }

    /// Ready and missing pods, in pod-seconds, and the time in which any was missing.
    pub(crate) fn totals(&self) -> (f64, f64, SimDuration) {
        (self.ready_ps as f64 / 1e12, self.missing_ps as f64 / 1e12, self.short)
    }
}
