//! `AIBrix`'s registry of metrics: what a name in `targetMetric` of a pod's metrics stands for.
//!
//! Source: `pkg/metrics/metrics.go` and `engine_fetcher.go` of `vllm-project/aibrix` @ e3e10f9e, for
//! pods without the label `model.aibrix.ai/engine`, which count as vLLM's. Names have no prefix. A
//! name that is not there, or one that vLLM does not show, is a line in the log and a value of 0.

use crate::manifest::nearest;
use crate::metrics::{MetricBinding, parse_binding, resolve};

/// What a pod's metric reads.
#[derive(Clone, Debug, PartialEq)]
pub enum PodMetric {
    /// A gauge of the engine.
    Gauge(MetricBinding),
    /// Zero for ever, and why.
    Zero(String),
    /// A running total, which grows for ever: not simulated.
    Total,
}

/// How an entry is read.
#[derive(Clone, Copy)]
enum Shape {
    Gauge,
    Total,
    /// Its one value is 0 upstream: only gauges and counters have one.
    Histogram,
    /// Asked of Prometheus, which the autoscaler does not do.
    Query,
    /// No such metric of vLLM's.
    Absent,
}

const REGISTRY: &[(&str, Shape, &str)] = &[
    ("avg_e2e_latency_pod", Shape::Query, ""),
    ("avg_generation_throughput_toks_per_min_pod", Shape::Query, ""),
    ("avg_generation_throughput_toks_per_s", Shape::Absent, ""),
    ("avg_generation_toks_per_req", Shape::Query, ""),
    ("avg_prompt_throughput_toks_per_min_pod", Shape::Query, ""),
    ("avg_prompt_throughput_toks_per_s", Shape::Absent, ""),
    ("avg_prompt_toks_per_req", Shape::Query, ""),
    ("avg_requests_per_min_pod", Shape::Query, ""),
    ("avg_tpot_pod_5m", Shape::Query, ""),
    ("avg_ttft_5m_pod", Shape::Query, ""),
    ("cpu_cache_usage_perc", Shape::Absent, ""),
    ("drain_rate_1m", Shape::Query, ""),
    ("e2e_request_latency_seconds", Shape::Histogram, ""),
    ("engine_sleep_state", Shape::Absent, ""),
    ("engine_utilization", Shape::Absent, ""),
    ("external_prefix_cache_hits_total", Shape::Total, ""),
    ("external_prefix_cache_queries_total", Shape::Total, ""),
    ("generation_tokens_total", Shape::Total, ""),
    ("gpu_busy_time_ratio", Shape::Absent, ""),
    ("gpu_cache_usage_perc", Shape::Gauge, "vllm:gpu_cache_usage_perc"),
    ("http_request_duration_highr_seconds", Shape::Histogram, ""),
    ("http_request_duration_seconds", Shape::Histogram, ""),
    ("http_requests_total", Shape::Absent, ""),
    ("inter_token_latency_seconds", Shape::Histogram, ""),
    ("iteration_tokens_total", Shape::Histogram, ""),
    ("kv_cache_hit_rate", Shape::Absent, ""),
    ("kv_cache_usage_perc", Shape::Gauge, "vllm:kv_cache_usage_perc"),
    ("max_lora", Shape::Absent, ""),
    ("nixl_bytes_transferred", Shape::Histogram, ""),
    ("nixl_num_descriptors", Shape::Histogram, ""),
    ("nixl_num_failed_notifications_total", Shape::Absent, ""),
    ("nixl_num_failed_transfers_total", Shape::Absent, ""),
    ("nixl_post_time_seconds", Shape::Histogram, ""),
    ("nixl_xfer_time_seconds", Shape::Histogram, ""),
    ("num_decode_prealloc_queue_reqs", Shape::Absent, ""),
    ("num_preemptions_total", Shape::Total, ""),
    ("num_prefill_prealloc_queue_reqs", Shape::Absent, ""),
    ("num_requests_running", Shape::Gauge, "vllm:num_requests_running"),
    ("num_requests_swapped", Shape::Absent, ""),
    ("num_requests_waiting", Shape::Gauge, "vllm:num_requests_waiting"),
    ("p95_tpot_5m_pod", Shape::Query, ""),
    ("p95_ttft_5m", Shape::Query, ""),
    ("p95_ttft_5m_pod", Shape::Query, ""),
    ("per_stage_req_latency_seconds", Shape::Absent, ""),
    ("prefix_cache_hits_total", Shape::Total, ""),
    ("prefix_cache_queries_total", Shape::Total, ""),
    ("prompt_tokens_total", Shape::Total, ""),
    ("request_decode_time_seconds", Shape::Histogram, ""),
    ("request_generation_tokens", Shape::Histogram, ""),
    ("request_inference_time_seconds", Shape::Histogram, ""),
    ("request_max_num_generation_tokens", Shape::Histogram, ""),
    ("request_prefill_time_seconds", Shape::Histogram, ""),
    ("request_prompt_tokens", Shape::Histogram, ""),
    ("request_queue_time_seconds", Shape::Histogram, ""),
    ("request_success_total", Shape::Absent, ""),
    ("request_time_per_output_token_seconds", Shape::Histogram, ""),
    ("running_lora_adapters", Shape::Absent, ""),
    ("time_per_output_token_seconds", Shape::Histogram, ""),
    ("time_to_first_token_seconds", Shape::Histogram, ""),
    ("waiting_lora_adapters", Shape::Absent, ""),
];

/// What a pod's metric of that name reads.
///
/// ```
/// use flashcrowd_policies::autoscalers::aibrix::{PodMetric, pod_metric};
/// assert!(matches!(pod_metric("num_requests_running"), PodMetric::Gauge(_)));
/// let PodMetric::Zero(why) = pod_metric("vllm:num_requests_running") else { panic!() };
/// assert!(why.contains("`num_requests_running`"), "{why}");
/// ```
pub fn pod_metric(name: &str) -> PodMetric {
    let Some((_, shape, raw)) = REGISTRY.iter().find(|(known, ..)| *known == name) else {
        let bare = name.split_once(':').map_or(name, |(_, bare)| bare);
        let near = nearest(bare, REGISTRY.iter().map(|(known, ..)| *known));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return PodMetric::Zero(format!("AIBrix's registry has no such name{hint}"));
    };
    let zero = |why: &str| PodMetric::Zero(why.to_owned());
    match shape {
        Shape::Gauge => resolve(raw).map_or_else(|error| PodMetric::Zero(error.to_string()), PodMetric::Gauge),
        Shape::Total => PodMetric::Total,
        Shape::Histogram => zero("it is a histogram, of which AIBrix takes no value"),
        Shape::Query => zero("it is a query to Prometheus, which AIBrix's autoscaler does not ask"),
        Shape::Absent => zero("vLLM shows no such metric"),
    }
}

/// What the resource of that name reads: `cpu` in millicores, `memory` in bytes.
pub(super) fn resource(name: &str) -> Option<MetricBinding> {
    let (word, scale) = match name {
        "cpu" => ("CpuCores", 1_000.0),
        "memory" => ("MemoryBytes", 1.0),
        _ => return None,
    };
    parse_binding(word).ok().map(|binding| MetricBinding { scale, ..binding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_gauges_are_known_signals() {
        assert!(REGISTRY.is_sorted_by(|a, b| a.0 < b.0));
        for (name, shape, raw) in REGISTRY {
            assert_eq!(matches!(shape, Shape::Gauge), !raw.is_empty(), "{name}");
            assert_eq!(matches!(pod_metric(name), PodMetric::Gauge(_)), !raw.is_empty(), "{name}");
        }
    }

    #[test]
    fn cpu_is_in_millicores() {
        assert_eq!(resource("cpu").map(|binding| binding.scale), Some(1_000.0));
        assert_eq!(resource("memory").map(|binding| binding.scale), Some(1.0));
        assert_eq!(resource("gpu"), None);
    }
}
