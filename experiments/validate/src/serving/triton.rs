//! Curves of batching servers (Triton tables) in the report of the serving suite.

use super::read::Content;
use super::table::Table;
use crate::error::ValidateError;
use crate::report::{Counts, Report, Worst};
use crate::serving_batch::{self, CurveError};
use flashcrowd_profiles::batch::Scenario;
use serde_json::json;
use std::fmt::Write;

/// Columns that such a table must have.
pub(super) const COLUMNS: [&str; 8] =
    ["scenario", "model", "backend", "precision", "client_batch", "inf_s", "infer_ms", "avg_ms"];

/// Mean error of the batch curves, percent.
const LIMIT: f64 = 5.0;

/// Plays the curves of a table. Rows without latency or throughput are left out.
pub(super) fn read(table: &Table) -> Result<Content, ValidateError> {
    let mut content = Content::default();
    let mut text: Vec<&str> = table.text().lines().collect();
    for row in table.rows() {
        if let Some(empty) = ["avg_ms", "inf_s"].into_iter().find(|column| row.text(column).is_empty()) {
            content.left_out.push((row.line(), format!("`{empty}` is empty")));
            // Blank lines are skipped, and the others keep their numbers.
            if let Some(line) = usize::try_from(row.line()).ok().and_then(|line| text.get_mut(line - 1)) {
                *line = "";
            }
        }
    }
    if content.left_out.len() < table.rows().count() {
        content.curves = serving_batch::curves(&text.join("\n"), table.file())?;
        if content.curves.is_empty() {
            content.left_out.push((2, "curves of fewer than three client batches predict nothing".to_owned()));
        }
    }
    Ok(content)
}

/// Adds all curves: each by its name, and the check on the mean over the offline ones, which are
/// the batch curves proper. Online ones are reported.
pub(super) fn report(report: &mut Report, curves: &[CurveError]) {
    if curves.is_empty() {
        return;
    }
    for (scenario, title) in [(Scenario::Offline, "offline"), (Scenario::Online, "online")] {
        let members: Vec<&CurveError> = curves.iter().filter(|curve| curve.scenario == scenario).collect();
        if members.is_empty() {
            continue;
        }
        kind(report, title, scenario, &members);
    }
}

fn kind(report: &mut Report, title: &str, scenario: Scenario, members: &[&CurveError]) {
    report.lines.push(String::new());
    report.lines.push(format!(
        "{:<48} {:>7} {:>10} {:>12}   mean error in percent; profiles from the other half of the rows",
        format!("Triton, {title} curves"),
        "points",
        "latency",
        "throughput"
    ));
    for curve in members {
        let name = format!("triton/{title}/{}", curve.curve);
        let latencies = curve.points.iter().filter(|point| point.metric == "latency_ms").count();
        let mut line =
            format!("{:<48} {latencies:>7} {:>10.1} {:>12.1}", curve.curve, curve.mape, curve.throughput_mape);
        if curve.mape > LIMIT && scenario == Scenario::Offline {
            let _ = write!(line, "   over {LIMIT} %");
        }
        report.lines.push(line);
        report.metrics.insert(format!("{name}/latency/mape"), curve.mape);
        report.metrics.insert(format!("{name}/throughput/mape"), curve.throughput_mape);
        for point in &curve.points {
            report.points.push(json!({
                "id": format!("{}:{}", curve.curve, point.id), "source": "triton", "profile": "fitted",
                "model": curve.curve, "band": title, "metric": point.metric,
                "measured": point.measured, "simulated": point.simulated, "split": "held_out",
            }));
        }
    }
    summary(report, title, scenario, members);
}

/// Means over the curves, and the check.
fn summary(report: &mut Report, title: &str, scenario: Scenario, members: &[&CurveError]) {
    let name = format!("triton/{title}");
    for (what, errors) in [
        ("latency", members.iter().map(|curve| curve.mape).collect::<Vec<f64>>()),
        ("throughput", members.iter().map(|curve| curve.throughput_mape).collect()),
    ] {
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let within = errors.iter().filter(|error| **error <= LIMIT).count();
        report.metrics.insert(format!("{name}/{what}/mape"), mean);
        report.metrics.insert(format!("{name}/{what}/curves_within_5_percent"), within as f64);
        let mut counts = Counts { cases: errors.len() as u64, ..Counts::default() };
        let judged = scenario == Scenario::Offline && what == "latency";
        let mut verdict = "no limit".to_owned();
        if judged {
            let passed = u64::from(mean <= LIMIT);
            (counts.checks, counts.passed, counts.failed) = (1, passed, 1 - passed);
            verdict = format!("limit {LIMIT} %: {}", if passed == 1 { "passed" } else { "FAILED" });
            report.consider(Worst {
                id: name.clone(),
                key: "latency/mape".to_owned(),
                expected: 0.into(),
                found: mean.into(),
                error: mean,
                tolerance: LIMIT,
            });
        }
        report.count(&format!("{name}/{what}"), &counts);
        let count = errors.len();
        report.lines.push(format!(
            "{what}: mean over the curves {mean:.2} % ({verdict}); {within} of {count} within {LIMIT} %"
        ));
    }
}
