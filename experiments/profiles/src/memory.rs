//! How much of a GPU's memory a model takes, and how many tokens the cache then holds.

use super::fields::non_negative;
use super::gpu::Gpu;
use super::model::Model;
use super::precision::Precision;
use serde::{Deserialize, Serialize};

/// Memory of one GPU of the group, bytes. What the engine takes beside weights and cache grows with
/// its limits:
///
/// `fixed + per_batched_token * max_num_batched_tokens + per_sequence * max_num_seqs`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Weights.
    #[serde(deserialize_with = "non_negative")]
    pub weights_bytes: f64,
    /// Cache of one token.
    #[serde(deserialize_with = "non_negative")]
    pub kv_bytes_per_token: f64,
    /// CUDA context, communication buffers, captured graphs.
    #[serde(deserialize_with = "non_negative")]
    pub fixed_bytes: f64,
    /// Activations at their peak, for each token that an iteration may hold.
    #[serde(deserialize_with = "non_negative")]
    pub bytes_per_batched_token: f64,
    /// Logits and their sorted copy, for each sequence that may run.
    #[serde(deserialize_with = "non_negative")]
    pub bytes_per_sequence: f64,
}

/// Limits of an engine that decide how much memory is left for the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngineLimits {
    /// Share of the GPU's memory that the engine may take (vLLM: 0.9).
    pub utilization: f64,
    /// Tokens of an iteration (`max_num_batched_tokens`).
    pub batched_tokens: u32,
    /// Sequences running at once (`max_num_seqs`).
    pub sequences: u32,
    /// Tokens of a cache block (vLLM: 16).
    pub block_tokens: u32,
}

impl Default for EngineLimits {
    /// vLLM: 0.9 of the memory, blocks of 16 tokens, 2,048 tokens an iteration, 256 sequences.
    fn default() -> Self {
        EngineLimits { utilization: 0.9, batched_tokens: 2048, sequences: 256, block_tokens: 16 }
    }
}

impl Memory {
    /// Fixed part, bytes: with the two other terms this gives 1.24 GB for an 8B model at 2,048
    /// tokens and 256 sequences, which is what vLLM 0.19 was seen to take on an RTX 4090.
    pub const FIXED_BYTES: f64 = 0.8e9;
    /// What communication among several GPUs takes more on each: vLLM 0.19 logs 2.08 GiB outside of `PyTorch` on two H100,
    /// 0.25 GiB on one.
    pub const AMONG_SEVERAL_BYTES: f64 = 1.83 * 1_073_741_824.0;

    /// The memory of `model` on one of `tensor_parallel` GPUs.
    ///
    /// An MLP holds its gate, its other half and their product at once, in 16 bits; logits are 32
    /// bits and are copied once to be sorted.
    pub fn of(model: &Model, tensor_parallel: u32, weights: Precision, cache: Precision) -> Self {
        Memory {
            weights_bytes: model.weight_bytes(tensor_parallel, weights),
            kv_bytes_per_token: model.kv_bytes_per_token(tensor_parallel, cache),
            fixed_bytes: Memory::FIXED_BYTES + if tensor_parallel > 1 { Memory::AMONG_SEVERAL_BYTES } else { 0.0 },
            bytes_per_batched_token: 3.0 * f64::from(model.ffn) * 2.0 / f64::from(tensor_parallel.max(1)),
            bytes_per_sequence: 2.0 * f64::from(model.vocab) * 4.0,
        }
    }

    /// What the engine takes beside weights and cache, bytes.
    pub fn runtime_bytes(&self, limits: EngineLimits) -> f64 {
        self.fixed_bytes
            + self.bytes_per_batched_token * f64::from(limits.batched_tokens)
            + self.bytes_per_sequence * f64::from(limits.sequences)
    }

    /// Whole cache blocks that fit beside weights and runtime on a GPU of `memory_bytes`; 0 if the
    /// model does not fit.
    pub fn kv_blocks(&self, memory_bytes: u64, limits: EngineLimits) -> u64 {
        let free = memory_bytes as f64 * limits.utilization - self.weights_bytes - self.runtime_bytes(limits);
        let block = self.kv_bytes_per_token * f64::from(limits.block_tokens);
        if block > 0.0 { (free / block).max(0.0) as u64 } else { 0 }
    }

    /// Tokens of the cache, in whole blocks.
    pub fn kv_tokens(&self, memory_bytes: u64, limits: EngineLimits) -> u64 {
        self.kv_blocks(memory_bytes, limits) * u64::from(limits.block_tokens)
    }

    /// Tokens of the cache on a GPU of the catalogue.
    pub fn kv_tokens_on(&self, gpu: &Gpu, limits: EngineLimits) -> u64 {
        self.kv_tokens(gpu.memory_bytes(), limits)
    }
}
