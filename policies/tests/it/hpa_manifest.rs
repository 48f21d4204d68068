//! The manifest reader: what it takes, what it says when it refuses, and that nothing makes it panic.

use flashcrowd_policies::autoscalers::hpa::manifest::{Manifest, ManifestError, read, read_bytes};
use flashcrowd_policies::autoscalers::hpa::{MetricSource, PolicyKind, SelectPolicy, Target};
use proptest::prelude::*;

/// A manifest as `kubectl get hpa -o yaml` prints it.
const PRINTED: &str = r#"apiVersion: v1
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: model-inference}
- apiVersion: autoscaling/v2
  kind: HorizontalPodAutoscaler
  metadata:
    annotations: {note: x}
    managedFields:
    - {manager: kubectl, fieldsV1: {"f:spec": {"f:maxReplicas": {}}}}
    name: model-inference-hpa
    namespace: ml
    resourceVersion: "12345"
  spec:
    behavior:
      scaleDown:
        policies:
        - {periodSeconds: 60, type: Pods, value: 2}
        selectPolicy: Min
        stabilizationWindowSeconds: 600
    maxReplicas: 20
    metrics:
    - type: Pods
      pods:
        metric: {name: vllm_num_requests_waiting}
        target: {averageValue: 750m, type: AverageValue}
    - type: External
      external:
        metric: {name: queue, selector: {matchLabels: {model: "7"}}}
        target: {type: Value, value: 1.5}
    - type: Object
      object:
        describedObject: {apiVersion: v1, kind: Service, name: web}
        metric: {name: rps}
        target: {type: AverageValue, averageValue: 2Ki}
    - type: ContainerResource
      containerResource: {name: cpu, container: server, target: {type: Utilization, averageUtilization: 60}}
    minReplicas: 2
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: model-inference}
  status:
    currentReplicas: 3
    desiredReplicas: 3
kind: List
metadata: {resourceVersion: ""}
"#;

#[test]
fn a_printed_list_is_read_whole_and_in_silence() {
    let manifest = read(PRINTED, None).expect("valid");
    assert_eq!((manifest.name.as_str(), manifest.namespace.as_deref()), ("model-inference-hpa", Some("ml")));
    assert_eq!((manifest.target.kind.as_str(), manifest.target.name.as_str()), ("Deployment", "model-inference"));
    let spec = manifest.spec;
    assert_eq!((spec.min_replicas, spec.max_replicas), (Some(2), 20));
    let quantity = |text: &str| text.parse().expect("a quantity");
    let targets: Vec<Target> = spec.metrics.iter().map(|metric| metric.target).collect();
    let wanted = [
        Target::AverageValue(quantity("750m")),
        Target::Value(quantity("1500m")),
        Target::AverageValue(quantity("2048")),
        Target::Utilization(60),
    ];
    assert_eq!(targets, wanted);
    let selector =
        "&LabelSelector{MatchLabels:map[string]string{model: 7,},MatchExpressions:[]LabelSelectorRequirement{},}";
    assert_eq!(spec.metrics[1].described(), format!("external metric queue({selector})"));
    assert!(
        matches!(&spec.metrics[3].source, MetricSource::ContainerResource { container, .. } if container == "server")
    );
    let down = spec.behavior.and_then(|behavior| behavior.scale_down).expect("given");
    assert_eq!((down.select_policy, down.stabilization_window_seconds), (Some(SelectPolicy::Min), Some(600)));
    let policies = down.policies.expect("given");
    assert_eq!((policies[0].kind, policies[0].value, policies[0].period_seconds), (PolicyKind::Pods, 2, 60));
    assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
}

fn hpa(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: {name}\nspec:\n  \
         scaleTargetRef: {{kind: Deployment, name: d}}\n{spec}"
    )
}

#[test]
fn json_is_taken_too() {
    let text = r#"{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3}}"#;
    assert_eq!(read(text, None).map(|manifest| manifest.spec.max_replicas), Ok(3));
    assert_eq!(read(&format!("\u{feff}{text}"), None).map(|manifest| manifest.name), Ok("a".to_owned()));
}

#[test]
fn one_of_several_is_chosen_by_name() {
    let two = format!("{}---\n---\n{}", hpa("chat", "  maxReplicas: 3\n"), hpa("code", "  maxReplicas: 4\n"));
    let chosen = |name| read(&two, name).map(|manifest| manifest.spec.max_replicas);
    assert_eq!((chosen(Some("code")), chosen(Some("default/chat"))), (Ok(4), Ok(3)));
    let error = chosen(None).expect_err("two");
    assert_eq!(error.message, "2 HorizontalPodAutoscalers in one file: chat, code");
    let error = chosen(Some("cod")).expect_err("none");
    assert_eq!(error.message, "no HorizontalPodAutoscaler is called \"cod\": found chat, code");
    assert_eq!(error.hint.as_deref(), Some("did you mean `code`?"));
}

#[test]
fn every_ignored_field_of_the_spec_is_listed_with_its_place() {
    let text = hpa(
        "a",
        "  maxReplica: 4\n  maxReplicas: 3\n  behavior:\n    scaleUp: {foo: 1, stabilisationWindowSeconds: 3}\n  metrics:\n  - type: Pods\n    pods:\n      \
         metric: {name: x}\n      target: {type: AverageValue, averageValue: 1, value: 2}\n    extra: 1\n",
    );
    let Manifest { warnings, .. } = read(&text, None).expect("valid");
    let shown: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let wanted = [
        "line 15, column 53: spec.metrics[0].pods.target.value: has no effect for this target type",
        "line 16, column 5: spec.metrics[0].extra: unknown field, ignored",
        "line 10, column 15: spec.behavior.scaleUp.foo: unknown field, ignored",
        "line 10, column 23: spec.behavior.scaleUp.stabilisationWindowSeconds: unknown field, ignored; did you mean `stabilizationWindowSeconds`?",
        "line 7, column 3: spec.maxReplica: unknown field, ignored",
    ];
    assert_eq!(shown, wanted);
}

fn refused(text: &str) -> String {
    match read(text, None) {
        Err(error) => error.in_file("hpa.yaml"),
        Ok(manifest) => panic!("accepted: {manifest:?}"),
    }
}

#[test]
fn what_is_not_an_autoscaling_v2_object_is_refused_helpfully() {
    let object = |version: &str, kind: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec: {{}}\n")
    };
    let table = [
        (
            object("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
            "hpa.yaml:1:13: apiVersion: expected autoscaling/v2 or autoscaling/v1, found autoscaling/v2beta2, which \
             Kubernetes 1.26 removed (hint: write autoscaling/v2: its fields are the same; \
             `kubectl get hpa.v2.autoscaling web -o yaml` prints the one of a cluster)",
        ),
        (
            object("autoscaling/v2beta1", "HorizontalPodAutoscaler"),
            "hpa.yaml:1:13: apiVersion: expected autoscaling/v2 or autoscaling/v1, found autoscaling/v2beta1, which \
             Kubernetes 1.25 removed (hint: `kubectl get hpa.v2.autoscaling web -o yaml` prints the one of a cluster as \
             autoscaling/v2, `kubectl convert` does so with a file)",
        ),
        (
            object("autoscaling/v3", "HorizontalPodAutoscaler"),
            "hpa.yaml:1:13: apiVersion: expected autoscaling/v2 or autoscaling/v1, found autoscaling/v3 \
             (hint: did you mean `autoscaling/v2`?)",
        ),
        (
            object("keda.sh/v1alpha1", "ScaledObject"),
            "hpa.yaml:2:7: kind: expected HorizontalPodAutoscaler, found ScaledObject \
             (hint: KEDA makes an HPA from it: `kubectl get hpa keda-hpa-web -o yaml` prints that one)",
        ),
        (
            object("autoscaling/v2", "HorizontalPodAutoscalr"),
            "hpa.yaml:2:7: kind: expected HorizontalPodAutoscaler, found HorizontalPodAutoscalr \
             (hint: did you mean `HorizontalPodAutoscaler`?)",
        ),
        (String::new(), "hpa.yaml: the file holds no object: expected a HorizontalPodAutoscaler"),
        ("- 1\n".to_owned(), "hpa.yaml:1:1: expected a Kubernetes object, found a list"),
        (
            "spec: {}\n".to_owned(),
            "hpa.yaml:1:1: kind: required, but missing (hint: a manifest begins with `apiVersion: autoscaling/v2` \
             and `kind: HorizontalPodAutoscaler`)",
        ),
        (
            object("autoscaling/v2", "HorizontalPodAutoscaler").replace("spec", "sepc"),
            "hpa.yaml:1:1: spec: required, but missing (hint: `sepc` is written there: did you mean `spec`?)",
        ),
    ];
    for (text, wanted) in table {
        assert_eq!(refused(&text), wanted);
    }
}

#[test]
fn fields_are_refused_at_their_place() {
    let pods = |target: &str| {
        format!("  maxReplicas: 3\n  metrics:\n  - type: Pods\n    pods: {{metric: {{name: x}}, target: {target}}}\n")
    };
    let rules = |rules: &str| format!("  maxReplicas: 3\n  behavior:\n    scaleUp: {rules}\n");
    let table = [
        (
            "  maxReplicas: \"10\"\n".to_owned(),
            "7:16: spec.maxReplicas: expected an integer, found the text \"10\" (hint: write 10 without quotes)",
        ),
        (
            "  maxReplicas: 2.5\n".to_owned(),
            "7:16: spec.maxReplicas: expected an integer of 32 bits, found the number 2.5",
        ),
        (
            "  maxReplicas: 5000000000\n".to_owned(),
            "7:16: spec.maxReplicas: expected an integer of 32 bits, found the number 5000000000",
        ),
        (
            "  maxReplcas: 3\n".to_owned(),
            "6:3: spec.maxReplicas: required, but missing (hint: `maxReplcas` is written there: did you mean `maxReplicas`?)",
        ),
        ("  maxReplicas: 0\n".to_owned(), "7:16: spec.maxReplicas: 0 must be at least 1"),
        ("  minReplicas: 5\n  maxReplicas: 3\n".to_owned(), "8:16: spec.maxReplicas: 3 is less than minReplicas 5"),
        (
            "  minReplicas: 0\n  maxReplicas: 3\n".to_owned(),
            "7:16: spec.minReplicas: 0 needs at least one Object or External metric: without pods, nothing else has a value",
        ),
        (
            "  maxReplicas: 3\n  maxReplicas: 4\n".to_owned(),
            "8:3: duplicate mapping key `maxReplicas` is not allowed here",
        ),
        (pods("{type: AverageValue}"), "10:39: spec.metrics[0].pods.target.averageValue: required, but missing"),
        (
            pods("{type: AverageValue, averageValue: 7x}"),
            "10:74: spec.metrics[0].pods.target.averageValue: \"7x\" is no quantity: unknown suffix: expected n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent such as e3",
        ),
        (
            pods("{type: AverageValue, averageValue: 0}"),
            "10:74: spec.metrics[0].pods.target.averageValue: 0 must be greater than 0",
        ),
        (
            pods("{type: Averagevalue, averageValue: 1}"),
            "10:46: spec.metrics[0].pods.target.type: \"Averagevalue\" is not one of Utilization, Value, AverageValue (hint: did you mean `AverageValue`?)",
        ),
        (
            pods("{type: Utilization, averageUtilization: 70}"),
            "10:46: spec.metrics[0].pods.target.type: Utilization does not fit a pods metric: expected AverageValue (hint: Utilization is a percentage of a CPU or memory request; other metrics take averageValue)",
        ),
        (
            rules("{selectPolicy: Maximum}"),
            "9:29: spec.behavior.scaleUp.selectPolicy: \"Maximum\" is not one of Max, Min, Disabled (hint: did you mean `Max`?)",
        ),
        (
            rules("{policies: []}"),
            "9:25: spec.behavior.scaleUp.policies: must list at least one policy, or be left out for the default",
        ),
        (
            rules("{stabilizationWindowSeconds: 3601}"),
            "9:43: spec.behavior.scaleUp.stabilizationWindowSeconds: 3601 is out of range: expected 0 to 3600",
        ),
        (
            rules("{policies: [{type: Pods, value: 1, periodSeconds: 1801}]}"),
            "9:64: spec.behavior.scaleUp.policies[0].periodSeconds: 1801 is out of range: expected 1 to 1800",
        ),
        (
            rules("{policies: [{type: Pods, value: 0, periodSeconds: 15}]}"),
            "9:46: spec.behavior.scaleUp.policies[0].value: 0 must be greater than 0",
        ),
        (
            "  maxReplicas: 3\n  metrics:\n  - type: External\n    pods: {}\n".to_owned(),
            "10:11: spec.metrics[0].pods: must not be given for another type of metric (hint: is the type meant to be Pods?)",
        ),
    ];
    for (spec, wanted) in table {
        assert_eq!(refused(&hpa("a", &spec)).strip_prefix("hpa.yaml:"), Some(wanted), "{spec}");
    }
}

#[test]
fn what_is_not_yaml_is_refused_with_its_place() {
    let cases: [&[u8]; 6] = [b"a: [1\n", b"kind: \xff\xfe", &[0, 1, 2, 3], b"\x7fELF\x02\x01", b"a: *b", b"kind: \"x"];
    for bytes in cases {
        let error = read_bytes(bytes, None).expect_err("not a manifest");
        assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}");
    }
    let error = read_bytes(b"kind: HPA\nspec: \xff", None).expect_err("not UTF-8");
    assert_eq!((error.line, error.column), (Some(2), Some(7)));
    let huge = vec![b' '; 9 << 20];
    assert_eq!(read_bytes(&huge, None).map(|_| ()).map_err(|e| e.message.starts_with("the file has")), Err(true));
    // Deep nesting and aliases that expand to gigabytes end in an error, quickly.
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(50_000)] {
        assert!(read(&text, None).is_err());
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.extend([format!("a{level}: &a{level} [{items}]\n")]);
    }
    assert!(read(&bomb, None).is_err());
}

#[test]
fn an_error_prints_its_place_and_hint() {
    let error = ManifestError { line: Some(3), column: Some(9), message: "m".into(), hint: Some("h".into()) };
    assert_eq!(error.to_string(), "line 3, column 9: m (hint: h)");
    assert_eq!(ManifestError { line: None, ..error }.in_file("f"), "f: m (hint: h)");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_bytes(&bytes, None);
    }

    #[test]
    fn no_text_of_yaml_characters_panics(text in "[-a-z0-9:{}\\[\\],&*!|>'\"%@`#? \n\t]{0,200}") {
        let _ = read(&text, Some("a"));
    }

    #[test]
    fn no_damaged_manifest_panics(cut in 0..PRINTED.len(), put in any::<char>(), gone in 0_usize..20) {
        let start: String = PRINTED.chars().take(cut).collect();
        let rest: String = PRINTED.chars().skip(cut + gone).collect();
        let _ = read(&format!("{start}{put}{rest}"), None);
        let _ = read(&start, None);
    }

    #[test]
    fn no_value_in_any_field_panics(value in "[-+0-9.eEkKmMi\"]{0,24}|\\PC{0,12}", which in 0_usize..12) {
        let fields = ["600", "20\n", "750m", "1.5", "2Ki", "60, type", "2\n", "Min", "Pods", "cpu", "Value", "60}"];
        let text = PRINTED.replacen(fields[which], &value, 1);
        let _ = read(&text, None);
    }
}
