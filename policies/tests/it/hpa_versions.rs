//! `autoscaling/v1`, and fields that only some clusters take.

use flashcrowd_core::ports::{Scope, TargetId};
use flashcrowd_policies::autoscalers::hpa::manifest::{Manifest, read};
use flashcrowd_policies::autoscalers::hpa::{
    ControllerSettings, Hpa, HpaConfig, HpaDecision, HpaObservation, HpaOptions, HpaState, MetricReading, MetricSource,
    Target, Variant, bind, step, with_defaults,
};
use std::collections::BTreeMap;

fn first(annotations: &str, spec: &str) -> String {
    format!(
        "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: a\n  annotations:\n    note: x\n{annotations}spec:\n  \
         scaleTargetRef: {{kind: Deployment, name: d}}\n  maxReplicas: 5\n{spec}"
    )
}

fn accepted(text: &str) -> Manifest {
    read(text, None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_first_version_has_a_target_for_cpu() {
    let manifest = accepted(&first("", "  minReplicas: 2\n  targetCPUUtilizationPercentage: 60\n"));
    let [cpu] = manifest.spec.metrics.as_slice() else { panic!("{:?}", manifest.spec.metrics) };
    assert_eq!((cpu.source.metric_name(), cpu.target), ("cpu", Target::Utilization(60)));
    assert_eq!((manifest.spec.min_replicas, manifest.spec.max_replicas, manifest.warnings.len()), (Some(2), 5, 0));
    let silent = with_defaults(&accepted(&first("", "")).spec);
    assert_eq!((silent.metrics[0].target, silent.min_replicas), (Target::Utilization(80), Some(1)));
    let newer = accepted(&first("", "  behavior: {}\n  targetCPUUtilizationPercentag: 3\n"));
    let shown: Vec<String> = newer.warnings.iter().map(ToString::to_string).collect();
    assert!(
        shown[0].starts_with("line 10, column 3: spec.behavior: has no effect: it is a field of autoscaling/v2"),
        "{shown:?}"
    );
    assert!(shown[1].contains("did you mean `targetCPUUtilizationPercentage`?"), "{shown:?}");
}

#[test]
fn annotations_hold_the_rest_as_the_api_server_writes_it() {
    let annotations = r#"    autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Pods","pods":{"metricName":"vllm:num_requests_waiting","targetAverageValue":"750m"}},{"type":"External","external":{"metricName":"queue","metricSelector":{"matchLabels":{"m":"7"}},"targetValue":"12Gi"}},{"type":"Object","object":{"target":{"kind":"Service","name":"web"},"metricName":"rps","targetValue":"3","averageValue":"2"}}]'
    autoscaling.alpha.kubernetes.io/behavior: '{"ScaleUp":{"StabilizationWindowSeconds":30,"SelectPolicy":"Min","Policies":[{"Type":"Pods","Value":2,"PeriodSeconds":60}],"Tolerance":null},"ScaleDown":null}'
"#;
    let spec = accepted(&first(annotations, "  targetCPUUtilizationPercentage: 60\n")).spec;
    let names: Vec<&str> = spec.metrics.iter().map(|metric| metric.source.metric_name()).collect();
    assert_eq!(names, ["vllm:num_requests_waiting", "queue", "rps", "cpu"]);
    let quantity = |text: &str| text.parse().expect("a quantity");
    assert_eq!(spec.metrics[0].target, Target::AverageValue(quantity("750m")));
    assert_eq!(spec.metrics[1].target, Target::Value(quantity("12Gi")));
    assert_eq!(spec.metrics[2].target, Target::AverageValue(quantity("2")));
    assert!(matches!(&spec.metrics[1].source, MetricSource::External(metric) if metric.selector.is_some()));
    let up = spec.behavior.and_then(|behavior| behavior.scale_up).expect("given");
    assert_eq!((up.stabilization_window_seconds, up.policies.map(|policies| policies.len())), (Some(30), Some(1)));
    // An empty behavior is none.
    let empty = first("    autoscaling.alpha.kubernetes.io/behavior: '{}'\n", "");
    assert_eq!(accepted(&empty).spec.behavior, None);
}

#[test]
fn annotations_that_are_not_understood_are_refused_by_name() {
    let table = [
        ("metrics: '{}'", "expected a list of metrics"),
        ("metrics: '['", "metadata.annotations.autoscaling.alpha.kubernetes.io/metrics"),
        (
            r#"metrics: '[{"type":"Pods","pods":{"metricName":"x"}}]'"#,
            "[0].pods.targetAverageValue: required, but missing (line 1, column",
        ),
        (r#"metrics: '[{"type":"Podz"}]'"#, "did you mean `Pods`?"),
        (r#"metrics: '[{"type":"Pods","pods":{"metricName":"x","targetAverageValue":"7x"}}]'"#, "no quantity"),
        (r#"behavior: '{"ScaleUp":{"SelectPolicy":"Maximum"}}'"#, "did you mean `Max`?"),
    ];
    for (annotation, words) in table {
        let error = read(&first(&format!("    autoscaling.alpha.kubernetes.io/{annotation}\n"), ""), None)
            .expect_err(annotation);
        assert!(error.line == Some(7) && error.to_string().contains(words), "{annotation}: {error}");
    }
}

const QUEUE: &str = "  metrics:\n  - type: External\n    external: {metric: {name: queue_depth}, target: {type: AverageValue, averageValue: \"5\"}}\n";

fn second(spec: &str) -> Manifest {
    accepted(&first("", &format!("{QUEUE}{spec}")).replace("autoscaling/v1", "autoscaling/v2"))
}

fn settings(variant: Variant, scale_to_zero_gate: bool) -> ControllerSettings {
    ControllerSettings { variant, scale_to_zero_gate, ..ControllerSettings::default() }
}

/// What is decided of `milli` in the queue at `replicas`.
fn decide(
    state: &mut HpaState,
    at_s: i64,
    manifest: &Manifest,
    settings: ControllerSettings,
    replicas: i32,
    milli: i64,
) -> HpaDecision {
    let config = HpaConfig::new(&manifest.spec, settings, vec![]).expect("valid");
    let seen = HpaObservation {
        spec_replicas: replicas,
        status_replicas: replicas,
        metrics: vec![MetricReading::External(vec![milli])],
        ..HpaObservation::default()
    };
    step(state, at_s * 1_000_000_000, &config, &seen)
}

#[test]
fn a_tolerance_per_direction_holds_since_1_33() {
    let manifest = second("  behavior: {scaleUp: {tolerance: \"0.05\"}, scaleDown: {selectPolicy: Disabled}}\n");
    let old = manifest.dependent.warnings(&settings(Variant::K8s128, false));
    assert_eq!(old.len(), 1);
    assert_eq!((old[0].line, old[0].path.as_str()), (13, "spec.behavior.scaleUp.tolerance"));
    assert!(old[0].message.contains("since 1.33") && old[0].message.contains("k8s-1.28"), "{}", old[0]);
    assert!(manifest.dependent.warnings(&settings(Variant::K8s2026Backport, false)).is_empty());
    // 10.6 over 2 times 5 is 6 % above: outside 5 %, within the controller's 10 %.
    let desired = |variant| decide(&mut HpaState::default(), 0, &manifest, settings(variant, false), 2, 10_600).desired;
    assert_eq!((desired(Variant::K8s128), desired(Variant::K8s2026Backport)), (2, 3));
}

#[test]
fn a_minimum_of_zero_is_warned_about_unless_the_gate_is_on() {
    let manifest = second("  minReplicas: 0\n");
    for variant in [Variant::K8s128, Variant::K8s2026Backport] {
        let off = manifest.dependent.warnings(&settings(variant, false));
        assert_eq!((off.len(), off[0].line, off[0].path.as_str()), (1, 13, "spec.minReplicas"), "{variant:?}");
        assert!(off[0].message.contains("HPAScaleToZero"), "{}", off[0]);
        assert!(manifest.dependent.warnings(&settings(variant, true)).is_empty(), "{variant:?}");
    }
}

#[test]
fn the_way_back_from_zero_follows_the_gate_where_the_controller_reads_it() {
    let manifest = second("  minReplicas: 0\n  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}\n");
    let back = |variant, gate| {
        let mut state = HpaState::default();
        let settings = settings(variant, gate);
        assert_eq!(decide(&mut state, 0, &manifest, settings, 1, 0).desired, 0, "{variant:?} {gate}");
        decide(&mut state, 60, &manifest, settings, 0, 10_000).desired
    };
    // 1.28 has the gate in its API server alone.
    assert_eq!((back(Variant::K8s128, false), back(Variant::K8s128, true)), (2, 2));
    assert_eq!((back(Variant::K8s2026Backport, false), back(Variant::K8s2026Backport, true)), (0, 2));
}

#[test]
fn an_external_metric_may_be_one_that_only_pods_export() {
    let manifest = accepted(
        &first("", &QUEUE.replace("queue_depth", "vllm_num_requests_waiting"))
            .replace("autoscaling/v1", "autoscaling/v2"),
    );
    let bound = bind(&manifest.spec, &BTreeMap::new()).expect("a known name");
    assert_eq!(bound[0].request.scope, Scope::Pods);
    assert!(Hpa::new(&manifest.spec, HpaOptions::new("a", TargetId(0), bound)).is_ok());
}
