//! The runner itself: deliberately broken controllers and corrupted expectations must be noticed.

use super::scenario::{config_of, play};
use super::{FunctionRow, Outcome, Scenario, run_function_row, run_line, run_scenario};
use flashcrowd_policies::autoscalers::hpa::{Rules, Variant};
use std::io::{BufRead, BufReader};

fn lines(name: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/hpa/{name}", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("text")).collect()
}

/// Plays all scenarios with rules changed by `break_one`.
fn broken(files: &[&str], break_one: impl Fn(&mut Rules)) -> Outcome {
    let mut total = Outcome::default();
    for line in files.iter().flat_map(|name| lines(name)) {
        let scenario: Scenario = serde_json::from_str(&line).expect("a scenario");
        let mut config = config_of(&scenario).expect("a valid one");
        break_one(&mut config.rules);
        total.absorb(play(&scenario, &config).expect("a valid one"));
    }
    total
}

const SCENARIOS: [&str; 5] =
    ["k128_main.jsonl.gz", "k128_long.jsonl.gz", "k128_trace.jsonl.gz", "k2026_main.jsonl.gz", "k2026_long.jsonl.gz"];

#[test]
fn each_broken_comparison_is_noticed() {
    let count = |break_one: fn(&mut Rules)| broken(&SCENARIOS, break_one).failures.len();
    assert_eq!(count(|_| ()), 0);
    assert!(count(|rules| rules.plain_window_edge_counts = false) > 0, "window edge without behavior");
    assert!(count(|rules| rules.behavior_window_edge_counts = true) > 0, "window edge with behavior");
    assert!(count(|rules| rules.period_edge_counts = true) > 0, "edge of a policy's period");
    assert!(count(|rules| rules.tolerance_edge_is_within = false) > 0, "edge of the tolerance");
    assert!(count(|rules| rules.seed_recommendation = false) > 0, "first recommendation");
}

#[test]
fn a_window_edge_changes_replica_counts_not_only_reasons() {
    let wrong = broken(&SCENARIOS, |rules| rules.behavior_window_edge_counts = true);
    assert!(wrong.failures.iter().any(|failure| failure.field == "desired"));
}

#[test]
fn the_tolerance_of_one_variant_fails_the_rows_of_the_other() {
    let mut wrong = 0;
    for line in lines("k128_functions.jsonl.gz") {
        let row: FunctionRow = serde_json::from_str(&line).expect("a row");
        wrong += run_function_row(Variant::K8s2026Backport, &row).expect("a known function").failures.len();
    }
    // Rows whose ratio is exactly 1.1: the two files differ in as many.
    assert_eq!(wrong, 600);
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line = lines("k128_trace.jsonl.gz").swap_remove(0);
    let good: Scenario = serde_json::from_str(&line).expect("a scenario");
    assert_eq!(run_scenario(&good).expect("valid").failures, []);
    let last = good.ticks.len() - 1;
    let check = |field: &str, corrupt: &dyn Fn(&mut Scenario)| {
        let mut bad = good.clone();
        corrupt(&mut bad);
        let failures = run_scenario(&bad).expect("still valid").failures;
        assert_eq!(failures.iter().map(|failure| failure.field).collect::<Vec<_>>(), [field]);
        assert!(failures[0].place.contains(&bad.id), "{}", failures[0]);
    };
    check("desired", &|bad| bad.ticks[last].out.desired += 1);
    check("updated", &|bad| bad.ticks[last].out.updated ^= true);
    check("err", &|bad| bad.ticks[last].out.err ^= true);
    check("prop", &|bad| bad.ticks[last].out.prop = None);
    check("cur", &|bad| bad.ticks[last].out.cur = Some(vec![]));
    check("ScalingActive", &|bad| {
        bad.ticks[last].out.cond.remove("ScalingActive");
    });
    check("recs", &|bad| bad.ticks[last].out.recs = Some(vec![]));
    check("up", &|bad| bad.ticks[last].out.up = Some(vec![(1, 1)]));
    check("ev", &|bad| bad.ticks[last].out.ev.push("FailedGetScale".to_owned()));
    check("behaviorDefaulted", &|bad| bad.behavior_defaulted = serde_json::json!({}));
}

#[test]
fn a_malformed_line_is_an_error_with_a_message() {
    let scenario = lines("k128_trace.jsonl.gz").swap_remove(0);
    let bad = [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"fn\":\"sqrt\",\"args\":[2],\"out\":1}".to_owned(),
        "{\"fn\":\"utilizationReplicas\",\"args\":[-1,2,3],\"out\":1}".to_owned(),
        "{\"fn\":\"utilizationReplicas\",\"args\":[2000000000,2,3],\"out\":1}".to_owned(),
        "{\"fn\":\"utilizationReplicas\",\"args\":[1,2,0],\"out\":1}".to_owned(),
        "{\"fn\":\"scaleUpPercentLimit\",\"args\":[1],\"out\":1}".to_owned(),
        scenario[..scenario.len() / 2].to_owned(),
        scenario.replacen("k8s-1.28", "k8s-1.29", 1),
        scenario.replacen("\"R\"", "\"X\"", 1),
        scenario.replacen("\"maxReplicas\":1", "\"maxReplicas\":0", 1),
    ];
    for line in bad {
        let error = run_line(&line, Variant::K8s128).expect_err(&line[..line.len().min(200)]);
        assert!(!error.message.is_empty() && !error.place.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn no_damaged_line_panics(file in 0_usize..5, line in 0_usize..4, cut in 0.0_f64..1.0, put in "[-0-9\"{}\\[\\],:a-z]{0,20}", gone in 0_usize..9) {
        let text = lines(SCENARIOS[file]).swap_remove(line);
        // A few thousand characters hold every kind of field.
        let at = (cut * text.len().min(4_000) as f64) as usize;
        let damaged = format!("{}{put}{}", &text[..at], &text[(at + gone).min(text.len())..]);
        let _ = run_line(&damaged, Variant::K8s128);
    }
}
