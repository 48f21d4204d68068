//! How many attempts are present at a service, and integrals of that over time.

use crate::clock::{SimDuration, SimTime};

/// Attempts that were sent to a service and have not ended.
#[derive(Debug)]
pub(crate) struct Presence {
    count: u32,
    /// Attempts times picoseconds up to an instant, kept only if a signal wants it.
    integrates: bool,
    attempt_ps: u128,
    since: SimTime,
    /// Time at each number of attempts, if asked for; the last level includes all higher numbers.
    levels: Vec<SimDuration>,
    level_since: SimTime,
}

impl Presence {
    /// No attempts yet; the time at each number of them is kept up to `levels`.
    pub(crate) fn new(levels: u32) -> Self {
        Presence {
            count: 0,
            integrates: false,
            attempt_ps: 0,
            since: SimTime::ZERO,
            levels: vec![SimDuration::ZERO; levels as usize],
            level_since: SimTime::ZERO,
        }
    }

    /// How many attempts are present.
    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Starts to keep the integral, since a signal wants it.
    pub(crate) fn integrate(&mut self) {
        self.integrates = true;
    }

    /// Counts one attempt more, or one less.
    #[inline]
    pub(crate) fn step(&mut self, up: bool, now: SimTime) {
        if !self.levels.is_empty() {
            self.settle_levels(now);
        }
        if self.integrates {
            self.settle(now);
        }
        self.count = if up { self.count + 1 } else { self.count - 1 };
    }

    fn settle(&mut self, now: SimTime) {
        self.attempt_ps += u128::from(now.since(self.since).as_ps()) * u128::from(self.count);
        self.since = now;
    }

    fn settle_levels(&mut self, now: SimTime) {
        if let Some(last) = self.levels.len().checked_sub(1) {
            self.levels[(self.count as usize).min(last)] += now.since(self.level_since);
            self.level_since = now;
        }
    }

    /// The integral since the start, in attempt-seconds.
    pub(crate) fn attempt_s(&mut self, now: SimTime) -> f64 {
        self.settle(now);
        self.attempt_ps as f64 / 1e12
    }

    /// Time at each number of attempts up to `end`, in seconds.
    pub(crate) fn occupancy_s(&mut self, end: SimTime) -> Vec<f64> {
        self.settle_levels(end);
        self.levels.iter().map(|span| span.as_s_f64()).collect()
    }
}
