//! Looking ahead: reads the records of the next few events before any of them is handled.
//!
//! In a large fleet no cache holds the records that events need, and each event would wait for
//! memory several times in a row. The next few events are known together: reading their records
//! together makes the waits overlap.

use super::{Event, Simulation};
use crate::id::{RequestSlot, ServerSlot};

/// Up to this many attempts, the caches of a core hold their records and those of their servers.
const FEW: usize = 1 << 12;
/// Events whose records are read together.
const TOGETHER: usize = 64;

impl Simulation {
    /// Reads what the next few events need, without using it.
    #[inline]
    pub(super) fn look_ahead(&self) {
        // Events of token-level engines name no attempt: walking through them gains nothing, and
        // costs a sixth of such a run.
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
