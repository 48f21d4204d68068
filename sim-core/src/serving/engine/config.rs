//! Configuration of a token-level engine: every rule of the real engine that changes latency.

use super::sequence::Sequence;
use super::time_model::{LONGEST_ITERATION_S, TimeModel};
use crate::clock::SimDuration;
use crate::id::PrefixSlot;
use crate::serving::ValidatedBand;

/// A continuous-batching engine as vLLM's V1 scheduler works: decodes first, then the prefill in
/// progress, then waiting requests in the order of their arrival, until the token budget is spent.
///
/// Source: vLLM, `vllm/v1/core/sched/scheduler.py` (`Scheduler.schedule`) and
/// `vllm/v1/core/kv_cache_manager.py`.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the real engine")]
pub struct EngineConfig {
    /// Time of an iteration.
    pub time: TimeModel,
    /// Time that the front end needs for a request before the engine sees it.
    pub front_end: SimDuration,
    /// `max_num_batched_tokens`: tokens of one iteration.
    pub token_budget: u32,
    /// `max_num_seqs`: sequences that run at once.
    pub max_sequences: u32,
    /// Whether a prompt may be computed in several iterations.
    pub chunked_prefill: bool,
    /// `max_model_len`: longest context. A longer prompt is refused, a longer output is cut there.
    pub max_context: u32,
    /// Tokens of a block of the KV cache; a power of two.
    pub block_tokens: u32,
    /// Blocks of the KV cache.
    pub blocks: u64,
    /// Whether a sequence may reuse freed blocks that hold the tokens it needs.
    pub prefix_caching: bool,
    /// Whether an iteration is planned while the one before it runs, as in asynchronous scheduling:
    /// a request then joins one iteration later.
    pub lookahead: bool,
    /// Whether iterations with the same batch are played at once. If not, each is an event of its
    /// own, which is slower and gives the same results to the last bit.
    pub leaps: bool,
    /// Seconds that one token takes at the peak of the GPU, for tensor activity; 0 if unknown.
    pub peak_token_s: f64,
    /// Share of the memory bandwidth that a read of weights or cache reaches, for DRAM activity.
    pub read_efficiency: f64,
    /// Where its time model was compared with measurements, if it was.
    pub validated: Option<ValidatedBand>,
}

/// Why the settings of an engine do not fit together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineConfigError {
    /// A size of blocks that no engine has.
    #[error("a block of {tokens} tokens: expected a power of two up to 4096")]
    Block {
        /// Tokens of a block.
        tokens: u32,
    },
    /// More sequences than one iteration can serve.
    #[error("a budget of {budget} tokens an iteration for {sequences} sequences: expected at least one token for each")]
    Budget {
        /// Tokens of one iteration.
        budget: u32,
        /// Sequences that run at once.
        sequences: u32,
    },
    /// A cache that holds nothing, or too much.
    #[error("a KV cache of {blocks} blocks: expected at least 1")]
    Cache {
        /// Blocks of the cache.
        blocks: u64,
    },
    /// Iterations that may be too long to count in integers.
    #[error(
        "the longest iteration ({budget} tokens on a full cache of {cache}) takes {seconds:.0} s: expected at most \
         {LONGEST_ITERATION_S} s"
    )]
    Iteration {
        /// Tokens of one iteration.
        budget: u64,
        /// Tokens that the cache holds.
        cache: u64,
        /// How long it takes.
        seconds: f64,
    },
}

impl EngineConfig {
    /// An engine with that time model and number of blocks, and with the defaults of vLLM: 8,192
    /// tokens an iteration, 1,024 sequences, blocks of 16 tokens, prefix caching, chunked prefill.
    pub fn new(time: TimeModel, blocks: u64) -> Self {
        EngineConfig {
            time,
            front_end: SimDuration::ZERO,
            token_budget: 8_192,
            max_sequences: 1_024,
            chunked_prefill: true,
            max_context: u32::MAX,
            block_tokens: 16,
            blocks,
            prefix_caching: true,
            lookahead: false,
            leaps: true,
            peak_token_s: 0.0,
            read_efficiency: 0.8,
            validated: None,
        }
    }

    /// Tokens that the cache holds.
    pub fn cache_tokens(&self) -> u64 {
        self.blocks.saturating_mul(u64::from(self.block_tokens))
    }

    /// The longest context that this engine serves.
    pub fn longest_context(&self) -> u64 {
        // The last token that is generated is never written to the cache.
        let chunk = if self.chunked_prefill { u64::MAX } else { u64::from(self.token_budget) };
        self.cache_tokens().saturating_add(1).min(u64::from(self.max_context)).min(chunk)
    }

    /// The sequence of a request; an output that would exceed the longest context is cut.
    pub(crate) fn sequence(&self, prompt: u32, output: u32, prefix: PrefixSlot) -> Sequence {
        let longest = self.longest_context().min(u64::from(u32::MAX)) as u32;
        Sequence { prefix, ..Sequence::new(prompt, output.min(longest.saturating_sub(prompt))) }
    }

    /// Whether the context of a sequence fits.
    pub(crate) fn serves(&self, sequence: &Sequence) -> bool {
        u64::from(sequence.prompt) + u64::from(sequence.output) <= self.longest_context()
    }

    /// Checks that the settings fit together.
    ///
    /// # Errors
    /// Says which do not.
    pub fn check(&self) -> Result<(), EngineConfigError> {
        if !self.block_tokens.is_power_of_two() || self.block_tokens > 4_096 {
            return Err(EngineConfigError::Block { tokens: self.block_tokens });
        }
        if self.max_sequences == 0 || self.token_budget < self.max_sequences {
            return Err(EngineConfigError::Budget { budget: self.token_budget, sequences: self.max_sequences });
        }
        if self.blocks == 0 || self.cache_tokens() > 1 << 40 {
            return Err(EngineConfigError::Cache { blocks: self.blocks });
        }
        let (budget, cache) = (u64::from(self.token_budget), self.cache_tokens());
        let seconds = self.time.longest_s(budget, budget, cache);
        if seconds > LONGEST_ITERATION_S {
            return Err(EngineConfigError::Iteration { budget, cache, seconds });
        }
        Ok(())
    }
}
