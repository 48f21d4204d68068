//! Token-level engines, as written: vLLM's own names where it has them.

use flashcrowd_language::DurationLaw;
use flashcrowd_language::units::{Duration, Fraction, Positive};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a replica works.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Serving {
    /// So many attempts at once, first come first served.
    Slots(Slots),
    /// Processor sharing.
    Sharing(Sharing),
    /// Dynamic batching.
    DynamicBatch(DynamicBatch),
    /// Continuous batching, token by token, as vLLM serves language models.
    ContinuousBatch(ContinuousBatch),
}

/// Parameters of `Slots`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// Attempts at once.
    pub concurrency: u32,
}

/// Parameters of `Sharing`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sharing {
    /// Attempts served without slowing down.
    pub processors: Option<u32>,
    /// Most attempts at once.
    pub limit: Option<u32>,
}

/// Parameters of `DynamicBatch`: a `profile`, or `fixed` and `per_item`. What is given goes before
/// what the profile says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamicBatch {
    /// A measured model, such as `bert-large-a100-80gb-tensorrt-fp16`.
    pub profile: Option<String>,
    /// Largest batch in items (Triton's `max_batch_size`).
    pub max_batch: Option<u32>,
    /// Items of one request (the client's batch).
    pub items_per_request: Option<u32>,
    /// Longest wait for a fuller batch (`max_queue_delay_microseconds`).
    #[serde(alias = "max_delay")]
    pub queue_delay: Option<Duration>,
    /// Sizes in items that leave at once (`preferred_batch_size`).
    pub preferred: Option<Vec<u32>>,
    /// Batches at once, which share the GPU (`instance_group` `count`).
    pub instances: Option<u32>,
    /// Batches formed ahead for each instance.
    pub formed_ahead: Option<u32>,
    /// A batch's time while another instance is busy, over its time alone.
    pub sharing: Option<Positive>,
    /// Time of an empty batch.
    pub fixed: Option<Duration>,
    /// Time that each item adds.
    pub per_item: Option<Duration>,
    /// Time of one item in the host stage.
    pub host_per_item: Option<Duration>,
    /// What each request takes outside the host stage and the batches.
    pub overhead: Option<Duration>,
}

/// How long an attempt takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum ServiceTime {
    /// Drawn from a law, for each request.
    Takes(DurationLaw),
    /// Drawn from a law, anew for each attempt.
    TakesAnew(DurationLaw),
    /// By the request's tokens.
    Tokens(Tokens),
}

/// Parameters of `Tokens`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Constant part.
    pub fixed: Duration,
    /// For each prompt token.
    pub per_prompt_token: Duration,
    /// For each output token.
    pub per_output_token: Duration,
}

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
