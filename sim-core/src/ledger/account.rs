//! The account of one service: latencies, counts and tokens of its requests, and the work of pods
//! that are gone.

#![expect(
    clippy::inline_always,
    reason = "measured: the caller knows which parts are zero, and a call would write and read all once more"
)]

use super::latency::Latency;
use super::parts::{FailBecause, Parts};
use super::tally::Tally;
use crate::clock::SimDuration;
use crate::serving::{EngineWork, Slo};

/// What the account needs of a completed request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed {
    /// Prompt and generated tokens.
    pub(crate) tokens: [u32; 2],
    /// Whether it arrived after the warm-up.
    pub(crate) measured: bool,
    /// Whether its first token came while its server was beyond the validated band.
    pub(crate) beyond_band: bool,
}

/// Counts and latencies of one period of the series.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Period {
    pub(crate) arrived: u64,
    pub(crate) completed: u64,
    /// Late requests: those that missed an SLO, unserved ones among them.
    pub(crate) late: u64,
    pub(crate) p50: SimDuration,
    pub(crate) p99: SimDuration,
}

/// The account of a service.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) latency: Latency,
    /// End-to-end latencies in the present period of the series; two digits are enough for them.
    recent: Tally<7>,
    /// Counts of the present period.
    period: Period,
    arrived: u64,
    completed: u64,
    tokens: [u64; 2],
    /// Tokens of requests that arrived before the end of the warm-up.
    early_tokens: [u64; 2],
    /// Completed requests whose output was cut.
    pub(crate) cut: u64,
    pub(crate) rejected_attempts: u64,
    /// Measured requests that failed, by [`FailBecause`].
    failed_because: [u64; FailBecause::ALL.len()],
    /// Late requests whose server was beyond its validated band.
    pub(crate) late_beyond_band: u64,
    /// Work of pods that are gone.
    gone: Done,
    /// Busy time at the last row of the series.
    row_busy_ps: u128,
}

/// Work that servers have done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) busy_ps: u128,
    pub(crate) running_ps: u128,
    pub(crate) engine: EngineWork,
}

impl Done {
    /// Adds the work of another server.
    pub(crate) fn add(&mut self, other: &Done) {
        self.busy_ps += other.busy_ps;
        self.running_ps += other.running_ps;
        self.engine.add(&other.engine);
    }
}

impl Account {
    /// An account without entries.
    pub(crate) fn new(latency: Latency) -> Self {
        Account { latency, ..Account::default() }
    }

    /// A request arrived.
    #[inline]
    pub(crate) fn arrive(&mut self) {
        self.period.arrived += 1;
        self.arrived += 1;
    }

    /// A request was completed.
    #[inline(always)]
    pub(crate) fn complete(&mut self, parts: &Parts, request: Completed, slos: &[Slo]) {
        let tokens = request.tokens.map(u64::from);
        self.period.completed += 1;
        self.completed += 1;
        self.recent.record(parts.e2e.as_us());
        self.tokens[0] += tokens[0];
        self.tokens[1] += tokens[1];
        if request.measured {
            let late = self.latency.record(parts, slos);
            self.period.late += u64::from(late);
            self.late_beyond_band += u64::from(late && request.beyond_band);
        } else {
            self.early_tokens[0] += tokens[0];
            self.early_tokens[1] += tokens[1];
        }
    }

    /// Counts a measured request that ended without an answer; `beyond_band` as in [`Completed`].
    pub(crate) fn miss(&mut self, beyond_band: bool, slos: &[Slo]) {
        let late = self.latency.record_unserved(slos);
        self.period.late += 1;
        self.late_beyond_band += u64::from(beyond_band && late);
    }

    /// A measured request failed.
    pub(crate) fn fail(&mut self, because: FailBecause) {
        self.failed_because[because as usize] += 1;
    }

    /// Adds the work of a pod that is gone.
    pub(crate) fn leave(&mut self, done: &Done) {
        self.gone.add(done);
    }

    /// Work of pods that are gone.
    pub(crate) fn gone(&self) -> Done {
        self.gone
    }

    /// Requests that arrived and were completed since the start.
    pub(crate) fn totals(&self) -> [u64; 2] {
        [self.arrived, self.completed]
    }

    /// Measured requests that failed, by [`FailBecause`].
    pub(crate) fn failed_because(&self) -> [u64; FailBecause::ALL.len()] {
        self.failed_because
    }

    /// Tokens of all completed requests, and of those that arrived after the warm-up.
    pub(crate) fn tokens(&self) -> ([u64; 2], [u64; 2]) {
        (self.tokens, [0, 1].map(|at| self.tokens[at] - self.early_tokens[at]))
    }

    /// Returns what the period that ends now saw, and starts the next one.
    pub(crate) fn take_period(&mut self) -> Period {
        let [p50, p99] = [0.5, 0.99].map(|quantile| SimDuration::from_us(self.recent.quantile_us(quantile)));
        self.recent.clear();
        Period { p50, p99, ..std::mem::take(&mut self.period) }
    }

    /// Busy time since the last row of the series, given the busy time of all servers since the
    /// start.
    pub(crate) fn take_row_busy(&mut self, busy_ps: u128) -> u128 {
        busy_ps - std::mem::replace(&mut self.row_busy_ps, busy_ps)
    }
}
