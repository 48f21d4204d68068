//! Groups of layers that each take blocks of their own.

/// How the blocks of the KV cache are dealt to groups of layers, in a model in which some layers keep no more than a
/// window of each context. Each group takes a block of its own for the same tokens.
///
/// Source: vLLM, `vllm/v1/core/kv_cache_utils.py` and `single_type_kv_cache_manager.py` (`SlidingWindowManager`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockGroups {
    /// Groups of layers that keep all tokens; at least 1.
    pub full: u32,
    /// Groups of layers that keep a window; at least 1.
    pub windowed: u32,
    /// Tokens of the window; at least 1.
    pub window: u32,
}

impl BlockGroups {
    /// Groups in all.
    pub fn all(self) -> u64 {
        u64::from(self.full) + u64::from(self.windowed)
    }

    /// Blocks that a sequence of so many tokens holds at most while it decodes.
    pub fn of_sequence(self, tokens: u64, block_tokens: u64) -> u64 {
        let blocks = tokens.div_ceil(block_tokens);
        let within = blocks.min(u64::from(self.window).div_ceil(block_tokens) + 1);
        u64::from(self.full) * blocks + u64::from(self.windowed) * within
    }
}
