//! Knative's manifests: what is accepted, refused with its place, or listed as without effect.

use flashcrowd_policies::autoscalers::knative::manifest::{Manifest, read};
use proptest::prelude::*;

const SERVICE: &str = "apiVersion: serving.knative.dev/v1
kind: Service
metadata: { name: llm, namespace: prod }
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/min-scale: '1'
        autoscaling.knative.dev/max-scale: '20'
        autoscaling.knative.dev/target: '8'
        autoscaling.knative.dev/window: 120s
        serving.knative.dev/progress-deadline: 20m
    spec:
      containerConcurrency: 10
      timeoutSeconds: 600
      containers:
      - image: vllm
";

fn accepted(text: &str) -> Manifest {
    read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str, expected: &[&str]) {
    let error = read(text.as_bytes(), None).expect_err(text).to_string();
    for part in expected {
        assert!(error.contains(part), "expected {part:?} in {error:?}");
    }
}

fn warnings(text: &str) -> Vec<String> {
    accepted(text).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_service_is_read_with_its_config_map() {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: config-autoscaler, namespace: knative-serving }}\ndata:\n  \
         container-concurrency-target-percentage: '50'\n  scale-to-zero-grace-period: 60s\n---\n{SERVICE}"
    );
    let manifest = accepted(&text);
    assert_eq!((manifest.name.as_str(), manifest.namespace.as_deref()), ("llm", Some("prod")));
    assert_eq!((manifest.container_concurrency, manifest.progress_deadline_ns), (10, Some(1_200_000_000_000)));
    let revision = &manifest.revision;
    assert_eq!((revision.target_value, revision.total_value), (4.0, 8.0));
    assert_eq!((revision.bounds.min, revision.bounds.max), (1, 20));
    assert_eq!((revision.stable_window_ns, revision.panic_window_ns), (120_000_000_000, 12_000_000_000));
    assert_eq!(revision.grace_period_ns, 60_000_000_000);
}

#[test]
fn revisions_and_configurations_are_read() {
    let configuration = accepted(&SERVICE.replace("kind: Service", "kind: Configuration"));
    assert_eq!(configuration.kind, "Configuration");
    let revision = accepted(
        "{apiVersion: serving.knative.dev/v1, kind: Revision, metadata: {name: llm-1, annotations: \
         {autoscaling.knative.dev/minScale: '2'}}, spec: {containerConcurrency: 4}}",
    );
    assert_eq!((revision.revision.bounds.min, revision.revision.total_value), (2, 4.0));
}

#[test]
fn an_inference_service_gives_its_replicas_to_the_annotations() {
    let text = "apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: { name: llm, annotations: { autoscaling.knative.dev/window: 30s, prometheus.io/scrape: 'true' } }
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 4
    scaleMetric: rps
    scaleTarget: 5
    containerConcurrency: 2
    model: { modelFormat: { name: huggingface } }
";
    let revision = accepted(text).revision;
    assert_eq!((revision.bounds.min, revision.bounds.max, revision.metric.as_str()), (0, 4, "rps"));
    assert_eq!((revision.total_value, revision.stable_window_ns), (5.0, 30_000_000_000));
    assert!(warnings(text).is_empty());
    let misspelt = warnings(&text.replace("minReplicas: 0", "minReplica: 0"));
    assert!(misspelt[0].contains("spec.predictor.minReplica") && misspelt[0].contains("`minReplicas`"));
    // Without a number KServe keeps one replica.
    assert_eq!(accepted(&text.replace("minReplicas: 0", "x: 0")).revision.bounds.min, 1);
    refused(
        &text.replace("annotations: {", "annotations: { serving.kserve.io/deploymentMode: RawDeployment,"),
        &["RawDeployment", "HPA"],
    );
    refused(&text.replace("maxReplicas: 4", "maxReplicas: -4"), &["line 7", "max-scale", "0 or more"]);
}

#[test]
fn what_has_no_effect_is_listed_with_the_nearest_right_name() {
    let text = SERVICE
        .replace("/max-scale: '20'", "/maxscale: '20'\n        autoscaling.knative.dev/minScale: '3'")
        .replace("containerConcurrency: 10", "containerConcurency: 10");
    let found = warnings(&text);
    let expect = |parts: &[&str]| {
        assert!(found.iter().any(|w| parts.iter().all(|part| w.contains(part))), "{parts:?} in {found:#?}");
    };
    expect(&["line 9, column 9", "maxscale", "`autoscaling.knative.dev/max"]);
    expect(&["minScale", "`autoscaling.knative.dev/min-scale` is given too"]);
    expect(&["spec.template.spec.containerConcurency", "did you mean `containerConcurrency`?"]);
    expect(&["spec.template.spec.timeoutSeconds"]);
    assert_eq!(found.len(), 4, "{found:#?}");
    let map = "kind: ConfigMap\nmetadata: {name: config-autoscaler}\ndata: {_example: x, stable-windw: 6s}\n---\n";
    assert!(warnings(&format!("{map}{SERVICE}"))[0].contains("did you mean `stable-window`?"));
    let other = map.replace("config-autoscaler", "config-autoscalr");
    assert!(warnings(&format!("{other}{SERVICE}"))[0].contains("did you mean `config-autoscaler`?"));
}

#[test]
fn what_the_webhook_refuses_is_refused_with_its_place() {
    let with = |annotation: &str| SERVICE.replace("autoscaling.knative.dev/target: '8'", annotation);
    let table: &[(&str, &[&str])] = &[
        ("autoscaling.knative.dev/target: '0.001'", &["line 10, column 9", "target", "at least 0.01"]),
        ("autoscaling.knative.dev/target: 8", &["line 10", "expected a text", "quotes"]),
        ("autoscaling.knative.dev/activation-scale: '1'", &["activation-scale", "above 1"]),
        ("autoscaling.knative.dev/activation-scale: '30'", &["activation-scale", "max-scale"]),
        ("autoscaling.knative.dev/initial-scale: '0'", &["initial-scale", "does not allow"]),
        ("autoscaling.knative.dev/metric: cpu", &["metric", "concurrency or rps"]),
        ("autoscaling.knative.dev/class: hpa.autoscaling.knative.dev", &["line 10", "class", "HPA", "kubectl get hpa"]),
        ("autoscaling.knative.dev/class: foo.knative.dev", &["line 10", "class"]),
        ("autoscaling.knative.dev/class: mine.example.com", &["class `mine.example.com`"]),
        ("autoscaling.knative.dev/scale-down-delay: 2h", &["scale-down-delay", "1h"]),
        ("autoscaling.knative.dev/target-burst-capacity: '-2'", &["target-burst-capacity", "-1 for no limit"]),
    ];
    for (annotation, parts) in table {
        refused(&with(annotation), parts);
    }
    refused(&SERVICE.replace("progress-deadline: 20m", "progress-deadline: soon"), &["line 12", "whole seconds"]);
    refused(&SERVICE.replace("containerConcurrency: 10", "containerConcurrency: 1001"), &["line 14", "0 to 1000"]);
    refused(&SERVICE.replace("window: 120s", "window: 5s"), &["line 11, column 9", "6s to 1h"]);
}

#[test]
fn settings_objects_and_names_are_refused_with_their_place() {
    let map = |entry: &str| {
        format!("kind: ConfigMap\nmetadata: {{name: config-autoscaler}}\ndata:\n  {entry}\n---\n{SERVICE}")
    };
    refused(&map("max-scale-up-rate: '1'"), &["line 4, column 3", "max-scale-up-rate", "greater than 1"]);
    refused(&map("stable-window: 6.5s"), &["stable-window", "whole seconds"]);
    refused(&map("enable-scale-to-zero: false"), &["line 4", "expected a text", "quotes"]);
    refused(&map("enable-scale-to-zero: 'maybe'"), &["true or false", "maybe"]);
    refused(&SERVICE.replace("serving.knative.dev/v1", "v1"), &["line 2", "Kubernetes Service"]);
    refused("kind: Deployment\nmetadata: {name: a}", &["expected a Service", "Deployment"]);
    let misplaced = SERVICE.replace("namespace: prod", "annotations: {autoscaling.knative.dev/min-scale: '1'}");
    refused(&misplaced, &["line 3", "spec.template.metadata.annotations"]);
    let two = format!("{SERVICE}---\n{}", SERVICE.replace("name: llm", "name: other"));
    refused(&two, &["2 services", "choose one by name"]);
    assert_eq!(read(two.as_bytes(), Some("other")).expect("chosen").name, "other");
    let error = read(two.as_bytes(), Some("othr")).expect_err("none").to_string();
    assert!(error.contains("did you mean `other`?"), "{error}");
}

proptest! {
    #[test]
    fn no_file_panics(
        cut in 0.0_f64..1.0, put in "[-0-9a-z\"'{}\\[\\]:, \n./]{0,24}", gone in 0_usize..20, any in "\\PC{0,60}",
    ) {
        let at = (cut * SERVICE.len() as f64) as usize;
        let rest = (at + gone).min(SERVICE.len());
        let text = format!("{}{put}{}", &SERVICE[..at], &SERVICE[rest..]);
        let _ = (read(text.as_bytes(), None), read(any.as_bytes(), None));
    }
}

const OPERATOR: &str = "---
apiVersion: operator.knative.dev/v1beta1
kind: KnativeServing
metadata: { name: knative-serving, namespace: knative-serving }
spec:
  config:
    autoscaler: { container-concurrency-target-percentage: '100', stable-window: 30s }
";

fn without(text: &str, line: &str) -> String {
    text.lines().filter(|one| !one.contains(line)).fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_operator_s_settings_are_those_of_the_config_map() {
    let manifest = accepted(&format!("{}{OPERATOR}", without(SERVICE, "/window")));
    assert_eq!(manifest.revision.target_value, 8.0, "the whole of the target of 8");
    assert_eq!(manifest.settings.stable_window_ns, 30_000_000_000);
    assert_eq!(manifest.revision.stable_window_ns, 30_000_000_000);
    let long = OPERATOR.replace("autoscaler:", "config-autoscaler:");
    assert_eq!(accepted(&format!("{SERVICE}{long}")).revision.target_value, 8.0);
    let both = format!("{OPERATOR}    config-autoscaler: {{ stable-window: 40s }}\n");
    let both = accepted(&format!("{SERVICE}{both}"));
    assert_eq!(both.settings.stable_window_ns, 40_000_000_000);
    assert!(both.warnings.iter().any(|warning| warning.message.contains("`config-autoscaler` is given too")));
    let refusal = OPERATOR.replace("30s", "3s");
    refused(&format!("{SERVICE}{refusal}"), &["line 24, column ", "stable-window"]);
    let number = OPERATOR.replace("'100'", "100");
    refused(
        &format!("{SERVICE}{number}"),
        &["spec.config.autoscaler.container-concurrency-target-percentage", "quotes"],
    );
}

#[test]
fn the_operator_writes_over_the_config_map() {
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: config-autoscaler }\ndata:\n  stable-window: 90s\n  \
               max-scale-down-rate: '4'\n";
    let manifest = accepted(&format!("{SERVICE}{OPERATOR}{map}"));
    assert_eq!((manifest.settings.stable_window_ns, manifest.settings.max_scale_down_rate), (30_000_000_000, 4.0));
    let shown: Vec<String> = manifest.warnings.iter().map(ToString::to_string).collect();
    assert!(
        shown.contains(
            &"line 30, column 3: data.stable-window: has no effect: the operator sets it to \"30s\"".to_owned()
        ),
        "{shown:?}"
    );
}

#[test]
fn what_the_operator_sets_besides_is_named() {
    let more = format!(
        "{OPERATOR}    defaults: {{ container-concurrency: '5', revision-timeout-seconds: '60' }}\n    autoscalr: {{}}\n"
    );
    let manifest = accepted(&format!("{}{more}", without(SERVICE, "containerConcurrency")));
    assert_eq!((manifest.container_concurrency, manifest.revision.total_value), (5, 5.0));
    let shown: Vec<String> = manifest.warnings.iter().map(ToString::to_string).collect();
    assert!(
        shown.iter().any(|text| text.contains("spec.config.defaults.revision-timeout-seconds: has no effect")),
        "{shown:?}"
    );
    assert!(shown.iter().any(|text| text.contains("did you mean `autoscaler`?")), "{shown:?}");
    // The revision's own limit holds, up to the cluster's largest.
    assert_eq!(accepted(&format!("{SERVICE}{more}")).container_concurrency, 10);
    let least = more.replace("container-concurrency: '5'", "container-concurrency-max-limit: '8'");
    refused(&format!("{SERVICE}{least}"), &["containerConcurrency: 10 must be from 0 to 8"]);
    let word = more.replace("'5'", "five");
    refused(&format!("{SERVICE}{word}"), &["container-concurrency: \"five\" must be a number from 0 to 1000"]);
}
