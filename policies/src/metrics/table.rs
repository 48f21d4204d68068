//! The table of metric names: what a name in a user's manifest stands for.

use super::presets::Preset;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{LatencyPart, Sampler, SignalSource, Transform};

/// Range of `rate(...)` and of latency quantiles where the name does not say.
pub(super) const RANGE: SimDuration = SimDuration::from_s(60);

/// One known name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownMetric {
    /// The name, with `:` where the exporter has it.
    pub name: &'static str,
    /// What is measured.
    pub source: SignalSource,
    /// The metric's value is the signal's times this.
    pub scale: f64,
    /// The pipeline that it usually comes through.
    pub preset: Preset,
    /// What Prometheus does to it when asked.
    pub transform: Transform,
    /// How it is sampled, where that differs from the preset.
    pub sampler: Option<Sampler>,
}

/// A name that is known and that the simulator cannot compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedMetric {
    /// The name.
    pub name: &'static str,
    /// What it is, and why it has no value here.
    pub why: &'static str,
}

const fn gauge(name: &'static str, source: SignalSource) -> KnownMetric {
    KnownMetric { name, source, scale: 1.0, preset: Preset::VllmGauge15s, transform: Transform::None, sampler: None }
}

const fn rate(name: &'static str, source: SignalSource) -> KnownMetric {
    KnownMetric { transform: Transform::Rate(RANGE), ..gauge(name, source) }
}

const fn p95(name: &'static str, part: LatencyPart) -> KnownMetric {
    gauge(name, SignalSource::LatencyQuantile { part, quantile: 0.95, window: RANGE })
}

const fn resource(name: &'static str, source: SignalSource) -> KnownMetric {
    KnownMetric { preset: Preset::MetricsServer15s, ..gauge(name, source) }
}

const fn dcgm(name: &'static str) -> KnownMetric {
    KnownMetric { preset: Preset::DcgmDefault, ..gauge(name, SignalSource::GpuUtilization) }
}

/// A utilization between 0 and 1 that is not cut to whole percent.
const fn gpu_ratio(name: &'static str, preset: Preset) -> KnownMetric {
    let sampler = Some(Sampler::WindowMean(SimDuration::from_s(1)));
    KnownMetric { scale: 0.01, preset, sampler, ..gauge(name, SignalSource::GpuUtilization) }
}

/// All known names. Patterns such as `p99_latency_ms` are recognised besides.
#[rustfmt::skip]
pub(super) const KNOWN: &[KnownMetric] = &[
    // Kubernetes resources, through metrics-server.
    resource("cpu", SignalSource::CpuCores),
    KnownMetric { sampler: Some(Sampler::Instant), ..resource("memory", SignalSource::MemoryBytes) },
    // vLLM.
    gauge("vllm:num_requests_waiting", SignalSource::WaitingRequests),
    gauge("vllm:num_requests_running", SignalSource::RunningRequests),
    p95("vllm:e2e_request_latency_seconds", LatencyPart::EndToEnd),
    p95("vllm:request_queue_time_seconds", LatencyPart::Queue),
    p95("vllm:request_inference_time_seconds", LatencyPart::Service),
    rate("vllm:request_success_total", SignalSource::RequestsCompleted),
    rate("vllm:request_success_per_second", SignalSource::RequestsCompleted),
    // DCGM, through dcgm-exporter.
    dcgm("DCGM_FI_DEV_GPU_UTIL"),
    gpu_ratio("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Preset::DcgmDefault),
    // Triton Inference Server.
    gpu_ratio("nv_gpu_utilization", Preset::VllmGauge15s),
    gauge("nv_inference_pending_request_count", SignalSource::WaitingRequests),
    rate("nv_inference_request_success", SignalSource::RequestsCompleted),
    rate("nv_inference_count", SignalSource::RequestsCompleted),
    // A counter of microseconds waited: its rate is a million times the mean number waiting.
    KnownMetric {
        scale: 1e6, transform: Transform::AvgOver(RANGE),
        ..gauge("nv_inference_queue_duration_us", SignalSource::WaitingRequests)
    },
    // Text Generation Inference.
    gauge("tgi_queue_size", SignalSource::WaitingRequests),
    gauge("tgi_batch_current_size", SignalSource::RunningRequests),
    p95("tgi_request_duration", LatencyPart::EndToEnd),
    p95("tgi_request_queue_duration", LatencyPart::Queue),
    p95("tgi_request_inference_duration", LatencyPart::Service),
    rate("tgi_request_count", SignalSource::RequestsArrived),
    rate("tgi_request_success", SignalSource::RequestsCompleted),
    // SGLang.
    gauge("sglang:num_queue_reqs", SignalSource::WaitingRequests),
    gauge("sglang:num_running_reqs", SignalSource::RunningRequests),
    p95("sglang:e2e_request_latency_seconds", LatencyPart::EndToEnd),
    // Plain names.
    dcgm("gpu_utilization"),
    dcgm("gpu_util"),
    gauge("waiting_requests", SignalSource::WaitingRequests),
    gauge("pending_requests", SignalSource::WaitingRequests),
    gauge("queued_requests", SignalSource::WaitingRequests),
    gauge("queue_depth", SignalSource::WaitingRequests),
    gauge("queue_length", SignalSource::WaitingRequests),
    gauge("queue_size", SignalSource::WaitingRequests),
    gauge("running_requests", SignalSource::RunningRequests),
    gauge("in_flight_requests", SignalSource::InFlightRequests),
    gauge("inflight_requests", SignalSource::InFlightRequests),
    gauge("concurrent_requests", SignalSource::InFlightRequests),
    gauge("active_requests", SignalSource::InFlightRequests),
    gauge("concurrency", SignalSource::InFlightRequests),
    rate("requests_per_second", SignalSource::RequestsArrived),
    rate("http_requests_per_second", SignalSource::RequestsArrived),
    rate("http_requests", SignalSource::RequestsArrived),
    rate("request_rate", SignalSource::RequestsArrived),
    rate("rps", SignalSource::RequestsArrived),
    rate("qps", SignalSource::RequestsArrived),
    rate("throughput", SignalSource::RequestsCompleted),
    rate("completions_per_second", SignalSource::RequestsCompleted),
];

const KV: &str =
    "use of the KV cache, which the simulator does not measure yet; waiting requests are the nearest signal";
const TTFT: &str =
    "time to the first token, which the simulator does not measure as a signal yet; queue time is near it";
const ITL: &str = "time between tokens, which the simulator does not measure as a signal yet";
const TOKENS: &str = "a count of tokens, which the simulator does not measure as a signal yet";
const MEMORY: &str = "GPU memory, which a serving process takes once at its start: it says nothing about load";
const UNIT: &str =
    "a profile of units within the GPU, which the simulator does not model; GPU utilization is the nearest";
const PHYSICAL: &str = "a physical reading of the GPU, which the simulator does not model";
const MEAN: &str = "a mean over requests; the simulator offers quantiles of the same time, such as latency_p95";

#[rustfmt::skip]
pub(super) const UNSUPPORTED: &[UnsupportedMetric] = &[
    UnsupportedMetric { name: "vllm:gpu_cache_usage_perc", why: KV },
    UnsupportedMetric { name: "vllm:kv_cache_usage_perc", why: KV },
    UnsupportedMetric { name: "vllm:cpu_cache_usage_perc", why: KV },
    UnsupportedMetric { name: "vllm:gpu_prefix_cache_hit_rate", why: KV },
    UnsupportedMetric { name: "vllm:num_requests_swapped", why: "requests swapped out, which current engines do not have" },
    UnsupportedMetric { name: "vllm:num_preemptions_total", why: KV },
    UnsupportedMetric { name: "vllm:time_to_first_token_seconds", why: TTFT },
    UnsupportedMetric { name: "vllm:time_per_output_token_seconds", why: ITL },
    UnsupportedMetric { name: "vllm:inter_token_latency_seconds", why: ITL },
    UnsupportedMetric { name: "vllm:prompt_tokens_total", why: TOKENS },
    UnsupportedMetric { name: "vllm:generation_tokens_total", why: TOKENS },
    UnsupportedMetric { name: "sglang:token_usage", why: KV },
    UnsupportedMetric { name: "sglang:gen_throughput", why: TOKENS },
    UnsupportedMetric { name: "sglang:time_to_first_token_seconds", why: TTFT },
    UnsupportedMetric { name: "tgi_request_mean_time_per_token_duration", why: ITL },
    UnsupportedMetric { name: "DCGM_FI_PROF_SM_ACTIVE", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_PROF_SM_OCCUPANCY", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_PROF_DRAM_ACTIVE", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_DEV_MEM_COPY_UTIL", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_DEV_FB_USED", why: MEMORY },
    UnsupportedMetric { name: "DCGM_FI_DEV_FB_FREE", why: MEMORY },
    UnsupportedMetric { name: "DCGM_FI_DEV_POWER_USAGE", why: PHYSICAL },
    UnsupportedMetric { name: "DCGM_FI_DEV_GPU_TEMP", why: PHYSICAL },
    UnsupportedMetric { name: "nv_gpu_memory_used_bytes", why: MEMORY },
    UnsupportedMetric { name: "nv_gpu_power_usage", why: PHYSICAL },
    UnsupportedMetric { name: "avg_time_queue_us", why: MEAN },
    UnsupportedMetric { name: "gpu_memory_used", why: MEMORY },
    UnsupportedMetric { name: "kv_cache_usage", why: KV },
];
