//! The engine and the closed forms against analytic results of queueing theory.
//!
//! | module | holds |
//! | --- | --- |
//! | `document` | the reference document and a test's parameters |
//! | `error` | why the values of a test cannot be found |
//! | `judge` | when a found value passes |
//! | `families` | what is known of each family |
//! | `plant` | a queueing system as a world of the engine |
//! | `distributions` | distributions of service times |
//! | `statistic` | what is measured of a played plant |
//! | `replicates` | replicates until intervals are narrow enough |
//! | `regression` | control variates and Student's t |

mod distributions;
mod document;
mod error;
mod families;
mod judge;
pub(super) mod plant;
mod regression;
mod replicates;
mod statistic;

pub(super) use families::play_phases;

use crate::error::ValidateError;
use crate::report::{Counts, Report, Worst};
use document::{Goal, Method, Params, Test};
use error::CaseError;
use families::{Case, Family, Finding, Findings};
use judge::{Verdict, verdict};
use std::path::PathBuf;

pub(super) fn run(files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    let (mut tests, mut unread) = (Vec::new(), Vec::new());
    for path in files {
        let content = document::read(path)?;
        tests.extend(content.tests);
        unread.extend(content.unread);
    }
    let mut report = Report::new("queueing");
    let (mut work, mut judged) = ([0_u64; 2], 0);
    for (id, error) in &unread {
        report.notes.push(format!("skipped {id}: {}", error.message));
        report.count("not understood", &Counts { cases: 1, checks: 1, skipped: 1, ..Counts::default() });
    }
    for (test, number) in tests.iter().zip(1..) {
        progress(&format!("{} ({number} of {})", test.id, tests.len()));
        let findings = match find(test, &test.goals()?) {
            Ok(findings) => findings,
            Err(error) if error.is_of_form() => {
                leave_out(&mut report, test, &error)?;
                unread.push((String::new(), test.error(error)));
                continue;
            }
            Err(error) => return Err(test.error(error)),
        };
        judged += 1;
        work[0] += findings.replicates;
        work[1] += findings.requests;
        judge_test(&mut report, test, &findings)?;
    }
    // If no test is understood, this is probably not a file of reference tests.
    if judged == 0
        && let Some((_, error)) = unread.into_iter().next()
    {
        return Err(error);
    }
    for (name, count) in ["replicates", "simulated_requests"].into_iter().zip(work) {
        report.metrics.insert(name.to_owned(), count as f64);
    }
    Ok(report)
}

/// Finds a test's values as its method says; none for what is not modelled.
fn find(test: &Test, goals: &[Goal]) -> Result<Findings, CaseError> {
    let params = Params(&test.params);
    let Some(family) = families::find(&test.family) else { return Ok(Findings::default()) };
    match (test.method(), family.simulate) {
        (Some(Method::Formula), _) => compute(family, params, goals),
        (Some(Method::Simulate), Some(simulate)) => simulate(&Case { id: &test.id, params, goals }),
        (Some(Method::Simulate), None) | (None, _) => Ok(Findings::default()),
    }
}

/// A test of a known family in a form that is not known here: named, and not judged.
fn leave_out(report: &mut Report, test: &Test, why: &CaseError) -> Result<(), ValidateError> {
    let goals = test.goals()?.len().max(1) as u64;
    report.notes.push(format!("skipped {} [{}, {}]: {why}", test.id, test.family, test.method_name()));
    report.count(&test.family, &Counts { cases: 1, checks: goals, skipped: goals, ..Counts::default() });
    Ok(())
}

fn compute(family: &Family, params: Params<'_>, goals: &[Goal]) -> Result<Findings, CaseError> {
    let mut findings = Findings::default();
    for goal in goals {
        if let Some(found) = (family.formula)(params, &goal.key)? {
            let (key, variant) = (goal.key.clone(), String::new());
            findings.values.push(Finding { key, variant, found: Some(found), half_width: 0.0 });
        }
    }
    Ok(findings)
}

/// Holds each goal against what was found for it, which may be several values, or none.
fn judge_test(report: &mut Report, test: &Test, findings: &Findings) -> Result<(), ValidateError> {
    let mut counts = Counts { cases: 1, ..Counts::default() };
    let mut left_out = Vec::new();
    for goal in test.goals()? {
        let of_goal: Vec<&Finding> = findings.values.iter().filter(|finding| finding.key == goal.key).collect();
        counts.checks += of_goal.len().max(1) as u64;
        if of_goal.is_empty() {
            counts.skipped += 1;
            left_out.push(goal.key.clone());
        }
        for finding in of_goal {
            if let Some(found) = finding.found {
                judge_value(report, &mut counts, test, &goal, finding, found);
            } else {
                counts.skipped += 1;
                left_out.push(format!("{} ({})", goal.key, finding.variant));
            }
        }
    }
    if !left_out.is_empty() {
        let known = families::find(&test.family).is_some();
        let why = if known { "not measured by this method" } else { "family not modelled" };
        let (family, method, keys) = (&test.family, test.method_name(), left_out.join(", "));
        report.notes.push(format!("skipped {} [{family}, {method}]: {why}: {keys}", test.id));
    }
    report.count(&test.family, &counts);
    Ok(())
}

fn judge_value(report: &mut Report, counts: &mut Counts, test: &Test, goal: &Goal, finding: &Finding, found: f64) {
    let name =
        if finding.variant.is_empty() { goal.key.clone() } else { format!("{} ({})", goal.key, finding.variant) };
    let half_width = finding.half_width;
    let outcome = verdict(goal.expected, goal.tolerance, found, half_width);
    let (error, tolerance) = goal.tolerance.measure(goal.expected, found);
    let said = format!("{} {name}: expected {}, found {found} +- {half_width}", test.id, goal.expected);
    match outcome {
        Verdict::Passed => counts.passed += 1,
        Verdict::Failed => {
            counts.failed += 1;
            report.notes.push(format!("FAILED {said}: error {error:.3e}, tolerance {tolerance:.3e}"));
        }
        Verdict::NotConverged => {
            counts.not_converged += 1;
            report.notes.push(format!("NOT CONVERGED {said}: tolerance {tolerance:.3e}"));
        }
    }
    for (suffix, value) in [("", found), (".half_width", half_width)] {
        if value.is_finite() {
            report.metrics.insert(format!("{}.{name}{suffix}", test.id), value);
        }
    }
    if outcome != Verdict::NotConverged && error.is_finite() {
        let (id, key) = (test.id.clone(), name);
        report.consider(Worst { id, key, expected: goal.expected.into(), found: found.into(), error, tolerance });
    }
}
