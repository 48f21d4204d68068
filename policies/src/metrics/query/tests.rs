//! What is read whole, and what is refused by name.

use super::*;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::LatencyPart;

fn read(text: &str) -> (SignalSource, f64, Combine) {
    let query = read_query(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    (query.binding.source, query.binding.scale, query.combine)
}

#[test]
fn gauges_over_the_pods() {
    use Combine::{Max, Mean, Min, Service, Sum};
    let running = |combine| (SignalSource::RunningRequests, 1.0, combine);
    assert_eq!(read("sum(vllm:num_requests_running)"), running(Service));
    assert_eq!(read("avg (vllm:num_requests_running{model_name=\"m\", pod=~\"a-.*\"})"), running(Mean));
    assert_eq!(read("sum by (model_name) (vllm:num_requests_running)"), running(Service));
    assert_eq!(read("max(vllm:num_requests_running) by (namespace,)"), running(Max));
    assert_eq!(read("( min(vllm:num_requests_running) ) # a remark\n"), running(Min));
    let cache = |scale, combine| (SignalSource::KvCacheUse, scale, combine);
    assert_eq!(read("avg(vllm:kv_cache_usage_perc) * 100"), cache(1.0, Service));
    assert_eq!(read("sum(vllm:kv_cache_usage_perc)"), cache(0.01, Sum));
    assert_eq!(read("2 * (max(vllm:kv_cache_usage_perc) / 4)"), cache(0.005, Max));
    assert_eq!(read("queue_depth"), (SignalSource::WaitingRequests, 1.0, Service));
    assert_eq!(read("sum(queue_depth)"), (SignalSource::WaitingRequests, 1.0, Service));
}

#[test]
fn rates_and_quantiles() {
    let rate = read_query("sum(rate(http_requests[5m]))").unwrap();
    assert_eq!(rate.binding.pipeline.transform, Transform::Rate(SimDuration::from_s(300)));
    for text in [
        "histogram_quantile(0.9, sum(rate(vllm:time_to_first_token_seconds_bucket[1m30s])) by (le))",
        "histogram_quantile(0.9, sum by (le, model_name) (rate(vllm:time_to_first_token_seconds_bucket{model_name=~\"m\"}[90s])))",
    ] {
        let window = SimDuration::from_s(90);
        let source = SignalSource::LatencyQuantile { part: LatencyPart::TimeToFirstToken, quantile: 0.9, window };
        assert_eq!(read(text), (source, 1.0, Combine::Service));
    }
    let milliseconds =
        "1000 * histogram_quantile(0.95, sum(rate(vllm:e2e_request_latency_seconds_bucket[2m])) by (le))";
    assert_eq!(read_query(milliseconds).unwrap().binding.scale, 1_000.0);
    assert!(read_query("requests_per_second").is_ok());
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (text, words) in [
        ("sum(vllm:num_requests_running) + sum(vllm:num_requests_waiting)", "`+ sum(vllm:num_requests_waiting)`"),
        ("sum(vllm:num_requests_running) / count(kube_pod_info{pod=~\"llm-.*\"})", "expected a number"),
        ("sum(vllm:num_requests_waiting) > bool 0", "`> bool 0`"),
        ("vllm:num_requests_waiting", "a series for each pod"),
        ("avg(rate(http_requests[2m]))", "`avg` over the pods' rates"),
        ("sum(kube_pod_container_resource_requests{resource=\"memory\"})", "`resource=\"memory\"`"),
        ("avg_over_time(sum(vllm:num_requests_running)[10m:15s])", "`avg_over_time(...)`"),
        ("sum(rate(http_requests_total{app=\"llm\"}[2m]))", "http_requests_total"),
        ("sum(rate(http_requests{status=\"500\"}[2m]))", "`status=\"500\"`"),
        ("sum(vllm:num_requests_running) by (pod)", "by (pod)"),
        ("sum without (pod) (vllm:num_requests_running)", "`without (...)`"),
        ("sum(vllm:num_requests_running offset 5m)", "`offset 5m)`"),
        ("sum(vllm:num_requests_running[5m])", "`[5m])`"),
        ("rate(vllm:num_requests_running[5m])", "no counter"),
        ("sum(vllm:request_success_total)", "is a counter"),
        ("sum(vllm:time_to_first_token_seconds)", "is a histogram"),
        ("histogram_quantile(0.9, rate(vllm:time_to_first_token_seconds_bucket[3m]))", "of `sum(rate("),
        ("histogram_quantile(0.9, sum(rate(vllm:time_to_first_token_seconds_bucket[3m])))", "by (le)` only"),
        ("sum(rate(vllm:time_to_first_token_seconds_bucket[3m])) by (le)", "by (le)"),
        ("avg(vllm:num_requests_running{model_name!=\"m\"})", "`model_name!=\"m\"`"),
        ("up", "`up`"),
        ("-1 * sum(queue_depth)", "`-1"),
        ("0 * sum(queue_depth)", "factor 0"),
        ("sum(queue_depth", "expected `)`"),
        ("sum(queue_depth{a=\"b)", "the text"),
        ("", "expected a metric"),
        ("sum(memory)", "`memory`"),
        ("queue_depth[", "no `]`"),
    ] {
        let error = read_query(text).map(|query| format!("read as {query:?}")).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: expected {words} in: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_fatal(text in "[a-z:_(){}\\[\\]0-9.,=~!\"'+*/ é>-]{0,60}") {
        let _ = read_query(&text);
    }
}
