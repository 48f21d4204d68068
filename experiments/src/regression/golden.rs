//! Golden files: the decisions that changed something, as CSV.

use flashcrowd_core::SimTime;
use flashcrowd_core::ledger::DecisionRecord;
use flashcrowd_core::ports::Explanation;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::plain;
use flashcrowd_results::run::Played;
use flashcrowd_results::write_whole;
use flashcrowd_scenario::files::read_small;
use std::io;
use std::path::{Path, PathBuf};

const HEADER: [&str; 7] = ["replicate", "at_s", "controller", "service", "before", "after", "reason"];

/// One decision, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) replicate: u32,
    pub(super) at_s: String,
    pub(super) controller: String,
    pub(super) service: String,
    pub(super) before: u32,
    pub(super) after: u32,
    pub(super) reason: String,
}

impl Row {
    /// The order of the file: replicates one after the other, in each by time.
    pub(super) fn order(&self) -> (u32, u64) {
        let at_s: f64 = self.at_s.parse().unwrap_or(0.0);
        (self.replicate, (at_s * 1e6).round() as u64)
    }
}

/// Seconds to the microsecond, as in the tables of a run.
pub(super) fn s(at: SimTime) -> String {
    format!("{:.6}", at.as_s_f64())
}

/// The decisions of all replicates that changed a register.
pub(super) fn rows(played: &Played) -> Vec<Row> {
    let mut rows = Vec::new();
    for run in &played.runs {
        let services = &played.loaded.variants[run.variant].services;
        for decision in run.record.decisions.iter().filter(|decision| decision.before != decision.after) {
            rows.push(Row {
                replicate: run.replicate(),
                at_s: s(decision.at),
                controller: run.record.controllers[decision.controller as usize].name.to_string(),
                service: services[decision.target.0 as usize].config.name.to_string(),
                before: decision.before,
                after: decision.after,
                reason: reason(decision),
            });
        }
    }
    rows
}

/// The controller's own words; without them, what its metrics asked for.
fn reason(decision: &DecisionRecord) -> String {
    let Some(why) = decision.explanation.as_deref() else { return String::new() };
    let Explanation { metrics, limits, reason, .. } = why;
    if !reason.is_empty() {
        return one_line(reason);
    }
    let proposals = metrics.iter().filter_map(|metric| Some(format!("{} -> {}", metric.name, metric.proposal?)));
    let limits = limits.iter().map(|limit| limit.name.to_owned());
    one_line(&proposals.chain(limits).collect::<Vec<_>>().join("; "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rows of a golden file; none if it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Row>>, Diagnostic> {
    let shown = path.display().to_string();
    let bytes = match read_small(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Diagnostic::about(&shown, format!("cannot read `{shown}`: {}", plain(&error)))),
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
    let mut rows = Vec::new();
    let mut line = 1;
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| malformed(&shown, line, &error.to_string()))?;
        line = record.position().map_or(line, csv::Position::line);
        if number == 0 {
            if record.iter().ne(HEADER) {
                return Err(malformed(&shown, line, &format!("expected the header {}", HEADER.join(","))));
            }
            continue;
        }
        rows.push(row(&record).ok_or_else(|| malformed(&shown, line, "this is no decision"))?);
    }
    if line == 1 && rows.is_empty() && bytes.is_empty() {
        return Err(malformed(&shown, 1, "the file is empty"));
    }
    Ok(Some(rows))
}

fn row(record: &csv::StringRecord) -> Option<Row> {
    let fields: Vec<&str> = record.iter().collect();
    let [replicate, at_s, controller, service, before, after, reason] = fields.as_slice() else { return None };
    at_s.parse::<f64>().ok().filter(|at_s| at_s.is_finite() && *at_s >= 0.0)?;
    Some(Row {
        replicate: replicate.parse().ok()?,
        at_s: (*at_s).to_owned(),
        controller: (*controller).to_owned(),
        service: (*service).to_owned(),
        before: before.parse().ok()?,
        after: after.parse().ok()?,
        reason: (*reason).to_owned(),
    })
}

fn malformed(file: &str, line: u64, message: &str) -> Diagnostic {
    let mut error = Diagnostic::about(file, format!("malformed golden file: {message}"));
    (error.line, error.column) = (line as u32, 1);
    error.with_help("`--bless` writes it anew")
}

/// A golden file to be written.
pub(super) struct Blessing {
    pub(super) path: PathBuf,
    pub(super) rows: Vec<Row>,
}

impl Blessing {
    /// Writes it, unless it is as it was. Says whether anything changed.
    pub(super) fn write(&self) -> Result<bool, Diagnostic> {
        let shown = self.path.display().to_string();
        let failed =
            |error: io::Error| Diagnostic::about(&shown, format!("cannot write the golden file: {}", plain(&error)));
        let bytes = self.bytes().map_err(failed)?;
        if read_small(&self.path).is_ok_and(|before| before == bytes) {
            return Ok(false);
        }
        write_whole(&self.path, &bytes).map_err(failed)?;
        Ok(true)
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(HEADER)?;
        for row in &self.rows {
            let numbers = [row.replicate.to_string(), row.before.to_string(), row.after.to_string()];
            let [replicate, before, after] = &numbers;
            writer.write_record([replicate, &row.at_s, &row.controller, &row.service, before, after, &row.reason])?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }
}
