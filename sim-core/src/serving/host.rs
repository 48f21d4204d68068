//! All servers at work, and what they share.

use super::clock::Clock;
use super::engine::{Leap, Sequence};
use super::server::Server;
use crate::id::{ClockId, ServerId, Slab};

/// All servers.
#[derive(Default)]
pub(crate) struct Serving {
    pub(crate) servers: Slab<ServerId, Server>,
    /// Clocks of GPUs that several servers share.
    pub(crate) clocks: Slab<ClockId, Clock>,
    /// What token-level engines know of attempts, by the attempts' indices.
    pub(crate) sequences: Vec<Sequence>,
    /// Reused for attempts that end together.
    pub(crate) done: Vec<u32>,
    /// Reused for attempts whose first token comes.
    pub(crate) first_tokens: Vec<u32>,
    /// Reused for leaps whose gaps a signal wants.
    pub(crate) gaps: Vec<(Leap, u64)>,
}

impl Serving {
    /// Keeps what an engine knows of an attempt that has just been made.
    #[inline]
    pub(crate) fn put_sequence(&mut self, attempt: u32, sequence: Sequence) {
        let at = attempt as usize;
        if self.sequences.len() <= at {
            self.sequences.resize(at + 1, Sequence::default());
        }
        self.sequences[at] = sequence;
    }
}
