//! What GPUs that share a model tell each other in an iteration: a time for each of its tokens, which
//! is another one for tokens beyond some number, since large messages use their links better.

/// Messages of an iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Messages {
    /// Time of one token, in ms.
    pub token_ms: f64,
    /// So many tokens take that.
    pub small_tokens: u32,
    /// Time of each token beyond, in ms.
    pub further_token_ms: f64,
}

/// The same in units of the time model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MessageUnits {
    pub(super) token: u64,
    pub(super) small_tokens: u64,
    pub(super) further_token: u64,
}

impl MessageUnits {
    /// Units of an iteration of `tokens` tokens.
    #[inline]
    pub(super) fn of(self, tokens: u64) -> u64 {
        let small = tokens.min(self.small_tokens);
        self.token * small + self.further_token * (tokens - small)
    }
}
