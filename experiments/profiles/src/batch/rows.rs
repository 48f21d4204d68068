//! Rows of Triton benchmark tables in CSV, and the curves that they make.

use std::collections::BTreeMap;
use std::fmt;

/// What a row measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// One request at a time, of growing client batch.
    Offline,
    /// This many clients at once; the server batches.
    Online,
}

/// One row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: u64,
    /// Offline or online.
    pub scenario: Scenario,
    /// What was measured, the same for all rows of a curve.
    pub key: Key,
    /// The source's repository and commit.
    pub source: String,
    /// Model instances on the GPU.
    pub instances: u32,
    /// Largest batch of the model, in items.
    pub max_batch: u32,
    /// Items of one request.
    pub client_batch: u32,
    /// Requests in flight.
    pub concurrency: u32,
    /// Items served per second.
    pub items_per_s: f64,
    /// Mean time in the server's queue, in ms, where the table has it.
    pub queue_ms: Option<f64>,
    /// Mean time on an instance (compute input, infer and output), in ms, where the table has it.
    pub compute_ms: Option<f64>,
    /// Mean latency that the client sees, in ms.
    pub latency_ms: f64,
}

/// What a curve measures. Online and offline tables of the same thing have the same key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// File in the source repository.
    pub file: String,
    /// Model.
    pub model: String,
    /// Heading of the table without `Offline:` or `Online:`.
    pub section: String,
    /// GPU, as the source says it.
    pub gpu: String,
    /// Triton backend.
    pub backend: String,
    /// Backend accelerator; empty for none.
    pub accelerator: String,
    /// Precision.
    pub precision: String,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

/// Columns that must be there.
const COLUMNS: [&str; 19] = [
    "source",
    "file",
    "section",
    "scenario",
    "model",
    "gpu",
    "backend",
    "accel",
    "precision",
    "instances",
    "max_batch",
    "client_batch",
    "concurrency",
    "inf_s",
    "queue_ms",
    "cin_ms",
    "infer_ms",
    "cout_ms",
    "avg_ms",
];
/// No server holds more of anything that is counted here.
const MOST: f64 = 1e6;

/// Reads a table.
///
/// # Errors
/// The first line that is not one of a table of this form.
pub fn parse(text: &str) -> Result<Vec<Row>, RowError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let mut places = BTreeMap::new();
    for column in COLUMNS {
        let place = header.iter().position(|name| name == column);
        let missing = || RowError { line: 1, message: format!("the table has no column `{column}`") };
        places.insert(column, place.ok_or_else(missing)?);
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(1, csv::Position::line);
        let field = |column: &str| places.get(column).and_then(|&place| record.get(place)).unwrap_or_default();
        rows.push(Fields { line, field: &field }.row()?);
    }
    if rows.is_empty() {
        return Err(RowError { line: 1, message: "the table has no rows".to_owned() });
    }
    Ok(rows)
}

fn broken(error: &csv::Error) -> RowError {
    RowError { line: error.position().map_or(1, csv::Position::line), message: error.to_string() }
}

/// One record, by column.
struct Fields<'a> {
    line: u64,
    field: &'a dyn Fn(&str) -> &'a str,
}

impl Fields<'_> {
    fn row(&self) -> Result<Row, RowError> {
        let scenario = match (self.field)("scenario") {
            "offline" => Scenario::Offline,
            "online" => Scenario::Online,
            other => return Err(self.error(format!("scenario `{other}`; expected `offline` or `online`"))),
        };
        let compute = ["cin_ms", "infer_ms", "cout_ms"].map(|column| self.measured(column));
        let [cin, infer, cout] = compute;
        Ok(Row {
            line: self.line,
            scenario,
            key: self.key(),
            source: (self.field)("source").to_owned(),
            instances: self.count("instances", 1)?,
            max_batch: self.count("max_batch", 1)?,
            client_batch: self.count("client_batch", 1)?,
            concurrency: self.count("concurrency", 1)?,
            items_per_s: self.positive("inf_s")?,
            queue_ms: self.measured("queue_ms")?,
            compute_ms: infer?.map(|infer| Ok(infer + cin?.unwrap_or(0.0) + cout?.unwrap_or(0.0))).transpose()?,
            latency_ms: self.positive("avg_ms")?,
        })
    }

    fn key(&self) -> Key {
        let text = |column: &str| (self.field)(column).to_owned();
        let section = (self.field)("section");
        let accelerator = text("accel");
        Key {
            file: text("file"),
            model: text("model"),
            section: section.split_once(':').map_or(section, |(_, rest)| rest).trim().to_owned(),
            gpu: text("gpu"),
            backend: text("backend"),
            accelerator: if accelerator == "-" { String::new() } else { accelerator },
            precision: text("precision"),
        }
    }

    /// A whole number from 1, which tables write as `16` or `16.0`; `default` where there is none.
    fn count(&self, column: &str, default: u32) -> Result<u32, RowError> {
        match self.measured(column)? {
            None => Ok(default),
            Some(value) if value.fract() == 0.0 && (1.0..=MOST).contains(&value) => Ok(value as u32),
            Some(value) => Err(self.error(format!("`{column}` is {value}; expected a whole number from 1 to {MOST}"))),
        }
    }

    fn positive(&self, column: &str) -> Result<f64, RowError> {
        match self.measured(column)? {
            Some(value) if value > 0.0 => Ok(value),
            _ => Err(self.error(format!("`{column}` is `{}`; expected a number above 0", (self.field)(column)))),
        }
    }

    /// A number from 0, in ms or per second: a day of milliseconds is more than any of them.
    fn measured(&self, column: &str) -> Result<Option<f64>, RowError> {
        const LARGEST: f64 = 86_400_000.0;
        let text = (self.field)(column);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(value) if (0.0..=LARGEST).contains(&value) => Ok(Some(value)),
            _ => Err(self.error(format!("`{column}` is `{text}`; expected a number from 0 to {LARGEST}"))),
        }
    }

    fn error(&self, message: String) -> RowError {
        RowError { line: self.line, message }
    }
}

/// A curve: the rows of one thing, offline ones by client batch and online ones by concurrency,
/// each size once (the first row of it).
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// What was measured.
    pub key: &'a Key,
    /// Offline rows.
    pub offline: Vec<&'a Row>,
    /// Online rows.
    pub online: Vec<&'a Row>,
}

/// The curves of a table, by key.
pub fn curves(rows: &[Row]) -> Vec<Curve<'_>> {
    let mut by_key: BTreeMap<&Key, Curve<'_>> = BTreeMap::new();
    for row in rows {
        let empty = || Curve { key: &row.key, offline: Vec::new(), online: Vec::new() };
        let curve = by_key.entry(&row.key).or_insert_with(empty);
        match row.scenario {
            Scenario::Offline => curve.offline.push(row),
            Scenario::Online => curve.online.push(row),
        }
    }
    for curve in by_key.values_mut() {
        curve.offline.sort_by_key(|row| row.client_batch);
        curve.offline.dedup_by_key(|row| row.client_batch);
        curve.online.sort_by_key(|row| row.concurrency);
        curve.online.dedup_by_key(|row| row.concurrency);
    }
    by_key.into_values().collect()
}
