//! Policies of a user's own crate: made by name with their settings, and what is refused.

use flashcrowd::Registry;
use flashcrowd::results::{OutputFolder, Summaries};
use flashcrowd::run::{Progress, play_whole};
use flashcrowd::scenario::language::units::Duration;
use flashcrowd::scenario::load::{Loaded, Text};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Explanation, MetricExplanation, Observation, Schedule, Scope, SignalRequest,
    SignalSource, TargetId,
};
use flashcrowd_policies::autoscalers::FixedReplicas;
use flashcrowd_policies::metrics::Preset;
use serde::Deserialize;
use std::fmt::Write as _;

const SCENARIO: &str = r#"(
    horizon: "5m",
    pools: {"p": (gpu: "H100", max_nodes: 2)},
    services: {
        "my.chat": (
            serving: Slots(concurrency: 4), service_time: "100ms",
            autoscaler: POLICY,
        ),
    },
    traffic: {"t": Poisson(rate: "1/s")},
)
"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    replicas: u32,
    #[serde(default)]
    at_least: Option<Duration>,
    #[serde(default)]
    mode: Mode,
}

#[derive(Default, Deserialize)]
enum Mode {
    #[default]
    Plain,
    Times(u32),
}

#[derive(Deserialize)]
struct Careless {
    #[serde(default)]
    replicas: u32,
}

/// Adds a replica each time it sees nothing.
struct Blind;

impl Autoscaler for Blind {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let batch = view.signals[0].batches.as_ref().and_then(|batches| batches.last());
        match batch {
            Some(batch) if !batch.samples.is_empty() => Decision::hold(),
            _ => Decision::set_replicas(view.target, view.spec_replicas + 1),
        }
    }
}

fn registry() -> Registry {
    Registry::new()
        .policy("fixed-of-mine", |config: Config, target| {
            let replicas = match config.mode {
                Mode::Plain => config.replicas,
                Mode::Times(factor) => config.replicas * factor,
            };
            match replicas {
                _ if config.at_least.is_some_and(|span| span.get().is_zero()) => Err("`at_least` is 0s"),
                0 => Err("`replicas` is 0: expected at least 1"),
                replicas => Ok(FixedReplicas::new(target, replicas)),
            }
        })
        .policy("careless", |config: Careless, target| Ok::<_, String>(FixedReplicas::new(target, config.replicas)))
        .policy("blind", |(): (), target| {
            let pipeline = Preset::VllmGauge15s.pipeline();
            let (name, source) = ("waiting".to_owned(), SignalSource::WaitingRequests);
            let waiting = SignalRequest { name, source, scope: Scope::Service, pipeline };
            let schedule = Schedule::every(SimDuration::from_s(15));
            Ok::<_, String>(Controller::of("blind", schedule, target, Blind).reading([waiting]))
        })
        .autoscaler("json", |config, target| match config["n"].as_u64() {
            Some(n) => Ok(FixedReplicas::new(target, n as u32).boxed()),
            None => Err(format!("`n` is {}: expected a number", config["n"])),
        })
}

fn resolved(policy: &str) -> Result<Loaded, String> {
    named("chat", policy)
}

fn named(service: &str, policy: &str) -> Result<Loaded, String> {
    let scenario = SCENARIO.replace("my.chat", service).replace("POLICY", policy);
    let text = Text::parse("s", &scenario, &registry());
    text.and_then(|text| text.resolve()).map_err(|error| error.to_string())
}

fn record(policy: &str) -> RunRecord {
    let loaded = resolved(policy).unwrap_or_else(|error| panic!("{error}"));
    play_whole(loaded, &Progress::new(false)).unwrap().runs.remove(0).record
}

fn last(policy: &str) -> u32 {
    record(policy).decisions.last().unwrap().after
}

#[test]
fn policies_are_made_with_their_settings() {
    assert_eq!(last(r#"Policy(name: "fixed-of-mine", config: (replicas: 3))"#), 3);
    assert_eq!(last(r#"Policy(name: "fixed-of-mine", config: (replicas: 3, at_least: "1m", mode: Times(2)))"#), 6);
    assert_eq!(last(r#"Policy(name: "json", config: {"n": 4})"#), 4);
    // Names may hold dots.
    assert!(named("my.chat", r#"Policy(name: "json", config: (n: 4))"#).is_ok());
    let error = named("my.chat", r#"Policy(name: "fixed-of-mine", config: (replicas: 0))"#).unwrap_err();
    assert!(error.contains("s.ron:7:"), "{error}");
    let described = resolved(r#"Policy(name: "json", config: (n: 4))"#).unwrap();
    assert_eq!(described.variants[0].services[0].autoscaler.as_ref().unwrap().describe(), "json");
}

/// The policy declares a pipeline that never fails; the scenario lets it.
#[test]
fn scrapes_fail_where_the_scenario_says_so() {
    let ups = |policy: &str| record(policy).services[0].ups;
    let (never, often, always) = (
        ups(r#"Policy(name: "blind")"#),
        ups(r#"Policy(name: "blind", scrape_failure: 0.9)"#),
        ups(r#"Policy(name: "blind", scrape_failure: 1.0)"#),
    );
    assert!(never < often && often < always, "{never}, {often}, {always}");
}

#[test]
fn what_is_refused_is_refused_with_its_place() {
    let mut messages = String::new();
    for policy in [
        r#"Policy(name: "fixed-of-mein", config: (replicas: 3))"#,
        r#"Policy(name: "fixed-of-mine")"#,
        r#"Policy(name: "fixed-of-mine", config: (replica: 3))"#,
        r#"Policy(name: "fixed-of-mine", config: (replicas: "many"))"#,
        r#"Policy(name: "fixed-of-mine", config: (replicas: 3, at_least: "1x"))"#,
        r#"Policy(name: "fixed-of-mine", config: (replicas: 3, mode: Tims(2)))"#,
        r#"Policy(name: "fixed-of-mine", config: (replicas: 0))"#,
        r#"Policy(name: "fixed-of-mine", config: 7)"#,
        r#"Policy(name: "blind", config: (x: 1))"#,
        r#"Policy(name: "blind", scrape_failure: 1.5)"#,
        r#"Policy(name: "careless", config: (replicsa: 3))"#,
        r#"Policy(name: "json")"#,
        r#"Policy(name: "json", config: (n: 1e400))"#,
        r#"Policy(nam: "json")"#,
    ] {
        let _ = writeln!(messages, "{}\n", resolved(policy).expect_err(policy));
    }
    insta::assert_snapshot!("refusals", messages);
    let none = Text::parse("s", &SCENARIO.replace("POLICY", r#"Policy(name: "mine")"#), &Registry::new());
    let message = none.and_then(|text| text.resolve()).unwrap_err().to_string();
    assert!(message.contains("flashcrowd::main_with(registry)"), "{message}");
}

/// Reads one metric, reports an error of itself, and asks something of a service that it does not have.
struct Troubled;

impl Autoscaler for Troubled {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let metric = |note: &str| MetricExplanation {
            name: "waiting".into(),
            current: Some(3.0),
            target: 2.0,
            proposal: Some(2),
            note: note.to_owned(),
        };
        let explanation = Explanation {
            metrics: vec![metric(""), metric("stale")],
            error: Some("the metrics API is away".to_owned()),
            ..Explanation::default()
        };
        Decision::set_replicas(TargetId(1), 7).explained(seen.target().target, explanation)
    }
}

#[test]
fn errors_and_wishes_for_others_are_in_the_table_of_decisions() {
    let scenario = SCENARIO
        .replace("POLICY", r#"Policy(name: "troubled")"#)
        .replace("services: {", r#"services: {"other": (serving: Slots(concurrency: 4), service_time: "100ms"),"#);
    let scenario = scenario.replace(r#"rate: "1/s""#, r#"rate: "1/s", service: "other""#);
    // Services stand in the order of their names: `my.chat` is the first, `other` the second.
    let schedule = Schedule::every(SimDuration::from_s(60)).first_at(SimDuration::ZERO);
    let troubled = move |(): (), target| Ok::<_, String>(Controller::of("troubled", schedule, target, Troubled));
    let registry = Registry::new().policy("troubled", troubled);
    let loaded = Text::parse("s", &scenario, &registry).and_then(|text| text.resolve());
    let played = play_whole(loaded.map_err(|error| error.to_string()).unwrap(), &Progress::new(false)).unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut folder = OutputFolder::prepare(&place.path().join("o"), &played.loaded).unwrap();
    played.runs.iter().for_each(|run| folder.add(&played.loaded, run));
    folder.finish(&played.results(), &mut Summaries::new()).unwrap();
    let table = std::fs::read_to_string(place.path().join("o/decisions.csv")).unwrap();
    let rows: Vec<&str> = table.lines().skip(1).take(3).collect();
    assert!(
        rows[0].ends_with(",the controller was not shown this target,") && rows[0].contains(",other,1,1,"),
        "{table}"
    );
    assert!(rows[1].contains(",waiting,3,2,2,,") && rows[1].ends_with(",the metrics API is away"), "{table}");
    assert!(rows[2].contains(",waiting,3,2,2,stale,") && rows[2].ends_with(",the metrics API is away"), "{table}");
    assert!(table.lines().skip(1).all(|row| row.contains("the metrics API is away") || row.contains("not shown")));
}
