//! Walks through the rows of a Parquet file: the chosen columns side by side, a batch at a time, so that memory
//! does not grow with the file.

use super::column::Column;
use super::guard::guarded;
use bytes::Bytes;
use flashcrowd_core::ports::SourceError;
use flashcrowd_workloads::input::open_again;
use flashcrowd_workloads::traffic::trace::Complaint;
use flashcrowd_workloads::traffic::trace::own::{Cell, Records};
use parquet::column::reader::ColumnReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, FileReader, Length};
use parquet::file::serialized_reader::SerializedFileReader;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Rows that are read at once.
const BATCH: usize = 1_024;

/// The rows of a Parquet file. Fields are called by their path, steps into groups with dots.
pub struct ParquetRows {
    file: SerializedFileReader<Bounded>,
    name: String,
    names: Vec<String>,
    columns: Vec<Column>,
    /// Readers of the columns in the current group of rows.
    readers: Vec<Option<ColumnReader>>,
    next_group: usize,
    /// Rows of the group that are still to be read.
    left: usize,
    /// Rows of the batch, and the next of them.
    batch: usize,
    next: usize,
    /// Rows that were taken.
    row: u64,
}

impl ParquetRows {
    /// Opens the file and reads what columns it has.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn open(path: &Path) -> std::result::Result<ParquetRows, SourceError> {
        let name = path.display().to_string();
        let refused = |message: String| SourceError { place: name.as_str().into(), message, hint: None };
        let file = open_again(path).and_then(|file| Ok(Bounded { length: file.metadata()?.len(), file }));
        let file = file.map_err(|error| refused(format!("cannot be read: {error}")))?;
        let file = guarded(|| SerializedFileReader::new(file)).map_err(|error| refused(error.to_string()))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let names = schema.columns().iter().map(|column| column.path().string()).collect();
        let (columns, readers) = (Vec::new(), Vec::new());
        Ok(ParquetRows { file, name, names, columns, readers, next_group: 0, left: 0, batch: 0, next: 0, row: 0 })
    }

    /// Reads the next batch; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        while self.left == 0 {
            if self.next_group >= self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.next_group)?;
            let wrong = |_| ParquetError::General("a group has less than no rows".to_owned());
            self.left = usize::try_from(group.metadata().num_rows()).map_err(wrong)?;
            let reader = |column: &Column| column.is_read().then(|| group.get_column_reader(column.at)).transpose();
            self.readers = self.columns.iter().map(reader).collect::<Result<_>>()?;
            self.next_group += 1;
        }
        self.batch = self.left.min(BATCH);
        for (column, reader) in self.columns.iter_mut().zip(&mut self.readers) {
            column.fill(reader, self.batch)?;
        }
        self.left -= self.batch;
        self.next = 0;
        Ok(true)
    }

    fn refuse(&self, message: String) -> SourceError {
        SourceError { place: self.name.as_str().into(), message, hint: None }
    }
}

impl Records for ParquetRows {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn field_word(&self) -> &'static str {
        "column"
    }

    fn choose(&mut self, names: &[&str]) -> std::result::Result<(), SourceError> {
        self.columns.clear();
        for wanted in names {
            let mut found = self.names.iter().enumerate().filter(|(_, name)| name == wanted);
            let at = match (found.next(), found.next()) {
                (Some((at, _)), None) => at,
                (Some(_), Some(_)) => return Err(self.refuse(format!("the file has the column `{wanted}` twice"))),
                (None, _) => return Err(self.refuse(format!("the file has no column `{wanted}`"))),
            };
            let column = self.file.metadata().file_metadata().schema_descr().column(at);
            self.columns.push(Column::new(at, &column));
        }
        Ok(())
    }

    fn advance(&mut self) -> std::result::Result<Option<std::result::Result<(), Complaint>>, SourceError> {
        if self.next >= self.batch && !guarded(|| self.fill()).map_err(|error| self.refuse(error.to_string()))? {
            return Ok(None);
        }
        for column in &mut self.columns {
            column.take(self.next);
        }
        self.next += 1;
        self.row += 1;
        Ok(Some(Ok(())))
    }

    fn cell(&self, chosen: usize) -> Cell<'_> {
        self.columns.get(chosen).map_or(Cell::Empty, Column::cell)
    }

    fn place(&self) -> String {
        format!("{}, row {}", self.name, self.row)
    }

    fn file(&self) -> &str {
        &self.name
    }
}

/// A file of which no more is asked than it has: a damaged one may claim any length.
struct Bounded {
    file: File,
    length: u64,
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("the file is shorter than it says".to_owned()));
        }
        self.file.get_bytes(start, length)
    }
}
