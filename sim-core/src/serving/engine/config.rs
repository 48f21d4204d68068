//! Configuration of a token-level engine: every rule of the real engine that changes latency.

use super::groups::BlockGroups;
use super::time_model::{FRACTION_BITS, LONGEST_ITERATION_S, Load, TimeModel};
use crate::clock::SimDuration;
use crate::serving::ValidatedBand;

/// How prompts and decodes share iterations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefill {
    /// In one iteration, decodes first: vLLM, TensorRT-LLM.
    #[default]
    Mixed,
    /// Prompts have iterations of their own, for which decodes wait: `SGLang` without
    /// `--enable-mixed-chunk` (`python/sglang/srt/managers/scheduler.py`, `get_next_batch_to_run`).
    Alone,
}

/// A stall of a new engine: kernels that its first requests are the first to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp {
    /// Counted from its first iteration with prompts.
    pub after: SimDuration,
    /// By how much the first iteration with prompts from then on is longer.
    pub takes: SimDuration,
}

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
    /// Copies of the attention among which sequences are dealt evenly (attention data parallelism):
    /// an iteration lasts as long as its busiest copy takes. 1 for none. An engine with several cannot
    /// share its GPUs with others: one more sequence may make its iterations shorter, and then the
    /// events of those that wait for it would come too late.
    pub replicas: u32,
    /// How prompts and decodes share iterations.
    pub prefill: Prefill,
    /// Iterations of decodes between two looks at new requests, as `SGLang`'s
    /// `--scheduler-recv-interval`; after an iteration with prompts it looks at once.
    pub receive_interval: u32,
    /// With several replicas and mixed iterations: after how many iterations prompts are admitted
    /// although there is not one for each replica, as TensorRT-LLM's
    /// `attention_dp_config.timeout_iters`; 0: at once.
    pub balance_iterations: u32,
    /// `max_num_batched_tokens`: tokens of one iteration of a replica.
    pub token_budget: u32,
    /// `max_num_seqs`: sequences that run at once on a replica.
    pub max_sequences: u32,
    /// Whether a prompt may be computed in several iterations.
    pub chunked_prefill: bool,
    /// `max_model_len`: longest context. A longer prompt is refused, a longer output is cut there.
    pub max_context: u32,
    /// Tokens of a block of the KV cache; a power of two.
    pub block_tokens: u32,
    /// Blocks of the KV cache, of all replicas.
    pub blocks: u64,
    /// How they are dealt to groups of layers; `None` where all layers keep all tokens: one group.
    pub groups: Option<BlockGroups>,
    /// Whether a sequence may reuse freed blocks that hold the tokens it needs.
    pub prefix_caching: bool,
    /// Whether an iteration is planned while the one before it runs, as in asynchronous scheduling:
    /// a request then joins one iteration later.
    pub lookahead: bool,
    /// Stalls of an engine that starts in the run, in order; replicas that are ready at its begin have
    /// them behind them.
    pub warm_up: Vec<WarmUp>,
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

/// The longest stall of a new engine.
const LONGEST_STALL: SimDuration = SimDuration::from_s(60);

/// Most replicas of an engine, and iterations between two looks.
const MOST_REPLICAS: u32 = 4_096;

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
    /// A number that must be at least 1, and is 0, or that no engine has.
    #[error("`{name}` is {value}: expected 1 to {MOST_REPLICAS}")]
    Count {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u32,
    },
    /// A stall that is too long to count in integers.
    #[error("a stall of {takes} in `warm_up`: expected at most {LONGEST_STALL}")]
    WarmUp {
        /// How long it is.
        takes: SimDuration,
    },
    /// A cache that holds nothing, or too much.
    #[error("a KV cache of {blocks} blocks: expected at least {least}")]
    Cache {
        /// Blocks of the cache.
        blocks: u64,
        /// The fewest that hold anything.
        least: u64,
    },
    /// Groups of layers that are no groups.
    #[error("`groups` has a 0: expected at least one full and one windowed group, and a window of at least 1 token")]
    Groups,
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
            replicas: 1,
            prefill: Prefill::Mixed,
            receive_interval: 1,
            balance_iterations: 0,
            token_budget: 8_192,
            max_sequences: 1_024,
            chunked_prefill: true,
            max_context: u32::MAX,
            block_tokens: 16,
            blocks,
            groups: None,
            prefix_caching: true,
            lookahead: false,
            warm_up: Vec::new(),
            leaps: true,
            peak_token_s: 0.0,
            read_efficiency: 0.8,
            validated: None,
        }
    }

    /// Tokens that the cache holds, as vLLM logs them: as if no layer kept a window.
    pub fn cache_tokens(&self) -> u64 {
        (self.blocks / self.groups.map_or(1, BlockGroups::all)).saturating_mul(u64::from(self.block_tokens))
    }

    /// Tokens of one sequence that the cache of a replica is sure to hold. Layers with a window hold the window and the
    /// tokens of one iteration at most.
    ///
    /// Source: vLLM, `vllm/v1/kv_cache_interface.py` (`SlidingWindowSpec.max_memory_usage_bytes`).
    pub fn held_tokens(&self) -> u64 {
        let blocks = self.blocks / u64::from(self.replicas.max(1));
        let block = u64::from(self.block_tokens);
        match self.groups {
            None => blocks.saturating_mul(block),
            Some(groups) => self.held_with_windows(groups, blocks, block),
        }
    }

    /// The same with windows, of `blocks` blocks of `block` tokens each.
    fn held_with_windows(&self, groups: BlockGroups, blocks: u64, block: u64) -> u64 {
        let (full, windowed) = (u64::from(groups.full), u64::from(groups.windowed));
        let most = (u64::from(groups.window) - 1 + u64::from(self.token_budget)).div_ceil(block) + 1;
        // A sequence that is not longer than that holds as many blocks, and one more, in each windowed group.
        let (short, long) =
            (blocks.saturating_sub(windowed) / (full + windowed), blocks.saturating_sub(windowed * most) / full);
        let held = if long + 1 < most { short.min(most - 1) } else { long };
        held.saturating_mul(block)
    }

    /// The longest context that this engine serves; it fits into 32 bits.
    pub fn longest_context(&self) -> u64 {
        // The last token that is generated is never written to the cache.
        let chunk = if self.chunked_prefill { u64::MAX } else { u64::from(self.token_budget) };
        self.held_tokens().saturating_add(1).min(u64::from(self.max_context)).min(chunk)
    }

    /// How long an iteration of one prompt of so many tokens takes.
    pub fn prompt_iteration(&self, tokens: u32) -> SimDuration {
        let tokens = u64::from(tokens);
        let load = Load { prefill: tokens, largest: tokens, chunks: 1, attention: tokens * tokens, ..Load::default() };
        SimDuration::from_ps(self.iteration(&load) >> FRACTION_BITS)
    }

    /// The most tokens of context that all sequences may hold together.
    fn full_tokens(&self) -> u64 {
        let full = self.groups.map_or(1, |groups| groups.full.max(1));
        (self.blocks / u64::from(full)).saturating_mul(u64::from(self.block_tokens))
    }

    /// Sequences that run at once, on all replicas.
    #[inline]
    pub fn most_running(&self) -> u32 {
        self.max_sequences.saturating_mul(self.replicas)
    }

    /// Sequences in decode on the busiest replica.
    #[inline]
    pub(super) fn busiest(&self, decodes: u64) -> u64 {
        if self.replicas == 1 { decodes } else { decodes.div_ceil(u64::from(self.replicas)) }
    }

    /// Time of one iteration, in units; kept apart, so that the scheduler's own call is inlined.
    #[inline(never)]
    pub(super) fn iteration(&self, load: &Load) -> u64 {
        if self.replicas == 1 {
            self.time.iteration(load)
        } else {
            self.time.iteration_of_replicas(load, u64::from(self.replicas))
        }
    }

    /// How much longer each iteration of a leap is than the one before, in units, but for windows.
    #[inline]
    pub(super) fn growth(&self, decodes: u64) -> u64 {
        self.time.growth(self.busiest(decodes))
    }

    /// Whether prompts may be held back until there is one for each replica.
    #[inline]
    pub(super) fn balances(&self) -> bool {
        self.balance_iterations > 0 && self.replicas > 1 && self.prefill == Prefill::Mixed
    }

    /// Whether nothing but the batch decides what comes next: several engines on one group then play
    /// many rounds at once.
    pub(super) fn is_plain(&self) -> bool {
        self.replicas == 1 && self.prefill == Prefill::Mixed && self.receive_interval == 1
    }

    /// Checks that the settings fit together.
    ///
    /// # Errors
    /// Says which do not.
    pub fn check(&self) -> Result<(), EngineConfigError> {
        if !self.block_tokens.is_power_of_two() || self.block_tokens > 4_096 {
            return Err(EngineConfigError::Block { tokens: self.block_tokens });
        }
        for (name, value) in [("replicas", self.replicas), ("receive_interval", self.receive_interval)] {
            if !(1..=MOST_REPLICAS).contains(&value) {
                return Err(EngineConfigError::Count { name, value });
            }
        }
        if self.max_sequences == 0 || self.token_budget < self.max_sequences {
            return Err(EngineConfigError::Budget { budget: self.token_budget, sequences: self.max_sequences });
        }
        if self.groups.is_some_and(|groups| groups.full == 0 || groups.windowed == 0 || groups.window == 0) {
            return Err(EngineConfigError::Groups);
        }
        if self.held_tokens() == 0 || self.full_tokens() > 1 << 40 {
            // A block of each group, and one more of each that slides.
            let least = self.groups.map_or(1, |groups| groups.all() + u64::from(groups.windowed));
            return Err(EngineConfigError::Cache { blocks: self.blocks, least: least * u64::from(self.replicas) });
        }
        if let Some(long) = self.warm_up.iter().map(|stall| stall.takes).find(|takes| *takes > LONGEST_STALL) {
            return Err(EngineConfigError::WarmUp { takes: long });
        }
        let (budget, cache) = (u64::from(self.token_budget), self.full_tokens());
        let context = cache.min(u64::from(self.max_context));
        let seconds = self.time.longest_s(budget, [cache, context], u64::from(self.replicas));
        if seconds > LONGEST_ITERATION_S {
            return Err(EngineConfigError::Iteration { budget, cache, seconds });
        }
        Ok(())
    }
}
