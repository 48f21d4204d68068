//! Autoscalers that read the clock on the wall, at instants worked out by hand.

use crate::support::{replicas_of, view};
use flashcrowd_core::SimTime;
use flashcrowd_core::ports::{Autoscaler, Observation, TargetId, Wake};
use flashcrowd_policies::autoscalers::{aibrix, aws, keda};
use flashcrowd_policies::clock::WallClock;
use std::collections::BTreeMap;

const TARGET: TargetId = TargetId(0);

/// Berlin's clocks go from 02:00 to 03:00 on 2026-03-29, a Sunday.
fn clock() -> WallClock {
    WallClock::new("2026-03-28T00:00:00Z".parse().unwrap())
}

fn at(instant: &str) -> SimTime {
    clock().since_start(instant.parse().unwrap()).unwrap()
}

/// What is written when the policy looks at an instant with so many replicas, and when it looks again.
fn look(policy: &mut dyn Autoscaler, instant: &str, replicas: u32) -> (Option<u32>, Option<SimTime>) {
    let seen = view(TARGET, replicas, replicas, Vec::new());
    let decision = policy.decide(&Observation { now: at(instant), wake: Wake::Tick, targets: vec![seen] });
    (replicas_of(&decision, TARGET), decision.next_wake)
}

#[test]
fn a_cron_trigger_over_a_change_to_summer_time() {
    let object = keda::manifest::read_scaled_object(
        b"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: llm}\nspec:\n  scaleTargetRef: {name: llm}\n  \
          cooldownPeriod: 60\n  triggers:\n  - type: cron\n    metadata: {timezone: Europe/Berlin, start: 0 7 * * *, end: 0 19 * * *, \
          desiredReplicas: '6'}\n",
        None,
    );
    let object = object.expect("read").object;
    let options = keda::KedaOptions {
        clock: clock(),
        hpa_phase: Some(flashcrowd_core::SimDuration::ZERO),
        ..keda::KedaOptions::new(TARGET)
    };
    let controllers = object.controllers(&options).expect("bound");
    let (mut executor, mut hpa) = (controllers.executor.policy, controllers.hpa.expect("not paused").policy);
    let mut zero_or_one = |instant: &str, replicas| look(&mut executor, instant, replicas).0;
    let mut desired = |instant: &str, replicas| look(&mut hpa, instant, replicas).0;
    assert_eq!(zero_or_one("2026-03-28T05:59:59Z", 0), None);
    assert_eq!(zero_or_one("2026-03-28T06:00:00Z", 0), Some(1), "07:00 in winter time");
    assert_eq!(desired("2026-03-28T06:00:00Z", 1), Some(4), "as fast as the HPA may");
    assert_eq!(desired("2026-03-28T06:00:15Z", 4), Some(6));
    assert_eq!(zero_or_one("2026-03-28T17:59:30Z", 6), None);
    assert_eq!(zero_or_one("2026-03-28T18:00:00Z", 6), None, "the cooldown runs");
    assert_eq!(zero_or_one("2026-03-28T18:01:00Z", 6), Some(0));
    assert_eq!(zero_or_one("2026-03-29T04:59:59Z", 0), None);
    assert_eq!(zero_or_one("2026-03-29T05:00:00Z", 0), Some(1), "07:00 in summer time");
}

#[test]
fn a_scheduled_action_at_its_instant() {
    let read = aws::manifest::read_bytes(
        br#"[{"ServiceNamespace": "ecs", "ResourceId": "service/c/s", "MinCapacity": 1, "MaxCapacity": 8},
        {"ScheduledActionName": "morning", "Schedule": "cron(0 8 * * ? *)", "Timezone": "Europe/Berlin",
         "ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 16}},
        {"ScheduledActionName": "evening", "Schedule": "cron(30 20 * * ? *)", "Timezone": "Europe/Berlin",
         "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2}}]"#,
    );
    let read = read.expect("read");
    let options = aws::AwsOptions { clock: clock(), actions: read.actions, ..aws::AwsOptions::new("s", TARGET) };
    let mut policy = aws::AppAutoScaling::new(read.target, read.policies, &options).expect("bound").policy;
    // Minutes end at 20 s past; in between it wakes for an action.
    assert_eq!(look(&mut policy, "2026-03-28T06:58:20Z", 2), (None, Some(at("2026-03-28T06:59:20Z"))));
    assert_eq!(look(&mut policy, "2026-03-28T06:59:20Z", 2), (None, Some(at("2026-03-28T07:00:00Z"))));
    assert_eq!(look(&mut policy, "2026-03-28T07:00:00Z", 2), (Some(4), Some(at("2026-03-28T07:00:20Z"))));
    assert_eq!(look(&mut policy, "2026-03-28T07:00:20Z", 4).0, None);
    assert_eq!(look(&mut policy, "2026-03-28T19:30:00Z", 7).0, Some(2), "no more than the evening allows");
    // Summer time: an hour earlier. What was missed is carried out late, in its order.
    assert_eq!(look(&mut policy, "2026-03-29T05:59:59Z", 2).0, None);
    assert_eq!(look(&mut policy, "2026-03-29T06:00:00Z", 2).0, Some(4));
    assert_eq!(look(&mut policy, "2026-03-30T06:00:00Z", 2).0, Some(4));
}

#[test]
fn bounds_by_the_time_of_day() {
    let read = aibrix::manifest::read(
        b"apiVersion: autoscaling.aibrix.ai/v1alpha1\nkind: PodAutoscaler\nmetadata: {name: a}\nspec:\n  scalingStrategy: APA\n  \
          maxReplicas: 8\n  schedules: [{name: office, timezone: Europe/Berlin, daysOfWeek: [Sat, sun], startTime: '08:00', endTime: '18:00', minReplicas: 3}]\n  \
          scaleTargetRef: {kind: Deployment, name: d}\n  metricsSources: [{metricSourceType: pod, protocolType: http, port: '8000', \
          path: metrics, targetMetric: num_requests_running, targetValue: '20'}]\n",
        None,
    );
    let read = read.expect("read");
    let (metrics, zeros) = aibrix::bind(&read, &BTreeMap::new()).expect("bound");
    assert!(zeros.is_empty());
    let options = aibrix::AibrixOptions { clock: clock(), ..aibrix::AibrixOptions::new(read, TARGET, metrics) };
    let mut policy = aibrix::Aibrix::new(options).policy;
    assert_eq!(look(&mut policy, "2026-03-28T06:59:55Z", 1), (None, Some(at("2026-03-28T07:00:00Z"))));
    assert_eq!(look(&mut policy, "2026-03-28T07:00:00Z", 1), (Some(3), Some(at("2026-03-28T07:00:05Z"))));
    assert_eq!(look(&mut policy, "2026-03-28T07:00:05Z", 0).0, Some(3), "it may begin from zero");
    assert_eq!(look(&mut policy, "2026-03-28T16:59:59Z", 1).0, Some(3));
    assert_eq!(look(&mut policy, "2026-03-28T17:00:00Z", 1).0, None, "the end does not belong to it");
    assert_eq!(look(&mut policy, "2026-03-29T06:00:00Z", 1).0, Some(3), "summer time");
    assert_eq!(look(&mut policy, "2026-03-30T08:00:00Z", 1).0, None, "a Monday");
}
