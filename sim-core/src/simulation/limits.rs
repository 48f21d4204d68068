//! What a run may not exceed, looked at where it grows; and runs whose time hardly moves.

use super::{RunError, Simulation};
use crate::clock::{SimDuration, SimTime};

/// Events between two calls of the progress function.
const PROGRESS_EVERY: u64 = 1 << 16;

/// So many events that no client sent, within [`STRIDE`], are looked at as a loop.
const CROWD: u64 = 1 << 20;
/// Of each live request so many events at one instant are no loop: all may time out, and try again.
const OF_A_REQUEST: u64 = 16;
/// Simulated time in which something happened.
const STRIDE: SimDuration = SimDuration::from_ms(1);

/// What was begun so far, and how fast time moves.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Requests begun, and those of them that open-loop clients sent.
    begun: u64,
    pub(super) pulled: u64,
    /// Events at which to look again.
    pub(super) look_at: u64,
    /// When time last moved by a stride, and what was done by then.
    since: SimTime,
    done: u64,
}

impl Simulation {
    /// Counts a request that was begun, and holds it against the limits.
    #[inline]
    pub(super) fn count_request(&mut self) -> Result<(), RunError> {
        self.progress.begun += 1;
        let limits = &self.world.limits;
        // The arena grows only when every place is taken: its size is the peak.
        if self.progress.begun > limits.requests || self.traffic.requests.peak() as u64 > limits.live_requests {
            return Err(self.too_many_requests());
        }
        Ok(())
    }

    #[cold]
    fn too_many_requests(&self) -> RunError {
        let limits = self.world.limits;
        if self.progress.begun > limits.requests {
            return self.exceeded("requests", limits.requests);
        }
        self.exceeded("live_requests", limits.live_requests)
    }

    fn exceeded(&self, name: &'static str, limit: u64) -> RunError {
        RunError::Limit { name, limit, at: self.agenda.now() }
    }

    /// Looks at what grows slowly; called when so many events were handled as it asked for.
    #[cold]
    pub(super) fn look(&mut self) -> Result<(), RunError> {
        let limits = self.world.limits;
        // Work that nobody waits for any more is held by attempts alone.
        if self.traffic.attempts.len() as u64 > limits.live_requests.saturating_mul(4) {
            return Err(self.exceeded("live_requests", limits.live_requests));
        }
        if self.work.events > limits.events {
            return Err(self.exceeded("events", limits.events));
        }
        self.progress.look_at = (self.work.events + PROGRESS_EVERY).min(limits.events.saturating_add(1));
        self.check_pace()
    }

    /// Refuses to go on where so much happens in so little time that the end would not be reached
    /// within the limits: causes that follow each other by picoseconds would play for years.
    fn check_pace(&mut self) -> Result<(), RunError> {
        let now = self.agenda.now();
        // What comes from recordings and rates ends by itself, and was counted before the run.
        let done = self.work.events - self.progress.pulled;
        let moved = now.since(self.progress.since);
        if moved >= STRIDE {
            (self.progress.since, self.progress.done) = (now, done);
            return Ok(());
        }
        let events = done - self.progress.done;
        let live = (self.traffic.requests.len() + self.traffic.attempts.len()) as u64;
        if events < CROWD + OF_A_REQUEST * live {
            return Ok(());
        }
        let left = u128::from(self.world.horizon.since(now).as_ps());
        let needed = u128::from(events) * left / u128::from(moved.as_ps().max(1));
        if needed <= u128::from(self.world.limits.events) {
            return Ok(());
        }
        Err(RunError::Crawl { at: now, events, moved })
    }
}
