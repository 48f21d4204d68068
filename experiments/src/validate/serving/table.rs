//! Reference tables: CSV with a header, plain or gzip, whose mistakes name their line.

use super::super::ValidateError;
use super::super::input::Lines;
use std::path::Path;

/// A table in memory.
pub(super) struct Table {
    file: String,
    header: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    line: u64,
    record: &'a csv::StringRecord,
}

impl Table {
    /// Reads a table.
    pub(super) fn read(path: &Path) -> Result<Self, ValidateError> {
        let lines = Lines::open(path)?;
        let file = lines.file().to_owned();
        let text = lines.document()?;
        let fail = |error: &csv::Error| {
            let line = error.position().map(csv::Position::line);
            ValidateError::new(&file, line, error.to_string())
        };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| fail(&error))?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| fail(&error))?;
            rows.push((record.position().map_or(0, csv::Position::line), record));
        }
        if rows.is_empty() {
            return Err(ValidateError::new(&file, None, "the table has no row"));
        }
        Ok(Table { file, header, rows })
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Whether the table has all these columns.
    pub(super) fn has(&self, columns: &[&str]) -> bool {
        columns.iter().all(|column| self.header.iter().any(|name| name == column))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }
}

impl<'a> Row<'a> {
    /// The text of a column; empty if the table lacks it.
    pub(super) fn text(&self, column: &str) -> &'a str {
        let at = self.table.header.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or("")
    }

    /// The finite number in a column; `None` if it is empty or says that there is none.
    pub(super) fn number(&self, column: &str) -> Result<Option<f64>, ValidateError> {
        let text = self.text(column);
        if text.is_empty() || text.eq_ignore_ascii_case("nan") {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(self.error(format!("column `{column}` is `{text}`: expected a number"))),
        }
    }

    /// The number above 0 in a column that may not be empty.
    pub(super) fn positive(&self, column: &str) -> Result<f64, ValidateError> {
        match self.number(column)? {
            Some(value) if value > 0.0 => Ok(value),
            Some(value) => Err(self.error(format!("column `{column}` is {value}: expected a number above 0"))),
            None => Err(self.error(format!("column `{column}` is empty: expected a number above 0"))),
        }
    }

    /// The count, at least 1, in a column that may not be empty.
    pub(super) fn count(&self, column: &str) -> Result<u32, ValidateError> {
        let value = self.positive(column)?;
        if value.fract() == 0.0 && value <= f64::from(u32::MAX) {
            Ok(value as u32)
        } else {
            Err(self.error(format!("column `{column}` is {value}: expected a whole number")))
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ValidateError {
        ValidateError::new(&self.table.file, Some(self.line), message)
    }
}
