//! Standard deployments of `KServe`: what is made of them by class, and what is said of the rest.

use flashcrowd_policies::autoscalers::hpa::{MetricSource, MetricSpec, Target};
use flashcrowd_policies::autoscalers::keda::MetricType;
use flashcrowd_policies::autoscalers::kserve::{ManifestWarning, Scaler, Standard, read};

/// A service of a class; `fields` are those of the predictor.
fn service(class: &str, fields: &str) -> String {
    format!(
        "apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: ml
  annotations: {{serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: {class}}}
spec:
  predictor:
    model: {{modelFormat: {{name: huggingface}}}}
{fields}"
    )
}

fn standard(class: &str, fields: &str) -> Standard {
    let read = read(service(class, fields).as_bytes(), None);
    read.unwrap_or_else(|error| panic!("{class} {fields}: {error}")).expect("a standard deployment")
}

fn refused(class: &str, fields: &str, parts: &[&str]) {
    let error = read(service(class, fields).as_bytes(), None).expect_err(fields).to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} in {error:?}");
}

fn paths(warnings: &[ManifestWarning]) -> Vec<&str> {
    warnings.iter().map(|warning| warning.path.as_str()).collect()
}

fn percent(name: &str, percent: i32) -> MetricSpec {
    MetricSpec { source: MetricSource::Resource { name: name.into() }, target: Target::Utilization(percent) }
}

const METRICS: &str = "    minReplicas: 0
    maxReplicas: 5
    autoScaling:
      metrics:
      - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 65}}}
      - type: External
        external:
          metric: {backend: prometheus, serverAddress: 'http://p:9090', query: 'sum(vllm:num_requests_waiting)'}
          target: {type: Value, value: '4'}
          authenticationRef: {name: token}
      behavior:
        scaleDown: {stabilizationWindowSeconds: 45, policies: [{type: Pods, value: 1, periodSeconds: 60}]}
";

#[test]
fn class_hpa_makes_an_hpa_of_resources() {
    let hpa = |fields: &str| match standard("hpa", fields) {
        Standard { scaler: Scaler::Hpa(spec), warnings, .. } => {
            assert!(warnings.is_empty(), "{fields}: {warnings:?}");
            (spec.min_replicas, spec.max_replicas, spec.metrics)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(hpa(""), (Some(1), 1, vec![percent("cpu", 80)]));
    assert_eq!(hpa("    minReplicas: 0\n    maxReplicas: 4\n"), (Some(1), 4, vec![percent("cpu", 80)]));
    assert_eq!(hpa("    minReplicas: 6\n    maxReplicas: 4\n"), (Some(6), 6, vec![percent("cpu", 80)]));
    assert_eq!(hpa("    scaleMetric: memory\n    scaleTarget: 70\n").2, [percent("memory", 70)]);
    // The HPA's own default is the processor.
    assert_eq!(hpa("    scaleMetric: memory\n").2, []);
    let of =
        |resource: &str| hpa(&format!("    autoScaling: {{metrics: [{{type: Resource, resource: {resource}}}]}}\n")).2;
    assert_eq!(of("{name: cpu, target: {type: Utilization}}"), [percent("cpu", 80)]);
    assert_eq!(of("{name: memory, target: {type: Utilization, averageUtilization: 60}}"), [percent("memory", 60)]);
    let mean = of("{name: memory, target: {type: AverageValue, averageValue: 2Gi}}");
    assert_eq!(mean[0].target, Target::AverageValue("2Gi".parse().unwrap()));
}

#[test]
fn class_keda_makes_triggers_and_hands_on_the_windows_alone() {
    let Standard { scaler: Scaler::Keda(object), warnings, name } = standard("keda", METRICS) else { panic!() };
    assert_eq!((name.as_str(), object.name.as_str(), object.namespace.as_deref()), ("llama", "llama", Some("ml")));
    assert_eq!((object.min_replica_count, object.hpa_max_replicas()), (Some(0), 5));
    let [cpu, waiting] = object.triggers.as_slice() else { panic!("{:?}", object.triggers) };
    assert_eq!((cpu.metric_type, cpu.threshold.milli()), (MetricType::Utilization, 65_000));
    assert_eq!((waiting.metric_type, waiting.threshold.milli()), (MetricType::AverageValue, 4_000));
    let down = object.behavior.as_ref().and_then(|behavior| behavior.scale_down.clone()).unwrap();
    assert_eq!((down.stabilization_window_seconds, down.policies), (Some(45), None));
    assert_eq!(paths(&warnings), ["spec.predictor.autoScaling.metrics[1].external.authenticationRef"]);
}

#[test]
fn other_classes_keep_what_they_have() {
    for class in ["external", "none"] {
        let read = standard(class, METRICS);
        assert_eq!(read.scaler, Scaler::Nobody { replicas: 0 });
        assert_eq!(paths(&read.warnings), ["spec.predictor", "spec.predictor.autoScaling"], "{class}");
    }
}

#[test]
fn a_mode_may_be_left_out_where_the_rest_tells_it() {
    let without = |class: &str| {
        let text = service("keda", METRICS).replace("serving.kserve.io/deploymentMode: Standard, ", "");
        read(text.replace("serving.kserve.io/autoscalerClass: keda", class).as_bytes(), None).unwrap()
    };
    for (class, words) in [("serving.kserve.io/autoscalerClass: keda", "deployment mode"), ("other: x", "External")] {
        let read = without(class);
        let found = read.map(|read| (matches!(read.scaler, Scaler::Keda(_)), read.warnings));
        let Some((true, warnings)) = found else { panic!("{class}: {found:?}") };
        assert_eq!(warnings[0].path, "metadata.annotations");
        assert!(warnings[0].message.contains("no annotation gives"), "{words}: {warnings:?}");
    }
    // Without either it is Knative's.
    let text = service("hpa", "").replace("serving.kserve.io/", "other/");
    assert_eq!(read(text.replace("other/v1beta1", "serving.kserve.io/v1beta1").as_bytes(), None).unwrap(), None);
}

#[test]
fn what_has_no_effect_is_listed() {
    let said = |class: &str, fields: &str| {
        let warnings = standard(class, fields).warnings;
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (class, fields, parts) in [
        ("hpa", "    minReplica: 2\n", &["spec.predictor.minReplica", "did you mean `minReplicas`?"][..]),
        ("hpa", "    canaryTrafficPercent: 10\n", &["canaryTrafficPercent", "no effect on the autoscaler"]),
        ("hpa", "    minReplicas: 1\n  transformer: {minReplicas: 3}\n", &["spec.transformer", "another service"]),
        ("hpa", "    scaleTarget: 50\n    autoScaling: {}\n", &["spec.predictor.scaleTarget", "beside `autoScaling`"]),
        ("hpa", "    autoScaling: {behavior: {}}\n", &["autoScaling.behavior", "without it"]),
        (
            "hpa",
            "    autoScaling: {metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilisation: 5}}}]}\n",
            &["metrics[0].resource.target.averageUtilisation", "did you mean `averageUtilization`?"],
        ),
        ("keda", &METRICS.replace("behavior:", "behaviour:"), &["autoScaling.behaviour", "did you mean `behavior`?"]),
    ] {
        let found = said(class, fields);
        assert!(parts.iter().all(|part| found.contains(part)), "{parts:?} in {found:?}");
    }
    // The pod and the model are no business of an autoscaler.
    assert_eq!(said("hpa", "    nodeSelector: {gpu: a100}\n    tolerations: []\n"), "");
}

#[test]
fn what_the_webhook_refuses_is_refused() {
    let metric = |text: &str| format!("    autoScaling: {{metrics: [{{{text}}}]}}\n");
    for (class, fields, parts) in [
        ("hpaa", String::new(), &["`hpaa` is no class", "did you mean `hpa`?"][..]),
        ("hpa", "    scaleMetric: rps\n".into(), &["line 10", "`rps` is no metric of class hpa"]),
        ("hpa", "    scaleTarget: 101\n    autoScaling: {}\n".into(), &["scaleTarget", "from 1 to 100"]),
        ("hpa", metric("type: PodMetric"), &["`PodMetric` is no metric of class hpa", "class keda"]),
        ("hpa", metric("type: Resource, resource: {name: gpu, target: {}}"), &["`gpu` makes no metric"]),
        ("keda", String::new(), &["`autoScaling.metrics`, at least one"]),
        ("keda", format!("    scaleMetric: cpu\n{METRICS}"), &["scaleMetric", "not supported for class keda"]),
        ("keda", METRICS.replace("averageUtilization: 65", "averageUtilization: 165"), &["from 1 to 100"]),
        ("keda", METRICS.replace("{type: Utilization, averageU", "{type: Value, averageU"), &["should be Utilization"]),
        (
            "keda",
            metric("type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Ki}}"),
            &["averageValue", "at least 1Mi"],
        ),
        ("keda", METRICS.replace("{type: Value, value: '4'}", "{type: Value}"), &["value"]),
        ("keda", METRICS.replace("type: External", "type: Object"), &["`Object` is no metric"]),
    ] {
        refused(class, &fields, parts);
    }
}
