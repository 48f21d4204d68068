//! The policies of our own against cases worked by hand, and laws that each keeps.

use flashcrowd_core::ports::{
    Action, Batch, Controller, Decision, JobCounts, LatencyPart, Mode, Observation, Sample, SignalId, SignalView,
    TargetId, TargetView, Wake,
};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::baselines::{
    Bounds, Clairvoyant, ClairvoyantConfig, ConcurrencyConfig, ConcurrencyTarget, LatencyConfig, LatencyTarget, Oracle,
    Predictive, PredictiveConfig, QueueDepth, QueueDepthConfig, Timetable, TimetableConfig,
};
use proptest::prelude::*;

const TARGET: TargetId = TargetId(0);
const BOUNDS: Bounds = Bounds { min: 2, max: 20 };

fn s(seconds: u64) -> SimDuration {
    SimDuration::from_s(seconds)
}

fn view(spec: u32, ready: u32, value: Option<f64>, now: SimTime) -> TargetView {
    let batches = value.map(|value| {
        vec![Batch { at: now, window: SimDuration::ZERO, samples: vec![Sample { replica: None, at: now, value }] }]
    });
    TargetView {
        target: TARGET,
        spec_replicas: spec,
        status_replicas: spec,
        ready_replicas: ready,
        mode: Mode::Serve,
        probe: None,
        jobs: JobCounts::default(),
        replicas: Vec::new(),
        signals: vec![SignalView { signal: SignalId(0), batches }],
    }
}

/// Lets a policy see a value every period, on a fleet that follows it at once; the register after each.
fn follow(controller: &mut Controller, start: u32, values: &[Option<f64>]) -> Vec<u32> {
    let (mut spec, mut now) = (start, SimTime::ZERO);
    let period = controller.schedule.period;
    let step = |value: &Option<f64>| {
        now += period;
        let seen = Observation { now, wake: Wake::Tick, targets: vec![view(spec, spec, *value, now)] };
        spec = written(&controller.policy.decide(&seen)).unwrap_or(spec);
        spec
    };
    values.iter().map(step).collect()
}

fn written(decision: &Decision) -> Option<u32> {
    decision.actions.iter().find_map(|action| match action {
        Action::SetReplicas { replicas, .. } => Some(*replicas),
        _ => None,
    })
}

fn queue_depth() -> Controller {
    QueueDepth::new(TARGET, QueueDepthConfig { waiting_per_replica: 5.0, bounds: BOUNDS, period: s(15), idle: s(60) })
        .expect("valid")
        .boxed()
}

fn concurrency() -> Controller {
    let config = ConcurrencyConfig { in_flight_per_replica: 8.0, bounds: BOUNDS, period: s(15), down_window: s(60) };
    ConcurrencyTarget::new(TARGET, config).expect("valid").boxed()
}

fn latency() -> Controller {
    let config = LatencyConfig {
        part: LatencyPart::EndToEnd,
        quantile: 0.95,
        target: s(2),
        proportional: 0.5,
        integral_per_min: 0.4,
        bounds: BOUNDS,
        period: s(15),
        down_window: s(0),
    };
    LatencyTarget::new(TARGET, config).expect("valid").boxed()
}

fn predictive() -> Controller {
    let config = PredictiveConfig {
        rate_per_replica: 10.0,
        headroom: 0.0,
        lead: s(120),
        season: s(3_600),
        step: s(60),
        bounds: BOUNDS,
        down_window: s(0),
    };
    Predictive::new(TARGET, config).expect("valid").boxed()
}

#[test]
fn queue_depth_at_most_doubles_and_gives_back_one_by_one() {
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    assert_eq!(follow(&mut queue_depth(), 4, &some(&[20.0, 21.0, 500.0, 0.0])), [4, 5, 10, 10]);
    // Nothing waits from the first look on: one replica less after 60 s, and after each 60 s more.
    assert_eq!(follow(&mut queue_depth(), 4, &some(&[0.0; 10])), [4, 4, 4, 4, 3, 3, 3, 3, 2, 2]);
    assert_eq!(follow(&mut queue_depth(), 4, &[None, Some(41.0)]), [4, 8]);
}

#[test]
fn concurrency_follows_up_at_once_and_down_after_its_window() {
    let values: Vec<_> = [17.0, 64.0, 16.0, 16.0, 16.0, 16.0, 16.0].map(Some).to_vec();
    assert_eq!(follow(&mut concurrency(), 2, &values), [3, 8, 8, 8, 8, 8, 2]);
}

#[test]
fn latency_control_settles_where_the_latency_is_right() {
    // A plant whose latency falls with its replicas: 2 s at eleven.
    let mut controller = latency();
    let (mut spec, mut now) = (2_u32, SimTime::ZERO);
    for _ in 0..200 {
        now += s(15);
        let seen =
            Observation { now, wake: Wake::Tick, targets: vec![view(spec, spec, Some(22.0 / f64::from(spec)), now)] };
        spec = written(&controller.policy.decide(&seen)).unwrap_or(spec);
    }
    assert!((11..=12).contains(&spec), "{spec}");
}

#[test]
fn a_timetable_is_early_up_and_on_time_down() {
    let config = TimetableConfig {
        steps: vec![(s(0), 2), (s(600), 8), (s(1_200), 3)],
        repeat_every: s(1_800),
        lead: s(120),
        period: s(60),
        clock: None,
    };
    let mut controller = Timetable::new(TARGET, config).expect("valid").boxed();
    let counts = follow(&mut controller, 2, &[None; 60]);
    // Each entry is the register one minute later than its place: up two minutes early, down on time.
    let at = [6, 7, 18, 19, 28, 29, 36, 37].map(|place: usize| counts[place]);
    assert_eq!(at, [2, 8, 8, 3, 3, 2, 2, 8]);
}

#[test]
fn a_forecast_orders_before_the_peak_of_its_second_season() {
    let rate = |minute: u64| if minute % 60 >= 30 && minute % 60 < 40 { 150.0 } else { 30.0 };
    let values: Vec<_> = (0..120).map(|minute| Some(rate(minute))).collect();
    let counts = follow(&mut predictive(), 3, &values);
    // In the first season it is late, in the second three minutes ahead: its lead and one step more.
    assert!(counts[29] < 6 && counts[60 + 27] == 15, "{} {}", counts[29], counts[60 + 27]);
    assert!(counts[60 + 25] < 6, "{}", counts[60 + 25]);
}

/// Known arrivals at `A0 + A1 sin` over a day: replica-hours are those of the closed form for a
/// zero-lag autoscaler, 217.868 for 60, 40 and 7 a replica.
#[test]
fn the_clairvoyant_bound_is_its_closed_form() {
    let mut oracle = Oracle::new(s(1));
    let mut sent = 0.0_f64;
    for second in 0..86_400_u64 {
        sent += 60.0 + 40.0 * (std::f64::consts::TAU * second as f64 / 86_400.0).sin();
        while sent >= 1.0 {
            sent -= 1.0;
            oracle.add(SimTime::from_s(second));
        }
    }
    let config = ClairvoyantConfig {
        rate_per_replica: 7.0,
        lead: s(0),
        window: s(60),
        bounds: Bounds { min: 0, max: 100 },
        period: s(15),
    };
    let mut controller = Clairvoyant::new(TARGET, config, oracle).expect("valid").boxed();
    let counts = follow(&mut controller, 9, &vec![None; 86_400 / 15]);
    let hours = counts.iter().map(|&count| f64::from(count)).sum::<f64>() * 15.0 / 3_600.0;
    // A fifteenth of the last hour falls out of the known day.
    assert!((hours / 217.867_884_596_392 - 1.0).abs() < 0.005, "{hours}");
    assert_eq!(counts.iter().max(), Some(&15));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong =
        |error: Option<flashcrowd_policies::autoscalers::baselines::ConfigError>| error.expect("refused").to_string();
    let bounds = Bounds { min: 5, max: 4 };
    let config = QueueDepthConfig { waiting_per_replica: 5.0, bounds, period: s(15), idle: s(60) };
    assert!(wrong(QueueDepth::new(TARGET, config).err()).starts_with("`max` is 4"));
    let config = QueueDepthConfig { waiting_per_replica: f64::NAN, bounds: BOUNDS, ..config };
    assert!(wrong(QueueDepth::new(TARGET, config).err()).contains("above zero"));
    let steps = vec![(s(0), 1), (s(60), 2), (s(60), 3)];
    let config = TimetableConfig { steps, repeat_every: s(100), lead: s(0), period: s(15), clock: None };
    assert!(wrong(Timetable::new(TARGET, config).err()).contains("no time twice"));
}

fn all() -> Vec<Controller> {
    vec![queue_depth(), concurrency(), latency(), predictive()]
}

proptest! {
    #[test]
    fn each_keeps_its_bounds_and_decides_the_same_again(
        values in prop::collection::vec(prop::option::of(prop_oneof![0.0..1e3, Just(f64::INFINITY), Just(0.0)]), 1..80),
        start in 0_u32..40,
    ) {
        for (first, again) in all().iter_mut().zip(&mut all()) {
            let counts = follow(first, start, &values);
            prop_assert_eq!(&counts, &follow(again, start, &values));
            for (count, before) in counts.iter().zip([start].iter().chain(&counts)) {
                prop_assert!(count == before || (2..=20).contains(count), "{}: {count}", first.name);
            }
        }
    }
}
