//! Token-level engines, as written: vLLM's own names where it has them.

use crate::scenario::language::units::Fraction;
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `ContinuousBatch`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContinuousBatch {
    /// A profile file, as `flashcrowd fit serving` writes it; the program's own profiles by default.
    pub profile: Option<String>,
    /// Format of the weights; bf16 by default.
    pub precision: Option<Precision>,
    /// Most sequences that run at once.
    pub max_num_seqs: Option<u32>,
    /// Most tokens of one iteration.
    pub max_num_batched_tokens: Option<u32>,
    /// Longest context, prompt and output together.
    pub max_model_len: Option<u32>,
    /// Tokens of a block of the KV cache.
    pub block_size: Option<u32>,
    /// Share of the GPU's memory that the engine takes.
    pub gpu_memory_utilization: Option<Fraction>,
    /// Tokens that the KV cache holds; by default what the memory leaves.
    pub kv_cache_tokens: Option<u64>,
    /// Whether a prompt may be spread over iterations.
    pub enable_chunked_prefill: Option<bool>,
    /// Whether blocks are found again by those who need the same tokens.
    pub enable_prefix_caching: Option<bool>,
    /// Whether an iteration is planned while the one before it runs; as the profile was measured
    /// by default.
    pub async_scheduling: Option<bool>,
}

/// Format of weights.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Precision {
    /// 16 bits.
    Bf16,
    /// 8 bits.
    Fp8,
    /// 4 bits.
    Fp4,
}
