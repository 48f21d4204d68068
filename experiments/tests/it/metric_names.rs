//! The metric names of real manifests: what each is bound to, and what the command says about a
//! misspelt one and about one that its service cannot have.

use flashcrowd_core::ports::Scope;
use flashcrowd_policies::autoscalers::hpa::{bind, manifest};
use flashcrowd_policies::metrics::{known_metrics, unsupported_metrics};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Names that recording rules and adapters make of histograms.
const DERIVED: [&str; 8] = [
    "vllm_num_requests_waiting",
    "vllm:time_to_first_token_seconds_p99",
    "ttft_p95_ms",
    "vllm_inter_token_latency_seconds:p95",
    "vllm:time_per_output_token_seconds_p50",
    "tpot_p95",
    "p99_latency_ms",
    "vllm:e2e_request_latency_seconds_p99",
];

fn manifest_of(metric: &str, external: bool) -> String {
    let kind = if external { ("External", "external") } else { ("Pods", "pods") };
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h}}\nspec:\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: s}}\n  minReplicas: 1\n  maxReplicas: 4\n  \
         metrics:\n    - {{type: {}, {}: {{metric: {{name: \"{metric}\"}}, target: {{type: AverageValue, averageValue: \
         \"800m\"}}}}}}\n",
        kind.0, kind.1
    )
}

/// One line: what the name is bound to, through which pipeline.
fn bound(metric: &str) -> String {
    let of = |external| {
        let manifest = manifest::read(&manifest_of(metric, external), None).expect(metric);
        bind(&manifest.spec, &BTreeMap::new()).expect(metric).remove(0)
    };
    let (pods, external) = (of(false), of(true));
    assert_eq!(pods.request.scope, Scope::Replica, "{metric}");
    // What only pods export has no series without one.
    assert!(matches!(external.request.scope, Scope::Service | Scope::Pods), "{metric}");
    assert_eq!((pods.request.source, pods.scale), (external.request.source, external.scale), "{metric}");
    let pipeline = pods.request.pipeline;
    let collect = pipeline.collect_period.map_or_else(String::new, |period| format!(", collected each {period}"));
    format!(
        "{metric}: {:?} x {}, {:?}{collect}, {:?}",
        pods.request.source, pods.scale, pipeline.sampler, pipeline.transform
    )
}

#[test]
fn every_name_has_its_binding() {
    let mut text = String::new();
    // Resources are named by their own kind of metric.
    let exported = known_metrics().iter().map(|known| known.name).filter(|name| !["cpu", "memory"].contains(name));
    for name in exported.chain(DERIVED) {
        let _ = writeln!(text, "{}", bound(name));
    }
    for metric in unsupported_metrics() {
        let _ = writeln!(text, "{}: not offered, {}", metric.name, metric.why);
    }
    insta::assert_snapshot!("metric_bindings", text);
}

const ENGINE: &str = r#"(
    horizon: "30s",
    pools: {"p": (gpu: "H100", max_nodes: 1)},
    services: {
        "s": (model: "Llama-3.1-8B", serving: ContinuousBatch(), autoscaler: Manifest("h.yaml")),
    },
    traffic: {"t": Poisson(rate: 1.0, prompt_tokens: 100, output_tokens: 50)},
)
"#;

fn run(scenario: &str, metric: &str) -> Output {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), scenario).unwrap();
    fs::write(folder.path().join("h.yaml"), manifest_of(metric, false)).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"))
        .current_dir(folder.path())
        .args(["run", "s.ron", "--no-out"])
        .output();
    command.unwrap()
}

#[test]
fn each_name_of_an_engine_plays() {
    let names = known_metrics().iter().map(|known| known.name);
    for name in names.filter(|name| name.starts_with("vllm:") || name.starts_with("DCGM") || name.starts_with("sglang"))
    {
        let output = run(ENGINE, name);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_misspelt_name_meets_the_nearest() {
    let cases = [
        ("vllm:num_request_waiting", "vllm:num_requests_waiting"),
        ("vllm:num_requests_runing", "vllm:num_requests_running"),
        ("vllm:kv_cache_usage_percent", "vllm:kv_cache_usage_perc"),
        ("vllm_gpu_cache_usage_pct", "vllm:gpu_cache_usage_perc"),
        ("vllm:time_to_first_tokens_seconds", "vllm:time_to_first_token_seconds"),
        ("vllm:inter_token_latencies_seconds", "vllm:inter_token_latency_seconds"),
        ("vllm:time_per_output_tokens_seconds", "vllm:time_per_output_token_seconds"),
        ("vllm:e2e_request_latency_second", "vllm:e2e_request_latency_seconds"),
        ("DCGM_FI_DEV_GPU_UTILS", "DCGM_FI_DEV_GPU_UTIL"),
        ("DCGM_FI_PROF_SM_ACTIV", "DCGM_FI_PROF_SM_ACTIVE"),
        ("DCGM_FI_PROF_PIPE_TENSOR_ACTIV", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"),
        ("DCGM_FI_PROF_DRAM_ACTIV", "DCGM_FI_PROF_DRAM_ACTIVE"),
    ];
    for (misspelt, right) in cases {
        let output = run(ENGINE, misspelt);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{misspelt}: {message}");
        assert!(message.contains("h.yaml:9:"), "{misspelt}: {message}");
        assert!(message.contains(&format!("did you mean `{right}`?")), "{misspelt}: {message}");
    }
}

#[test]
fn a_metric_that_the_service_cannot_have_is_refused() {
    let slots = ENGINE.replace("ContinuousBatch()", "Slots(concurrency: 1), service_time: \"1s\"");
    for name in ["vllm:kv_cache_usage_perc", "DCGM_FI_PROF_DRAM_ACTIVE", "ttft_p95", "vllm:inter_token_latency_seconds"]
    {
        let output = run(&slots, name);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {message}");
        assert!(
            message.contains("h.yaml:9:")
                && message.contains("exists only with `serving: ContinuousBatch`, and `s` has `serving: Slots`"),
            "{name}: {message}"
        );
        assert!(message.contains("ContinuousBatch()"), "{name}: {message}");
    }
    let waits = run(&slots, "vllm:num_requests_waiting");
    assert_eq!(waits.status.code(), Some(0), "{}", String::from_utf8_lossy(&waits.stderr));
}
