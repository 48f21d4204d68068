//! Limits hold while a run goes on, and what would play for years ends within seconds: with a
//! message, exit code 2, and nothing written.

use std::fs;
use std::process::Command;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "5m", //TOP
    pools: {"p": (gpu: "L4", gpus_per_node: 1, min_nodes: 1, max_nodes: 4, /*POOL*/)},
    services: {"s": (serving: Slots(concurrency: 1), service_time: "1s", /*MORE*/)},
    traffic: {"t": Poisson(rate: "5/s")},
)
"#;

/// The message of a run that ends with exit code 2.
fn refused(changes: &[(&str, &str)]) -> String {
    let mut scenario = SCENARIO.to_owned();
    for (from, to) in changes {
        assert!(scenario.contains(from), "{from}");
        scenario = scenario.replace(from, to);
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), &scenario).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = command.current_dir(folder.path()).args(["run", "s.ron"]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{scenario}: {message}");
    assert!(output.stdout.is_empty());
    assert!(!folder.path().join("out").exists());
    message
}

fn expect(changes: &[(&str, &str)], words: &[&str]) {
    let message = refused(changes);
    for word in words {
        assert!(message.contains(word), "{changes:?}: expected `{word}` in\n{message}");
    }
}

const POISSON: &str = "Poisson(rate: \"5/s\")";

#[test]
fn requests_and_live_requests_are_counted_at_their_arrival() {
    // Five come a second, and one goes.
    expect(
        &[("//TOP", "limits: (live_requests: 3),")],
        &["at t=0.", "exceeded its limit of 3 live_requests", "raise it: `limits: (live_requests: ...)`"],
    );
    // One server that is never idle serves ten thousand a second.
    let users = (POISSON, "Users(users: 2, think: \"0s\")");
    expect(
        &[("//TOP", "limits: (requests: 2000),"), users, ("\"1s\"", "\"100us\""), ("\"5m\"", "\"900ms\"")],
        &["at t=0.19", "exceeded its limit of 2000 requests", "raise it: `limits: (requests: ...)`"],
    );
}

#[test]
fn loops_of_picoseconds_end_with_a_message() {
    let users = |think: &'static str| (POISSON, think);
    let hardly = ["simulated time hardly moves", "look for what takes next to no time"];
    expect(&[users("Users(users: 2, think: \"0s\")"), ("\"1s\"", "\"1ps\"")], &hardly);
    // Refused at once, and back at once.
    let closed = ("/*MORE*/", "queue: PerReplica(capacity: 0, gateway: 0), replicas: 0");
    expect(&[users("Users(users: 2, think: \"1ps\")"), closed], &hardly);
    let gives_up = "Users(users: 2, think: \"0s\", client: (timeout: \"1ps\"))";
    expect(&[users(gives_up)], &hardly);
    expect(&[users("Users(users: 2, think: \"0s\")"), closed], &["simulated time stands still"]);
}

#[test]
fn nodes_that_live_for_moments_are_refused_before_the_run() {
    let spot = ("/*POOL*/", "market: Spot, supply: \"m\"");
    for lifetime in ["1ps", "1us"] {
        let market = format!(
            "markets: {{\"m\": Lifetimes(nodes: 4, lifetime: Exponential(\"{lifetime}\"), away: \"{lifetime}\")}},"
        );
        expect(&[("//TOP", &market), spot], &["s.ron:2", "nodes would be lost; expected at most 1e7"]);
    }
    let failures = "limits: (horizon: \"100d\"), faults: {\"f\": NodeFailures(pool: \"p\", every: \"1ms\")},";
    expect(&[("//TOP", failures), ("\"5m\"", "\"50d\"")], &["nodes would be lost"]);
    let chain = "Mmpp(states: [(rate: \"1/s\", mean: \"1us\"), (rate: \"2/s\", mean: \"1us\")])";
    expect(&[(POISSON, chain)], &["change more often than can be played"]);
}
