//! KEDA, Ray Serve, `SkyServe` and AWS behind the port: conversion of what the simulator shows, and
//! laws on any observation.

use flashcrowd_core::ports::{
    Action, Autoscaler, Batch, Class, Controller, Decision, JobCounts, Mode, Observation, ReplicaId, ReplicaPhase,
    ReplicaView, Sample, Scope, SignalId, SignalView, TargetId, TargetView, Wake, Work,
};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::aws::{self, AppAutoScaling, AwsOptions};
use flashcrowd_policies::autoscalers::keda::manifest::{read_scaled_job, read_scaled_object};
use flashcrowd_policies::autoscalers::keda::{Controllers, KedaOptions, Quirks};
use flashcrowd_policies::autoscalers::ray_serve::{AutoscalingConfig, RayServe, RayServeOptions};
use flashcrowd_policies::autoscalers::skyserve::{ReplicaPolicy, SkyServe, SkyServeOptions, TargetQps};
use proptest::prelude::*;

const TARGET: TargetId = TargetId(0);

fn replica(id: u32) -> ReplicaView {
    ReplicaView {
        id: ReplicaId(id),
        phase: ReplicaPhase::Running,
        created: SimTime::ZERO,
        started: Some(SimTime::ZERO),
        ready: Some(true),
        ready_since: Some(SimTime::ZERO),
        deleted: None,
        market: Market::Spot,
        gpu: "H100".into(),
        version: 1,
        node: Some(0),
        region: "here".into(),
        zone: None,
        work: Work::default(),
    }
}

fn view(replicas: u32, signals: Vec<Option<Vec<Batch>>>) -> TargetView {
    let signals = signals.into_iter().enumerate();
    TargetView {
        target: TARGET,
        spec_replicas: replicas,
        status_replicas: replicas,
        ready_replicas: replicas,
        mode: Mode::Serve,
        probe: None,
        jobs: JobCounts::default(),
        replicas: (0..replicas).map(replica).collect(),
        signals: signals.map(|(id, batches)| SignalView { signal: SignalId(id as u32), batches }).collect(),
    }
}

fn at(now_s: u64, view: TargetView) -> Observation {
    Observation { now: SimTime::from_s(now_s), wake: Wake::Tick, targets: vec![view] }
}

/// One batch of the service's own value.
#[expect(clippy::unnecessary_wraps, reason = "a call that fails gives none")]
fn says(at_s: u64, value: f64) -> Option<Vec<Batch>> {
    let at = SimTime::from_s(at_s);
    Some(vec![Batch { at, window: SimDuration::ZERO, samples: vec![Sample { replica: None, at, value }] }])
}

fn written(decision: &Decision) -> Option<u32> {
    match decision.actions.as_slice() {
        [] => None,
        [Action::SetReplicas { replicas, .. }] => Some(*replicas),
        other => panic!("unexpected {other:?}"),
    }
}

fn keda(spec: &str, quirks: Quirks) -> Controllers {
    let text = format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: web}}\nspec:\n  scaleTargetRef: {{name: web}}\n  \
         cooldownPeriod: 60\n  triggers:\n  - {{type: prometheus, name: waiting, metadata: {{query: queue_depth, threshold: '5'}}}}\n{spec}"
    );
    let object = read_scaled_object(text.as_bytes(), None).expect("valid").object;
    object.controllers(&KedaOptions { quirks, ..KedaOptions::new(TARGET) }).expect("bound")
}

#[test]
fn keda_goes_from_zero_and_back_and_its_hpa_does_the_rest() {
    let mut both = keda("", Quirks::default()).boxed();
    let (executor, hpa) = (both.remove(0), both.remove(0));
    assert_eq!((&*executor.name, &*hpa.name), ("keda/web", "hpa/keda-hpa-web"));
    assert_eq!(executor.schedule.phase, Some(SimDuration::ZERO));
    let (mut executor, mut hpa) = (executor.policy, hpa.policy);
    assert_eq!(written(&hpa.decide(&at(0, view(0, vec![says(0, 40.0)])))), None); // does nothing at zero
    assert_eq!(written(&executor.decide(&at(0, view(0, vec![says(0, 40.0)])))), Some(1));
    assert_eq!(written(&hpa.decide(&at(15, view(1, vec![says(15, 18.0)])))), Some(4));
    assert_eq!(written(&executor.decide(&at(30, view(4, vec![says(30, 0.0)])))), None);
    let decision = executor.decide(&at(90, view(4, vec![says(90, 0.0)])));
    assert_eq!(written(&decision), Some(0));
    let explanation = decision.explanation(TARGET).expect("always explained");
    assert_eq!(explanation.reason, "not active: the cooldown is over");
    assert_eq!((explanation.metrics[0].current, explanation.metrics[0].note.as_str()), (Some(0.0), "not active"));
}

#[test]
fn keda_repaired_lets_the_hpa_step_down_and_cools_down_above_zero() {
    let mut fixed = keda("", Quirks::FIXED).executor.policy;
    fixed.decide(&at(0, view(0, vec![says(0, 40.0)])));
    let down = |executor: &mut dyn Autoscaler, now_s, replicas| {
        written(&executor.decide(&at(now_s, view(replicas, vec![says(now_s, 0.0)]))))
    };
    assert_eq!((down(&mut fixed, 90, 4), down(&mut fixed, 120, 1)), (None, Some(0)));
    let spec = "  minReplicaCount: 1\n  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 0}}}}\n";
    for (quirks, shrinks) in [(Quirks::default(), Some(1)), (Quirks::FIXED, None)] {
        let mut hpa = keda(spec, quirks).hpa.expect("not paused").policy;
        hpa.decide(&at(0, view(4, vec![says(0, 20.0)])));
        let decision = hpa.decide(&at(15, view(4, vec![says(15, 0.0)])));
        assert_eq!(written(&decision), shrinks);
        assert_eq!(written(&hpa.decide(&at(75, view(4, vec![says(75, 0.0)])))), Some(1));
    }
}

#[test]
fn a_trigger_that_fails_too_often_reports_its_fallback() {
    let mut hpa =
        keda("  fallback: {failureThreshold: 2, replicas: 6}\n", Quirks::default()).hpa.expect("not paused").policy;
    let mut ask = |now_s, replicas, answer| written(&hpa.decide(&at(now_s, view(replicas, vec![answer]))));
    assert_eq!([ask(0, 3, None), ask(15, 3, None), ask(30, 3, None)], [None, None, Some(6)]);
    // One success, and the count of failures begins anew.
    assert_eq!([ask(45, 6, says(45, 30.0)), ask(60, 6, None)], [None, None]);
}

#[test]
fn a_query_over_replicas_is_answered_by_replicas() {
    let text = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: {scaleTargetRef: {name: web}, triggers: \
                [{type: prometheus, metricType: Value, metadata: {query: 'avg(vllm:num_requests_waiting)', threshold: '5'}}]}";
    let object = read_scaled_object(text.as_bytes(), None).expect("valid").object;
    let mut hpa = object.controllers(&KedaOptions::new(TARGET)).expect("bound").hpa.expect("not paused");
    assert!(hpa.signals(TARGET).all(|request| request.scope == Scope::Replica));
    let sample = |id, value| Sample { replica: Some(ReplicaId(id)), at: SimTime::ZERO, value };
    let samples = vec![sample(0, 4.0), sample(1, 16.0)];
    let batch = Batch { at: SimTime::ZERO, window: SimDuration::ZERO, samples };
    assert_eq!(written(&hpa.policy.decide(&at(0, view(2, vec![Some(vec![batch])])))), Some(4)); // 2 x 10 / 5
}

#[test]
fn a_formula_decides_activity_and_feeds_the_hpa_one_metric() {
    let spec = "  - {type: rabbitmq, name: jobs, metadata: {mode: QueueLength, value: '10'}}\n  advanced: {scalingModifiers: {formula: 'max(waiting, jobs ?? 0) * 2', \
                target: '10', activationTarget: '7'}}\n";
    let mut both = keda(spec, Quirks::default());
    let mut hpa = both.hpa.take().expect("not paused").policy;
    assert_eq!(hpa.hpa().config().metrics().len(), 1);
    assert_eq!(written(&both.executor.policy.decide(&at(0, view(0, vec![says(0, 3.0), says(0, 1.0)])))), None);
    assert_eq!(written(&both.executor.policy.decide(&at(30, view(0, vec![says(30, 4.0), None])))), None); // never active on errors
    assert_eq!(written(&both.executor.policy.decide(&at(60, view(0, vec![says(60, 4.0), says(60, 0.0)])))), Some(1));
    assert_eq!(written(&hpa.decide(&at(60, view(1, vec![says(60, 4.0), says(60, 20.0)])))), Some(4));
}

#[test]
fn a_scaled_job_creates_what_is_missing() {
    let text = "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {name: batch}\nspec: {jobTargetRef: {}, maxReplicaCount: 10, \
                triggers: [{type: redis, metadata: {listLength: '2'}}]}\n";
    let job = read_scaled_job(text.as_bytes(), None).expect("valid").job;
    let mut jobs = job.controller(&KedaOptions::new(TARGET)).expect("bound").policy;
    let mut seen = view(0, vec![says(0, 9.0)]);
    seen.jobs = JobCounts { running: 2, pending: 1 };
    let decision = jobs.decide(&at(0, seen));
    assert_eq!(decision.actions, [Action::CreateJobs { target: TARGET, jobs: 2 }]); // ceil(9 / 2) - 3
    assert_eq!(decision.explanation(TARGET).expect("always explained").reason, "active: jobs are created");
}

#[test]
fn ray_sees_pushed_samples_and_waits_for_its_delay() {
    let config = AutoscalingConfig { max_replicas: 10, upscale_delay_s: 5.0, ..AutoscalingConfig::default() };
    let ray = RayServe::new(config, &RayServeOptions::new("model", TARGET)).expect("valid");
    assert_eq!(ray.schedule.period, SimDuration::from_ms(100));
    let mut ray = ray.policy;
    let push = |at_s: u64| {
        let sample = |id| Sample { replica: Some(ReplicaId(id)), at: SimTime::from_s(at_s), value: 4.0 };
        let samples = vec![sample(0), sample(1)];
        let running = Batch { at: SimTime::from_s(at_s), window: SimDuration::ZERO, samples };
        vec![says(at_s, 2.0), Some(vec![running])]
    };
    let nothing = || vec![Some(vec![]), Some(vec![])];
    let first = ray.decide(&at(10, view(2, push(10))));
    assert_eq!(written(&first), None);
    let explanation = first.explanation(TARGET).expect("a direction is new");
    assert_eq!((explanation.metrics[0].current, explanation.metrics[0].proposal), (Some(10.0), Some(5)));
    assert_eq!(explanation.limits[0].name, "UpscaleDelay");
    assert!(ray.decide(&at(14, view(2, nothing()))).explanations.is_empty());
    assert_eq!(written(&ray.decide(&at(15, view(2, nothing())))), Some(5));
}

#[test]
fn skyserve_counts_the_last_minute_and_names_markets_and_victims() {
    let policy = ReplicaPolicy {
        min_replicas: 0,
        max_replicas: Some(6),
        target_qps_per_replica: TargetQps::Replica(1.0),
        upscale_delay_s: Some(0.0),
        downscale_delay_s: Some(0.0),
        base_ondemand_fallback_replicas: Some(1),
        ..ReplicaPolicy::default()
    };
    let mut sky = SkyServe::new(policy, &SkyServeOptions::new("svc", TARGET)).expect("valid").policy;
    let idle = sky.decide(&at(0, view(0, vec![says(0, 0.0)])));
    assert_eq!(idle.next_wake, Some(SimTime::from_s(5)));
    assert!(
        idle.explanation(TARGET).is_some_and(|explanation| explanation.error.is_some()),
        "the base is above the target"
    );
    let busy = sky.decide(&at(20, view(0, vec![says(20, 180.0)])));
    let set = |replicas, market| Action::SetReplicas {
        target: TARGET,
        replicas,
        class: Class { market: Some(market), ..Class::default() },
    };
    assert_eq!(busy.actions, [set(2, Market::Spot), set(1, Market::OnDemand)]);
    assert_eq!(busy.next_wake, None);
    let mut seen = view(4, vec![says(81, 240.0)]);
    seen.replicas[1].ready = Some(false);
    seen.replicas[2].phase = ReplicaPhase::Pending;
    let shrunk = sky.decide(&at(81, seen));
    let named = Action::RemoveReplicas {
        target: TARGET,
        replicas: vec![ReplicaId(2), ReplicaId(1), ReplicaId(3), ReplicaId(0)],
    };
    assert_eq!(shrunk.actions, [set(1, Market::OnDemand), named]);
}

#[test]
fn aws_needs_three_minutes_and_no_data_changes_nothing() {
    let text = r#"{"ServiceNamespace": "ecs", "MinCapacity": 1, "MaxCapacity": 8}
---
{"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration":
  {"TargetValue": 10, "CustomizedMetricSpecification": {"MetricName": "queue_depth"}}}"#;
    let manifest = aws::manifest::read_bytes(text.as_bytes()).expect("valid");
    let mut scaling =
        AppAutoScaling::new(manifest.target, manifest.policies, &AwsOptions::new("web", TARGET)).expect("bound");
    let mut minute = |index: u64, replicas, value: Option<f64>| {
        let answer = value.map_or(Some(vec![]), |value| says(index * 60, value));
        written(&scaling.policy.decide(&at(index * 60, view(replicas, vec![answer]))))
    };
    assert_eq!([minute(0, 2, Some(15.0)), minute(1, 2, None), minute(2, 2, Some(15.0))], [None, None, None]);
    assert_eq!([minute(3, 2, Some(15.0)), minute(4, 2, Some(15.0))], [None, Some(3)]);
    // Within the cooldown only what is more than was added counts.
    assert_eq!([minute(5, 3, Some(15.0)), minute(6, 3, Some(30.0))], [None, Some(6)]);
    let idle: Vec<Option<u32>> = (7..22).map(|index| minute(index, 6, Some(1.0))).collect();
    assert_eq!((idle.iter().flatten().count(), idle[14]), (1, Some(5)));
    assert_eq!(minute(22, 20, None), Some(8)); // back within the bounds
}

fn any_batches() -> impl Strategy<Value = Option<Vec<Batch>>> {
    let value = prop_oneof![any::<f64>(), 0.0..200.0];
    let sample = (prop::option::of(0_u32..8), any::<u64>(), value).prop_map(|(id, at, value)| Sample {
        replica: id.map(ReplicaId),
        at: SimTime::from_ps(at),
        value,
    });
    let batch = prop::collection::vec(sample, 0..8).prop_map(|samples| Batch {
        at: SimTime::ZERO,
        window: SimDuration::ZERO,
        samples,
    });
    prop::option::of(prop::collection::vec(batch, 0..3))
}

prop_compose! {
    fn any_view()(
        replicas in prop_oneof![0_u32..12, any::<u32>().prop_map(|n| n % 40)],
        states in prop::collection::vec((0_u8..4, any::<Option<bool>>(), any::<bool>(), any::<bool>()), 40),
        signals in prop::collection::vec(any_batches(), 0..3),
        jobs in any::<(u32, u32)>(),
    ) -> TargetView {
        let mut view = view(replicas, signals);
        view.jobs = JobCounts { running: jobs.0, pending: jobs.1 };
        for (replica, (phase, ready, deleted, spot)) in view.replicas.iter_mut().zip(states) {
            replica.phase = [ReplicaPhase::Pending, ReplicaPhase::Running, ReplicaPhase::Succeeded, ReplicaPhase::Failed][usize::from(phase)];
            replica.ready = ready;
            replica.deleted = deleted.then_some(SimTime::ZERO);
            replica.market = if spot { Market::Spot } else { Market::OnDemand };
        }
        view
    }
}

/// Autoscalers whose bounds are 0 (or 1) to 9.
fn all() -> Vec<Controller> {
    let config = AutoscalingConfig {
        min_replicas: 0,
        max_replicas: 9,
        upscale_delay_s: 0.0,
        downscale_delay_s: 0.0,
        ..AutoscalingConfig::default()
    };
    let policy = ReplicaPolicy {
        max_replicas: Some(9),
        target_qps_per_replica: TargetQps::Replica(0.1),
        dynamic_ondemand_fallback: Some(true),
        upscale_delay_s: Some(0.0),
        ..ReplicaPolicy::default()
    };
    let by_gpu = ReplicaPolicy {
        target_qps_per_replica: TargetQps::Gpu(vec![("H100".into(), 0.5), ("L4".into(), 0.1)]),
        dynamic_ondemand_fallback: None,
        ..policy.clone()
    };
    let text = br#"{"MinCapacity": 0, "MaxCapacity": 9, "ServiceNamespace": "ecs"}
---
{"PolicyName": "t", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 3, "CustomizedMetricSpecification": {"MetricName": "queue_depth"}}}"#;
    let aws = aws::manifest::read_bytes(text).expect("valid");
    let mut all = keda("  maxReplicaCount: 9\n", Quirks::default()).boxed();
    all.extend(keda("  maxReplicaCount: 9\n  minReplicaCount: 1\n", Quirks::FIXED).boxed());
    all.push(RayServe::new(config, &RayServeOptions::new("r", TARGET)).expect("valid").boxed());
    all.push(SkyServe::new(policy, &SkyServeOptions::new("s", TARGET)).expect("valid").boxed());
    all.push(SkyServe::new(by_gpu, &SkyServeOptions::new("g", TARGET)).expect("valid").boxed());
    all.push(AppAutoScaling::new(aws.target, aws.policies, &AwsOptions::new("a", TARGET)).expect("bound").boxed());
    all
}

proptest! {
    #[test]
    fn any_observations_keep_the_bounds_and_equal_ones_decide_equally(
        views in prop::collection::vec((0_u64..400, any_view()), 1..10),
    ) {
        for (mut one, mut other) in all().into_iter().zip(all()) {
            let mut now_s = 0;
            for (s, view) in &views {
                now_s += s;
                let seen = at(now_s, view.clone());
                let decision = one.policy.decide(&seen);
                prop_assert_eq!(&decision, &other.policy.decide(&seen));
                for action in &decision.actions {
                    match action {
                        // KEDA writes its minimum or less; a market's count may hold what nobody gave up.
                        Action::SetReplicas { replicas, class, .. } if *class == Class::default() => {
                            prop_assert!(*replicas <= 9, "{}: {}", one.name, replicas);
                        }
                        Action::RemoveReplicas { replicas, .. } => {
                            let lives = |id: &ReplicaId| view.replicas.iter().any(|r| r.id == *id && r.deleted.is_none());
                            prop_assert!(replicas.iter().all(lives), "{}: {:?}", one.name, replicas);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
