//! What an engine knows of one attempt: its tokens, and where in them it is.

use super::blocks::Kept;
use crate::clock::SimTime;
use crate::serving::arena::NONE;

/// The tokens of one attempt. Stands beside the attempt, at the same index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    pub(crate) prompt: u32,
    pub(crate) output: u32,
    /// Tokens generated before it was last admitted: more than none only after a preemption.
    pub(super) generated: u32,
    /// Tokens of its prefill that are in the cache.
    pub(super) computed: u32,
    /// Number of its admission; tells it from what stood at its index before.
    pub(super) admission: u64,
    /// The iteration after which it has all its tokens, once it decodes.
    pub(super) end: u64,
    /// Whether it has been admitted before.
    pub(super) started: bool,
    /// When the front end has passed it on.
    pub(super) ready: SimTime,
    /// When its first token came.
    pub(crate) first_token: Option<SimTime>,
    /// When its last token came before it was preempted.
    pub(super) last_token: SimTime,
    /// What it left in the cache when it was preempted, beside what has names.
    pub(super) kept: Kept,
    /// The names of its prompt's blocks, in the arena of those, or [`NONE`].
    pub(crate) prefix: u32,
}

impl Default for Sequence {
    fn default() -> Self {
        Sequence {
            prompt: 1,
            output: 1,
            generated: 0,
            computed: 0,
            admission: 0,
            end: 0,
            started: false,
            ready: SimTime::ZERO,
            first_token: None,
            last_token: SimTime::ZERO,
            kept: Kept::default(),
            prefix: NONE,
        }
    }
}

impl Sequence {
    /// A sequence of at least one token in and one out.
    pub(crate) fn new(prompt: u32, output: u32) -> Self {
        Sequence { prompt: prompt.max(1), output: output.max(1), ..Sequence::default() }
    }

    /// Tokens that its prefill computes: after a preemption, what was generated too.
    #[inline]
    pub(super) fn prefill_tokens(&self) -> u64 {
        u64::from(self.prompt) + u64::from(self.generated)
    }

    /// Tokens of its prefill that are still to be computed, what a cache may hold included.
    pub(crate) fn left_of_prefill(&self) -> u64 {
        self.prefill_tokens() - u64::from(self.computed)
    }

    /// Whether it was preempted and has to be computed again.
    pub(crate) fn was_preempted(&self) -> bool {
        self.started && self.admission == 0
    }

    /// Its context in iteration `k` of its decode, the token of that iteration included.
    #[inline]
    pub(super) fn context_in(&self, k: u64) -> u64 {
        u64::from(self.prompt) + u64::from(self.output) - (self.end - k)
    }

    /// An iteration in which its decode needs a block: the one whose token is the first of a block.
    #[inline]
    pub(super) fn phase(&self) -> u64 {
        // context_in(k) = 1 modulo the block size. Wraps below zero, which the modulus forgives.
        self.end.wrapping_add(1).wrapping_sub(u64::from(self.prompt) + u64::from(self.output))
    }
}
