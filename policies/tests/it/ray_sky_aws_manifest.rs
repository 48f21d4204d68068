//! Serve configs, services of SkyPilot and JSON of AWS: what is taken, what is said of the rest, and
//! that nothing makes the readers panic.

use flashcrowd_policies::autoscalers::aws::manifest as aws;
use flashcrowd_policies::autoscalers::aws::{Comparison, PolicyKind};
use flashcrowd_policies::autoscalers::ray_serve::manifest as ray;
use flashcrowd_policies::autoscalers::skyserve::{Algorithm, TargetQps, manifest as sky};
use proptest::prelude::*;

const SERVE: &str = "target_capacity: 50
applications:
- name: llm
  deployments:
  - {name: Router, num_replicas: 2}
  - {name: Model, num_replicas: auto, max_ongoing_requests: 16, autoscaling_config: {min_replicas: 0, target_ongoing_requests: 8, policy: {policy_function: 'ray.serve.autoscaling_policy:default_autoscaling_policy'}}}
";

#[test]
fn a_serve_config_is_read_also_within_a_ray_service() {
    let plain = ray::read(SERVE, None).expect("valid");
    assert_eq!((plain.name.as_str(), plain.target_capacity_percent), ("llm/Model", Some(50.0)));
    assert_eq!((plain.config.min_replicas, plain.config.max_replicas, plain.max_ongoing_requests), (0, 100, Some(16)));
    let indented = format!("    {}", SERVE.trim_end().replace('\n', "\n    "));
    let service = format!(
        "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {{name: s}}\nspec:\n  serveConfigV2: |\n{indented}\n"
    );
    assert_eq!(ray::read(&service, Some("Model")).expect("valid"), plain);
    let broken = service.replace("min_replicas: 0", "min_replicas: many");
    let error = ray::read(&broken, None).unwrap_err();
    assert!(error.line.is_some() && error.to_string().contains("(line 6, column 100 of its text)"), "{error}");
}

#[test]
fn serve_configs_that_ray_refuses_are_refused_at_their_place() {
    let config =
        |fields: &str| format!("applications:\n- deployments:\n  - name: A\n    autoscaling_config: {{{fields}}}\n");
    let table = [
        ("min_replicas: 3, max_replicas: 2", "below min_replicas"),
        ("max_replicas: 0, min_replicas: 0", "1 or more"),
        ("min_replicas: 1, max_replicas: 5, initial_replicas: 9", "not within 1 to 5"),
        ("target_ongoing_requests: 0", "positive"),
        ("upscale_delay_s: -1", "not negative"),
        ("aggregation_function: men", "did you mean `mean`?"),
        ("policy: {policy_function: 'my.module:scale'}", "code"),
        ("target_ongoing_requests: '2'", "expected a number"),
    ];
    for (fields, words) in table {
        let error = ray::read(&config(fields), None).expect_err(fields);
        assert!(error.line == Some(4) && error.to_string().contains(words), "{fields}: {error}");
    }
    let warnings = ray::read(&config("max_replica: 4"), None).expect("ignored").warnings;
    assert!(warnings[0].message.contains("did you mean `max_replicas`?"), "{}", warnings[0]);
    let both = "applications: [{deployments: [{name: A, num_replicas: 2, autoscaling_config: {}}]}]";
    assert!(ray::read(both, None).unwrap_err().to_string().contains("does not go with autoscaling_config"));
    let none = ray::read("applications: [{deployments: []}]", None).unwrap_err();
    assert!(none.to_string().contains("no deployment is listed"), "{none}");
    let unknown = ray::read(SERVE, Some("Modl")).unwrap_err();
    assert!(unknown.to_string().contains("llm/Model"), "{unknown}");
    let service = ray::read("apiVersion: ray.io/v1\nkind: RayServce\n", None).unwrap_err();
    assert!(service.to_string().contains("did you mean `RayService`?"), "{service}");
}

fn service(policy: &str) -> String {
    format!(
        "name: svc\nservice:\n  readiness_probe: /health\n  replica_policy: {{{policy}}}\nresources: {{use_spot: true}}\n"
    )
}

#[test]
fn services_select_their_autoscaler() {
    let read = |text: &str| sky::read(text).expect("valid");
    let spot = read(&service(
        "min_replicas: 1, max_replicas: 4, target_qps_per_replica: 2, spot_placer: Dynamic_Fallback, base_ondemand_fallback_replicas: 1",
    ));
    assert!(spot.policy.spot_placer && spot.use_spot == Some(true) && spot.name.as_deref() == Some("svc"));
    assert_eq!(spot.policy.algorithm(), Algorithm::Fallback);
    assert_eq!(spot.warnings[0].path, "service.readiness_probe");
    let by_gpu = "service:\n  load_balancing_policy: instance_aware_least_load\n  replica_policy: {min_replicas: 0, max_replicas: 3, \
                  target_qps_per_replica: {'H100:1': 2.5, L4: 0.5}}\n";
    let by_gpu = read(by_gpu).policy;
    assert_eq!(by_gpu.algorithm(), Algorithm::InstanceAware);
    assert_eq!(by_gpu.target_qps_per_replica, TargetQps::Gpu(vec![("H100:1".into(), 2.5), ("L4".into(), 0.5)]));
    let fixed = read("service: {replicas: 3}").policy;
    assert_eq!((fixed.min_replicas, fixed.algorithm()), (3, Algorithm::RequestRate));
    let pool = read("service: {pool: {min_workers: 1, max_workers: 6, queue_length_threshold: 4}}").policy;
    assert_eq!((pool.algorithm(), pool.max_replicas, pool.queue_length_threshold), (Algorithm::Pool, Some(6), Some(4)));
}

#[test]
fn services_that_skypilot_refuses_are_refused_at_their_place() {
    let table = [
        ("max_replicas: 3", "min_replicas: required"),
        ("min_replicas: 3, max_replicas: 2, target_qps_per_replica: 1", "below min_replicas"),
        ("min_replicas: 1, max_replicas: 2", "target_qps_per_replica: must be set"),
        ("min_replicas: 1, target_qps_per_replica: 1", "max_replicas: must be set"),
        ("min_replicas: 1, max_replica: 4", "did you mean `max_replicas`?"),
        ("min_replicas: 1, max_replicas: 2, target_qps_per_replica: 0", "positive"),
        ("min_replicas: 1, spot_placer: dynamic_fallbak", "did you mean `dynamic_fallback`?"),
        ("min_replicas: 1, max_replicas: 2, target_qps_per_replica: {h100: 1}", "GPU type in capitals"),
        ("min_replicas: 1, max_replicas: 2, target_qps_per_replica: {H100: 1}", "go together"),
        ("min_replicas: 1.5", "an integer"),
    ];
    for (policy, words) in table {
        let error = sky::read(&service(policy)).expect_err(policy);
        assert!(error.line.is_some_and(|line| line >= 3) && error.to_string().contains(words), "{policy}: {error}");
    }
    let error = sky::read("services: {replicas: 1}").unwrap_err();
    assert!(error.to_string().contains("did you mean `service`?"), "{error}");
    let error = sky::read("service: {replicas: 1, replica_policy: {min_replicas: 1}}").unwrap_err();
    assert!(error.to_string().contains("together"), "{error}");
}

#[test]
fn a_pool_at_the_top_of_a_task_is_read() {
    let fixed = sky::read("resources: {accelerators: 'H100:1'}\npool: {workers: 4}\nrun: echo\n").expect("valid");
    assert_eq!(
        (fixed.policy.algorithm(), fixed.policy.min_replicas, fixed.policy.max_replicas),
        (Algorithm::Pool, 4, None)
    );
    assert_eq!(fixed.warnings.iter().map(|warning| warning.path.as_str()).collect::<Vec<_>>(), ["run"]);
    let scaled = sky::read(
        "name: p\npool: {min_workers: 0, max_workers: 8, queue_length_threshold: 4, upscale_delay_seconds: 60}",
    );
    let scaled = scaled.expect("valid").policy;
    assert_eq!((scaled.min_replicas, scaled.max_replicas, scaled.queue_length_threshold), (0, Some(8), Some(4)));
    assert_eq!(scaled.thresholds().up, 3);
    assert_eq!(sky::read("pool: {max_workers: 3}").expect("valid").policy.min_replicas, 1);
    assert_eq!(sky::read("pool: {workers: 2, max_workers: 3}").expect("valid").policy.min_replicas, 2);
}

#[test]
fn pools_that_skypilot_refuses_are_refused_at_their_place() {
    let table = [
        ("pool: {}", "workers: required"),
        ("pool: true", "expected a map"),
        ("pool: {min_workers: 2}", "goes with max_workers"),
        ("pool: {workers: 2, queue_length_threshold: 3}", "goes with max_workers"),
        ("pool: {workers: 2, upscale_delay_seconds: 3}", "goes with max_workers"),
        ("pool: {min_workers: 5, max_workers: 4}", "5 is above max_workers, 4"),
        ("pool: {workers: 5, max_workers: 4}", "5 is above max_workers, 4"),
        ("pool: {max_workers: 0}", "0 is below min_workers, which is 1"),
        ("pool: {max_workers: 4, queue_length_threshold: 0}", "1 or more"),
        ("pool: {max_workers: 4, downscale_delay_seconds: -1}", "not negative"),
        ("pool: {worker: 4, workers: 4}", "unknown field"),
        ("pool: {workers: '4'}", "without quotes"),
        ("pool: {workers: 4}\nservice: {replicas: 1}", "together with `service`"),
        ("service: {pool: {workers: 4}, ports: 80}", "not supported for a pool"),
        ("service: {pool: {workers: 4}, readiness_probe: {path: /, post_data: x}}", "not supported for a pool"),
    ];
    for (text, words) in table {
        let error = sky::read(text).expect_err(text);
        assert!(error.line.is_some() && error.to_string().contains(words), "{text}: {error}");
    }
}

const AWS: &str = r#"{"ScalableTargets": [{"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/v", "MinCapacity": 1,
  "MaxCapacity": 8, "SuspendedState": {"DynamicScalingInSuspended": true, "ScheduledScalingSuspended": false}}],
 "ScalingPolicies": [
  {"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration":
    {"TargetValue": 70.0, "DisableScaleIn": true, "ScaleOutCooldown": 60,
     "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}},
  {"PolicyName": "steps", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity",
     "StepAdjustments": [{"MetricIntervalLowerBound": 10, "ScalingAdjustment": 4}, {"MetricIntervalLowerBound": 0,
     "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1}], "Cooldown": 120}}],
 "MetricAlarms": [{"AlarmName": "high", "MetricName": "ApproximateBacklogSize", "Threshold": 5, "ComparisonOperator":
   "GreaterThanOrEqualToThreshold", "EvaluationPeriods": 2, "Period": 60, "Statistic": "Average",
   "AlarmActions": ["arn:aws:autoscaling:x:scalingPolicy:y:resource/z:policyName/steps"]}]}"#;

#[test]
fn what_aws_prints_is_read() {
    let manifest = aws::read_bytes(AWS.as_bytes()).expect("valid");
    assert!(manifest.target.scale_in_suspended && manifest.target.default_cooldown_s() == 300);
    let [track, steps] = manifest.policies.as_slice() else { panic!("{:?}", manifest.policies) };
    let PolicyKind::TargetTracking(track) = &track.kind else { panic!("{track:?}") };
    assert_eq!((track.target_value, track.disable_scale_in, track.scale_out_cooldown_s), (70.0, true, Some(60)));
    let PolicyKind::StepScaling(steps, alarm) = &steps.kind else { panic!("{steps:?}") };
    assert_eq!((steps.steps[0].adjustment, steps.steps[1].adjustment), (1, 4));
    assert_eq!((alarm.comparison, alarm.evaluation_periods), (Comparison::GreaterOrEqual, 2));
    assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
}

#[test]
fn scheduled_actions_and_bare_configurations_are_read() {
    let bare = aws::read_bytes(
        br#"{"TargetValue": 70.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}}"#,
    );
    let bare = bare.expect("a configuration");
    assert!(bare.without_target && bare.policies.len() == 1);
    let action = |rest: &str| {
        let text = format!(r#"[{{"MinCapacity": 1, "MaxCapacity": 8}}, {{"ScheduledActionName": "morning", {rest}}}]"#);
        aws::read_bytes(text.as_bytes()).map(|read| read.actions).map_err(|error| error.to_string())
    };
    let bounds = r#""ScalableTargetAction": {"MinCapacity": 4}"#;
    let read = action(&format!(
        r#""Schedule": "cron(0 8 * * ? *)", "Timezone": "Europe/Berlin", "StartTime": 1772409600.0, {bounds}"#
    ));
    let read = read.expect("read");
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    let next = read[0].next_after(from, from).expect("soon").to_string();
    assert_eq!((next.as_str(), read[0].min_capacity, read[0].max_capacity), ("2026-03-02T07:00:00Z", Some(4), None));
    for (rest, words) in [
        (format!(r#""Schedule": "cron(0 8 * * *)", {bounds}"#), "Schedule: expected six fields"),
        (
            format!(r#""Schedule": "rate(1 day)", "Timezone": "Europe/Berlinn", {bounds}"#),
            "did you mean `Europe/Berlin`?",
        ),
        (format!(r#""Schedule": "rate(1 day)", "StartTime": "soon", {bounds}"#), "StartTime: \"soon\" is no time"),
        (r#""Schedule": "rate(1 day)", "ScalableTargetAction": {}"#.to_owned(), "MinCapacity, MaxCapacity or both"),
        (
            r#""Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 5, "MaxCapacity": 4}"#.to_owned(),
            "below",
        ),
    ] {
        let error = action(&rest).unwrap_err();
        assert!(error.contains(words), "{rest}: {error}");
    }
    let steps = aws::read_bytes(br#"{"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []}"#).unwrap_err();
    assert!(steps.to_string().contains("needs the alarm"), "{steps}");
}

#[test]
fn what_aws_refuses_is_refused() {
    let table = [
        ("\"MaxCapacity\": 8", "\"MaxCapacity\": 0", "below MinCapacity"),
        ("70.0", "0", "more than 0"),
        ("policyName/steps", "policyName/other", "no alarm calls"),
        ("\"MetricIntervalUpperBound\": 10", "\"MetricIntervalUpperBound\": 9", "without a gap"),
        ("ChangeInCapacity", "ChangeCapacity", "did you mean `ChangeInCapacity`?"),
        ("\"Period\": 60", "\"Period\": 90", "multiple of 60"),
        ("GreaterThanOrEqualToThreshold", "GreaterThan", "is not one of"),
    ];
    for (from, to, words) in table {
        let error = aws::read_bytes(AWS.replacen(from, to, 1).as_bytes()).expect_err(to);
        assert!(error.line.is_some() && error.to_string().contains(words), "{to}: {error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..2_000, with in "\\PC{0,6}") {
        let _ = (ray::read_bytes(&bytes, None), sky::read_bytes(&bytes), aws::read_bytes(&bytes));
        let edited = |text: &str| {
            let cut = cut.min(text.len());
            [&text.as_bytes()[..cut], with.as_bytes(), &text.as_bytes()[cut..]].concat()
        };
        let _ = (ray::read_bytes(&edited(SERVE), None), aws::read_bytes(&edited(AWS)));
        let _ = sky::read_bytes(&edited(&service("min_replicas: 1, max_replicas: 3, target_qps_per_replica: 2")));
    }
}
