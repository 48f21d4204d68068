//! Looking ahead: reads the records of the next few events before any of them is handled.
//!
//! In a large fleet no cache holds what events are about, and each of them would wait for memory several
//! times, one after the other. The next few are known together: read together, their waits overlap.

use super::{Event, Simulation};
use crate::id::{RequestSlot, ServerSlot};

/// Up to so many attempts, the caches of a core hold their records and those of their servers.
const FEW: usize = 1 << 12;
/// Events whose records are read together.
const TOGETHER: usize = 64;

impl Simulation {
    /// Reads what the next few events need, and makes nothing of it.
    #[inline]
    pub(super) fn look_ahead(&self) {
        // Events of token-level engines name no attempt: to walk them brings nothing, and costs a sixth of such a run.
        if self.traffic.attempts.peak() > FEW && self.serving.sequences.is_empty() {
            self.read_ahead();
        }
    }

    fn read_ahead(&self) {
        let mut ahead = [(ServerSlot::NONE, RequestSlot::NONE); TOGETHER];
        for (event, ahead) in self.agenda.upcoming().zip(&mut ahead) {
            if let Event::SlotDone { attempt } | Event::Deliver { attempt } = event {
                let attempt = &self.traffic.attempts[*attempt];
                *ahead = (attempt.server, attempt.request);
            }
        }
        let mut read = 0;
        for (server, request) in ahead {
            if let Some(server) = self.serving.servers.get(server) {
                read ^= u64::from(server.running) ^ server.meter.accepted;
            }
            if let Some(request) = self.traffic.requests.get(request) {
                read ^= request.number;
            }
        }
        std::hint::black_box(read);
    }
}
