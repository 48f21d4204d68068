//! What the strategies draw is valid: observations agree with themselves, and worlds play.

use flashcrowd::Registry;
use flashcrowd_core::ports::{Controller, Observation, ReplicaPhase, ReplicaView, Scope, TargetId, Wake};
use flashcrowd_kit::observations::history;
use flashcrowd_kit::world::SmallWorld;
use flashcrowd_kit::{Subject, shapes};
use flashcrowd_policies::autoscalers::baselines::{Bounds, QueueDepth, QueueDepthConfig};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn queue_depth() -> Controller<QueueDepth> {
    bounded(1)
}

fn bounded(min: u32) -> Controller<QueueDepth> {
    let s = flashcrowd_core::SimDuration::from_s;
    let config =
        QueueDepthConfig { waiting_per_replica: 2.0, bounds: Bounds { min, max: 8 }, period: s(15), idle: s(60) };
    QueueDepth::new(TargetId(0), config).unwrap()
}

fn is_in_order(replica: &ReplicaView, seen: &Observation) -> bool {
    let times = [Some(replica.created), replica.started, replica.ready_since, replica.deleted, Some(seen.now)];
    times.iter().flatten().collect::<Vec<_>>().is_sorted()
}

proptest! {
    #[test]
    fn observations_agree_with_themselves(history in history(&queue_depth(), 6)) {
        prop_assert!(history.windows(2).all(|pair| pair[0].now < pair[1].now));
        for seen in &history {
            let view = &seen.targets[0];
            prop_assert!(view.replicas.windows(2).all(|pair| pair[0].id < pair[1].id));
            prop_assert!(view.replicas.iter().all(|replica| is_in_order(replica, seen)));
            let lives = |replica: &&ReplicaView| {
                matches!(replica.phase, ReplicaPhase::Pending | ReplicaPhase::Running) && replica.deleted.is_none()
            };
            let living: Vec<&ReplicaView> = view.replicas.iter().filter(lives).collect();
            prop_assert_eq!(view.status_replicas as usize, living.len());
            let ready = living.iter().filter(|replica| replica.ready == Some(true));
            prop_assert_eq!(view.ready_replicas as usize, ready.clone().count());
            prop_assert!(ready.clone().all(|replica| replica.phase == ReplicaPhase::Running && replica.node.is_some()));
            prop_assert_eq!(view.signals.len(), 1);
            for batch in view.signals[0].batches.iter().flatten() {
                prop_assert!(batch.at <= seen.now && batch.samples.iter().all(|sample| sample.at <= batch.at));
                prop_assert!(batch.samples.len() <= 1, "one value of the service");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_policy_that_is_poked_is_poked_where_nobody_serves(history in history(&bounded(0), 6)) {
        for seen in &history {
            prop_assert_eq!(seen.wake == Wake::Poke(TargetId(0)), seen.targets[0].ready_replicas == 0);
        }
    }
}

#[test]
fn a_policy_is_shown_its_replicas_values_too() {
    let mut controller = queue_depth();
    controller.signals_mut().for_each(|request| request.scope = Scope::Replica);
    let strategy = history(&controller, 20);
    let mut runner = TestRunner::deterministic();
    let drawn: Vec<Observation> = (0..20).flat_map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let samples = |seen: &Observation| {
        let view = &seen.targets[0];
        let batch = view.signals[0].batches.as_ref().and_then(|batches| batches.last())?;
        let known = |id| view.replicas.iter().any(|replica| Some(replica.id) == id);
        assert!(batch.samples.iter().all(|sample| known(sample.replica)));
        assert!(batch.samples.windows(2).all(|pair| pair[0].replica < pair[1].replica));
        Some(batch.samples.len())
    };
    let counts: Vec<Option<usize>> = drawn.iter().map(samples).collect();
    assert!(counts.contains(&None) && counts.contains(&Some(0)) && counts.iter().any(|count| *count > Some(3)));
}

fn some(worlds: impl Strategy<Value = SmallWorld>) -> Vec<SmallWorld> {
    let mut runner = TestRunner::deterministic();
    (0..8).map(|_| worlds.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn worlds_of_every_shape_play_and_are_what_they_are_called() {
    let subject = Subject::written("ConcurrencyTarget(in_flight_per_replica: 2, max: 8)", &Registry::new());
    let rates = |world: &SmallWorld| world.steps.iter().map(|step| step.1).collect::<Vec<_>>();
    for (name, worlds) in [
        ("constant", some(shapes::constant())),
        ("steps", some(shapes::steps())),
        ("ramps", some(shapes::ramps())),
        ("bursts", some(shapes::bursts())),
        ("flapping", some(shapes::flapping())),
        ("missing_metrics", some(shapes::missing_metrics())),
        ("slow_starts", some(shapes::slow_starts())),
        ("from_zero", some(shapes::from_zero())),
        ("any_world", some(shapes::any_world())),
    ] {
        for world in &worlds {
            assert!(world.steps[0].0 == 0 && world.steps.windows(2).all(|pair| pair[0].0 < pair[1].0), "{name}");
            let rates = rates(world);
            let kept = match name {
                "constant" => rates.len() == 1 && rates[0] > 0,
                "ramps" => world.ramp,
                "bursts" => rates[1] >= 4 * rates[0],
                "flapping" => rates.len() >= 15,
                "missing_metrics" => world.scrape_failure_percent >= 50,
                "slow_starts" => world.start_s >= 120,
                "from_zero" => world.replicas == 0 && rates[0] == 0,
                _ => true,
            };
            assert!(kept, "{name}: {world:?}");
            let record = world.play(&subject).unwrap_or_else(|error| panic!("{name}: {error}"));
            let arrived: u64 = record.clients.iter().map(|client| client.requests.arrived).sum();
            assert!(arrived > 0 || rates.iter().all(|rate| *rate < 30), "{name}: {world:?}");
        }
    }
}
