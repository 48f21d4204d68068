//! The HPA behind the port: conversion of what the simulator shows, and its laws on any observation.

use flashcrowd_core::ports::{
    Action, Autoscaler, Batch, Class, Controller, JobCounts, Mode, Observation, ReplicaId, ReplicaPhase, ReplicaView,
    Sample, Scope, SignalId, SignalView, TargetId, TargetView, Wake, Work,
};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::FixedReplicas;
use flashcrowd_policies::autoscalers::hpa::manifest::read;
use flashcrowd_policies::autoscalers::hpa::{BoundMetric, Hpa, HpaOptions, Variant, bind};
use flashcrowd_policies::metrics::resolve;
use proptest::prelude::*;
use std::collections::BTreeMap;

const TARGET: TargetId = TargetId(0);

fn hpa_with(metrics: &str, behavior: &str, variant: Variant) -> Controller<Hpa> {
    let text = format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{ name: web }}\nspec:\n  \
         scaleTargetRef: {{ kind: Deployment, name: web }}\n  minReplicas: 1\n  maxReplicas: 20\n  \
         metrics: {metrics}\n{behavior}"
    );
    let manifest = read(&text, None).expect("a valid manifest");
    let mut options = HpaOptions::new("web", TARGET, bind(&manifest.spec, &BTreeMap::new()).expect("known names"));
    options.settings.variant = variant;
    Hpa::new(&manifest.spec, options).expect("valid")
}

const PODS: &str =
    "[{type: Pods, pods: {metric: {name: gpu_utilization}, target: {type: AverageValue, averageValue: 70}}}]";
const EXTERNAL: &str =
    "[{type: External, external: {metric: {name: p95_latency_ms}, target: {type: Value, value: 500}}}]";

fn replica(id: u32) -> ReplicaView {
    ReplicaView {
        id: ReplicaId(id),
        phase: ReplicaPhase::Running,
        created: SimTime::ZERO,
        started: Some(SimTime::ZERO),
        ready: Some(true),
        ready_since: Some(SimTime::from_s(60)),
        deleted: None,
        market: Market::OnDemand,
        gpu: "H100".into(),
        version: 1,
        node: None,
        region: "here".into(),
        zone: None,
        work: Work::default(),
    }
}

fn view(replicas: u32, batches: Option<Vec<Batch>>) -> TargetView {
    TargetView {
        target: TARGET,
        spec_replicas: replicas,
        status_replicas: replicas,
        ready_replicas: replicas,
        mode: Mode::Serve,
        probe: None,
        jobs: JobCounts::default(),
        replicas: (0..replicas).map(replica).collect(),
        signals: vec![SignalView { signal: SignalId(0), batches }],
    }
}

fn at(now: SimTime, view: TargetView) -> Observation {
    Observation { now, wake: Wake::Tick, targets: vec![view] }
}

fn batch(samples: Vec<(Option<u32>, f64)>) -> Batch {
    let samples = samples.into_iter().map(|(replica, value)| Sample {
        replica: replica.map(ReplicaId),
        at: SimTime::from_s(600),
        value,
    });
    Batch { at: SimTime::from_s(600), window: SimDuration::ZERO, samples: samples.collect() }
}

fn written(actions: &[Action]) -> Option<u32> {
    match actions {
        [] => None,
        [Action::SetReplicas { target: TARGET, replicas, class }] if *class == Class::default() => Some(*replicas),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn per_pod_samples_scale_up_and_the_explanation_says_why() {
    let mut hpa = hpa_with(PODS, "", Variant::K8s128).policy;
    let samples = (0..4).map(|id| (Some(id), 100.0)).collect();
    let decision = hpa.decide(&at(SimTime::from_s(600), view(4, Some(vec![batch(samples)]))));
    assert_eq!(written(&decision.actions), Some(6));
    let explanation = decision.explanation(TARGET).expect("always explained");
    assert_eq!(explanation.reason, "pods metric gpu_utilization above target");
    let metric = &explanation.metrics[0];
    assert_eq!((metric.current, metric.target, metric.proposal), (Some(100.0), 70.0, Some(6)));
    assert!(explanation.limits.is_empty() && explanation.error.is_none());
}

#[test]
fn a_service_signal_in_seconds_is_compared_in_the_milliseconds_of_its_name() {
    let mut hpa = hpa_with(EXTERNAL, "", Variant::K8s128);
    assert!(hpa.signals(TARGET).all(|request| request.scope == Scope::Service));
    let decision = hpa.policy.decide(&at(SimTime::from_s(600), view(2, Some(vec![batch(vec![(None, 1.0)])]))));
    assert_eq!(written(&decision.actions), Some(4));
    let explanation = decision.explanation(TARGET).expect("always explained");
    assert_eq!(explanation.metrics[0].current, Some(1000.0));
}

#[test]
fn a_capped_change_names_its_limit() {
    let mut hpa = hpa_with(PODS, "", Variant::K8s128).policy;
    let samples = (0..4).map(|id| (Some(id), 700.0)).collect();
    let decision = hpa.decide(&at(SimTime::from_s(600), view(4, Some(vec![batch(samples)]))));
    let limit = decision.explanation(TARGET).expect("always explained").limits[0].clone();
    assert_eq!((limit.name, limit.before, limit.after), ("ScaleUpLimit", 40, 8));
}

#[test]
fn an_api_error_holds_and_an_old_answer_stays_until_a_newer_one() {
    let mut hpa = hpa_with(PODS, "", Variant::K8s128).policy;
    let failed = hpa.decide(&at(SimTime::from_s(600), view(2, None)));
    assert_eq!(written(&failed.actions), None);
    assert!(failed.explanation(TARGET).is_some_and(|explanation| explanation.error.is_some()));
    let samples = vec![(Some(0), 140.0), (Some(1), 140.0)];
    let first = hpa.decide(&at(SimTime::from_s(615), view(2, Some(vec![batch(samples)]))));
    assert_eq!(written(&first.actions), Some(4));
    // metrics-server has not scraped since: the same pods still show the same values.
    let again = hpa.decide(&at(SimTime::from_s(630), view(2, Some(vec![]))));
    assert_eq!(written(&again.actions), Some(4));
}

#[test]
fn bindings_must_fit_the_metrics() {
    let text = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {maxReplicas: 3, \
                scaleTargetRef: {kind: Deployment, name: a}}";
    let spec = read(text, None).expect("valid").spec;
    let wrong = BoundMetric { request: resolve("cpu").expect("known").request("cpu", Scope::Service), scale: f64::NAN };
    let errors = Hpa::new(&spec, HpaOptions::new("a", TARGET, vec![wrong])).expect_err("wrong scope and factor");
    assert_eq!(errors.len(), 2);
    assert!(Hpa::new(&spec, HpaOptions::new("a", TARGET, vec![])).is_err());
}

#[test]
fn a_fixed_count_is_written_once_and_again_after_an_edit() {
    let mut fixed = FixedReplicas::new(TARGET, 3);
    let mut decide = |replicas| written(&fixed.policy.decide(&at(SimTime::ZERO, view(replicas, None))).actions);
    assert_eq!((decide(1), decide(3), decide(5)), (Some(3), None, Some(3)));
}

const CPU: &str = "[{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 500m}}}]";
const MIXED: &str = "[{type: External, external: {metric: {name: queue_depth}, target: {type: AverageValue, averageValue: 5}}}, \
                     {type: Pods, pods: {metric: {name: gpu_utilization}, target: {type: AverageValue, averageValue: 70}}}]";
const BEHAVIOR: &str = "  behavior: {scaleUp: {stabilizationWindowSeconds: 30, policies: [{type: Percent, value: 50, \
                        periodSeconds: 30}]}, scaleDown: {stabilizationWindowSeconds: 60, selectPolicy: Min}}\n";

prop_compose! {
    fn any_replica()(
        id in 0_u32..12,
        phase in prop_oneof![
            Just(ReplicaPhase::Pending), Just(ReplicaPhase::Running),
            Just(ReplicaPhase::Succeeded), Just(ReplicaPhase::Failed)
        ],
        ready in any::<Option<bool>>(),
        times in any::<(u64, Option<u64>, Option<u64>)>(),
        deleted in any::<Option<u64>>(),
    ) -> ReplicaView {
        let time = SimTime::from_ps;
        ReplicaView {
            phase, ready,
            created: time(times.0), started: times.1.map(time), ready_since: times.2.map(time), deleted: deleted.map(time),
            ..replica(id)
        }
    }
}

fn any_batches() -> impl Strategy<Value = Option<Vec<Batch>>> {
    let value = prop_oneof![any::<f64>(), 0.0..200.0];
    let sample = (prop::option::of(0_u32..12), any::<u64>(), value);
    let sample =
        sample.prop_map(|(id, at, value)| Sample { replica: id.map(ReplicaId), at: SimTime::from_ps(at), value });
    let batch = (any::<u64>(), prop::collection::vec(sample, 0..12));
    let batch =
        batch.prop_map(|(window, samples)| Batch { at: SimTime::ZERO, window: SimDuration::from_ps(window), samples });
    prop::option::of(prop::collection::vec(batch, 0..2))
}

prop_compose! {
    fn any_view()(
        counts in prop_oneof![(0_u32..30, 0_u32..30), any::<(u32, u32)>()],
        replicas in prop::collection::vec(any_replica(), 0..12),
        signals in prop::collection::vec(any_batches(), 0..3),
    ) -> TargetView {
        let signals = signals.into_iter().enumerate();
        TargetView {
            spec_replicas: counts.0,
            status_replicas: counts.1,
            replicas,
            signals: signals.map(|(id, batches)| SignalView { signal: SignalId(id as u32), batches }).collect(),
            ..view(0, None)
        }
    }
}

proptest! {
    #[test]
    fn any_observations_keep_the_bounds_and_equal_ones_decide_equally(
        views in prop::collection::vec((0_u64..200_000, any_view()), 1..12),
        metrics in prop::sample::select(vec![PODS, EXTERNAL, CPU, MIXED]),
        behavior in prop::sample::select(vec!["", BEHAVIOR, "  behavior: {}\n"]),
        variant in prop::sample::select(vec![Variant::K8s128, Variant::K8s2026Backport]),
    ) {
        let (mut one, mut other) = (hpa_with(metrics, behavior, variant), hpa_with(metrics, behavior, variant));
        let mut now = SimTime::ZERO;
        for (ms, view) in views {
            now += SimDuration::from_ms(ms);
            let current = view.spec_replicas;
            let seen = at(now, view);
            let decision = one.policy.decide(&seen);
            prop_assert_eq!(&decision, &other.policy.decide(&seen));
            if let Some(replicas) = written(&decision.actions) {
                prop_assert!((1..=20).contains(&replicas), "{} -> {}", current, replicas);
            }
        }
    }
}
