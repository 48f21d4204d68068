//! All servers, and what they share.

use super::clock::Clock;
use super::engine::{Leap, Sequence};
use super::server::Server;
use crate::id::{AttemptSlot, ClockId, ServerId, Slab, Table};

/// All servers.
#[derive(Default)]
pub(crate) struct Serving {
    pub(crate) servers: Slab<ServerId, Server>,
    /// Clocks of GPUs that several servers share.
    pub(crate) clocks: Slab<ClockId, Clock>,
    /// What token-level engines know of each attempt, by the attempt's slot.
    pub(crate) sequences: Table<AttemptSlot, Sequence>,
    /// Reused: attempts that end together.
    pub(crate) done: Vec<AttemptSlot>,
    /// Reused: attempts whose first token has come.
    pub(crate) first_tokens: Vec<AttemptSlot>,
    /// Reused: leaps whose gaps a signal wants.
    pub(crate) gaps: Vec<(Leap, u64)>,
}

impl Serving {
    /// Stores what an engine knows of a new attempt.
    #[inline]
    pub(crate) fn put_sequence(&mut self, attempt: AttemptSlot, sequence: Sequence) {
        self.sequences.reach(attempt, Sequence::default);
        self.sequences[attempt] = sequence;
    }
}
