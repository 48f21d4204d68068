//! What a validation came to, as JSON and as a short table.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Counts of one part, or of all. `checks` is the sum of the four below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Scenarios, rows or tests.
    pub cases: u64,
    /// Values that the reference data gives for them.
    pub checks: u64,
    /// Values within their tolerance.
    pub passed: u64,
    /// Values outside.
    pub failed: u64,
    /// Values of families that are not modelled.
    pub skipped: u64,
    /// Simulated values whose confidence interval was still too wide at the cap.
    pub not_converged: u64,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.cases += other.cases;
        self.checks += other.checks;
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.not_converged += other.not_converged;
    }
}

/// The check that used most of its tolerance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Scenario, row or test.
    pub id: String,
    /// Which of its values.
    pub key: String,
    /// What the reference data says.
    pub expected: Value,
    /// What came out here.
    pub found: Value,
    /// How far they are apart, in the measure of the tolerance.
    pub error: f64,
    /// How far they may be; relative where the reference data says so.
    pub tolerance: f64,
}

impl Worst {
    /// Share of the tolerance that was used.
    fn severity(&self) -> f64 {
        if self.error <= 0.0 {
            0.0
        } else if self.tolerance > 0.0 {
            self.error / self.tolerance
        } else {
            f64::INFINITY
        }
    }
}

/// A finished validation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The suite's name.
    pub suite: String,
    /// Totals.
    #[serde(flatten)]
    pub total: Counts,
    /// By file or family.
    pub parts: BTreeMap<String, Counts>,
    /// The check that used most of its tolerance, if any value was compared.
    pub worst: Option<Worst>,
    /// Further numbers.
    pub metrics: BTreeMap<String, f64>,
    /// Every value that was compared, where the suite lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Value>,
    /// Groups of points and their errors, where the suite forms them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Value>,
    /// Tables of the text form, instead of the counts by part.
    #[serde(skip)]
    pub lines: Vec<String>,
    /// The first failures and what was left out, for the text form.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// Exit code of a validation with failures.
const EXIT_FAILED: u8 = 3;

impl Report {
    pub(crate) fn new(suite: &str) -> Self {
        Report { suite: suite.to_owned(), ..Report::default() }
    }

    /// Adds counts to a part and to the totals.
    pub(crate) fn count(&mut self, part: &str, counts: &Counts) {
        self.parts.entry(part.to_owned()).or_default().add(counts);
        self.total.add(counts);
    }

    /// Keeps the worst check; the first of equals.
    pub(crate) fn consider(&mut self, check: Worst) {
        if self.worst.as_ref().is_none_or(|worst| check.severity() > worst.severity()) {
            self.worst = Some(check);
        }
    }

    /// Whether everything that was judged passed, and everything converged.
    pub fn is_ok(&self) -> bool {
        self.total.failed == 0 && self.total.not_converged == 0
    }

    /// 0, or 3 if anything failed or did not converge.
    pub fn exit_code(&self) -> u8 {
        if self.is_ok() { 0 } else { EXIT_FAILED }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        if !self.lines.is_empty() {
            writeln!(f)?;
        }
        let names = self.parts.keys().map(|name| name.chars().count());
        let names = names.filter(|_| self.lines.is_empty()).max().unwrap_or(0);
        let width = names.max(self.suite.len()).max("total".len());
        writeln!(
            f,
            "{:width$} {:>7} {:>9} {:>9} {:>7} {:>8} {:>14}",
            self.suite, "cases", "checks", "passed", "failed", "skipped", "not converged"
        )?;
        let parts = self.parts.iter().map(|(name, counts)| (name.as_str(), counts)).filter(|_| self.lines.is_empty());
        for (name, counts) in parts.chain([("total", &self.total)]) {
            let Counts { cases, checks, passed, failed, skipped, not_converged } = counts;
            writeln!(
                f,
                "{name:width$} {cases:>7} {checks:>9} {passed:>9} {failed:>7} {skipped:>8} {not_converged:>14}"
            )?;
        }
        if let Some(worst) = &self.worst {
            let Worst { id, key, expected, found, error, tolerance } = worst;
            writeln!(
                f,
                "worst: {id} {key}: expected {expected}, found {found} (error {error:.3e} of {tolerance:.3e})"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Report {
        let mut report = Report::new("queueing");
        let counts = Counts { cases: 1, checks: 3, passed: 1, failed: 1, skipped: 1, not_converged: 0 };
        report.count("erlang_b", &counts);
        report.count("retry", &Counts { failed: 0, skipped: 0, checks: 1, ..counts });
        report.metrics.insert("requests".to_owned(), 5.0);
        report
    }

    #[test]
    fn the_json_form_is_flat_and_complete() {
        let json = serde_json::to_value(failed()).unwrap();
        let names: Vec<&String> = json.as_object().unwrap().keys().collect();
        let expected =
            ["suite", "cases", "checks", "passed", "failed", "skipped", "not_converged", "parts", "worst", "metrics"];
        assert_eq!(names, expected);
        assert_eq!(
            (json["cases"].as_u64(), json["passed"].as_u64(), json["failed"].as_u64()),
            (Some(2), Some(2), Some(1))
        );
        assert_eq!(json["parts"]["erlang_b"]["skipped"], 1);
        assert_eq!(json["parts"]["erlang_b"].as_object().unwrap().len(), 6);
        assert!(json["worst"].is_null());
    }

    #[test]
    fn only_failures_and_wide_intervals_change_the_exit_code() {
        let with = |failed, skipped, not_converged| {
            let mut report = Report::new("hpa");
            report.count("x", &Counts { failed, skipped, not_converged, ..Counts::default() });
            report.exit_code()
        };
        assert_eq!((with(0, 7, 0), with(1, 0, 0), with(0, 0, 1)), (0, 3, 3));
    }

    #[test]
    fn the_worst_check_is_the_one_with_most_of_its_tolerance() {
        let mut report = failed();
        let check = |key: &str, error, tolerance| Worst {
            id: "a".to_owned(),
            key: key.to_owned(),
            expected: 1.into(),
            found: 2.into(),
            error,
            tolerance,
        };
        for check in [check("fine", 0.0, 0.0), check("near", 0.02, 0.03), check("wide", 0.5, 1.0)] {
            report.consider(check);
        }
        assert_eq!(report.worst.as_ref().unwrap().key, "near");
        report.consider(check("exact", 1e-3, 0.0));
        assert_eq!(report.worst.as_ref().unwrap().key, "exact");
        assert!(report.to_string().contains("worst: a exact"), "{report}");
    }
}
