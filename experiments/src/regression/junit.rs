//! `JUnit` XML, which every CI reads: one suite, one case a test.

use super::outcome::{Failure, Outcome, Report, Status, first_line};
use std::fmt::Write as _;

/// The report as `JUnit` XML. Times are CPU time.
pub fn junit(report: &Report) -> String {
    let [_, failed, broken] = report.counts();
    let totals = format!(
        "tests=\"{}\" failures=\"{failed}\" errors=\"{broken}\" time=\"{:.3}\"",
        report.outcomes.len(),
        report.outcomes.iter().map(|outcome| outcome.cpu_s).sum::<f64>()
    );
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"flashcrowd\" {totals}>");
    let _ = writeln!(xml, "  <testsuite name=\"flashcrowd\" {totals}>");
    for outcome in &report.outcomes {
        case(&mut xml, outcome);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, outcome: &Outcome) {
    let folder = outcome.file.parent().map_or_else(String::new, |folder| folder.display().to_string());
    let name = outcome.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = name.strip_suffix(".test.ron").unwrap_or(&name);
    let class = if folder.is_empty() { "." } else { &folder };
    let file = outcome.file.display().to_string();
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" time=\"{:.3}\"",
        escaped(class),
        escaped(name),
        escaped(&file),
        outcome.cpu_s
    );
    match &outcome.status {
        Status::Passed => xml.push_str("/>\n"),
        Status::Failed(failures) => element(xml, "failure", &failures[0].summary, &words(failures)),
        Status::Broken(error) => element(xml, "error", &first_line(error), &error.to_string()),
    }
}

fn element(xml: &mut String, name: &str, message: &str, text: &str) {
    let (message, text) = (escaped(message), escaped(text));
    let _ = writeln!(xml, ">\n      <{name} message=\"{message}\">{text}</{name}>\n    </testcase>");
}

fn words(failures: &[Failure]) -> String {
    let lines = failures.iter().flat_map(|failure| {
        std::iter::once(failure.summary.clone()).chain(failure.details.iter().map(|line| format!("  {line}")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text for an element or an attribute. Characters that XML 1.0 cannot hold are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(escaped("a <= \"b\" & 'c'\u{1b}[1m\n"), "a &lt;= &quot;b&quot; &amp; &apos;c&apos;\u{fffd}[1m\n");
    }

    #[test]
    fn a_name_is_its_own_even_without_a_folder() {
        let mut outcome =
            Outcome::broken(&PathBuf::from("x.test.ron"), flashcrowd_language::Diagnostic::about("x", "y"));
        outcome.status = Status::Passed;
        let xml = junit(&Report { outcomes: vec![outcome] });
        assert!(xml.contains("<testcase classname=\".\" name=\"x\" file=\"x.test.ron\" time=\"0.000\"/>"), "{xml}");
    }
}
