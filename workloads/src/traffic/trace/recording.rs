//! Where the rows of a trace come from: a file that is read as it is played, or a table that is held.

use super::format::ReadRow;
use super::lines::Lines;
use super::options::TraceOptions;
use super::own::Table;
use super::rows::{Mark, Row, Rows};
use flashcrowd_core::clock::SimDuration;
use flashcrowd_core::ports::SourceError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the rows of a trace come from.
#[derive(Clone, Debug)]
pub enum Recording {
    /// A file of a known format, read as a stream.
    File(PathBuf),
    /// A table with columns of its own, held in memory.
    Held(Arc<Table>),
}

impl From<&Path> for Recording {
    fn from(path: &Path) -> Recording {
        Recording::File(path.to_owned())
    }
}

impl From<&PathBuf> for Recording {
    fn from(path: &PathBuf) -> Recording {
        Recording::File(path.clone())
    }
}

impl From<&Recording> for Recording {
    fn from(recording: &Recording) -> Recording {
        recording.clone()
    }
}

impl Recording {
    /// The file.
    pub(super) fn name(&self) -> String {
        match self {
            Recording::File(path) => path.display().to_string(),
            Recording::Held(table) => table.file().to_owned(),
        }
    }

    /// From the first row of the window.
    pub(super) fn read(&self, options: &TraceOptions) -> Result<Reading, SourceError> {
        Ok(match self {
            Recording::File(path) => Reading::File(Box::new(Rows::open(path, options)?)),
            Recording::Held(table) => Reading::Held(Cursor::new(table, options)),
        })
    }

    /// What must be kept to begin at a row in the middle.
    pub(super) fn entry(&self, reading: &Reading) -> Result<Entry, SourceError> {
        Ok(match (self, reading) {
            (Recording::File(path), Reading::File(rows)) => {
                Entry { text: Lines::text_of_gzip(path)?, reader: Some(Arc::clone(rows.reader())) }
            }
            _ => Entry { text: None, reader: None },
        })
    }

    /// From a row in the middle.
    pub(super) fn resume(&self, entry: &Entry, options: &TraceOptions, at: Place) -> Result<Reading, SourceError> {
        Ok(match (self, at, &entry.reader) {
            (Recording::File(path), Place::Line(mark), Some(reader)) => {
                Reading::File(Box::new(Rows::resume(path, entry.text.as_ref(), reader, options, mark)?))
            }
            (Recording::Held(table), Place::Row(next), _) => {
                let mut cursor = Cursor::new(table, options);
                cursor.next = next;
                Reading::Held(cursor)
            }
            // A place is asked of the recording that gave it.
            _ => self.read(options)?,
        })
    }
}

/// What must be kept to begin in the middle of a recording.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The text of a file that cannot be entered in its middle.
    text: Option<Arc<[u8]>>,
    /// How a file's rows are read.
    reader: Option<Arc<dyn ReadRow>>,
}

impl Entry {
    /// Tokens of the blocks that have names; 0 without.
    pub(super) fn block_tokens(&self) -> u32 {
        self.reader.as_ref().map_or(0, |reader| reader.block_tokens())
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Line(Mark),
    Row(usize),
}

/// The rows of a recording, in order.
pub(super) enum Reading {
    File(Box<Rows>),
    Held(Cursor),
}

impl Reading {
    /// The next row that is kept.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match self {
            Reading::File(rows) => rows.next_row(),
            Reading::Held(cursor) => Ok(cursor.next_row()),
        }
    }

    /// Where the row stands that came last.
    pub(super) fn place(&self) -> Place {
        match self {
            Reading::File(rows) => Place::Line(rows.mark()),
            Reading::Held(cursor) => Place::Row(cursor.next.saturating_sub(1)),
        }
    }

    /// Names of the blocks of the row that came last.
    pub(super) fn hashes(&mut self) -> &mut Vec<u64> {
        match self {
            Reading::File(rows) => &mut rows.hashes,
            Reading::Held(cursor) => &mut cursor.hashes,
        }
    }

    /// Tokens of the blocks that have names; 0 without.
    pub(super) fn block_tokens(&self) -> u32 {
        match self {
            Reading::File(rows) => rows.block_tokens(),
            Reading::Held(_) => 0,
        }
    }

    /// Rows so far that could not be used, and those that are not meant.
    pub(super) fn passed_over(&self) -> (u64, u64) {
        match self {
            Reading::File(rows) => (rows.dropped, 0),
            Reading::Held(cursor) => (cursor.table.dropped, cursor.table.left_out),
        }
    }

    /// Picoseconds since 1970 of the first row that was kept, if the trace says that.
    pub(super) fn starts_at_ps(&self) -> Option<i128> {
        match self {
            Reading::File(rows) => rows.starts_at_ps(),
            Reading::Held(cursor) => Some(cursor.table.starts_at_ps? + i128::from(cursor.start.as_ps())),
        }
    }
}

/// A place in a table.
pub(super) struct Cursor {
    table: Arc<Table>,
    next: usize,
    /// The end of the window.
    end: usize,
    /// The instant of the window's first row.
    start: SimDuration,
    /// No prompt has named blocks.
    hashes: Vec<u64>,
}

impl Cursor {
    fn new(table: &Arc<Table>, options: &TraceOptions) -> Cursor {
        let before = |instant: SimDuration| table.rows.partition_point(|row| row.at < instant);
        let (next, end) = match options.window {
            Some((from, to)) => (before(from), before(to)),
            None => (0, table.rows.len()),
        };
        let start = table.rows.get(next).map_or(SimDuration::ZERO, |row| row.at);
        Cursor { table: Arc::clone(table), next, end, start, hashes: Vec::new() }
    }

    fn next_row(&mut self) -> Option<Row> {
        let row = *self.table.rows.get(self.next).filter(|_| self.next < self.end)?;
        self.next += 1;
        Some(Row { at: row.at.saturating_sub(self.start), ..row })
    }
}
