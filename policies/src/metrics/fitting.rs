//! Which signal a name that is not known probably means: for the hints of messages.

/// The word of [`parse_binding`](super::parse_binding) that fits a metric's name best.
///
/// ```
/// use flashcrowd_policies::metrics::fitting;
/// assert_eq!(fitting("app_ttft_p95_seconds"), "TimeToFirstTokenP95");
/// assert_eq!(fitting("node_gpu_busy"), "GpuUtilization");
/// assert_eq!(fitting("backlog"), "WaitingRequests");
/// ```
pub fn fitting(name: &str) -> &'static str {
    let lower: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let has = |words: &[&str]| words.iter().any(|word| matches(&lower, word));
    let is_time = has(&["latency", "duration", "time", "seconds", "second", "sec", "ms", "milliseconds", "us"]);
    let is_rate = has(&["per_second", "per_sec", "rps", "qps", "rate", "throughput"]);
    let late = has(&["p99", "p999", "99"]);
    let at = |usual: &'static str, late_one: &'static str| if late { late_one } else { usual };
    match () {
        () if has(&["ttft", "first_token"]) => at("TimeToFirstTokenP95", "TimeToFirstTokenP99"),
        () if has(&["itl", "inter_token", "tbt"]) => at("InterTokenLatencyP95", "InterTokenLatencyP99"),
        () if has(&["tpot", "per_output_token", "per_token"]) => at("TimePerOutputTokenP95", "TimePerOutputTokenP99"),
        () if is_rate => "RequestsPerSecond",
        () if is_time && has(&QUEUE) => "QueueTimeP95",
        () if is_time && !has(&["gpu", "cpu"]) => at("LatencyP95", "LatencyP99"),
        () if has(&["cache", "kv", "token_usage"]) => "KvCacheUse",
        () if has(&["gpu", "dcgm", "cuda", "accelerator", "duty_cycle"]) => "GpuUtilization",
        () if has(&QUEUE) => "WaitingRequests",
        () if has(&["running", "batch", "processing"]) => "RunningRequests",
        () if has(&["inflight", "in_flight", "concurrent", "concurrency", "ongoing", "active"]) => "InFlightRequests",
        () if has(&["requests_total", "request_total", "http_requests", "request_count", "invocations"]) => {
            "RequestsPerSecond"
        }
        () if has(&["cpu"]) => "CpuCores",
        () if has(&["memory", "rss"]) => "MemoryBytes",
        () => "WaitingRequests",
    }
}

/// Words of what waits.
const QUEUE: [&str; 9] = ["queue", "queued", "queueing", "waiting", "wait", "pending", "backlog", "lag", "messages"];

/// Whether `words`, joined by underscores, are whole words of `name`; a plural is the same word.
fn matches(name: &str, words: &str) -> bool {
    name.match_indices(words).any(|(start, _)| {
        let rest = &name[start + words.len()..];
        let rest = rest.strip_prefix('s').filter(|rest| rest.is_empty() || rest.starts_with('_')).unwrap_or(rest);
        (start == 0 || name[..start].ends_with('_')) && (rest.is_empty() || rest.starts_with('_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::parse_binding;

    #[test]
    fn a_name_proposes_what_it_speaks_of() {
        let table = [
            ("app_ttft_p95_seconds", "TimeToFirstTokenP95"),
            ("time-to-first-token-p99-ms", "TimeToFirstTokenP99"),
            ("my_itl_ms", "InterTokenLatencyP95"),
            ("llm:tpot:p99", "TimePerOutputTokenP99"),
            ("gateway_duration_seconds", "LatencyP95"),
            ("request_latency_99", "LatencyP99"),
            ("queue_wait_ms", "QueueTimeP95"),
            ("gpu_cache_share", "KvCacheUse"),
            ("nvidia_gpu_duty_cycle", "GpuUtilization"),
            ("gpu_seconds", "GpuUtilization"),
            ("sqs_messages", "WaitingRequests"),
            ("jobs.pending", "WaitingRequests"),
            ("model_batch_now", "RunningRequests"),
            ("istio_requests_total", "RequestsPerSecond"),
            ("gateway_requests_per_second", "RequestsPerSecond"),
            ("generated", "WaitingRequests"),
            ("active_sessions", "InFlightRequests"),
            ("pod_cpu", "CpuCores"),
            ("", "WaitingRequests"),
        ];
        for (name, word) in table {
            assert_eq!(fitting(name), word, "{name}");
            assert!(parse_binding(word).is_ok(), "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_name_has_a_signal(name in "\\PC{0,40}") {
            assert!(parse_binding(fitting(&name)).is_ok());
        }
    }
}
