//! `JUnit` XML, which every CI reads: one suite, one case a test.

use super::outcome::{Failure, Outcome, Report, Status, first_line};
use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The report as `JUnit` XML. Times are CPU time.
pub fn junit(report: &Report) -> String {
    let time = Duration::from_secs_f64(report.outcomes.iter().map(|outcome| outcome.cpu_s).sum());
    let mut suite = TestSuite::new("flashcrowd");
    suite.set_time(time);
    suite.add_test_cases(report.outcomes.iter().map(case));
    let mut suites = Suites::new("flashcrowd");
    suites.set_time(time);
    suites.add_test_suite(suite);
    // What it is made of can be written as text.
    suites.to_string().unwrap_or_default()
}

fn case(outcome: &Outcome) -> TestCase {
    let folder = outcome.file.parent().map_or_else(String::new, |folder| folder.display().to_string());
    let name = outcome.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut case = TestCase::new(name.strip_suffix(".test.ron").unwrap_or(&name), status(&outcome.status));
    case.set_classname(if folder.is_empty() { "." } else { &folder });
    case.set_time(Duration::from_secs_f64(outcome.cpu_s));
    case.extra.insert("file".into(), outcome.file.display().to_string().into());
    case
}

fn status(status: &Status) -> TestCaseStatus {
    let (kind, message, text) = match status {
        Status::Passed => return TestCaseStatus::success(),
        Status::Failed(failures) => (NonSuccessKind::Failure, failures[0].summary.clone(), words(failures)),
        Status::Broken(error) => (NonSuccessKind::Error, first_line(error), error.to_string()),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(text);
    status
}

fn words(failures: &[Failure]) -> String {
    let lines = failures.iter().flat_map(|failure| {
        std::iter::once(failure.summary.clone()).chain(failure.details.iter().map(|line| format!("  {line}")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_language::Diagnostic;
    use std::path::PathBuf;

    fn xml(status: Status) -> String {
        let mut outcome = Outcome::broken(&PathBuf::from("x.test.ron"), Diagnostic::about("x", "y"));
        outcome.status = status;
        junit(&Report { outcomes: vec![outcome] })
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_left_out() {
        let text = xml(Status::Broken(Box::new(Diagnostic::about("x", "a <= \"b\" & \u{1b}[1m"))));
        assert!(text.contains("a &lt;= ") && text.contains(" &amp; ") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_name_is_its_own_even_without_a_folder() {
        let text = xml(Status::Passed);
        assert!(text.contains("<testcase name=\"x\" classname=\".\""), "{text}");
        assert!(text.contains("file=\"x.test.ron\""), "{text}");
    }
}
