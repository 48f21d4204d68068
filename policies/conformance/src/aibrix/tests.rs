//! The runner itself: deliberately broken twins and corrupted expectations must be noticed.

use super::*;
use crate::testing::{corrupted, damaged, fixture};
use serde_json::json;

fn broken(break_one: impl Fn(&mut Rules)) -> usize {
    let mut rules = Rules::REAL;
    break_one(&mut rules);
    fixture("aibrix_algorithms").iter().map(|line| run(line, rules).expect("a decision").failures.len()).sum()
}

#[test]
fn each_broken_rule_is_noticed() {
    assert_eq!(broken(|_| ()), 0);
    assert!(broken(|rules| rules.growth_is_limited = false) > 0);
    assert!(broken(|rules| rules.tolerates = false) > 0);
    assert!(broken(|rules| rules.panics = false) > 0);
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line: serde_json::Value = serde_json::from_str(&fixture("aibrix_algorithms")[0]).expect("JSON");
    corrupted(aibrix_algorithms, &line, "/desired", &json!(77), "desired");
    let flipped = json!(!line["in_panic"].as_bool().expect("a truth value"));
    corrupted(aibrix_algorithms, &line, "/in_panic", &flipped, "in_panic");
}

#[test]
fn a_malformed_line_is_an_error_with_a_message() {
    let line = fixture("aibrix_algorithms").swap_remove(0);
    for bad in [String::new(), "{}".to_owned(), line.replacen("\"algorithm\":\"", "\"algorithm\":\"x", 1)] {
        assert!(!aibrix_algorithms(&bad).expect_err("malformed").message.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn no_damaged_line_panics(line in 0_usize..99, cut in 0.0_f64..1.0, put in "[-0-9\"{}\\[\\],:a-z]{0,20}", gone in 0_usize..9) {
        let _ = aibrix_algorithms(&damaged("aibrix_algorithms", line, cut, &put, gone));
    }
}
