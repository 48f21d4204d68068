//! The runner itself: deliberately broken twins and corrupted expectations must be noticed.

use super::*;
use crate::testing::{corrupted, damaged, fixture};
use serde_json::json;

fn broken(break_one: impl Fn(&mut Rules)) -> usize {
    let mut rules = Rules::REAL;
    break_one(&mut rules);
    fixture("dynamo_easy_load").iter().map(|line| run(line, rules).expect("a decision").failures.len()).sum()
}

#[test]
fn each_broken_rule_is_noticed() {
    assert_eq!(broken(|_| ()), 0);
    assert!(broken(|rules| rules.pending_may_be_cancelled = false) > 0);
    assert!(broken(|rules| rules.all_must_be_idle = false) > 0);
}

/// No line of the reference file has this case.
#[test]
fn one_less_must_not_call_for_one_more_at_once() {
    let component = Component {
        role: Role::Decode,
        target: Target::Throughput,
        workers: 2,
        pending: 0,
        min_endpoint: 1,
        context_length: None,
        max_kv_tokens: Some(1000.0),
        thresholds: LoadThresholds::default(),
    };
    let loads = |kv| [EngineLoad { scheduled_kv: kv, ..EngineLoad::default() }; 2];
    assert_eq!(component.decide(&loads(499.0)), Ok(1));
    assert_eq!(component.decide(&loads(500.0)), Ok(2));
    let rules = Rules { checks_consolidation: false, ..Rules::REAL };
    assert_eq!(component.decide_with(&loads(500.0), rules), Ok(1));
    assert_eq!(component.decide(&loads(600.0)), Err(Reason::NoChange));
    assert_eq!(component.decide(&loads(1001.0)), Ok(3));
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line: serde_json::Value = serde_json::from_str(&fixture("dynamo_easy_load")[0]).expect("JSON");
    corrupted(dynamo_easy_load, &line, "/out", &json!(77), "out");
    corrupted(dynamo_easy_load, &line, "/reason", &json!("scale_up"), "reason");
}

#[test]
fn a_malformed_line_is_an_error_with_a_message() {
    let line = fixture("dynamo_easy_load").swap_remove(0);
    for bad in [String::new(), "{}".to_owned(), line.replacen("\"role\": \"", "\"role\": \"x", 1)] {
        assert!(!dynamo_easy_load(&bad).expect_err("malformed").message.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn no_damaged_line_panics(line in 0_usize..99, cut in 0.0_f64..1.0, put in "[-0-9\"{}\\[\\],:a-z]{0,20}", gone in 0_usize..9) {
        let _ = dynamo_easy_load(&damaged("dynamo_easy_load", line, cut, &put, gone));
    }
}
