//! The search for a counterexample: cases from a fixed seed, shrunk when one fails.

use super::Broken;
use super::breach::Breach;
use crate::Subject;
use crate::world::SmallWorld;
use flashcrowd::scenario::language::units::Duration;
use flashcrowd_core::ledger::DecisionRecord;
use flashcrowd_core::{SimDuration, SimTime};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Cases that a law plays.
const CASES: u32 = 24;
/// Steps of shrinking: worlds are small already, and each step is a run.
const SHRINKS: u32 = 100;

/// The smallest case that fails, with the reason in words: a panic is one, too.
pub(super) fn search<S: Strategy>(
    strategy: S,
    check: impl Fn(&S::Value) -> Result<(), Breach>,
) -> Option<(S::Value, String)> {
    let config = Config { cases: CASES, max_shrink_iters: SHRINKS, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    match runner.run(&strategy, |case| check(&case).map_err(|breach| TestCaseError::fail(breach.to_string()))) {
        Ok(()) => None,
        Err(TestError::Fail(reason, case)) => Some((case, reason.message().to_owned())),
        Err(TestError::Abort(reason)) => unreachable!("no case is rejected: {reason}"),
    }
}

/// The same over worlds under the policy alone; the counterexample is a scenario of one.
pub(super) fn search_worlds(
    law: &'static str,
    subject: &Subject,
    worlds: impl Strategy<Value = SmallWorld>,
    check: impl Fn(&SmallWorld) -> Result<(), Breach>,
) -> Result<(), Broken> {
    match search(worlds, check) {
        None => Ok(()),
        Some((world, reason)) => Err(broken(law, reason, subject, &world, &[])),
    }
}

/// The counterexample as a scenario file, with what happened above it.
pub(super) fn broken(
    law: &'static str,
    reason: String,
    subject: &Subject,
    world: &SmallWorld,
    others: &[(&str, &SmallWorld)],
) -> Broken {
    let comment = reason.lines().map(|line| format!("//   {line}")).collect::<Vec<_>>().join("\n");
    let scenario = world.scenario(&subject.autoscaler(world.scrape_failure_percent), others);
    let scenario = format!("// Breaks the law `{law}`:\n{comment}\n{scenario}");
    Broken { law, reason, scenario: Some(scenario), observations: String::new() }
}

/// The decisions that changed something.
pub(super) fn changes(decisions: &[DecisionRecord]) -> impl Iterator<Item = &DecisionRecord> {
    decisions.iter().filter(|decision| decision.before != decision.after)
}

/// An instant as scenarios write it, to the microsecond.
pub(super) fn spoken(at: SimTime) -> String {
    Duration(SimDuration::from_us((at.as_s_f64() * 1e6).round() as u64)).to_string()
}
