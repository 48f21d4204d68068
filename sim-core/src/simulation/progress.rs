//! How far a run is, and whether simulated time moves fast enough for it to end.

use super::error::RunError;
use super::world::Settings;
use crate::clock::{SimDuration, SimTime};

/// This many events that no client sent, within [`STRIDE`], are suspected to be a loop.
const CROWD: u64 = 1 << 20;
/// Each live request may add this many events at one instant: all requests may time out and be sent
/// again.
const OF_A_REQUEST: u64 = 16;
/// If time moves by this much, it moves fast enough.
const STRIDE: SimDuration = SimDuration::from_ms(1);

/// What was begun so far, and how fast time moves.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Requests begun, and those of them that open-loop clients sent.
    pub(super) begun: u64,
    pub(super) pulled: u64,
    /// The number of events at which the limits are checked next.
    pub(super) look_at: u64,
    /// When time last moved by a stride, and the number of events handled by then.
    since: SimTime,
    done: u64,
}

impl Progress {
    /// Stops a run that would not reach its end within the limit of events, because too much
    /// happens in too little time: events that follow each other by picoseconds would play for
    /// years. `events` were handled so far, and `live` requests and attempts are live.
    pub(super) fn check_pace(
        &mut self,
        now: SimTime,
        events: u64,
        live: u64,
        world: &Settings,
    ) -> Result<(), RunError> {
        // Arrivals from recordings and rates end by themselves, and were counted before the run.
        let done = events - self.pulled;
        let moved = now.since(self.since);
        if moved >= STRIDE {
            (self.since, self.done) = (now, done);
            return Ok(());
        }
        let events = done - self.done;
        if events < CROWD + OF_A_REQUEST * live {
            return Ok(());
        }
        let left = u128::from(world.horizon.since(now).as_ps());
        let needed = u128::from(events) * left / u128::from(moved.as_ps().max(1));
        if needed <= u128::from(world.limits.events) {
            return Ok(());
        }
        Err(RunError::Crawl { at: now, events, moved })
    }
}
