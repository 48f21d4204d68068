//! The runners themselves: deliberately broken controllers and corrupted expectations must be noticed.

use super::controller::{controller_of, parse, play};
use super::placer::run_with_fewest;
use super::{Algorithm, skyserve_fallback, skyserve_request_rate, skyserve_spot_placer};
use crate::testing::fixture;
use flashcrowd_policies::autoscalers::skyserve::{Controller, Quirks};

fn failures(file: &str, algorithm: Algorithm, break_one: impl Fn(&mut Controller)) -> usize {
    failures_with(file, algorithm, Quirks::default(), break_one)
}

fn failures_with(file: &str, algorithm: Algorithm, quirks: Quirks, break_one: impl Fn(&mut Controller)) -> usize {
    let count = |line: String| {
        let scenario = parse(&line).expect("a scenario");
        let mut controller = controller_of(&scenario, algorithm, quirks).expect("a valid one");
        break_one(&mut controller);
        play(&scenario, controller).expect("a valid one").failures.len()
    };
    fixture(file).into_iter().map(count).sum()
}

#[test]
fn each_broken_rule_is_noticed() {
    let rate = |break_one: fn(&mut Controller)| failures("skyserve_request_rate", Algorithm::RequestRate, break_one);
    assert_eq!(rate(|_| ()), 0);
    assert!(rate(|controller| controller.rules.zero_target_moves_at_once = false) > 0);
    let fallback = |break_one: fn(&mut Controller)| failures("skyserve_fallback", Algorithm::Fallback, break_one);
    assert!(fallback(|controller| controller.rules.fallback_caps_at_target = false) > 0);
    let aware =
        |break_one: fn(&mut Controller)| failures("skyserve_instance_aware", Algorithm::InstanceAware, break_one);
    assert_eq!(aware(|_| ()), 0);
    assert!(aware(|controller| controller.rules.all_records_count = false) > 0);
    assert!(failures("skyserve_fallback", Algorithm::RequestRate, |_| ()) > 0);
}

#[test]
fn repaired_controllers_differ_from_the_recorded_ones() {
    let failures = |file, algorithm| failures_with(file, algorithm, Quirks::FIXED, |_| ());
    assert!(failures("skyserve_fallback", Algorithm::Fallback) > 0);
    assert!(failures("skyserve_instance_aware", Algorithm::InstanceAware) > 0);
}

#[test]
fn a_placer_that_keeps_one_location_is_noticed() {
    let count = |fewest| {
        fixture("skyserve_spot_placer").iter().map(|l| run_with_fewest(l, fewest).failures.len()).sum::<usize>()
    };
    assert_eq!(count(2), 0);
    assert!(count(1) > 0 && count(3) > 0);
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line = fixture("skyserve_request_rate").swap_remove(0);
    let bad = line.replacen("\"final_target\": ", "\"final_target\": 9", 1);
    let failures = skyserve_request_rate(&bad).expect("still valid").failures;
    assert_eq!(failures.iter().map(|failure| failure.field).collect::<Vec<_>>(), ["final_target"]);
    assert!(skyserve_fallback("{}").is_err() && skyserve_spot_placer("[").is_err());
}
