//! Manifests and incidents that showed faults, with what is right for each: `found/manifests` and
//! `found/operations` of the reference data.

use crate::found::{copy, flashcrowd, json, says, text};
use std::fs;
use std::path::Path;

/// A scenario around a manifest of the folder, and what `check` says of it.
fn check(folder: &Path, manifest: &str, extra: &str, code: i32, expected: &[&str]) {
    let scenario = format!(
        r#"(horizon: "10m", pools: {{"h100": (gpu: "H100", gpus_per_node: 8, gpu_price: "6.88/h", max_nodes: 4)}},
        services: {{"w": (model: "Llama-3.1-8B", serving: ContinuousBatch(), cpu: (idle_cores: 2.0, cores_per_request: 0.1,
            request_cores: 4.0), slo: [(quantile: 0.95, limit: "10s")], autoscaler: Manifest("{manifest}"), {extra})}},
        traffic: {{"t": Poisson(rate: "3/s", prompt_tokens: 500, output_tokens: 100)}})"#
    );
    fs::write(folder.join("case.ron"), scenario).unwrap();
    says(folder, &["check", "case.ron"], code, expected);
}

#[test]
fn manifests_as_people_have_them() {
    let Some(folder) = copy("manifests") else { return };
    let folder = folder.path();
    let reads = |manifest: &str, words: &[&str]| check(folder, manifest, "", 0, words);
    let refuses = |manifest: &str, words: &[&str]| check(folder, manifest, "", 2, words);
    reads("k03-waiting-and-cache-percent.yaml", &["keda/engine-b"]);
    reads("k07-ttft-histogram.yaml", &["keda/engine-e"]);
    reads("k09-sqs-to-zero.yaml", &["keda/batch"]);
    reads("k11-rabbit-cpu-memory-fallback.yaml", &["keda/mailer"]);
    reads("keda-cpu-quantity.yaml", &["keda/llm"]);
    reads("keda-memory-quantity.yaml", &["keda/llm"]);
    reads("keda-metricname-over-query.yaml", &["keda/llm"]);
    reads("keda-target-name-redis-cluster.yaml", &["keda/llm"]);
    reads("keda-cron.yaml", &["keda/llm (1-20)"]);
    reads("s01-kserve-keda.yaml", &["keda/m (1-5)"]);
    reads("kserve-keda.yaml", &["keda/m (1-5)"]);
    reads("kserve-keda-noannotation.yaml", &["keda/m (1-5)", "no annotation gives a mode"]);
    reads("a01-aibrix-kpa.yaml", &["aibrix/m (1-6)", "kpa.autoscaling.aibrix.ai/scale-down-delay: has no effect"]);
    reads("aibrix-unprefixed.yaml", &["aibrix/a (1-8)"]);
    reads("aibrix-prefixed.yaml", &["reads 0 for ever", "did you mean `num_requests_running`?"]);
    reads("aibrix-silent-annotations.yaml", &["scale-down-cooldown-window`", "`spec.observeWindowSeconds`"]);
    reads("aws-config-only.json", &["it holds no scalable target"]);
    reads("aws-ecs-cpu.json", &["aws/service/c/s (1-8)"]);
    reads("aws-sagemaker-async.json", &["(0-5)"]);
    reads("aws-scheduled.json", &["aws/service/c/s (1-16)"]);
    refuses("aibrix-pod-without-port.yaml", &["protocolType: required"]);
    refuses("aibrix-windows.yaml", &["longer than the window of 30 s"]);
    refuses("aibrix-resource-checks.yaml", &["expected cpu or memory"]);
    refuses("multi-kind.yaml", &["HorizontalPodAutoscaler/frontend, ScaledObject/prefill"]);
    for manifest in ["k13-mysql-query.yaml", "keda-target-name-mysql.yaml"] {
        refuses(manifest, &["bind it to a signal", "services.w.bind: {\"s0-mysql\": WaitingRequests}"]);
        check(folder, manifest, "bind: {\"s0-mysql\": WaitingRequests}", 0, &["fine"]);
    }
    refuses("keda-target-name-cloudwatch.yaml", &["s0-aws-cloudwatch"]);
}

#[test]
fn queries_that_are_not_understood_are_refused_by_name() {
    let Some(folder) = copy("manifests") else { return };
    for (manifest, words) in [
        ("k01-per-pod.yaml", "`count(kube_pod_info"),
        ("k05-bare-selector.yaml", "a series for each pod"),
        ("keda-bare-vector.yaml", "a series for each pod"),
        ("keda-http-requests-total.yaml", "`http_requests_total`"),
        ("keda-promql-avg-rate.yaml", "`avg` over the pods' rates"),
        ("keda-promql-bool.yaml", "`> bool 0`"),
        ("keda-promql-label.yaml", "`resource=\"memory\"`"),
        ("keda-promql-per-pod.yaml", "expected a number"),
        ("keda-promql-sum.yaml", "`+ sum(vllm:num_requests_waiting)`"),
    ] {
        check(folder.path(), manifest, "", 2, &[words, "its query is not read in part"]);
        check(folder.path(), manifest, "bind: {\"s0-prometheus\": WaitingRequests}", 0, &["fine"]);
    }
}

#[test]
fn several_kinds_are_chosen_by_kind_and_name() {
    let Some(folder) = copy("manifests") else { return };
    check(folder.path(), "multi-kind.yaml", "", 2, &["choose one by kind and name: `name: \"ScaledObject/prefill\"`"]);
    for (name, scaler) in [("so/prefill", "keda/prefill (1-12)"), ("frontend", "hpa/frontend (1-3)")] {
        let set = format!("services.w.autoscaler.name={name}");
        says(folder.path(), &["check", "case.ron", "--set", &set], 0, &[scaler]);
    }
    says(folder.path(), &["check", "case.ron", "--set", "services.w.autoscaler.name=hpa/prefill"], 2, &["prefill"]);
}

#[test]
fn an_override_reaches_into_a_manifest() {
    let Some(folder) = copy("manifests") else { return };
    let folder = folder.path();
    check(folder, "h03-cache-share-target-in-percent.yaml", "", 0, &["target unreachable", "(2-16)"]);
    let target = "services.w.autoscaler.spec.metrics[0].pods.target.averageValue=0.6";
    let most = "services.w.autoscaler.spec.maxReplicas=9";
    let both = flashcrowd(folder, &["check", "case.ron", "--set", target, "--set", most]);
    assert!(text(&both).contains("(2-9)") && !text(&both).contains("unreachable"), "{}", text(&both));
    let shown = flashcrowd(folder, &["check", "case.ron", "--set", target, "--set", most, "--print-resolved"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains(r#"set: {"spec.maxReplicas": "9", "spec.metrics[0].pods.target.averageValue": "0.6"}"#)
            || shown.contains("spec.maxReplicas"),
        "{shown}"
    );
    fs::write(folder.join("again.ron"), &shown).unwrap();
    says(folder, &["check", "again.ron"], 0, &["(2-9)"]);
    let nowhere = "services.w.autoscaler.spec.metrics[0].pods.target.averageValu.x=1";
    says(folder, &["check", "case.ron", "--set", nowhere], 0, &["averageValu"]);
    let nowhere = "services.w.autoscaler.spec.metrics[7].pods=1";
    says(folder, &["check", "case.ron", "--set", nowhere], 2, &["there is no `[7]`", "it has 2 items"]);
    says(folder, &["check", "case.ron", "--set", "services.w.autoscaler.tolerance=0.2"], 0, &["fine"]);
}

#[test]
fn incidents_of_operations() {
    let replicas = |folder: &str, scenario: &str| {
        let folder = copy(&format!("operations/{folder}"))?;
        Some(json(folder.path(), &["run", scenario]))
    };
    let most = |run: &serde_json::Value, service: &str| run["services"][service]["replicas"]["max"].as_u64().unwrap();
    let Some(sky) = replicas("1-skyserve-rate", "steady.ron") else { return };
    assert_eq!(most(&sky, "chat"), 2, "12 requests a second over a target of 10");
    let zero = replicas("2-keda-engine-metric-at-zero", "from-zero.ron").unwrap();
    assert_eq!((most(&zero, "chat"), zero["requests"]["completed"].as_u64()), (0, Some(0)), "no pod, no metric");
    let fallback = replicas("3-keda-fallback-from-zero", "fallback-zero.ron").unwrap();
    assert_eq!(most(&fallback, "worker"), 2, "the fallback wakes, and the HPA takes its count");
    let ray = replicas("4-ray-victim", "node-release.ron").unwrap();
    let empty_usd = ray["cost"]["by_use"]["empty GPUs"].as_f64().unwrap();
    assert!(empty_usd < 1.5, "the second node is given back: {empty_usd}");
    let folder = copy("operations/8-missing-as-zero-no-effect").unwrap();
    let missing = json(folder.path(), &["run", "two-metrics.ron"]);
    let mean = |variant: &str| {
        let variants = missing["variants"].as_array().unwrap();
        let own = variants.iter().find(|own| own["variant"] == variant).unwrap();
        own["services"]["chat"]["replicas"]["mean"].as_f64().unwrap()
    };
    assert!(mean("metric 0 instead") < 0.7 * mean("metric missing"));
    let folder = copy("operations/9-promql-silently-reduced").unwrap();
    says(folder.path(), &["check", "promql.ron"], 2, &["`+ sum(vllm:num_requests_running)` is not understood"]);
}

#[test]
fn aibrix_and_queues_scale_by_what_they_count() {
    let Some(folder) = copy("manifests") else { return };
    let most = |scenario: &str| json(folder.path(), &["run", scenario])["services"]["w"]["replicas"]["max"].as_u64();
    // 2 idle cores and 0.1 a request, at 30 requests in flight: 5,000 millicores over a target of 500.
    assert_eq!(most("aibrix-cpu-millicores.ron"), Some(8));
    assert_eq!(most("skyserve-rate-low.ron"), Some(2));
    let queue = json(folder.path(), &["run", "keda-sqs-inflight.ron"]);
    assert_eq!(queue["requests"]["failed"].as_u64(), Some(0), "what is in flight keeps its worker");
}

#[test]
fn policies_are_compared_beside_manifests() {
    let Some(folder) = copy("manifests") else { return };
    check(folder.path(), "h03-cache-share-target-in-percent.yaml", "", 0, &["fine"]);
    let policy = "QueueDepth(waiting_per_replica: 4.0, max: 3)";
    says(folder.path(), &["compare", "case.ron", "hpa-v2.yaml", policy, "-q"], 2, &["hpa-v2.yaml"]);
    says(
        folder.path(),
        &["compare", "case.ron", "h03-cache-share-target-in-percent.yaml", policy, "Fixed(2)", "-q"],
        0,
        &["QueueDepth", "Fixed"],
    );
}
