//! What an engine has done.

/// What an engine has done since its start, for signals and reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineWork {
    /// Iterations.
    pub iterations: u64,
    /// Tokens computed, prefill and decode.
    pub tokens: u64,
    /// Context tokens read by decodes.
    pub context_read: u128,
    /// Time of reading experts, and the windows of decodes: in units of 2^-16 ps.
    pub parts_read: u128,
    /// Preemptions.
    pub preemptions: u64,
    /// Tokens whose prefill was found in the cache.
    pub cached_tokens: u64,
    /// Most blocks of the KV cache in use at once.
    pub peak_blocks: u64,
}

impl EngineWork {
    /// Adds what another engine has done; the peak is the higher of the two.
    pub(crate) fn add(&mut self, other: &EngineWork) {
        self.iterations += other.iterations;
        self.tokens += other.tokens;
        self.context_read += other.context_read;
        self.parts_read += other.parts_read;
        self.preemptions += other.preemptions;
        self.cached_tokens += other.cached_tokens;
        self.peak_blocks = self.peak_blocks.max(other.peak_blocks);
    }
}
