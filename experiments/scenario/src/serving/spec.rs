//! Token-level engines, as written: vLLM's own names where it has them.

use flashcrowd_language::DurationDistribution;
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
    #[schemars(extend("x-example" = "16"))]
    pub concurrency: u32,
}

/// Parameters of `Sharing`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sharing {
    /// Attempts served without slowing down.
    #[schemars(extend("x-example" = "1"))]
    pub processors: Option<u32>,
    /// Most attempts at once.
    #[schemars(extend("x-example" = "64"))]
    pub limit: Option<u32>,
}

/// Parameters of `DynamicBatch`: a `profile`, or `fixed` and `per_item`. What is given goes before
/// what the profile says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-renamed" = {"max_delay": "queue_delay"},
    "x-example" = r#"(max_batch: 32, fixed: "3ms", per_item: "0.4ms")"#
))]
pub struct DynamicBatch {
    /// A measured model, such as `bert-large-a100-80gb-tensorrt-fp16`.
    #[schemars(extend("x-example" = r#""bert-large-a100-80gb-tensorrt-fp16""#))]
    pub profile: Option<String>,
    /// Largest batch in items (Triton's `max_batch_size`).
    #[schemars(extend("x-example" = "32"))]
    pub max_batch: Option<u32>,
    /// Items of one request (the client's batch).
    #[schemars(extend("x-example" = "1"))]
    pub items_per_request: Option<u32>,
    /// Longest wait for a fuller batch (`max_queue_delay_microseconds`).
    #[schemars(extend("x-example" = r#""2ms""#))]
    pub queue_delay: Option<Duration>,
    /// Sizes in items that leave at once (`preferred_batch_size`).
    #[schemars(extend("x-example" = "[8, 16]"))]
    pub preferred: Option<Vec<u32>>,
    /// Batches at once, which share the GPU (`instance_group` `count`).
    #[schemars(extend("x-example" = "2"))]
    pub instances: Option<u32>,
    /// Batches formed ahead for each instance.
    #[schemars(extend("x-example" = "1"))]
    pub formed_ahead: Option<u32>,
    /// A batch's time while another instance is busy, over its time alone.
    pub sharing: Option<Positive>,
    /// Time of an empty batch.
    #[schemars(extend("x-example" = r#""3ms""#))]
    pub fixed: Option<Duration>,
    /// Time that each item adds.
    #[schemars(extend("x-example" = r#""0.4ms""#))]
    pub per_item: Option<Duration>,
    /// Time of one item in the host stage.
    #[schemars(extend("x-example" = r#""0.1ms""#))]
    pub host_per_item: Option<Duration>,
    /// What each request takes outside the host stage and the batches.
    #[schemars(extend("x-example" = r#""1ms""#))]
    pub overhead: Option<Duration>,
}

/// How long an attempt takes: a duration or a distribution, drawn for each request, or one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-bare" = "Takes", "x-renamed" = {"TakesAnew": "PerAttempt"}))]
pub enum ServiceTime {
    /// Drawn for each request.
    Takes(DurationDistribution),
    /// Drawn anew for each attempt of a request.
    PerAttempt(DurationDistribution),
    /// By the request's tokens.
    Tokens(Tokens),
}

/// Parameters of `Tokens`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Constant part.
    #[schemars(extend("x-example" = r#""20ms""#))]
    pub fixed: Duration,
    /// For each prompt token.
    #[schemars(extend("x-example" = r#""0.1ms""#))]
    pub per_prompt_token: Duration,
    /// For each output token.
    #[schemars(extend("x-example" = r#""12ms""#))]
    pub per_output_token: Duration,
}

/// Parameters of `ContinuousBatch`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContinuousBatch {
    /// A profile file, as `flashcrowd fit serving` writes it; the program's own profiles by default.
    #[schemars(extend("x-file" = true, "x-example" = r#""fit.ron""#))]
    pub profile: Option<String>,
    /// Format of the weights; bf16 by default.
    #[schemars(extend("x-example" = "Fp8"))]
    pub precision: Option<Precision>,
    /// Most sequences that run at once.
    #[schemars(extend("x-example" = "256"))]
    pub max_num_seqs: Option<u32>,
    /// Most tokens of one iteration.
    #[schemars(extend("x-example" = "8192"))]
    pub max_num_batched_tokens: Option<u32>,
    /// Longest context, prompt and output together.
    #[schemars(extend("x-example" = "32768"))]
    pub max_model_len: Option<u32>,
    /// Tokens of a block of the KV cache.
    #[schemars(extend("x-example" = "16"))]
    pub block_size: Option<u32>,
    /// Share of the GPU's memory that the engine takes.
    #[schemars(extend("x-example" = "0.9"))]
    pub gpu_memory_utilization: Option<Fraction>,
    /// Tokens that the KV cache holds; by default what the memory leaves.
    #[schemars(extend("x-example" = "400000"))]
    pub kv_cache_tokens: Option<u64>,
    /// Whether a prompt may be spread over iterations.
    pub enable_chunked_prefill: Option<bool>,
    /// Whether blocks are found again by those who need the same tokens.
    pub enable_prefix_caching: Option<bool>,
    /// Whether an iteration is planned while the one before it runs; as the profile was measured
    /// by default.
    pub async_scheduling: Option<bool>,
    /// What serves the model; vLLM by default.
    #[schemars(extend("x-example" = "Sglang"))]
    pub engine: Option<EngineName>,
    /// How the GPUs of a replica share the model; by default all of them split each matrix.
    #[schemars(extend("x-example" = "(tp: 2, dp: 4, ep: 8)"))]
    pub parallelism: Option<Parallelism>,
    /// Format of the KV cache; by default the one that the model was quantised for, else 16 bits.
    #[schemars(extend("x-example" = "Fp8"))]
    pub kv_cache_dtype: Option<KvCacheFormat>,
    /// Iterations of decodes between two looks at new requests (`SGLang`).
    #[schemars(extend("x-example" = "10"))]
    pub scheduler_recv_interval: Option<u32>,
    /// Iterations for which prompts wait until there is one for each attention replica (TensorRT-LLM); 0 for none.
    #[schemars(extend("x-example" = "60"))]
    pub attention_dp_timeout_iters: Option<u32>,
    /// Stalls of a pod that starts in the run, as its first prompts need kernels that were never run; `[]` for none.
    #[schemars(extend("x-example" = r#"[(after: "0s", takes: "3.5s")]"#))]
    pub warm_up: Option<Vec<WarmUp>>,
}

/// What serves a model.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum EngineName {
    /// vLLM.
    Vllm,
    /// `SGLang`: prompts have iterations of their own.
    Sglang,
    /// TensorRT-LLM: prompts are not chunked.
    TrtLlm,
}

/// How GPUs share a model.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parallelism {
    /// Ranks that split each matrix; by default what `dp` leaves.
    #[schemars(extend("x-example" = "2"))]
    pub tp: Option<u32>,
    /// Replicas of the attention, among which sequences are dealt; 1 by default.
    #[schemars(extend("x-example" = "4"))]
    pub dp: Option<u32>,
    /// Ranks among which whole experts are dealt; by default each expert is split.
    #[schemars(extend("x-example" = "8"))]
    pub ep: Option<u32>,
}

/// Format of the KV cache.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum KvCacheFormat {
    /// 16 bits.
    Bf16,
    /// 8 bits.
    Fp8,
}

/// A stall of a new engine.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Counted from its first prompts.
    #[schemars(extend("x-example" = r#""5s""#))]
    pub after: Duration,
    /// By how much the next iteration with prompts is longer.
    #[schemars(extend("x-example" = r#""2.2s""#))]
    pub takes: Duration,
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
