//! The usable rows of a trace, in order, inside the window.

use super::format::{Complaint, Detected, ReadRow, Record, TraceFormat};
use super::lines::{LineStart, Lines};
use super::options::{OnBadRow, TraceOptions};
use super::refuse::refuse;
use super::{azure, blocks};
use flashcrowd_core::clock::SimDuration;
use flashcrowd_core::ports::SourceError;
use std::path::Path;
use std::sync::Arc;

/// A row that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Since the first kept row.
    pub(super) at: SimDuration,
    pub(super) prompt_tokens: u32,
    pub(super) output_tokens: u32,
}

/// Where a row stands, and what must be known to go on from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    line: LineStart,
    first_ps: Option<i128>,
    first_kept_ps: Option<i128>,
}

/// All formats, in the order in which a first line is shown to them.
pub const FORMATS: &[TraceFormat] = &[blocks::BAILIAN, blocks::MOONCAKE, azure::FORMAT];

/// The format of the file at `path`, by its first line.
///
/// # Errors
/// A file that cannot be read or is of none.
pub fn format(path: &Path) -> Result<&'static TraceFormat, SourceError> {
    detect(&mut Lines::open(path)?).map(|found| found.format)
}

/// What the first line of a file says.
struct Found {
    format: &'static TraceFormat,
    reader: Arc<dyn ReadRow>,
    /// The line itself, if it is a row.
    first_line: Option<String>,
}

/// The format of a file of which nothing was read yet.
fn detect(lines: &mut Lines) -> Result<Found, SourceError> {
    let first = lines.next_line()?.map(str::to_owned);
    let refused = |message: &str| refuse(lines.place(), message, None);
    let Some(first) = first else { return Err(refused("the file is empty: expected a header and rows")) };
    let found = FORMATS.iter().find_map(|format| Some((format, (format.detect)(&first)?)));
    let Some((format, detected)) = found else { return Err(refused("its first line is of no known format")) };
    let Detected { reader, is_row } = detected.map_err(|(message, hint)| refuse(lines.place(), message, hint))?;
    Ok(Found { format, reader, first_line: is_row.then_some(first) })
}

/// Reads the rows of one file once.
pub(super) struct Rows {
    lines: Lines,
    reader: Arc<dyn ReadRow>,
    /// The first line, if it is a row.
    first_line: Option<String>,
    /// Names of the blocks of the row that came last.
    pub(super) hashes: Vec<u64>,
    on_bad_row: OnBadRow,
    window: Option<(SimDuration, SimDuration)>,
    first_ps: Option<i128>,
    first_kept_ps: Option<i128>,
    last_ps: i128,
    pub(super) dropped: u64,
    over: bool,
}

impl Rows {
    /// Opens the file and finds its format by the first line.
    pub(super) fn open(path: &Path, options: &TraceOptions) -> Result<Rows, SourceError> {
        let mut lines = Lines::open(path)?;
        let Found { reader, first_line, .. } = detect(&mut lines)?;
        Ok(Rows {
            lines,
            reader,
            first_line,
            hashes: Vec::new(),
            on_bad_row: options.on_bad_row,
            window: options.window,
            first_ps: None,
            first_kept_ps: None,
            last_ps: i128::MIN,
            dropped: 0,
            over: false,
        })
    }

    /// The place of the row that was returned last.
    pub(super) fn mark(&self) -> Mark {
        let (first_ps, first_kept_ps) = (self.first_ps, self.first_kept_ps);
        Mark { line: self.lines.line_start(), first_ps, first_kept_ps }
    }

    /// How they are read.
    pub(super) fn reader(&self) -> &Arc<dyn ReadRow> {
        &self.reader
    }

    /// Opens the file, or its text, at a row.
    pub(super) fn resume(
        path: &Path,
        text: Option<&Arc<[u8]>>,
        reader: &Arc<dyn ReadRow>,
        options: &TraceOptions,
        mark: Mark,
    ) -> Result<Rows, SourceError> {
        Ok(Rows {
            lines: Lines::resume(path, text, mark.line)?,
            reader: Arc::clone(reader),
            first_line: None,
            hashes: Vec::new(),
            on_bad_row: options.on_bad_row,
            window: options.window,
            first_ps: mark.first_ps,
            first_kept_ps: mark.first_kept_ps,
            last_ps: i128::MIN,
            dropped: 0,
            over: false,
        })
    }

    /// The next row that is kept.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        while !self.over {
            let first = self.first_line.take();
            let line = match &first {
                Some(first) => first.as_str(),
                None => match self.lines.next_line()? {
                    Some(line) => line,
                    None => break,
                },
            };
            // Editors add an empty line at the end.
            if line.is_empty() {
                continue;
            }
            let record = self.reader.read(line, &mut self.hashes);
            let record = record.and_then(|record| self.in_order(record));
            match record {
                Ok(record) => match self.keep(record) {
                    Some(Ok(row)) => return Ok(Some(row)),
                    Some(Err(complaint)) => return Err(self.refuse(complaint)),
                    None => {}
                },
                Err(_) if self.on_bad_row == OnBadRow::Drop => self.dropped += 1,
                Err((message, hint)) => {
                    let drop = || "on_bad_row: Drop leaves such rows out and counts them".to_owned();
                    return Err(self.refuse((message, hint.or_else(|| Some(drop())))));
                }
            }
        }
        self.over = true;
        Ok(None)
    }

    fn in_order(&self, record: Record) -> Result<Record, Complaint> {
        if record.at_ps < self.last_ps {
            return Err(("this row is earlier than the one before it".to_owned(), None));
        }
        Ok(record)
    }

    /// The row, if it lies in the window.
    fn keep(&mut self, record: Record) -> Option<Result<Row, Complaint>> {
        let since = |start: i128| u64::try_from(record.at_ps - start).ok().map(SimDuration::from_ps);
        self.last_ps = record.at_ps;
        let Some(offset) = since(*self.first_ps.get_or_insert(record.at_ps)) else {
            let hint = "play a part of it with window: (from, to)".to_owned();
            return Some(Err(("the trace is longer than 213 days here".to_owned(), Some(hint))));
        };
        if let Some((from, to)) = self.window {
            self.over = offset >= to;
            if offset < from || self.over {
                return None;
            }
        }
        let at = since(*self.first_kept_ps.get_or_insert(record.at_ps)).unwrap_or_default();
        Some(Ok(Row { at, prompt_tokens: record.prompt_tokens, output_tokens: record.output_tokens }))
    }

    fn refuse(&self, (message, hint): Complaint) -> SourceError {
        refuse(self.lines.place(), message, hint)
    }

    /// Tokens of the blocks that have names; 0 in formats without.
    pub(super) fn block_tokens(&self) -> u32 {
        self.reader.block_tokens()
    }

    /// Picoseconds since 1970 of the first row that was kept, if the format says when it was.
    pub(super) fn starts_at_ps(&self) -> Option<i128> {
        self.first_kept_ps.filter(|_| self.reader.is_absolute())
    }
}
