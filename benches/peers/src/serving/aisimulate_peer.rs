//! `aisimulate-core`: its vLLM engine with fixed times, and no record of single requests.

use super::{DECODE_MS, Found, OUTPUT, PREFILL_MS, PROMPT, REPLICAS, arrivals_s};
use aisimulate_core::engine::{Backend, EngineConfig, TimingModelConfig};
use aisimulate_core::replay::{
    ProviderSpec, ReplayAdapters, ReplayEngineConfig, ReplayEngineFactory, ReplayRequest, ReplaySpec, ReplayTopology,
    Replayer,
};

/// The whole run, ready to start.
pub fn prepare(requests: u64) -> Replayer {
    let rank = EngineConfig {
        num_gpu_blocks: 16_384,
        block_size: 16,
        max_num_seqs: 256,
        max_num_batched_tokens: 8_192,
        enable_prefix_caching: false,
        timing_model: TimingModelConfig::Fixed { prefill_ms: PREFILL_MS, decode_ms: DECODE_MS },
        ..EngineConfig::for_backend(Backend::Vllm)
    };
    let engine = ReplayEngineConfig { rank, ..ReplayEngineConfig::default() };
    let request = |(number, at_s): (u64, f64)| ReplayRequest {
        id: number.to_string(),
        arrival_time_ms: at_s * 1e3,
        input_tokens: PROMPT as usize,
        input_token_ids: None,
        output_tokens: OUTPUT as usize,
        output_token_ids: None,
        dp_rank: None,
        prefill_dp_rank: None,
        session_id: None,
        turn_index: None,
        metadata: serde_json::Value::Null,
    };
    let spec = ReplaySpec {
        version: 1,
        topology: ReplayTopology::aggregated(REPLICAS as usize),
        engine: serde_json::to_value(engine).expect("it serializes"),
        adapters: ReplayAdapters { placement: ProviderSpec::round_robin(), scaling: ProviderSpec::no_scaling() },
        max_sim_time_ms: None,
        max_in_flight: None,
        record_per_request: false,
        sla: Default::default(),
        requests: (0..requests).zip(arrivals_s()).map(request).collect(),
    };
    Replayer::new(spec, ReplayEngineFactory::new()).expect("a valid spec")
}

pub fn play(replay: Replayer) -> Found {
    let report = replay.run().expect("it runs");
    Found {
        completed: report.request_counts.completed_requests as u64,
        ttft_ms: report.latency.ttft.mean_ms,
        e2e_ms: report.latency.e2e.mean_ms,
    }
}
