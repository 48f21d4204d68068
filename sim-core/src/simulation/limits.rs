//! What a run may not exceed, checked where it grows.

use super::Simulation;
use super::error::RunError;

/// Events between two calls of the progress function.
const PROGRESS_EVERY: u64 = 1 << 16;

impl Simulation {
    /// Counts a request that was begun, and checks the limits on requests.
    #[inline]
    pub(super) fn count_request(&mut self) -> Result<(), RunError> {
        self.progress.begun += 1;
        let limits = &self.world.limits;
        // The arena grows only when every slot is taken: its size is the peak.
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

    /// Checks what grows slowly; called after as many events as the last check asked for.
    #[cold]
    pub(super) fn look(&mut self) -> Result<(), RunError> {
        let limits = self.world.limits;
        // Work that no client waits for any more is held by attempts alone.
        if self.traffic.attempts.len() as u64 > limits.live_requests.saturating_mul(4) {
            return Err(self.exceeded("live_requests", limits.live_requests));
        }
        if self.work.events > limits.events {
            return Err(self.exceeded("events", limits.events));
        }
        self.progress.look_at = (self.work.events + PROGRESS_EVERY).min(limits.events.saturating_add(1));
        let live = (self.traffic.requests.len() + self.traffic.attempts.len()) as u64;
        self.progress.check_pace(self.agenda.now(), self.work.events, live, &self.world)
    }
}
