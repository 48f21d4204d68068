//! The table of metric names: what a name in a user's manifest stands for.

use super::binding::MetricBinding;
use super::presets::{DCGM_COLLECTION, Preset, RANGE};
use super::signals::Signal;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{LatencyPart, Sampler, SignalSource, Transform};

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

impl KnownMetric {
    /// Its binding.
    pub(super) fn binding(&self) -> MetricBinding {
        let mut pipeline = self.preset.pipeline();
        pipeline.transform = self.transform;
        if let Some(sampler) = self.sampler {
            pipeline.sampler = sampler;
        }
        let of_pods = is_of_pods(self.name);
        MetricBinding { source: self.source, scale: self.scale, preset: self.preset, pipeline, of_pods }
    }

    /// The word of the signal that it stands for: `LatencyP95`.
    pub fn word(&self) -> String {
        self.signal().map_or_else(String::new, |found| found.1)
    }

    /// What its values are in: the signal's unit, or what the factor makes of it.
    pub fn unit(&self) -> &'static str {
        match (self.signal().map_or("", |found| found.0.unit), self.scale) {
            (unit, 1.0) => unit,
            ("percent", 0.01) => "share of 1",
            // A counter of microseconds waited, over time.
            ("requests", 1e6) => "us/s",
            _ => "",
        }
    }

    /// Whether only services that serve tokens have it.
    pub fn is_of_tokens(&self) -> bool {
        self.source.is_of_tokens()
    }

    /// Whether only pods export it, so that without one there is no series.
    pub fn is_of_pods(&self) -> bool {
        super::is_of_pods(self.name)
    }

    fn signal(&self) -> Option<(&'static Signal, String)> {
        Signal::of(self.source)
    }
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

/// A share between 0 and 1, whatever `_perc` in its name says.
const fn share(name: &'static str, source: SignalSource) -> KnownMetric {
    KnownMetric { scale: 0.01, ..gauge(name, source) }
}

/// A profiling field of DCGM: a mean between 0 and 1 over the time since the last collection.
const fn profiled(name: &'static str, source: SignalSource) -> KnownMetric {
    let sampler = Some(Sampler::WindowMean(DCGM_COLLECTION));
    KnownMetric { preset: Preset::DcgmDefault, sampler, ..share(name, source) }
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
    share("vllm:kv_cache_usage_perc", SignalSource::KvCacheUse),
    share("vllm:gpu_cache_usage_perc", SignalSource::KvCacheUse),
    p95("vllm:time_to_first_token_seconds", LatencyPart::TimeToFirstToken),
    p95("vllm:inter_token_latency_seconds", LatencyPart::InterToken),
    // Its name until 0.11: it, too, counts every gap.
    p95("vllm:time_per_output_token_seconds", LatencyPart::InterToken),
    p95("vllm:request_time_per_output_token_seconds", LatencyPart::TimePerOutputToken),
    p95("vllm:e2e_request_latency_seconds", LatencyPart::EndToEnd),
    p95("vllm:request_queue_time_seconds", LatencyPart::Queue),
    p95("vllm:request_inference_time_seconds", LatencyPart::Service),
    rate("vllm:request_success_total", SignalSource::RequestsCompleted),
    rate("vllm:request_success_per_second", SignalSource::RequestsCompleted),
    // DCGM, through dcgm-exporter.
    dcgm("DCGM_FI_DEV_GPU_UTIL"),
    profiled("DCGM_FI_PROF_GR_ENGINE_ACTIVE", SignalSource::GpuUtilization),
    profiled("DCGM_FI_PROF_SM_ACTIVE", SignalSource::SmActive),
    profiled("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", SignalSource::TensorActive),
    profiled("DCGM_FI_PROF_DRAM_ACTIVE", SignalSource::DramActive),
    // Triton Inference Server.
    KnownMetric {
        sampler: Some(Sampler::WindowMean(SimDuration::from_s(1))),
        ..share("nv_gpu_utilization", SignalSource::GpuUtilization)
    },
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
    share("sglang:token_usage", SignalSource::KvCacheUse),
    p95("sglang:time_to_first_token_seconds", LatencyPart::TimeToFirstToken),
    p95("sglang:inter_token_latency_seconds", LatencyPart::InterToken),
    p95("sglang:e2e_request_latency_seconds", LatencyPart::EndToEnd),
    // Plain names.
    dcgm("gpu_utilization"),
    dcgm("gpu_util"),
    share("kv_cache_usage", SignalSource::KvCacheUse),
    share("kv_cache_utilization", SignalSource::KvCacheUse),
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

/// Times by the words of names with a percentile in them.
pub(super) const TIMES: &[(&str, LatencyPart)] = &[
    ("latency", LatencyPart::EndToEnd),
    ("request_latency", LatencyPart::EndToEnd),
    ("e2e_latency", LatencyPart::EndToEnd),
    ("e2e_request_latency", LatencyPart::EndToEnd),
    ("response_time", LatencyPart::EndToEnd),
    ("request_duration", LatencyPart::EndToEnd),
    ("queue_time", LatencyPart::Queue),
    ("queue_latency", LatencyPart::Queue),
    ("queue_duration", LatencyPart::Queue),
    ("request_queue_time", LatencyPart::Queue),
    ("service_time", LatencyPart::Service),
    ("inference_time", LatencyPart::Service),
    ("inference_latency", LatencyPart::Service),
    ("request_inference_time", LatencyPart::Service),
    ("time_to_first_token", LatencyPart::TimeToFirstToken),
    ("ttft", LatencyPart::TimeToFirstToken),
    ("first_token_latency", LatencyPart::TimeToFirstToken),
    ("inter_token_latency", LatencyPart::InterToken),
    ("itl", LatencyPart::InterToken),
    ("time_per_output_token", LatencyPart::TimePerOutputToken),
    ("request_time_per_output_token", LatencyPart::TimePerOutputToken),
    ("tpot", LatencyPart::TimePerOutputToken),
];

const PREFIX: &str = "the share of tokens found in the prefix cache, which is no signal of the simulator; use of the KV cache is near it";
const SWAPPED: &str = "about blocks swapped to host memory, which current engines do not do";
const PREEMPTIONS: &str =
    "a counter of preemptions, which a report shows and no signal carries; use of the KV cache is near it";
const TOKENS: &str = "a count of tokens, which the simulator does not measure as a signal yet";
const PER_TOKEN: &str = "the time of a request, prompt included, over its tokens; `tpot_p95` is the time between them";
const MEMORY: &str = "GPU memory, which a serving process takes once at its start: it says nothing about load; \
                      use of the KV cache (`vllm:kv_cache_usage_perc`) does";
const UNIT: &str = "a reading of units within the GPU that the simulator does not model; DCGM_FI_PROF_SM_ACTIVE and \
                    DCGM_FI_PROF_DRAM_ACTIVE are near it";
const PHYSICAL: &str = "a physical reading of the GPU, which the simulator does not model";
const MEAN: &str = "a mean over requests; the simulator offers quantiles of the same time, such as latency_p95";

#[rustfmt::skip]
pub(super) const UNSUPPORTED: &[UnsupportedMetric] = &[
    UnsupportedMetric { name: "vllm:cpu_cache_usage_perc", why: SWAPPED },
    UnsupportedMetric { name: "vllm:num_requests_swapped", why: SWAPPED },
    UnsupportedMetric { name: "vllm:gpu_prefix_cache_hit_rate", why: PREFIX },
    UnsupportedMetric { name: "sglang:cache_hit_rate", why: PREFIX },
    UnsupportedMetric { name: "vllm:num_preemptions_total", why: PREEMPTIONS },
    UnsupportedMetric { name: "vllm:prompt_tokens_total", why: TOKENS },
    UnsupportedMetric { name: "vllm:generation_tokens_total", why: TOKENS },
    UnsupportedMetric { name: "sglang:gen_throughput", why: TOKENS },
    UnsupportedMetric { name: "tgi_request_mean_time_per_token_duration", why: PER_TOKEN },
    UnsupportedMetric { name: "DCGM_FI_PROF_SM_OCCUPANCY", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_DEV_MEM_COPY_UTIL", why: UNIT },
    UnsupportedMetric { name: "DCGM_FI_DEV_FB_USED", why: MEMORY },
    UnsupportedMetric { name: "DCGM_FI_DEV_FB_FREE", why: MEMORY },
    UnsupportedMetric { name: "DCGM_FI_DEV_POWER_USAGE", why: PHYSICAL },
    UnsupportedMetric { name: "DCGM_FI_DEV_GPU_TEMP", why: PHYSICAL },
    UnsupportedMetric { name: "nv_gpu_memory_used_bytes", why: MEMORY },
    UnsupportedMetric { name: "nv_gpu_power_usage", why: PHYSICAL },
    UnsupportedMetric { name: "avg_time_queue_us", why: MEAN },
    UnsupportedMetric { name: "gpu_memory_used", why: MEMORY },
];

/// Whether a name is one of an inference engine's or of a GPU's exporter.
pub(super) fn is_of_pods(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["vllm", "sglang", "tgi_", "nv_", "dcgm_"].iter().any(|prefix| name.starts_with(prefix))
}
