//! Each law can fail: a policy that is bad in one way breaks it, and the counterexample is a scenario
//! that plays and shows it. Policies that are not bad keep the laws.

use flashcrowd::Registry;
use flashcrowd::run::{Played, Progress, play_whole};
use flashcrowd::scenario::load::Text;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Observation, Schedule, Scope, SignalRequest, SignalSource, TargetView,
};
use flashcrowd_kit::laws::{self, CostClaim};
use flashcrowd_kit::{Broken, Subject};
use flashcrowd_policies::metrics::Preset;
use serde::Deserialize;
use std::sync::atomic::{AtomicU32, Ordering};

/// In which way the policy is bad.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
enum Fault {
    Nothing,
    BeyondItsBound,
    PanicsWithoutASample,
    CountsItsInstances,
    GoesBackAndForth,
    MultipliesWhatIsThere,
    LessForMore,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    fault: Fault,
    max: u32,
}

/// Two requests in flight for each replica, at once.
struct Twin {
    config: Config,
    number: u32,
    ticks: u32,
}

/// What no policy should have: something that all instances share.
static MADE: AtomicU32 = AtomicU32::new(0);

fn registry() -> Registry {
    Registry::new().policy("twin", |config: Config, target| {
        let (name, source) = ("in_flight".to_owned(), SignalSource::InFlightRequests);
        let pipeline = Preset::VllmGauge15s.pipeline();
        let in_flight = SignalRequest { name, source, scope: Scope::Service, pipeline };
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let schedule = Schedule::every(SimDuration::from_s(15));
        let twin = Twin { config, number, ticks: 0 };
        Ok::<_, String>(Controller::of("twin", schedule, target, twin).reading([in_flight]))
    })
}

impl Twin {
    fn wanted(&mut self, view: &TargetView) -> u32 {
        self.ticks += 1;
        let batch = view.signals[0].batches.as_ref().and_then(|batches| batches.last());
        let shown = batch.and_then(|batch| batch.samples.last()).map(|sample| sample.value);
        let max = self.config.max;
        let plain = shown.map_or(view.spec_replicas, |shown| (shown / 2.0).ceil() as u32).clamp(1, max);
        match self.config.fault {
            Fault::BeyondItsBound if plain == max => max + 1,
            Fault::PanicsWithoutASample => (shown.expect("a sample") as u32).clamp(1, max),
            Fault::CountsItsInstances => (plain + self.number % 2).min(max),
            Fault::GoesBackAndForth => (plain + self.ticks % 2).min(max),
            Fault::MultipliesWhatIsThere => (plain * view.spec_replicas).min(max),
            Fault::LessForMore => max.saturating_sub(plain).max(1),
            Fault::Nothing | Fault::BeyondItsBound => plain,
        }
    }
}

impl Autoscaler for Twin {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let wanted = self.wanted(seen.target());
        Decision::set_replicas(seen.target().target, wanted)
    }
}

fn twin(fault: &str) -> Subject {
    Subject::new(&registry(), "twin", &format!("(fault: {fault}, max: 6)"))
}

/// The counterexample, played from its text alone.
fn replayed(broken: &Broken) -> Played {
    let scenario = broken.scenario.as_ref().expect("a scenario");
    let text = Text::parse("counterexample", scenario, &registry());
    let loaded = text.and_then(|text| text.resolve()).unwrap_or_else(|error| panic!("{error}\n{scenario}"));
    play_whole(loaded, &Progress::new(false)).unwrap_or_else(|error| panic!("{error}"))
}

fn means(played: &Played) -> Vec<f64> {
    played.runs.iter().map(|run| run.record.services[0].ready_replica_s / run.record.ended.as_s_f64()).collect()
}

#[test]
fn a_write_beyond_the_bounds_is_found() {
    let broken = laws::bounds(&twin("BeyondItsBound"), 1..=6).unwrap_err();
    let played = replayed(&broken);
    assert!(played.runs[0].record.decisions.iter().any(|decision| decision.after == 7), "{broken}");
    insta::assert_snapshot!("bounds", broken.to_string());
    // An action that the engine refuses is no bound kept.
    let greedy = Subject::written("Fixed(replicas: 4)", &registry());
    assert!(laws::bounds(&greedy, 1..=3).unwrap_err().reason.contains("writes 4 replicas"));
}

#[test]
fn a_panic_on_strange_observations_is_found() {
    let broken = laws::robust(&twin("PanicsWithoutASample")).unwrap_err();
    assert!(broken.reason.contains("a sample") && broken.scenario.is_none(), "{broken}");
    assert!(broken.observations.matches("Observation {").count() == 1, "not shrunk: {broken}");
}

#[test]
fn what_instances_share_is_found() {
    let broken = laws::determinism(&twin("CountsItsInstances")).unwrap_err();
    assert!(broken.reason.contains("when it is played again"), "{broken}");
    assert_eq!(replayed(&broken).runs.len(), 1);
    let broken = laws::robust(&twin("CountsItsInstances")).unwrap_err();
    assert!(broken.reason.contains("its twin answers otherwise"), "{broken}");
}

/// Nobody can look ahead through the port; the program's own bound is handed the arrivals.
#[test]
fn who_knows_what_comes_is_found() {
    let clairvoyant = Subject::written("Clairvoyant(rate_per_replica: 1, max: 20)", &registry());
    let broken = laws::no_future(&clairvoyant).unwrap_err();
    let played = replayed(&broken);
    let names: Vec<&str> = played.loaded.variants.iter().map(|variant| variant.variant.as_str()).collect();
    assert_eq!(names, ["another future", "as above"]);
    let first = |run: usize| played.runs[run].record.decisions.iter().map(|d| (d.at, d.after)).collect::<Vec<_>>();
    assert_ne!(first(0), first(1), "{broken}");
    insta::assert_snapshot!("no_future", broken.to_string());
}

#[test]
fn changes_back_and_forth_are_found() {
    let broken = laws::no_oscillation(&twin("GoesBackAndForth"), 300, 20).unwrap_err();
    assert!(replayed(&broken).runs[0].record.services[0].reversals > 20, "{broken}");
}

#[test]
fn a_service_that_stays_at_zero_is_found() {
    let broken = laws::recovery_from_zero(&twin("MultipliesWhatIsThere"), 60).unwrap_err();
    assert_eq!(replayed(&broken).runs[0].record.services[0].ready_max, 0, "{broken}");
}

#[test]
fn fewer_replicas_for_more_load_are_found() {
    let broken = laws::monotone(&twin("LessForMore"), 0.25).unwrap_err();
    let means = means(&replayed(&broken));
    assert!(means[0] > means[1] + 0.25, "`as above` and `more load`: {means:?}\n{broken}");
}

/// A bill below the bound is a false claim: here of what a replica carries.
#[test]
fn a_capacity_that_is_claimed_too_low_is_found() {
    let claim = CostClaim { utilization: 0.3, ..CostClaim::default() };
    let broken = laws::cost_bound(&twin("Nothing"), claim).unwrap_err();
    assert!(broken.reason.contains("at 0.3 of capacity"), "{broken}");
    assert_eq!(replayed(&broken).runs.len(), 1);
}

/// The laws are not so sharp that everybody breaks them.
#[test]
fn plain_policies_keep_them() -> Result<(), Broken> {
    let queue = "QueueDepth(waiting_per_replica: 2, max: 8, idle: \"2m\")";
    let queue = Subject::written(queue, &Registry::new());
    laws::no_oscillation(&queue, 600, 20)?;
    laws::recovery_from_zero(&queue, 60)?;
    let concurrency = "ConcurrencyTarget(in_flight_per_replica: 2, max: 8)";
    let concurrency = Subject::written(concurrency, &Registry::new());
    laws::bounds(&concurrency, 1..=8)?;
    laws::robust(&concurrency)?;
    laws::determinism(&concurrency)?;
    laws::no_future(&concurrency)?;
    laws::monotone(&concurrency, 0.25)?;
    laws::cost_bound(&concurrency, CostClaim::default())
}

/// A manifest as it runs in production is held to the same.
#[test]
fn a_manifest_keeps_them() -> Result<(), Broken> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/manifests/queue-depth-hpa.yaml");
    let hpa = Subject::written(&format!("Manifest({manifest:?})"), &Registry::new());
    laws::robust(&hpa)?;
    laws::determinism(&hpa)?;
    laws::no_future(&hpa)?;
    laws::cost_bound(&hpa, CostClaim::default())
}
