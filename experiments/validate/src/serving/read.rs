//! Reference files of all forms, told apart by their columns.

use super::peers::Prediction;
use super::point::Point;
use super::table::{Row, Table, Unread};
use super::{argonne, closed_loop, dstack, peers, requests, silicon, splitwise, stages, sweeps, triton};
use crate::error::ValidateError;
use crate::input::Lines;
use crate::serving_batch;
use flashcrowd_language::nearest;
use std::path::Path;

/// What a file holds.
#[derive(Default)]
pub(super) struct Content {
    /// Points to replay.
    pub(super) points: Vec<Point>,
    /// What others predicted for them.
    pub(super) predictions: Vec<Prediction>,
    /// Curves of batching servers, already played.
    pub(super) curves: Vec<serving_batch::CurveError>,
    /// Rows that give no point: line and reason.
    pub(super) left_out: Vec<(u64, String)>,
}

/// Makes a point of a row.
type Reader = fn(&Row<'_>) -> Result<Point, Unread>;

/// A form of tables whose rows are points.
struct Form {
    what: &'static str,
    columns: &'static [&'static str],
    reader: Reader,
}

const FORMS: [Form; 9] = [
    Form { what: "load sweeps of guidellm", columns: &sweeps::COLUMNS, reader: sweeps::point },
    Form {
        what: "closed-loop points of AIConfigurator",
        columns: &closed_loop::AICONFIGURATOR,
        reader: closed_loop::aiconfigurator,
    },
    Form {
        what: "closed-loop points of InferenceX",
        columns: &closed_loop::INFERENCEX,
        reader: closed_loop::inferencex,
    },
    Form { what: "stages of inference-perf", columns: &stages::COLUMNS, reader: stages::point },
    Form { what: "runs of dstack under load", columns: &dstack::LOAD, reader: dstack::load },
    Form { what: "static batches of dstack", columns: &dstack::OFFLINE, reader: dstack::offline },
    Form { what: "static batches of Argonne", columns: &argonne::COLUMNS, reader: argonne::point },
    Form { what: "the Splitwise profile", columns: &splitwise::COLUMNS, reader: splitwise::point },
    Form { what: "predictions of peers", columns: &peers::COLUMNS, reader: peers::point },
];

/// Tables of the reference data that hold nothing to replay: a column of each, and why.
const NOT_REPLAYED: [(&[&str], &str); 3] = [
    (
        &["prefill", "decode", "mean_ttft_ms"],
        "prefill and decode on engines of their own (disaggregated) are not simulated here",
    ),
    (
        &["prompt_throughput", "gen_throughput", "kv_cache_pct"],
        "these are gauges of an engine over time without its requests; give the recording of the requests \
         (perreq_*.jsonl.gz) instead",
    ),
    (&["loader", "loading_time_s"], "these are times to load weights, which belong to cold starts, not to serving"),
];

/// Reads a file; curves of batching servers are played on the way.
///
/// # Errors
/// A file of no known form, or a broken row.
pub(super) fn read(path: &Path) -> Result<Content, ValidateError> {
    let file = path.display().to_string();
    let text = Lines::open(path)?.document()?;
    if text.trim_start().starts_with(['{', '[']) {
        return recording(path, &file, &text);
    }
    let table = Table::parse(file, text)?;
    if let Some((_, why)) = NOT_REPLAYED.iter().find(|(columns, _)| table.lacks(columns).is_none()) {
        let message = format!("cannot be replayed: {why}. What is read: {}", what_is_read());
        return Err(ValidateError::new(table.file(), None, message));
    }
    if table.lacks(&triton::COLUMNS).is_none() {
        return triton::read(&table);
    }
    // A table may have the columns of several forms: the most specific form wins.
    let fitting = FORMS.iter().filter(|form| table.lacks(form.columns).is_none());
    match fitting.max_by_key(|form| form.columns.len()) {
        Some(form) => rows(&table, form),
        None => Err(unknown(&table)),
    }
}

fn recording(path: &Path, file: &str, text: &str) -> Result<Content, ValidateError> {
    if text.contains("\"engine_kwargs\"") {
        let message = "is the description of a recording, which is read with it: give the .jsonl.gz file beside it";
        return Err(ValidateError::new(file, None, message));
    }
    Ok(Content { points: vec![requests::point(path, text)?], ..Content::default() })
}

fn rows(table: &Table, form: &Form) -> Result<Content, ValidateError> {
    let mut content = Content::default();
    for row in table.rows() {
        match (form.reader)(&row) {
            Ok(point) => content.points.push(point),
            Err(Unread::LeftOut(why)) => content.left_out.push((row.line(), why)),
            Err(Unread::Wrong(error)) => return Err(error),
        }
    }
    if form.columns == closed_loop::AICONFIGURATOR {
        silicon::leave_out_repeats(&mut content.points, &mut content.left_out);
    }
    if form.columns == stages::COLUMNS {
        stages::rate(table, &mut content.points)?;
    }
    if form.columns == peers::COLUMNS {
        content.predictions = peers::predictions(table)?;
    }
    Ok(content)
}

/// The form that the table is nearest to, and what it lacks.
fn unknown(table: &Table) -> ValidateError {
    let fail = |message: String| ValidateError::new(table.file(), Some(1), message);
    let had = |columns: &[&str]| columns.iter().filter(|column| table.has(column)).count();
    let forms = FORMS.iter().map(|form| (form.what, form.columns)).chain([("Triton tables", &triton::COLUMNS[..])]);
    let near = forms.filter(|(_, columns)| 2 * had(columns) > columns.len()).max_by_key(|(_, columns)| had(columns));
    let Some((what, columns)) = near else {
        return fail(format!("unknown columns; what is read: {}", what_is_read()));
    };
    let missing = table.lacks(columns).unwrap_or_default();
    let found = nearest(missing, table.header().iter().map(String::as_str));
    let hint = found.map_or(String::new(), |found| format!("; is `{found}` meant for it?"));
    fail(format!("there is no column `{missing}`, which {what} have{hint}"))
}

fn what_is_read() -> String {
    let forms: Vec<String> = FORMS.iter().map(|form| format!("{} ({})", form.what, form.columns.join(", "))).collect();
    format!(
        "{}, Triton tables ({}), and recorded requests (JSON lines with in_tok, out_tok, ttft_ms, e2e_ms)",
        forms.join("; "),
        triton::COLUMNS.join(", ")
    )
}
