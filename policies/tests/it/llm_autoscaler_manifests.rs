//! Manifests of `AIBrix`, WVA and the Dynamo planner: accepted, refused with their place, or listed.

use flashcrowd_policies::autoscalers::{aibrix, dynamo, wva};
use flashcrowd_policies::manifest::{ManifestError, ManifestWarning};
use proptest::prelude::*;

const PODAUTOSCALER: &str = "apiVersion: autoscaling.aibrix.ai/v1alpha1
kind: PodAutoscaler
metadata:
  name: llama
  namespace: prod
  annotations:
    autoscaling.aibrix.ai/scale-up-tolerance: '0.2'
    autoscaling.aibrix.ai/scale-down-cooldown-window: 2m
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: llama }
  minReplicas: 1
  maxReplicas: 8
  scalingStrategy: KPA
  metricsSources:
  - metricSourceType: pod
    protocolType: http
    port: '8000'
    path: metrics
    targetMetric: vllm:num_requests_waiting
    targetValue: '5'
";

const VARIANTS: &str = "apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata: { name: llama-h100, namespace: llm }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: llama-h100 }
  modelID: meta/llama
  variantCost: '40'
---
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata: { name: llama-a100, namespace: llm }
spec:
  scaleTargetRef: { kind: Deployment, name: llama-a100 }
  modelID: meta/llama
---
apiVersion: v1
kind: ConfigMap
metadata: { name: wva-saturation-scaling-config }
data:
  default: |
    kvCacheThreshold: 0.80
    queueLengthThreshold: 5
    kvSpareTrigger: 0.1
    queueSpareTrigger: 3
  llama: |
    model_id: meta/llama
    namespace: llm
    kvCacheThreshold: 0.9
";

const PLANNER: &str = "mode: disagg
optimization_target: load
prefill_scale_up_queue_tokens: 8000
prefill_scale_down_queue_tokens: 500
decode_scale_up_kv_rate: 80
decode_scale_down_kv_rate: 30
max_gpu_budget: 16
min_endpoint: 2
";

fn expect_refused<T: std::fmt::Debug>(found: Result<T, ManifestError>, parts: &[&str]) {
    let error = found.expect_err("refused").to_string();
    for part in parts {
        assert!(error.contains(part), "expected {part:?} in {error:?}");
    }
}

fn expect_warning(warnings: &[ManifestWarning], parts: &[&str]) {
    let found: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|w| parts.iter().all(|part| w.contains(part))), "{parts:?} in {found:#?}");
}

#[test]
fn a_podautoscaler_is_read() {
    let read = |text: &str| aibrix::manifest::read(text.as_bytes(), None);
    let spec = read(PODAUTOSCALER).expect("accepted");
    assert_eq!((spec.strategy, spec.settings.max_replicas), (aibrix::Strategy::Kpa, 8));
    assert_eq!((spec.settings.up_tolerance, spec.down_cooldown_ns), (0.2, 120_000_000_000));
    assert_eq!((spec.metrics[0].name.as_str(), spec.metrics[0].target), ("vllm:num_requests_waiting", 5.0));
    assert!(spec.warnings.is_empty(), "{:?}", spec.warnings);
    let noisy = PODAUTOSCALER
        .replace("scale-up-tolerance: '0.2'", "scale-up-tolerence: '0.2'")
        .replace("minReplicas: 1", "minReplica: 1\n  predictive: { mode: Auto }");
    let spec = read(&noisy).expect("accepted");
    expect_warning(&spec.warnings, &["line 7", "`autoscaling.aibrix.ai/scale-up-tolerance`"]);
    expect_warning(&spec.warnings, &["spec.minReplica", "`minReplicas`"]);
    expect_warning(&spec.warnings, &["spec.predictive", "unknown field"]);
}

#[test]
fn a_bad_podautoscaler_is_refused_with_its_place() {
    let refused = |from: &str, to: &str, parts: &[&str]| {
        assert!(PODAUTOSCALER.contains(from));
        expect_refused(aibrix::manifest::read(PODAUTOSCALER.replacen(from, to, 1).as_bytes(), None), parts);
    };
    refused("scalingStrategy: KPA", "scalingStrategy: HPA", &["line 13", "Kubernetes HPA"]);
    refused("scalingStrategy: KPA", "scalingStrategy: KPPA", &["HPA, KPA, APA", "did you mean"]);
    refused("maxReplicas: 8", "maxReplicas: 0", &["line 12", "at least 1"]);
    refused("targetValue: '5'", "targetValue: 5", &["line 20", "expected a text"]);
    refused("targetValue: '5'", "targetValue: '-5'", &["positive"]);
    refused("'0.2'", "'lots'", &["line 7", "scale-up-tolerance", "number"]);
    refused(": 2m", ": 2 min", &["line 8", "duration"]);
    refused("    port: '8000'\n", "", &["metricsSources[0].port: required for metricSourceType pod"]);
    refused("    protocolType: http\n", "", &["protocolType: required"]);
    refused("metricSourceType: pod", "metricSourceType: resource", &["targetMetric", "expected cpu or memory"]);
    refused("maxReplicas: 8", "maxReplicas: 8\n  observeWindowSeconds: 30", &["line 13", "longer than"]);
    for (rest, words) in [
        ("startTime: '08:00', endTime: '07:00', minReplicas: 2", "later than startTime"),
        ("startTime: '8:00', endTime: '09:00', minReplicas: 2", "expected HH:MM"),
        ("startTime: '08:00', endTime: '09:00'", "minReplicas, maxReplicas or both"),
        ("startTime: '08:00', endTime: '09:00', minReplicas: 9", "the bounds would be 9 to 8"),
        ("startTime: '08:00', endTime: '09:00', minReplicas: 2, daysOfWeek: [Mo]", "\"Mo\" is no day"),
        ("startTime: '08:00', endTime: '09:00', minReplicas: 2, timezone: Berlin", "no time zone \"Berlin\""),
    ] {
        let schedules = format!("maxReplicas: 8\n  schedules: [{{name: day, {rest}}}]");
        refused("maxReplicas: 8", &schedules, &[words]);
    }
    let two = "maxReplicas: 8\n  schedules: [{name: a, startTime: '08:00', endTime: '10:00', minReplicas: 2}, \
               {name: b, startTime: '09:00', endTime: '11:00', minReplicas: 3}]";
    refused("maxReplicas: 8", two, &["schedules[1]", "overlaps the schedule \"a\""]);
    let more =
        "maxReplicas: 8\n  schedules: [{name: a, startTime: '08:00', endTime: '09:00', minReplicas: 2, until: x}]";
    let read = aibrix::manifest::read(PODAUTOSCALER.replacen("maxReplicas: 8", more, 1).as_bytes(), None).unwrap();
    let said: Vec<&str> = read.warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert!(said.contains(&"spec.schedules[0].until"), "{said:?}");
    refused("kind: PodAutoscaler", "kind: PodAutoscalr", &["line 2", "did you mean `PodAutoscaler`?"]);
    refused("v1alpha1", "v1", &["line 1", "autoscaling.aibrix.ai/v1alpha1"]);
    refused("metricSourceType: pod", "metricSourceType: pods", &["metricSourceType", "did you mean `pod`?"]);
}

#[test]
fn variants_of_a_model_are_read_with_their_thresholds() {
    let model = wva::manifest::read(VARIANTS.as_bytes(), None).expect("accepted");
    let variants: Vec<(&str, f64)> = model.variants.iter().map(|v| (v.name.as_str(), v.cost)).collect();
    assert_eq!(variants, [("llama-a100", 10.0), ("llama-h100", 40.0)]);
    let expected = wva::Thresholds { kv_cache: 0.9, queue_length: 5.0, kv_spare: 0.1, queue_spare: 3.0 };
    assert_eq!(model.thresholds, expected);
    let elsewhere = VARIANTS.replace("namespace: llm\n    kv", "namespace: other\n    kv");
    let model = wva::manifest::read(elsewhere.as_bytes(), None).expect("accepted");
    assert_eq!(model.thresholds.kv_cache, 0.8);
    let noisy = VARIANTS.replace("variantCost:", "variantCosts:").replace("kvSpareTrigger", "kvSpareTriger");
    let model = wva::manifest::read(noisy.as_bytes(), None).expect("accepted");
    expect_warning(&model.warnings, &["spec.variantCosts", "did you mean `variantCost`?"]);
    expect_warning(&model.warnings, &["line 23", "data.default.kvSpareTriger", "`kvSpareTrigger`"]);
}

#[test]
fn bad_variants_and_thresholds_are_refused() {
    let refused = |from: &str, to: &str, parts: &[&str]| {
        assert!(VARIANTS.contains(from));
        expect_refused(wva::manifest::read(VARIANTS.replacen(from, to, 1).as_bytes(), None), parts);
    };
    refused("variantCost: '40'", "variantCost: 40", &["line 7", "expected a text"]);
    refused("variantCost: '40'", "variantCost: dear", &["line 7", "number"]);
    refused("modelID: meta/llama", "modelId: meta/llama", &["modelID: required", "`modelId` is written there"]);
    refused("modelID: meta/llama", "modelID: meta/other", &["2 models", "by its modelID"]);
    refused("kvCacheThreshold: 0.80", "kvCacheThreshold: 80", &["line 21", "kvCacheThreshold", "from 0 to 1"]);
    refused("kvSpareTrigger: 0.1", "kvSpareTrigger: 0.95", &["kvSpareTrigger", "at most"]);
    refused("queueSpareTrigger: 3", "analyzerName: saturation", &["version 2", "remove it"]);
    refused("default: |", "defalt: |", &["data.default: required"]);
    let found = wva::manifest::read(VARIANTS.as_bytes(), Some("meta/lama"));
    expect_refused(found, &["did you mean `meta/llama`?"]);
}

#[test]
fn a_planner_configuration_is_read_as_yaml_and_json() {
    let config = dynamo::config::read(PLANNER.as_bytes()).expect("accepted");
    assert_eq!((config.mode, config.target), (dynamo::Mode::Disaggregated, dynamo::Target::Load));
    let budget = dynamo::Budget { min_gpus: None, max_gpus: Some(16), min_endpoint: 2 };
    assert_eq!((config.budget, config.thresholds.decode_up_percent), (budget, Some(80.0)));
    let json =
        br#"{"mode": "agg", "load_adjustment_interval": 10, "max_gpu_budget": -1, "ttft": 300, "min_endpont": 3}"#;
    let config = dynamo::config::read(json).expect("accepted");
    assert_eq!((config.interval_s, config.budget.max_gpus), (10.0, None));
    expect_warning(&config.warnings, &["ttft", "sla only"]);
    expect_warning(&config.warnings, &["min_endpont", "did you mean `min_endpoint`?"]);
}

#[test]
fn a_bad_planner_configuration_is_refused_with_its_place() {
    let refused = |from: &str, to: &str, parts: &[&str]| {
        assert!(PLANNER.contains(from));
        expect_refused(dynamo::config::read(PLANNER.replacen(from, to, 1).as_bytes()), parts);
    };
    refused("target: load", "target: sla", &["line 2", "performance models", "throughput, latency or load"]);
    refused("mode: disagg", "mode: disag", &["line 1", "did you mean `disagg`?"]);
    refused("tokens: 8000", "tokens: 400", &["line 3", "greater than prefill_scale_down_queue_tokens"]);
    refused("decode_scale_down_kv_rate: 30\n", "", &["decode_scale_down_kv_rate", "missing"]);
    refused("kv_rate: 80", "kv_rate: 180", &["line 5", "from 0 to 100"]);
    refused("budget: 16", "budget: lots", &["line 7", "integer"]);
    refused("min_endpoint: 2", "min_endpoint: -2", &["line 8", "0 or more"]);
    expect_refused(dynamo::config::read(b"[]"), &["expected a map"]);
    expect_refused(dynamo::config::read(b""), &["found 0 documents"]);
}

proptest! {
    #[test]
    fn no_file_panics(
        file in 0_usize..3, cut in 0.0_f64..1.0, put in "[-0-9a-z\"'{}\\[\\]:, \n|./]{0,24}", gone in 0_usize..20,
        any in "\\PC{0,60}",
    ) {
        let whole = [PODAUTOSCALER, VARIANTS, PLANNER][file];
        let at = (cut * whole.len() as f64) as usize;
        let rest = (at + gone).min(whole.len());
        for text in [format!("{}{put}{}", &whole[..at], &whole[rest..]), any] {
            let bytes = text.as_bytes();
            let _ = (aibrix::manifest::read(bytes, None), wva::manifest::read(bytes, None), dynamo::config::read(bytes));
        }
    }
}
