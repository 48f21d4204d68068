//! Knative behind the port: a small world whose pods start slowly.

use crate::support::{batch, explanation, replicas_of, view};
use flashcrowd_core::ports::{
    Action, Adapter, Autoscaler, Batch, Decision, Mode, Observation, Probe, Sampler, Scope, SignalSource, TargetId,
    Wake,
};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::knative;
use flashcrowd_policies::autoscalers::knative::{Active, KnativeKpa, Quirks};
use proptest::prelude::*;

const TARGET: TargetId = TargetId(0);

fn mode_of(decision: &Decision) -> Option<Mode> {
    decision.actions.iter().find_map(|action| match action {
        Action::SetMode { mode, .. } => Some(*mode),
        _ => None,
    })
}

fn service(annotations: &str) -> knative::KnativeOptions {
    let text = format!(
        "{{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {{name: llm}}, spec: {{template: {{metadata: \
         {{annotations: {{{annotations}}}}}, spec: {{containerConcurrency: 10}}}}}}}}"
    );
    knative::manifest::read(text.as_bytes(), None).expect("accepted").options(TARGET)
}

/// A world in which pods are ready `startup_s` after they are written, and the engine does as it is told.
struct World {
    kpa: KnativeKpa,
    now: SimTime,
    spec: u32,
    ready: u32,
    mode: Mode,
    startup_s: u64,
    starting: Vec<(SimTime, u32)>,
    log: Vec<(SimTime, u32)>,
}

impl World {
    fn new(options: knative::KnativeOptions, ready: u32, startup_s: u64) -> Self {
        let kpa = KnativeKpa::new(options).policy;
        let (now, mode) = (SimTime::ZERO, Mode::Serve);
        World { kpa, now, spec: ready, ready, mode, startup_s, starting: vec![], log: vec![] }
    }

    /// Runs until `end_s` with `load` as each second's concurrency.
    fn run(&mut self, end_s: u64, load: f64) {
        let mut next = self.now;
        while next < SimTime::from_s(end_s) {
            let from = (self.now.as_ps() / 1_000_000_000_000) as i64;
            self.now = next;
            let seconds = from + 1..=(next.as_ps() / 1_000_000_000_000) as i64;
            let batches = seconds.map(|s| batch(SimTime::from_s(s.unsigned_abs()), &[(None, load)])).collect();
            next = self.step(Wake::Tick, batches);
        }
    }

    fn step(&mut self, wake: Wake, batches: Vec<Batch>) -> SimTime {
        let due: u32 = self.starting.iter().filter(|(at, _)| *at <= self.now).map(|(_, count)| count).sum();
        self.starting.retain(|(at, _)| *at > self.now);
        self.ready = (self.ready + due).min(self.spec);
        let mut seen = view(TARGET, self.spec, self.ready, vec![Some(batches)]);
        seen.mode = self.mode;
        let decision = self.kpa.decide(&Observation { now: self.now, wake, targets: vec![seen] });
        if let Some(mode) = mode_of(&decision) {
            self.mode = mode;
        }
        if let Some(replicas) = replicas_of(&decision, TARGET) {
            self.log.push((self.now, replicas));
            let at = self.now + SimDuration::from_s(self.startup_s);
            self.starting.push((at, replicas.saturating_sub(self.spec)));
            self.spec = replicas;
            self.ready = self.ready.min(replicas);
        }
        decision.next_wake.expect("always says when")
    }
}

#[test]
fn knative_scales_to_its_target_within_max_scale() {
    let mut world = World::new(service("autoscaling.knative.dev/max-scale: '5'"), 1, 0);
    world.run(30, 21.0);
    assert_eq!(world.spec, 3); // 21 requests over 7 a pod
    world.run(60, 500.0);
    assert_eq!(world.spec, 5);
    let last = vec![batch(SimTime::from_s(60), &[(None, 500.0)])];
    world.now = SimTime::from_s(60);
    let mut seen = view(TARGET, 5, 5, vec![Some(last)]);
    seen.mode = world.mode;
    let decision = world.kpa.decide(&Observation { now: world.now, wake: Wake::Tick, targets: vec![seen] });
    let why = explanation(&decision);
    assert_eq!(why.metrics.len(), 2);
    assert!(why.metrics[0].name.contains("stable") && why.metrics[0].target == 7.0);
    assert!(why.limits.iter().any(|limit| limit.name == "MaxScale" && limit.after == 5), "{why:?}");
    assert!(why.reason.contains("panic mode"), "{}", why.reason);
}

#[test]
fn knative_goes_to_zero_and_a_waiting_request_brings_it_back() {
    let mut world = World::new(service(""), 1, 20);
    world.run(30, 5.0);
    assert_eq!((world.spec, world.kpa.active()), (1, Some(Active::Active)));
    world.run(200, 0.0);
    assert_eq!((world.spec, world.mode, world.kpa.active()), (0, Mode::Proxy, Some(Active::Inactive)));
    let gone = world.log.last().expect("written").0;
    // The window empties in 60 s, and the activator was in the path long before.
    assert!(gone >= SimTime::from_s(88) && gone <= SimTime::from_s(94), "{gone:?}");
    world.now = SimTime::from_s(200);
    world.step(Wake::Poke(TARGET), vec![]);
    assert_eq!((world.spec, world.kpa.active()), (1, Some(Active::Activating)));
    world.run(240, 3.0);
    assert_eq!((world.ready, world.kpa.active()), (1, Some(Active::Active)));
}

#[test]
fn knative_waits_for_the_activator_before_the_last_pod_goes() {
    let mut world = World::new(service("autoscaling.knative.dev/target-burst-capacity: '0'"), 1, 0);
    world.run(30, 5.0);
    assert_eq!(world.mode, Mode::Serve);
    world.run(200, 0.0);
    let gone = world.log.last().expect("written").0;
    // 60 s until inactive, and then 30 s of grace with the activator in the path.
    assert!(gone >= SimTime::from_s(118) && gone <= SimTime::from_s(124), "{gone:?}");
    let mut world = World::new(service(""), 1, 0);
    world.run(30, 5.0);
    world.run(92, 0.0);
    let mut seen = view(TARGET, 1, 1, vec![Some(vec![])]);
    seen.mode = Mode::Proxy;
    seen.probe = Some(Probe { ok: false, populated_for: None });
    let observation = Observation { now: SimTime::from_s(400), wake: Wake::Tick, targets: vec![seen] };
    let mut kpa = KnativeKpa::new(service("")).policy;
    kpa.decide(&observation);
    assert_eq!(replicas_of(&kpa.decide(&observation), TARGET), None, "no probe, no zero");
}

#[test]
fn knative_slow_pods_lose_their_growth_only_in_the_faithful_variant() {
    let run = |quirks| {
        let mut options = service("");
        options.quirks = quirks;
        let mut world = World::new(options, 1, 300);
        world.run(10, 2.0);
        world.run(20, 200.0);
        world.run(290, 5.0);
        world.log
    };
    let (real, fixed) = (run(Quirks::FAITHFUL), run(Quirks::FIXED));
    let most = |log: &[(SimTime, u32)]| log.iter().map(|(_, replicas)| *replicas).max();
    assert_eq!((most(&real), most(&fixed)), (Some(29), Some(29)));
    assert_eq!(real.last().map(|(_, replicas)| *replicas), Some(1));
    assert_eq!(fixed.last().map(|(_, replicas)| *replicas), Some(29));
}

#[test]
fn knative_asks_for_pushed_seconds_and_rps_for_arrivals() {
    let kpa = KnativeKpa::new(service("autoscaling.knative.dev/metric: rps"));
    let request = kpa.signals(TARGET).next().expect("one");
    assert_eq!((request.source, request.scope), (SignalSource::RequestsArrived, Scope::Service));
    assert_eq!(request.pipeline.adapter, Adapter::Pushed { period: SimDuration::ZERO });
    assert_eq!(request.pipeline.sampler, Sampler::WindowMean(SimDuration::from_s(1)));
    assert!(kpa.schedule.poked_by_requests && kpa.schedule.period == SimDuration::from_s(2));
}

proptest! {
    #[test]
    fn any_observations_give_the_same_decisions_twice_within_max_scale(
        steps in proptest::collection::vec(
            (0_u64..200, 0_u32..12, 0_u32..12, proptest::num::f64::ANY, any::<bool>(), any::<bool>()), 1..30),
    ) {
        let policy = || KnativeKpa::new(service("autoscaling.knative.dev/max-scale: '6'")).policy;
        let (mut first, mut second) = (policy(), policy());
        let mut now = SimTime::ZERO;
        for (wait, spec, ready, value, poke, missing) in steps {
            now += SimDuration::from_ms(wait * 100);
            let signal = (!missing).then(|| vec![batch(now, &[(None, value)])]);
            let wake = if poke { Wake::Poke(TARGET) } else { Wake::Tick };
            let seen = Observation { now, wake, targets: vec![view(TARGET, spec, ready.min(spec), vec![signal])] };
            let (decision, again) = (first.decide(&seen), second.decide(&seen));
            prop_assert_eq!(format!("{decision:?}"), format!("{again:?}"));
            prop_assert!(replicas_of(&decision, TARGET).unwrap_or(0) <= 6);
            prop_assert!(decision.next_wake.is_some_and(|at| at > now));
        }
    }
}
