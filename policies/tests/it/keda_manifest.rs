//! KEDA's manifests: what is taken, what is said of the rest, and that nothing makes the readers panic.

use flashcrowd_core::ports::TargetId;
use flashcrowd_policies::autoscalers::keda::manifest::{ManifestError, read_scaled_job, read_scaled_object};
use flashcrowd_policies::autoscalers::keda::{FallbackBehavior, KedaOptions, MetricType};
use proptest::prelude::*;

fn object(spec: &str) -> String {
    format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: web}}\nspec:\n  scaleTargetRef: {{name: web}}\n{spec}"
    )
}

fn refused(spec: &str) -> ManifestError {
    read_scaled_object(object(spec).as_bytes(), None).expect_err(spec)
}

const WAITING: &str =
    "  triggers: [{type: prometheus, metadata: {query: 'sum(vllm:num_requests_waiting)', threshold: '5'}}]\n";

const FULL: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: web
  namespace: ml
  annotations: {autoscaling.keda.sh/paused-scale-in: "true", other: "x"}
spec:
  scaleTargetRef: {name: web, envSourceContainerName: server}
  pollingInterval: 10
  cooldownPeriod: 120
  minReplicaCount: 1
  maxReplicaCount: 12
  fallback: {failureThreshold: 3, replicas: 4, behavior: currentReplicasIfHigher}
  advanced:
    restoreToOriginalReplicaCount: true
    horizontalPodAutoscalerConfig:
      name: own
      behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
    scalingModifiers: {formula: "queue + rate / 2", target: "4", activationTarget: "1.5", metricType: Value}
  triggers:
  - {type: rabbitmq, name: queue, metadata: {queueName: jobs, mode: QueueLength, value: "20", activationValue: "2"}}
  - type: prometheus
    name: rate
    useCachedMetrics: true
    metadata: {metricName: rps, query: "sum(rate(http_requests[2m]))", threshold: "50.5", ignoreNullValues: "false"}
  - {type: cpu, metricType: Utilization, metadata: {value: "70"}}
  initialCoolDown: 5
"#;

#[test]
fn a_full_object_is_read_and_what_has_no_effect_is_listed() {
    let manifest = read_scaled_object(FULL.as_bytes(), Some("ml/web")).expect("valid");
    let object = manifest.object;
    assert_eq!((object.polling_interval_s, object.cooldown_s(), object.hpa_max_replicas()), (Some(10), 120, 12));
    assert!(object.annotations.paused_scale_in && !object.annotations.paused);
    assert_eq!(object.fallback.expect("given").behavior, FallbackBehavior::CurrentReplicasIfHigher);
    assert_eq!(object.hpa_name(), "own");
    let modifiers = object.modifiers.as_ref().expect("given");
    assert_eq!((modifiers.metric_type, modifiers.activation_target), (MetricType::Value, 1.5));
    let [queue, rate, cpu] = object.triggers.as_slice() else { panic!("{:?}", object.triggers) };
    assert_eq!((queue.threshold.milli(), queue.activation_threshold), (20_000, 2.0));
    assert!(rate.use_cached_metrics && !rate.ignore_null_values && rate.threshold.milli() == 50_500);
    assert_eq!(cpu.metric_type, MetricType::Utilization);
    let paths: Vec<&str> = manifest.warnings.iter().map(|warning| warning.path.as_str()).collect();
    let wanted = [
        "spec.scaleTargetRef.envSourceContainerName",
        "spec.triggers[1].metadata.metricName",
        "spec.advanced.restoreToOriginalReplicaCount",
        "spec.initialCoolDown",
    ];
    assert_eq!(paths, wanted);
    assert!(manifest.warnings[3].message.contains("did you mean `initialCooldownPeriod`?"), "{}", manifest.warnings[3]);
    assert!(object.controllers(&KedaOptions::new(TargetId(0))).is_ok());
}

#[test]
fn what_the_webhook_refuses_is_refused_at_its_place() {
    let table = [
        ("  minReplicaCount: 5\n  maxReplicaCount: 3\n", 6, "above the maximum"),
        ("  minReplicaCount: 2\n  idleReplicaCount: 2\n", 7, "below minReplicaCount"),
        ("  idleReplicaCount: 0\n", 6, "below minReplicaCount"),
        ("  minReplicaCount: -1\n", 6, "0 or more"),
        ("  maxReplicaCount: '3'\n", 6, "without quotes"),
        ("  fallback: {failureThreshold: -1, replicas: 2}\n", 6, "0 or more"),
        ("  fallback: {failureThreshold: 1}\n", 6, "fallback.replicas: required"),
        ("  fallback: {failureThreshold: 1, replicas: 2, behavior: statik}\n", 6, "did you mean `static`?"),
        ("  advanced: {scalingModifiers: {formula: a + 1, target: '2'}}\n", 6, "no trigger is called `a`"),
        (
            "  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleUp: {stabilizationWindowSeconds: 9999}}}}\n",
            6,
            "behavior.scaleUp.stabilizationWindowSeconds",
        ),
    ];
    for (extra, line, words) in table {
        let error = refused(&format!("{extra}{WAITING}"));
        assert!(error.line == Some(line) && error.to_string().contains(words), "{extra}: {error}");
    }
}

#[test]
fn triggers_are_refused_at_their_place() {
    let table = [
        ("{type: prometheus, metadata: {query: x, threshold: five}}", "expected a number, found the text \"five\""),
        ("{type: prometheus, metadata: {query: x, threshold: 5}}", "put the value in quotes"),
        ("{type: prometheus, metadata: {query: x, treshold: '5'}}", "did you mean `threshold`?"),
        ("{type: prometheus, metadata: {query: x, threshold: '0'}}", "more than 0"),
        ("{type: prometheus, metricType: Utilization, metadata: {threshold: '1'}}", "AverageValue or Value"),
        ("{type: cpu, metadata: {value: '60'}}", "metricType: required"),
        ("{type: cpu, metricType: Utilization, metadata: {value: '60'}}", "never scale to zero"),
        ("{type: cpu, metricType: Utilization, useCachedMetrics: true, metadata: {value: '60'}}", "not supported"),
        ("{type: redis, name: a, metadata: {}}, {type: redis, name: a, metadata: {}}", "the name of two triggers"),
        ("", "expected at least one"),
    ];
    for (triggers, words) in table {
        let error = refused(&format!("  triggers: [{triggers}]\n"));
        assert!(error.line.is_some_and(|line| line >= 5) && error.to_string().contains(words), "{triggers}: {error}");
    }
    let wrong = read_scaled_object(b"kind: ScaledObjct\napiVersion: keda.sh/v1alpha1\n", None).unwrap_err();
    assert!(wrong.to_string().contains("did you mean `ScaledObject`?"), "{wrong}");
}

#[test]
fn a_job_is_read_and_an_unknown_strategy_is_noted() {
    let text = "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {name: batch}\nspec:\n  jobTargetRef: {template: {}}\n  \
                maxReplicaCount: 20\n  successfulJobsHistoryLimit: 3\n  scalingStrategy: {strategy: eagr, \
                customScalingRunningJobPercentage: '0.5'}\n  triggers: [{type: aws-sqs-queue, metadata: {}}]\n";
    let manifest = read_scaled_job(text.as_bytes(), None).expect("valid");
    assert_eq!((manifest.job.rules.max_replica_count, manifest.job.triggers[0].threshold.milli()), (Some(20), 5_000));
    assert_eq!(manifest.warnings.len(), 2);
    assert!(manifest.warnings[1].message.contains("did you mean `eager`?"), "{}", manifest.warnings[1]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..FULL.len(), with in "\\PC{0,6}") {
        let _ = (read_scaled_object(&bytes, None), read_scaled_job(&bytes, Some("x")));
        let edited = [&FULL.as_bytes()[..cut], with.as_bytes(), &FULL.as_bytes()[cut..]].concat();
        if let Ok(manifest) = read_scaled_object(&edited, None) {
            let _ = manifest.object.controllers(&KedaOptions::new(TargetId(0)));
        }
    }
}
