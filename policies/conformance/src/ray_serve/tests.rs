//! The runners themselves: deliberately broken policies and corrupted expectations must be noticed.

use super::{metrics, policy, ray_serve_metrics, ray_serve_policy};
use crate::testing::fixture;
use flashcrowd_policies::autoscalers::ray_serve::{Policy, Quirks};

fn failures(quirks: Quirks, break_one: impl Fn(&mut Policy)) -> usize {
    let count = |line: String| {
        let scenario = policy::parse(&line).expect("a scenario");
        let mut broken = policy::policy_of(&scenario, quirks).expect("a valid one");
        break_one(&mut broken);
        policy::play(&scenario, broken).expect("a valid one").failures.len()
    };
    fixture("ray_serve_policy").into_iter().map(count).sum()
}

#[test]
fn each_broken_rule_is_noticed() {
    assert_eq!(failures(Quirks::default(), |_| ()), 0);
    assert!(failures(Quirks::FIXED, |_| ()) > 0, "repaired");
    let failures = |break_one: fn(&mut Policy)| failures(Quirks::default(), break_one);
    assert!(failures(|policy| policy.rules.delay_edge_fires = false) > 0, "edge of a delay");
    assert!(failures(|policy| policy.rules.gain_on_running = false) > 0, "base of the gain");
    assert!(failures(|policy| policy.rules.forces_last_step = false) > 0, "last step of a downscale");
}

#[test]
fn a_later_clock_gives_other_totals() {
    let wrong = fixture("ray_serve_metrics").into_iter().map(|line| {
        let mut row = metrics::parse(&line).expect("a row");
        row.now_s += 1.0;
        metrics::play(&row).expect("valid").failures.len()
    });
    assert!(wrong.sum::<usize>() > 0);
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line = fixture("ray_serve_metrics").swap_remove(0);
    let bad = line.replacen("\"total_queued_requests\": ", "\"total_queued_requests\": 7", 1);
    let failures = ray_serve_metrics(&bad).expect("still valid").failures;
    assert_eq!(failures.iter().map(|failure| failure.field).collect::<Vec<_>>(), ["total_queued_requests"]);
    assert!(ray_serve_policy("{}").is_err() && ray_serve_metrics("[]").is_err());
}
