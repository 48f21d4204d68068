//! Reference tables: CSV with a header, plain or gzip, whose mistakes name their line.

use super::names::UnknownName;
use crate::error::ValidateError;
use flashcrowd_language::{list, nearest};

/// A table in memory.
pub(crate) struct Table {
    file: String,
    text: String,
    header: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    table: &'a Table,
    line: u64,
    record: &'a csv::StringRecord,
}

/// Why a row gives no point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is fine, but cannot be replayed: it is left out and counted under this reason.
    LeftOut(String),
    /// It is broken: nothing is judged.
    Wrong(ValidateError),
}

impl From<UnknownName> for Unread {
    fn from(error: UnknownName) -> Self {
        Unread::LeftOut(error.to_string())
    }
}

impl From<ValidateError> for Unread {
    fn from(error: ValidateError) -> Self {
        Unread::Wrong(error)
    }
}

/// Leaves a row out for that reason.
pub(super) fn leave_out<T>(why: impl Into<String>) -> Result<T, Unread> {
    Err(Unread::LeftOut(why.into()))
}

impl Table {
    /// Reads the text of a table.
    pub(crate) fn parse(file: String, text: String) -> Result<Self, ValidateError> {
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
        Ok(Table { file, text, header, rows })
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The text that it was read from.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Names of its columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The first of these columns that the table lacks.
    pub(crate) fn lacks<'a>(&self, columns: &[&'a str]) -> Option<&'a str> {
        columns.iter().copied().find(|column| !self.has(column))
    }

    /// Whether the table has that column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }
}

impl<'a> Row<'a> {
    /// Its line in the file, from 1.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// The text of a column; empty if the table lacks it, or if it says that there is none.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        let at = self.table.header.iter().position(|name| name == column);
        let text = at.and_then(|at| self.record.get(at)).unwrap_or("");
        if text.eq_ignore_ascii_case("nan") { "" } else { text }
    }

    /// The text of a column that may not be empty.
    pub(crate) fn word(&self, column: &str) -> Result<&'a str, Unread> {
        match self.text(column) {
            "" => leave_out(format!("`{column}` is empty")),
            text => Ok(text),
        }
    }

    /// The finite number in a column; `None` if it is empty or says that there is none.
    pub(super) fn number(&self, column: &str) -> Result<Option<f64>, ValidateError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(self.error(format!("column `{column}` is `{text}`: expected a number"))),
        }
    }

    /// The number above 0 in a column, at most `most`; a row without it is left out.
    pub(crate) fn positive(&self, column: &str, most: f64) -> Result<f64, Unread> {
        match self.number(column)? {
            Some(value) if value > most => {
                Err(self.error(format!("column `{column}` is {value}: expected at most {most}")).into())
            }
            Some(value) if value > 0.0 => Ok(value),
            Some(value) => Err(self.error(format!("column `{column}` is {value}: expected a number above 0")).into()),
            None => leave_out(format!("`{column}` is empty")),
        }
    }

    /// The count, from 1 to `most`, in a column; a row without it is left out.
    pub(crate) fn count(&self, column: &str, most: u32) -> Result<u32, Unread> {
        let value = self.positive(column, f64::from(most))?;
        if value.fract() == 0.0 {
            Ok(value as u32)
        } else {
            Err(self.error(format!("column `{column}` is {value}: expected a whole number")).into())
        }
    }

    /// The count in a column, or `default` where there is none.
    pub(super) fn count_or(&self, column: &str, most: u32, default: u32) -> Result<u32, Unread> {
        if self.text(column).is_empty() { Ok(default) } else { self.count(column, most) }
    }

    /// One of these words in a column; a row without any is left out.
    pub(super) fn one_of(&self, column: &str, words: &[&str]) -> Result<&'a str, Unread> {
        let text = self.word(column)?;
        if words.contains(&text) {
            return Ok(text);
        }
        let expected = list(words.iter().copied());
        let hint =
            nearest(text, words.iter().copied()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(self.error(format!("column `{column}` is `{text}`: expected {expected}{hint}")).into())
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> ValidateError {
        ValidateError::new(&self.table.file, Some(self.line), message)
    }
}
