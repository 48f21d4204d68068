//! The runners themselves: deliberately broken twins and corrupted expectations must be noticed.

use super::*;
use crate::testing::{corrupted, damaged, fixture};
use flashcrowd_policies::autoscalers::knative::{
    Active, Annotations, ClusterSettings, Reachability, Scale, ZeroState, resolve, to_zero,
};
use serde_json::json;

fn broken_decider(break_one: impl Fn(&mut Rules)) -> Vec<&'static str> {
    let mut rules = Rules::FAITHFUL;
    break_one(&mut rules);
    let lines = fixture("knative_kpa_decider");
    let failures = lines.iter().flat_map(|line| decider::run(line, rules).expect("a scenario").failures);
    failures.map(|failure| failure.field).collect()
}

#[test]
fn each_broken_rule_of_the_decider_is_noticed() {
    assert_eq!(broken_decider(|_| ()), Vec::<&str>::new());
    assert!(broken_decider(|rules| rules.panic_never_falls = false).contains(&"desired"));
    assert!(broken_decider(|rules| rules.burst_counts_total = false).contains(&"ebc"));
}

#[test]
fn a_panic_ends_after_its_window_and_not_at_its_edge() {
    let mut spec: flashcrowd_policies::autoscalers::knative::DeciderSpec =
        resolve(&Annotations::default(), &ClusterSettings::default(), 0, Reachability::Reachable)
            .decider_spec(Rules::FAITHFUL);
    let mut ends_at = |rules| {
        spec.rules = rules;
        let mut decider = flashcrowd_policies::autoscalers::knative::Decider::new(spec, 0, 2);
        (1..100).find(|second| {
            decider.record(second * 1_000_000_000, 1.0);
            decider.decide(second * 1_000_000_000, 2);
            !decider.in_panic()
        })
    };
    assert_eq!(ends_at(Rules::FAITHFUL), Some(61));
    assert_eq!(ends_at(Rules { panic_end_is_strict: false, ..Rules::FAITHFUL }), Some(60));
}

#[test]
fn the_fixed_variant_stays_in_panic_while_pods_start() {
    let spec = |rules| {
        resolve(&Annotations::default(), &ClusterSettings::default(), 0, Reachability::Reachable).decider_spec(rules)
    };
    // 700 requests come at once and stay; the pods for them need 100 s, and no more come after.
    let desired = |rules, ready_at_s: i64| {
        let mut decider = flashcrowd_policies::autoscalers::knative::Decider::new(spec(rules), 0, 1);
        let mut counts = Vec::new();
        for second in 0..120 {
            let load = if second < 8 { 700.0 } else { 60.0 };
            decider.record(second * 1_000_000_000, load);
            let ready = if second < ready_at_s { 1 } else { 10 };
            counts.extend(decider.decide(second * 1_000_000_000, ready).map(|verdict| verdict.desired));
        }
        counts
    };
    let (real, fixed) = (desired(Rules::FAITHFUL, 100), desired(Rules::FIXED, 100));
    assert_eq!((real[20], fixed[20]), (10, 10));
    assert!(real[90] < 10, "leaving panic undoes the growth: {}", real[90]);
    assert_eq!(fixed[99], 10);
    assert!(fixed[119] < 10, "ready pods end it");
}

fn broken_zero(decide: impl Fn(&ZeroState) -> Scale) -> usize {
    let lines = fixture("knative_scale_to_zero");
    lines.iter().map(|line| zero::run(line, &decide).expect("a decision").failures.len()).sum()
}

#[test]
fn each_broken_way_to_zero_is_noticed() {
    assert_eq!(broken_zero(to_zero), 0);
    assert!(broken_zero(|state| to_zero(&ZeroState { retention_ns: 0, ..*state })) > 0, "retention");
    assert!(broken_zero(|state| to_zero(&ZeroState { probe_ok: true, ..*state })) > 0, "probe");
    assert!(broken_zero(|state| to_zero(&ZeroState { populated_for_ns: None, ..*state })) > 0, "time in the path");
    let impatient = |state: &ZeroState| match state.active {
        Active::Activating => {
            to_zero(&ZeroState { condition_age_ns: state.condition_age_ns + 30_000_000_000, ..*state })
        }
        _ => to_zero(state),
    };
    assert!(broken_zero(impatient) > 0, "buffer of the activation timeout");
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let decider = fixture("knative_kpa_decider");
    let last =
        decider.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")).find_map(|line| {
            let events = line["events"].as_array()?.clone();
            events.iter().rposition(|event| event["valid"] == json!(true)).map(|at| (line, at))
        });
    let (line, at) = last.expect("a decision with data");
    for field in ["stable", "panic", "desired", "ebc", "max_panic_pods"] {
        corrupted(knative_kpa_decider, &line, &format!("/events/{at}/{field}"), &json!(12_345), field);
    }
    let zero: serde_json::Value = serde_json::from_str(&fixture("knative_scale_to_zero")[0]).expect("JSON");
    corrupted(knative_scale_to_zero, &zero, "/out_desired", &json!(7), "out_desired");
    corrupted(knative_scale_to_zero, &zero, "/out_requeue_s", &json!([1, 2]), "out_requeue_s");
}

#[test]
fn a_corrupted_parameter_or_refusal_is_noticed() {
    let lines = fixture("knative_manifest");
    let lines: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let accepted = |line: &&serde_json::Value| line.get("config_error").or(line.get("annotation_error")).is_none();
    let good = lines.iter().find(accepted).expect("an accepted line");
    for (field, value) in good["out"].as_object().expect("outputs") {
        let other = match value {
            serde_json::Value::Bool(value) => json!(!value),
            serde_json::Value::Number(_) => json!(98_765),
            _ => json!("another"),
        };
        corrupted(knative_manifest, good, &format!("/out/{field}"), &other, field);
    }
    for error in ["config_error", "annotation_error"] {
        let mut bad = good.clone();
        bad[error] = json!("refused");
        let found = knative_manifest(&bad.to_string()).expect("a line");
        assert!(found.failures.iter().any(|failure| failure.field == error), "{error}");
    }
    for refused in lines.iter().filter(|line| !accepted(line)) {
        let mut bad = refused.clone();
        let fields = bad.as_object_mut().expect("a map");
        fields.remove("config_error");
        fields.remove("annotation_error");
        assert!(!knative_manifest(&bad.to_string()).expect("a line").failures.is_empty());
    }
}

#[test]
fn a_malformed_line_is_an_error_with_a_message() {
    let decider = fixture("knative_kpa_decider").swap_remove(0);
    let bad = [
        String::new(),
        "[]".to_owned(),
        decider.replacen("\"aggregation\":\"linear\"", "\"aggregation\":\"mean\"", 1).replacen("weighted-", "w", 1),
        decider.replacen("\"stable_window_s\":", "\"stable_window_s\":4000000", 1),
        decider.replacen("\"ebc\"", "\"eb\"", 1),
    ];
    for line in bad {
        assert!(!knative_kpa_decider(&line).expect_err("malformed").message.is_empty());
    }
    let zero = fixture("knative_scale_to_zero").swap_remove(0);
    assert!(knative_scale_to_zero(&zero.replacen("\"sks_mode\":\"", "\"sks_mode\":\"X", 1)).is_err());
    assert!(knative_manifest("{}").is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_damaged_line_panics(file in 0_usize..3, line in 0_usize..9, cut in 0.0_f64..1.0, put in "[-0-9\"{}\\[\\],:a-z]{0,20}", gone in 0_usize..9) {
        let name = ["knative_kpa_decider", "knative_manifest", "knative_scale_to_zero"][file];
        let line = damaged(name, line, cut, &put, gone);
        let _ = (knative_kpa_decider(&line), knative_manifest(&line), knative_scale_to_zero(&line));
    }
}
