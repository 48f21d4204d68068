//! `load`: one factor for all traffic.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "2m",
    pools: {"p": (gpu: "H100", max_nodes: 1, min_nodes: 1)},
    services: {"s": (serving: Slots(4), service_time: "100ms", slo: [(metric: EndToEnd, quantile: 0.9, limit: "1s")])},
    traffic: {"t": TRAFFIC},
)
"#;

fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

fn with(traffic: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), SCENARIO.replace("TRAFFIC", traffic)).unwrap();
    let mut trace = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for i in 0..100 {
        let _ = writeln!(trace, "2025-11-03 00:{:02}:{:02},{},1", i / 60, i % 60, i + 1);
    }
    fs::write(folder.path().join("t.csv"), trace).unwrap();
    folder
}

/// The digest and the requests of a run.
fn played(traffic: &str, args: &[&str]) -> (String, u64) {
    let folder = with(traffic);
    let output = flashcrowd(folder.path(), &[&["run", "s.ron", "--no-out", "-q", "--format", "json"], args].concat());
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{traffic} {args:?}: {}", String::from_utf8_lossy(&output.stderr)));
    (json["digest"].as_str().unwrap().to_owned(), json["requests"]["arrived"].as_u64().unwrap_or(0))
}

#[test]
fn traffic_at_a_load_is_what_its_numbers_times_that_would_be() {
    for (written, doubled) in [
        ("Poisson(rate: \"3/s\")", "Poisson(rate: \"6/s\")"),
        (
            "Mmpp(states: [(rate: \"1/s\", mean: \"20s\"), (rate: \"8/s\", mean: \"5s\")])",
            "Mmpp(states: [(rate: \"2/s\", mean: \"20s\"), (rate: \"16/s\", mean: \"5s\")])",
        ),
        (
            "Schedule(ramp: true, steps: [(at: \"0s\", rate: \"1/s\"), (at: \"60s\", rate: \"9/s\")])",
            "Schedule(ramp: true, steps: [(at: \"0s\", rate: \"2/s\"), (at: \"60s\", rate: \"18/s\")])",
        ),
        ("Trace(\"t.csv\")", "Trace(path: \"t.csv\", rate_scale: 2)"),
        ("Trace(path: \"t.csv\", rate_scale: 1.5)", "Trace(path: \"t.csv\", rate_scale: 3)"),
        ("Trace(path: \"t.csv\", rate_scale: 0.25)", "Trace(path: \"t.csv\", rate_scale: 0.5)"),
        ("Users(users: 7, think: \"2s\")", "Users(users: 14, think: \"2s\")"),
    ] {
        let expected = played(doubled, &[]);
        assert_eq!(played(written, &["--load", "2"]), expected, "{written}");
        assert_eq!(played(written, &["--set", "load=2"]), expected, "{written}");
        assert_eq!(played(written, &["--set", "load=3", "--load", "2"]), expected, "the option holds over --set");
        let as_written = played(written, &[]);
        assert_ne!(as_written, expected, "{written}");
        assert_eq!(played(written, &["--load", "1.0"]), as_written, "{written}");
    }
}

#[test]
fn users_are_whole() {
    let users = |n: u32| format!("Users(users: {n}, think: \"2s\")");
    assert_eq!(played(&users(7), &["--load", "1.2"]), played(&users(8), &[]), "8.4");
    assert_eq!(played(&users(7), &["--load", "0.01"]), played(&users(1), &[]), "one at least");
    let folder = with(&users(7));
    let output = flashcrowd(folder.path(), &["check", "s.ron", "--load", "1.2", "--print-resolved"]);
    let written = String::from_utf8(output.stdout).unwrap();
    assert!(written.contains("load: 1.2"), "{written}");
    assert!(written.contains("traffic.t.users_at_load = 8 (default: `users` times `load`, rounded)"), "{written}");
    fs::write(folder.path().join("s.ron"), &written).unwrap();
    let again = flashcrowd(folder.path(), &["run", "s.ron", "--no-out", "-q", "--format", "json"]);
    let json: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(json["digest"].as_str().unwrap(), played(&users(8), &[]).0);
}

#[test]
fn loads_that_make_no_sense_are_refused() {
    let folder = with("Poisson(rate: \"3/s\")");
    let mut text = String::new();
    for load in ["0", "-1", "NaN", "inf", "1e9", "0.0001", "much"] {
        let output = flashcrowd(folder.path(), &["check", "s.ron", "--load", load]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{load}: {said}");
        let _ = writeln!(text, "# {load}\n{said}");
    }
    insta::assert_snapshot!("refused", text);
}

#[test]
fn tests_may_be_played_at_another_load() {
    let folder = with("Poisson(rate: \"20/s\")");
    fs::write(
        folder.path().join("a.test.ron"),
        "(scenario: \"s.ron\", golden: \"a.csv\", assert: [\"s.e2e.p90 <= 1s\"])",
    )
    .unwrap();
    assert_eq!(flashcrowd(folder.path(), &["test", ".", "--bless"]).status.code(), Some(0));
    assert_eq!(flashcrowd(folder.path(), &["test", "."]).status.code(), Some(0));
    let crowded = flashcrowd(folder.path(), &["test", ".", "--load", "3"]);
    assert_eq!(crowded.status.code(), Some(3), "60 requests a second are more than four slots serve");
    let said = String::from_utf8_lossy(&crowded.stdout);
    assert!(said.contains("s.e2e.p90 <= 1s") && !said.contains("golden"), "{said}");
    let both = flashcrowd(folder.path(), &["test", ".", "--load", "3", "--bless"]);
    assert_eq!(both.status.code(), Some(2), "a golden file is of the load as it is written");
}
