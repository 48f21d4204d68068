//! The runners themselves: deliberately broken executors and corrupted expectations must be noticed.

use super::{keda_scaledjob, keda_scaledobject, scaled_job, scaled_object};
use crate::testing::fixture;
use flashcrowd_policies::autoscalers::keda::{Executor, Quirks};

fn failures(quirks: Quirks, break_one: impl Fn(&mut Executor)) -> usize {
    let count = |line: String| {
        let scenario = scaled_object::parse(&line).expect("a scenario");
        let mut broken = scaled_object::executor_of(&scenario, quirks);
        break_one(&mut broken);
        scaled_object::play(&scenario, broken).failures.len()
    };
    fixture("keda_scaledobject").into_iter().map(count).sum()
}

#[test]
fn each_broken_rule_is_noticed() {
    assert_eq!(failures(Quirks::default(), |_| ()), 0);
    assert!(failures(Quirks::FIXED, |_| ()) > 0, "repaired");
    let failures = |break_one: fn(&mut Executor)| failures(Quirks::default(), break_one);
    assert!(failures(|executor| executor.rules.cooldown_is_strict = false) > 0, "edge of the cooldown");
    assert!(failures(|executor| executor.rules.error_keeps_last_active = false) > 0, "errors and activity");
    assert!(failures(|executor| executor.rules.zero_fallback_goes_on = false) > 0, "fallback of 0");
}

#[test]
fn repaired_jobs_differ_from_the_recorded_ones() {
    let count = |quirks| {
        let lines = fixture("keda_scaledjob").into_iter();
        lines
            .map(|line| scaled_job::play(&scaled_job::parse(&line).expect("a row"), quirks).failures.len())
            .sum::<usize>()
    };
    assert_eq!(count(Quirks::default()), 0);
    assert!(count(Quirks { eager_ignores_min_jobs: false, ..Quirks::default() }) > 0);
    assert!(count(Quirks { job_default_max_ignores_min: false, ..Quirks::default() }) > 0);
}

#[test]
fn a_corrupted_expectation_fails_where_it_was_corrupted() {
    let line = fixture("keda_scaledjob").swap_remove(0);
    let bad = line.replacen("\"jobs_created\":", "\"jobs_created\":7", 1);
    let failures = keda_scaledjob(&bad).expect("still valid").failures;
    assert_eq!(failures.iter().map(|failure| failure.field).collect::<Vec<_>>(), ["jobs_created"]);
    let line = fixture("keda_scaledobject").swap_remove(0);
    let bad = line.replacen("ScalerActive", "ScalerNotActive", 1);
    let failures = keda_scaledobject(&bad).expect("still valid").failures;
    assert_eq!(failures.iter().map(|failure| failure.field).collect::<Vec<_>>(), ["active_condition"]);
    assert!(keda_scaledobject("{}").is_err() && keda_scaledjob("").is_err());
}
