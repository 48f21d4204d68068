//! The runner itself: deliberately broken twins and corrupted expectations must be noticed.

use super::*;
use crate::testing::{corrupted, damaged, fixture};
use serde_json::json;

fn broken(break_one: impl Fn(&mut Rules)) -> usize {
    let mut rules = Rules::REAL;
    break_one(&mut rules);
    fixture("wva_saturation_v1").iter().map(|line| run(line, rules).expect("a decision").failures.len()).sum()
}

#[test]
fn each_broken_rule_is_noticed() {
    assert_eq!(broken(|_| ()), 0);
    assert!(broken(|rules| rules.threshold_saturates = false) > 0);
    assert!(broken(|rules| rules.transition_freezes = false) > 0);
    assert!(broken(|rules| rules.pending_blocks_growth = false) > 0);
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line: serde_json::Value = serde_json::from_str(&fixture("wva_saturation_v1")[0]).expect("JSON");
    for (field, value) in line["out"].as_object().expect("outputs") {
        let other = match value {
            serde_json::Value::Bool(value) => json!(!value),
            serde_json::Value::Object(_) => json!({}),
            _ => json!(98_765),
        };
        corrupted(wva_saturation_v1, &line, &format!("/out/{field}"), &other, field);
    }
}

#[test]
fn a_malformed_line_is_an_error_with_a_message() {
    let line = fixture("wva_saturation_v1").swap_remove(0);
    for bad in [String::new(), "{}".to_owned(), line.replacen("\"total\"", "\"totl\"", 1)] {
        assert!(!wva_saturation_v1(&bad).expect_err("malformed").message.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn no_damaged_line_panics(line in 0_usize..99, cut in 0.0_f64..1.0, put in "[-0-9\"{}\\[\\],:a-z]{0,20}", gone in 0_usize..9) {
        let _ = wva_saturation_v1(&damaged("wva_saturation_v1", line, cut, &put, gone));
    }
}
