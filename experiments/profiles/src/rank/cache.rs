//! The cache of one rank: bytes of a token by kind of layer, and the blocks that vLLM keeps them in.

use super::parallelism::Parallelism;
use crate::architecture::{Architecture, Attention, CacheFormat, Grouped, Index, Latent, Reach};
use flashcrowd_core::serving::BlockGroups;
use std::collections::BTreeMap;

/// Tokens of a block (vLLM).
pub const BLOCK_TOKENS: u64 = 16;
/// Bytes of the scale of a row of a sparse index, and what vLLM keeps of a latent row in 8 bits: 512 numbers, four
/// scales of 32 bits, and the part with positions in 16.
const INDEX_SCALE_BYTES: u64 = 4;

/// Layers that keep the same of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// How many.
    pub layers: u64,
    /// Bytes of one token in one of them, on one rank.
    pub bytes: f64,
    /// The most tokens that are kept.
    pub window: Option<u64>,
}

/// The cache of one rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cache {
    /// Kinds of layers that keep rows of tokens: those that keep all first.
    pub groups: Vec<Group>,
    /// Bytes of one token in all layers that keep all tokens, over all ranks.
    pub full_bytes: u64,
    /// Bytes of one token in all layers that keep a window, over all ranks.
    pub windowed_bytes: u64,
    /// Bytes of one sequence's state in linear attention, over all ranks.
    pub state_bytes: u64,
    /// The same on one rank.
    pub rank_state_bytes: f64,
}

impl Cache {
    /// The cache of `model`.
    pub fn of(model: &Architecture, ranks: Parallelism, format: CacheFormat) -> Self {
        let mut cache = Cache::default();
        let mut groups: BTreeMap<(u64, u64), Group> = BTreeMap::new();
        for attention in model.attentions() {
            let state = attention.state_bytes().1;
            cache.state_bytes += state;
            cache.rank_state_bytes += state as f64 / f64::from(ranks.tensor);
            let Some((whole, bytes, window)) = row(attention, ranks, format) else { continue };
            match window {
                Some(_) => cache.windowed_bytes += whole,
                None => cache.full_bytes += whole,
            }
            let key = (window.map_or(0, |window| window.max(1)), whole);
            groups.entry(key).or_insert(Group { layers: 0, bytes, window }).layers += 1;
        }
        cache.groups = groups.into_values().collect();
        cache
    }

    /// Bytes of one token on one rank, in layers that keep all tokens.
    pub fn rank_full_bytes(&self) -> f64 {
        let full = self.groups.iter().filter(|group| group.window.is_none());
        full.map(|group| group.layers as f64 * group.bytes).sum()
    }

    /// Bytes of one sequence of so many tokens, over all ranks.
    pub fn sequence_bytes(&self, tokens: u64) -> u64 {
        let windowed = self.groups.iter().filter_map(|group| group.window).min().unwrap_or(u64::MAX);
        self.full_bytes * tokens + self.windowed_bytes * tokens.min(windowed) + self.state_bytes
    }

    /// Tokens that `bytes` of one rank hold, as vLLM counts and logs them: layers of one kind form groups of equal
    /// size, each group takes a block of its own for the same tokens, and all blocks are of one size
    /// (`vllm/v1/core/kv_cache_utils.py`).
    pub fn tokens(&self, bytes: f64) -> u64 {
        let Some(widest) = self.groups.iter().map(|group| group.bytes).max_by(f64::total_cmp) else {
            // Linear attention alone keeps nothing of a token.
            return if bytes > 0.0 { u64::from(u32::MAX) } else { 0 };
        };
        if self.groups.len() == 1 {
            let block = self.rank_full_or_window_bytes() * BLOCK_TOKENS as f64;
            return (bytes / block).max(0.0) as u64 * BLOCK_TOKENS;
        }
        let (size, groups) = self.pages();
        let blocks = (bytes / (BLOCK_TOKENS as f64 * widest * size as f64)).max(0.0) as u64;
        blocks / groups * BLOCK_TOKENS
    }

    /// Layers of a group of blocks, and how many such groups there are.
    pub fn pages(&self) -> (u64, u64) {
        let counts = || self.groups.iter().map(|group| group.layers);
        let (least, most) = (counts().min().unwrap_or(1), counts().max().unwrap_or(1));
        let size = if (most as f64) < 1.25 * least as f64 { most } else { least };
        (size, counts().map(|count| count.div_ceil(size)).sum())
    }

    /// How an engine's blocks are dealt to those groups; `None` if all layers keep all tokens. Of several windows the
    /// longest counts for all, and a model of windows alone is taken as if it had none: both hold too much.
    pub fn block_groups(&self) -> Option<BlockGroups> {
        let (size, _) = self.pages();
        let count = |windowed: bool| -> u64 {
            let kinds = self.groups.iter().filter(|group| group.window.is_some() == windowed);
            kinds.map(|group| group.layers.div_ceil(size)).sum()
        };
        let window = self.groups.iter().filter_map(|group| group.window).max()?;
        let (full, windowed) = (count(false) as u32, count(true) as u32);
        let window = window.clamp(1, u64::from(u32::MAX)) as u32;
        (full > 0).then_some(BlockGroups { full, windowed, window })
    }

    fn rank_full_or_window_bytes(&self) -> f64 {
        self.groups.iter().map(|group| group.layers as f64 * group.bytes).sum()
    }
}

/// Bytes of one token in one layer over all ranks, the same on one rank, and the most tokens that are kept.
fn row(attention: &Attention, ranks: Parallelism, format: CacheFormat) -> Option<(u64, f64, Option<u64>)> {
    let number = format.bytes();
    match attention {
        Attention::Grouped(Grouped { kv_heads, head, value_head, reach, .. }) => {
            let whole = kv_heads * (head + value_head) * number;
            // With fewer heads than ranks each keeps one.
            let split = u64::from(ranks.tensor).min(*kv_heads);
            let window = match reach {
                Reach::Full => None,
                Reach::Window(tokens) => Some(*tokens),
            };
            Some((whole, whole as f64 / split as f64, window))
        }
        Attention::Latent(Latent { kv_rank, rope, index, .. }) => {
            let plain = (kv_rank + rope) * number;
            let Some(Index { width, is_own, .. }) = index else { return Some((plain, plain as f64, None)) };
            let keys = if *is_own { width + INDEX_SCALE_BYTES } else { 0 };
            // vLLM's rows for sparse attention keep positions in 16 bits, and a scale for each 128 numbers.
            let rows = match format {
                CacheFormat::Bf16 => plain,
                CacheFormat::Fp8 => kv_rank + 4 * kv_rank.div_ceil(128) + 2 * rope,
            };
            Some((rows + keys, (plain + keys) as f64, None))
        }
        Attention::DeltaNet(_) | Attention::Mamba(_) => None,
    }
}
