//! Rules that no reference vector covers: step scaling, delays in rounds, repaired habits, and the
//! value of a fallback.

use flashcrowd_core::SimTime;
use flashcrowd_policies::autoscalers::aws::{
    AdjustmentType, AlarmRule, Approximation, Comparison, Engine, Policy, PolicyKind, ScalableTarget, Statistic, Step,
    StepScaling, TargetTracking,
};
use flashcrowd_policies::autoscalers::keda::job::{Combined, JobRules};
use flashcrowd_policies::autoscalers::keda::{Fallback, FallbackBehavior, MetricType, Quirks as KedaQuirks, reported};
use flashcrowd_policies::autoscalers::ray_serve::{
    AutoscalingConfig, DelayClock, Policy as RayPolicy, Quirks, Settings,
};
use flashcrowd_policies::autoscalers::skyserve::{
    Controller, Demand, Quirks as SkyQuirks, Replica, ReplicaPolicy, Status, TargetQps,
};

fn steps(adjustment_type: AdjustmentType, steps: &[(Option<f64>, Option<f64>, i32)], least: Option<u32>) -> Policy {
    let steps =
        steps.iter().map(|(lower, upper, adjustment)| Step { lower: *lower, upper: *upper, adjustment: *adjustment });
    let scaling =
        StepScaling { adjustment_type, steps: steps.collect(), min_adjustment_magnitude: least, cooldown_s: Some(120) };
    let alarm = AlarmRule {
        metric: "queue_depth".to_owned(),
        threshold: 10.0,
        comparison: Comparison::GreaterOrEqual,
        period_min: 1,
        evaluation_periods: 1,
        datapoints_to_alarm: None,
        statistic: Statistic::Average,
    };
    Policy { name: "steps".to_owned(), kind: PolicyKind::StepScaling(scaling, alarm) }
}

fn engine(policies: Vec<Policy>) -> Engine {
    let target = ScalableTarget { namespace: "ecs".to_owned(), max_capacity: 50, ..ScalableTarget::default() };
    Engine::new(target, policies, Approximation::default())
}

#[test]
fn a_breach_selects_its_step_and_lower_bounds_belong_to_it() {
    let table = [(Some(0.0), Some(10.0), 1), (Some(10.0), None, 5)];
    for (value, wanted) in [(9.9, 4), (10.0, 5), (19.9, 5), (20.0, 9)] {
        let mut engine = engine(vec![steps(AdjustmentType::ChangeInCapacity, &table, None)]);
        assert_eq!(engine.minute(SimTime::ZERO, 4, &[Some(value)]), wanted, "{value}");
    }
    let exact = steps(AdjustmentType::ExactCapacity, &[(Some(0.0), None, 7)], None);
    assert_eq!(engine(vec![exact]).minute(SimTime::ZERO, 4, &[Some(30.0)]), 7);
}

#[test]
fn percentages_go_toward_zero_but_never_to_it() {
    let percent = |percent, least| steps(AdjustmentType::PercentChangeInCapacity, &[(Some(0.0), None, percent)], least);
    for (share, least, wanted) in
        [(39, None, 13), (5, None, 11), (5, Some(3), 13), (-19, None, 9), (-1, None, 9), (-5, Some(2), 8)]
    {
        let mut engine = engine(vec![percent(share, least)]);
        assert_eq!(engine.minute(SimTime::ZERO, 10, &[Some(30.0)]), wanted, "{share} {least:?}");
    }
}

#[test]
fn within_a_cooldown_only_a_larger_step_adds_and_counts_what_was_added() {
    let mut engine = engine(vec![steps(
        AdjustmentType::ChangeInCapacity,
        &[(Some(0.0), Some(10.0), 2), (Some(10.0), None, 3)],
        None,
    )]);
    let mut minute = |index: u64, current, value| engine.minute(SimTime::from_s(60 * index), current, &[Some(value)]);
    assert_eq!([minute(0, 4, 12.0), minute(1, 6, 12.0), minute(1, 6, 25.0)], [6, 6, 7]);
    assert_eq!(minute(3, 7, 12.0), 9); // over
}

#[test]
fn of_several_policies_the_most_capacity_holds_and_one_that_wants_to_stay_stops_a_removal() {
    let track = |name: &str| {
        let tracking = TargetTracking { target_value: 10.0, metric: name.to_owned(), ..TargetTracking::default() };
        Policy { name: name.to_owned(), kind: PolicyKind::TargetTracking(tracking) }
    };
    let mut engine = engine(vec![track("a"), track("b")]);
    let mut minutes = |from: u64, count: u64, current, values: [Option<f64>; 2]| {
        (from..from + count).map(|index| engine.minute(SimTime::from_s(60 * index), current, &values)).last()
    };
    assert_eq!(minutes(0, 3, 4, [Some(12.0), Some(20.0)]), Some(8));
    assert_eq!(minutes(3, 20, 8, [Some(1.0), Some(9.5)]), Some(8));
    assert_eq!(minutes(23, 15, 8, [Some(1.0), Some(1.0)]), Some(7));
}

#[test]
fn ray_may_count_rounds_and_repaired_it_goes_to_zero_in_one_step() {
    let config = AutoscalingConfig {
        min_replicas: 0,
        max_replicas: 9,
        upscale_delay_s: 0.3,
        downscale_delay_s: 0.0,
        ..AutoscalingConfig::default()
    };
    let rounds = |delay_clock, quirks| {
        let settings = Settings { delay_clock, quirks, ..Settings::default() };
        RayPolicy::new(config.clone(), settings).expect("valid")
    };
    // The clock stands still, yet rounds go by.
    let mut ticks = rounds(DelayClock::Ticks, Quirks::default());
    let decisions: Vec<u32> = (0..5).map(|_| ticks.decide(0.0, 1, 1, 8.0).decision).collect();
    // 0.3 s are two rounds: 0.3 / 0.1 is a bit below 3.
    assert_eq!(decisions, [1, 1, 4, 1, 1]);
    let mut faithful = rounds(DelayClock::Wall, Quirks::default());
    assert_eq!((faithful.decide(0.0, 3, 3, 0.0).decision, faithful.decide(0.0, 0, 0, 1.0).decision), (1, 1));
    let mut fixed = rounds(DelayClock::Wall, Quirks::FIXED);
    assert_eq!((fixed.decide(0.0, 3, 3, 0.0).decision, fixed.decide(0.0, 0, 0, 1.0).decision), (0, 0));
}

#[test]
fn skyserve_repaired_leaves_zero_and_survives_its_base() {
    let policy = ReplicaPolicy {
        max_replicas: Some(9),
        target_qps_per_replica: TargetQps::Gpu(vec![("H100".to_owned(), 2.0), ("L4".to_owned(), 0.5)]),
        upscale_delay_s: Some(0.0),
        downscale_delay_s: Some(0.0),
        ..ReplicaPolicy::default()
    };
    for (quirks, wanted, first) in [(SkyQuirks::default(), 0, 7), (SkyQuirks::FIXED, 3, 8)] {
        let mut controller = Controller::new(policy.clone(), quirks).expect("valid");
        controller.decide(&[], Demand::Requests(300)); // 5 per second
        assert_eq!(controller.target(), wanted);
        let replica =
            |id, status, gpu: &str| Replica { id, status, is_spot: true, gpu: gpu.to_owned(), version: 1, jobs: 0 };
        let two = [replica(7, Status::Ready, "L4"), replica(8, Status::Starting, "H100")];
        let plan = controller.decide(&two, Demand::Requests(0));
        assert_eq!(plan.scale_down.first(), Some(&first));
    }
    let base = ReplicaPolicy { base_ondemand_fallback_replicas: Some(2), ..ReplicaPolicy::default() };
    for (quirks, fails) in [(SkyQuirks::default(), true), (SkyQuirks::FIXED, false)] {
        let mut controller = Controller::new(base.clone(), quirks).expect("valid");
        assert_eq!(controller.decide(&[], Demand::Requests(0)).error.is_some(), fails);
    }
}

#[test]
fn every_behavior_of_a_fallback_has_its_value() {
    use FallbackBehavior::{
        CurrentReplicas, CurrentReplicasIfHigher, CurrentReplicasIfLower, ScalingModifiers, Static,
    };
    let value = |behavior, current| {
        reported(Fallback { failure_threshold: 1, replicas: 4, behavior }, 2.0, MetricType::AverageValue, current, 1)
    };
    assert_eq!([value(Static, 7), value(CurrentReplicas, 7)], [Some(8.0), Some(14.0)]);
    assert_eq!([value(CurrentReplicasIfHigher, 7), value(CurrentReplicasIfHigher, 1)], [Some(14.0), Some(8.0)]);
    assert_eq!([value(CurrentReplicasIfLower, 7), value(CurrentReplicasIfLower, 1)], [Some(8.0), Some(2.0)]);
    assert_eq!(value(ScalingModifiers, 7), None);
    let fallback = Fallback { failure_threshold: 1, replicas: 6, behavior: Static };
    assert_eq!(reported(fallback, 2.0, MetricType::Value, 3, 3), Some(4.0));
}

#[test]
fn a_repaired_scaled_job_counts_its_minimum_once() {
    let rules = JobRules { min_replica_count: Some(10), strategy: "eager".to_owned(), ..JobRules::default() };
    let combined = Combined { is_active: true, scale_to: 200, max_scale: 200 };
    let created = |quirks| rules.create(combined, 30, 0, quirks).jobs;
    assert_eq!((created(KedaQuirks::default()), created(KedaQuirks::FIXED)), (80, 70));
}
