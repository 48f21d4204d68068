//! A recorded trace with columns of its own, read whole: rows in the order of time, held in memory.
//!
//! Logs of gateways are often sorted by completion, so rows are sorted here, those of one instant in the order
//! of the file. A row takes 16 bytes once it is read, and 32 while it is sorted.

use super::super::format::{Complaint, Record};
use super::super::options::OnBadRow;
use super::super::refuse::refuse;
use super::super::rows::Row;
use super::decimal::Decimal;
use super::instants::{Clock, TimeForm};
use super::records::{Cell, Records};
use super::words::{clipped, listed, nearest};
use flashcrowd_core::clock::SimDuration;
use flashcrowd_core::ports::SourceError;
use std::collections::BTreeSet;
use std::fmt;

/// Most rows that are held.
pub const MAX_HELD_ROWS: usize = 10_000_000;

/// So many of a column's values are remembered to be shown.
const SHOWN_VALUES: usize = 8;

/// Which fields of a file say what, and which rows are meant.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The field with the time of arrival.
    pub time: String,
    /// The field with the prompt's length in tokens; without one, prompts have none.
    pub prompt: Option<String>,
    /// The field with the output's length in tokens; without one, outputs have none.
    pub output: Option<String>,
    /// Fields and the value that each must have, exactly, in rows that are kept.
    pub only: Vec<(String, String)>,
    /// How times are written; the first row shows it by default.
    pub form: Option<TimeForm>,
    /// What happens with a row that cannot be used.
    pub on_bad_row: OnBadRow,
}

/// The rows of a trace, in the order of time.
#[derive(Clone)]
pub struct Table {
    pub(in super::super) rows: Vec<Row>,
    /// Picoseconds since 1970 of the first row, if the times say that.
    pub(in super::super) starts_at_ps: Option<i128>,
    pub(in super::super) dropped: u64,
    pub(in super::super) left_out: u64,
    file: String,
    form: TimeForm,
    late: u64,
    hash: u64,
}

impl fmt::Debug for Table {
    /// Two tables have one text if they hold the same rows of the same file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({}, {} rows, {:016x})", self.file, self.rows.len(), self.hash)
    }
}

impl Table {
    /// Reads a file of records.
    ///
    /// # Errors
    /// A file that cannot be read or has none of the fields, a row that is refused, a filter that keeps none, more
    /// than [`MAX_HELD_ROWS`], and a trace of more than 213 days.
    pub fn read(records: &mut dyn Records, plan: &Plan) -> Result<Table, SourceError> {
        let mut reading = Reading::new(records, plan)?;
        while let Some(record) = records.advance()? {
            let taken = match record {
                Ok(()) => reading.take(records),
                Err(complaint) => Err(complaint),
            };
            match taken {
                Ok(()) => {}
                Err(_) if plan.on_bad_row == OnBadRow::Drop => reading.dropped += 1,
                Err((message, hint)) => {
                    let drop = || "on_bad_row: Drop leaves such rows out and counts them".to_owned();
                    return Err(refuse(records.place(), message, hint.or_else(|| Some(drop()))));
                }
            }
            if reading.found.len() > MAX_HELD_ROWS {
                let message = format!("the trace has more than {MAX_HELD_ROWS} rows, which are held to be sorted");
                let hint = "keep a part of them with `where`, or split the file".to_owned();
                return Err(refuse(records.place(), message, Some(hint)));
            }
        }
        reading.finish(records, plan)
    }

    /// The file that was read.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// How its times are written.
    pub fn form(&self) -> TimeForm {
        self.form
    }

    /// Rows that came earlier than a row before them in the file, and were put into their place.
    pub fn late_rows(&self) -> u64 {
        self.late
    }
}

/// A field whose value says whether a row is kept.
struct Filter<'p> {
    name: &'p str,
    wanted: &'p str,
    /// Some of the values that it has.
    values: BTreeSet<String>,
    kept: u64,
}

/// What is known while a file is read.
struct Reading<'p> {
    plan: &'p Plan,
    clock: Clock,
    filters: Vec<Filter<'p>>,
    found: Vec<Record>,
    dropped: u64,
    left_out: u64,
    late: u64,
    latest_ps: i128,
}

impl<'p> Reading<'p> {
    /// Fields are chosen in this order: the time, those of filters, prompt and output if they are there.
    fn new(records: &mut dyn Records, plan: &'p Plan) -> Result<Reading<'p>, SourceError> {
        let only = plan.only.iter().map(|(name, _)| name.as_str());
        let tokens = [plan.prompt.as_deref(), plan.output.as_deref()];
        let names: Vec<&str> =
            std::iter::once(plan.time.as_str()).chain(only).chain(tokens.into_iter().flatten()).collect();
        records.choose(&names)?;
        let filter = |(name, wanted): &'p (String, String)| Filter { name, wanted, values: BTreeSet::new(), kept: 0 };
        Ok(Reading {
            plan,
            clock: Clock::new(plan.form),
            filters: plan.only.iter().map(filter).collect(),
            found: Vec::new(),
            dropped: 0,
            left_out: 0,
            late: 0,
            latest_ps: i128::MIN,
        })
    }

    /// Takes the record that stands in `records`.
    fn take(&mut self, records: &dyn Records) -> Result<(), Complaint> {
        if !self.is_kept(records) {
            self.left_out += 1;
            return Ok(());
        }
        let at_ps = self.clock.read(records.cell(0))?;
        let mut place = 1 + self.filters.len();
        let mut tokens = |name: Option<&String>| {
            let Some(name) = name else { return Ok(0) };
            let cell = records.cell(place);
            place += 1;
            whole_tokens(name, cell)
        };
        let prompt_tokens = tokens(self.plan.prompt.as_ref())?;
        let output_tokens = tokens(self.plan.output.as_ref())?;
        self.late += u64::from(at_ps < self.latest_ps);
        self.latest_ps = self.latest_ps.max(at_ps);
        self.found.push(Record { at_ps, prompt_tokens, output_tokens });
        Ok(())
    }

    /// Whether all filters hold. Each counts for itself, so that a message can name the one that keeps nothing.
    fn is_kept(&mut self, records: &dyn Records) -> bool {
        let mut is_kept = true;
        for (filter, at) in self.filters.iter_mut().zip(1..) {
            let cell = records.cell(at);
            let is_wanted = matches!(cell, Cell::Text(value) if value == filter.wanted)
                || (cell == Cell::Empty && filter.wanted.is_empty());
            filter.kept += u64::from(is_wanted);
            is_kept &= is_wanted;
            if let Cell::Text(value) = cell
                && filter.values.len() < SHOWN_VALUES
                && !filter.values.contains(value)
            {
                filter.values.insert(value.to_owned());
            }
        }
        is_kept
    }

    fn finish(mut self, records: &dyn Records, plan: &Plan) -> Result<Table, SourceError> {
        let file = records.file();
        if self.found.is_empty() {
            let (message, hint) = self.nothing();
            return Err(refuse(file, message, hint));
        }
        // In order already, most often; equal instants stay as they were.
        if self.late > 0 {
            self.found.sort_by_key(|record| record.at_ps);
        }
        let first_ps = self.found[0].at_ps;
        let row = |record: &Record| {
            let at = SimDuration::from_ps(u64::try_from(record.at_ps - first_ps).ok()?);
            Some(Row { at, prompt_tokens: record.prompt_tokens, output_tokens: record.output_tokens })
        };
        let Some(rows) = self.found.iter().map(row).collect::<Option<Vec<Row>>>() else {
            let hint = format!("is `{}` the time of arrival in every row? `where` keeps a part of them", plan.time);
            return Err(refuse(file, "the trace is longer than 213 days", Some(hint)));
        };
        let form = self.clock.form().unwrap_or(TimeForm::Iso);
        Ok(Table {
            hash: hash(first_ps, &rows),
            rows,
            starts_at_ps: form.is_absolute().then_some(first_ps),
            dropped: self.dropped,
            left_out: self.left_out,
            file: file.to_owned(),
            form,
            late: self.late,
        })
    }

    /// Why there is no row, with what the columns of filters hold.
    fn nothing(&self) -> Complaint {
        if self.left_out == 0 {
            return (format!("the trace has no row to play; {} were dropped", self.dropped), None);
        }
        let Some(filter) = self.filters.iter().find(|filter| filter.kept == 0) else {
            let all = self.filters.iter().map(|filter| format!("`{}` = `{}`", filter.name, filter.wanted));
            let all = all.collect::<Vec<_>>().join(" and ");
            return (format!("no row has {all}; {} were dropped", self.dropped), None);
        };
        let values: Vec<&str> = filter.values.iter().map(String::as_str).collect();
        let near = nearest(filter.wanted, values.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let dropped = if self.dropped > 0 { format!("; {} were dropped", self.dropped) } else { String::new() };
        let message = format!("no row has `{}` in `{}`{dropped}", clipped(filter.wanted), filter.name);
        let hint = format!("it has {}{}", listed(values.iter().copied()), near.unwrap_or_default());
        (message, (!values.is_empty()).then_some(hint))
    }
}

/// A cell that says how many tokens.
fn whole_tokens(name: &str, cell: Cell<'_>) -> Result<u32, Complaint> {
    let wrong = |shown: &str| {
        let message = format!("`{name}` is `{}`: expected a whole number from 1 to {}", clipped(shown), u32::MAX);
        Err((message, None))
    };
    let text = match cell {
        Cell::Empty => return Err((format!("`{name}` is empty: expected a whole number of tokens"), None)),
        Cell::Other(what) => return Err((format!("`{name}` is {what}: expected a whole number of tokens"), None)),
        Cell::Instant(_) => return Err((format!("`{name}` is a timestamp: expected a number of tokens"), None)),
        Cell::Text(text) => text,
    };
    match Decimal::parse(text).and_then(Decimal::whole).map(u32::try_from) {
        Some(Ok(0)) => Err((format!("`{name}` is 0: the row has no tokens"), None)),
        Some(Ok(tokens)) => Ok(tokens),
        _ => wrong(text),
    }
}

/// FNV-1a over all rows.
fn hash(first_ps: i128, rows: &[Row]) -> u64 {
    let add = |hash: u64, value: u64| (hash ^ value).wrapping_mul(0x0100_0000_01b3);
    let start = add(0xcbf2_9ce4_8422_2325, first_ps as u64);
    rows.iter().fold(start, |hash, row| {
        let tokens = u64::from(row.prompt_tokens) << 32 | u64::from(row.output_tokens);
        add(add(hash, row.at.as_ps()).rotate_left(29), tokens)
    })
}
