//! One run as keys and texts with their places, whatever the file's form.

use flashcrowd_language::diagnostic::Source;
use flashcrowd_language::tree::Place;
use flashcrowd_language::{Diagnostic, nearest};
use std::collections::BTreeMap;
use std::ops::Range;

/// The file's text, for messages with a place.
pub(super) struct Text(Source);

impl Text {
    pub(super) fn new(file: &str, bytes: &[u8]) -> Result<Self, Diagnostic> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(Diagnostic::about(file, "this is a gzip file; unpack it first"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            Diagnostic::about(file, format!("this is not a UTF-8 text: the first bad byte is in line {line}"))
        })?;
        let text = text.trim_start_matches('\u{feff}').to_owned();
        Ok(Text(Source { name: file.to_owned(), text, is_override: false }))
    }

    pub(super) fn text(&self) -> &str {
        &self.0.text
    }

    pub(super) fn file(&self) -> &str {
        &self.0.name
    }

    pub(super) fn first(&self) -> Option<char> {
        self.text().trim_start().chars().next()
    }

    /// An error at a range of bytes.
    pub(super) fn error(&self, at: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.0, Place { source: 0, start: at.start as u32, end: at.end as u32 }, message)
    }
}

/// A value as written.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) cells: BTreeMap<String, Cell>,
    /// Where the keys stand, for messages about those that are missing.
    pub(super) keys: Range<usize>,
}

/// Rates, times and lengths that make sense in any unit.
const PLAUSIBLE: Range<f64> = 1e-9..1e12;

/// Texts that stand for "no value".
const NOTHING: [&str; 6] = ["", "nan", "none", "null", "-", "n/a"];

impl Record {
    /// The text at the first of `keys` that has one.
    pub(super) fn cell(&self, keys: &[&str]) -> Option<&Cell> {
        let cells = keys.iter().filter_map(|key| self.cells.get(*key));
        cells.into_iter().find(|cell| !NOTHING.contains(&cell.text.trim().to_ascii_lowercase().as_str()))
    }

    /// The number at the first of `keys` that has one; `inf` is a number.
    pub(super) fn number(&self, text: &Text, keys: &[&str]) -> Result<Option<f64>, Diagnostic> {
        let Some(cell) = self.cell(keys) else { return Ok(None) };
        match cell.text.trim().parse::<f64>() {
            Ok(number) if !number.is_nan() => Ok(Some(number)),
            _ => Err(text.error(&cell.at, format!("expected a number, found {:?}", cell.text))),
        }
    }

    /// A number above 0 that must be there.
    pub(super) fn positive(&self, text: &Text, keys: &[&str]) -> Result<f64, Diagnostic> {
        let number = self.number(text, keys)?.ok_or_else(|| self.missing(text, keys))?;
        if PLAUSIBLE.contains(&number) {
            return Ok(number);
        }
        let at = self.cell(keys).map_or(self.keys.clone(), |cell| cell.at.clone());
        Err(text.error(&at, format!("expected a number above 0 and below 1e12 for `{}`, found `{number}`", keys[0])))
    }

    /// A number from 0 on; 0 if there is none.
    pub(super) fn spread(&self, text: &Text, keys: &[&str]) -> Result<f64, Diagnostic> {
        Ok(self.number(text, keys)?.filter(|number| PLAUSIBLE.contains(number)).unwrap_or(0.0))
    }

    fn missing(&self, text: &Text, keys: &[&str]) -> Diagnostic {
        if let Some(empty) = keys.iter().find_map(|key| self.cells.get(*key)) {
            return text.error(&empty.at, format!("`{}` has no value here", keys[0]));
        }
        let error = text.error(&self.keys, format!("there is no `{}`", keys[0]));
        match nearest(keys[0], self.cells.keys().map(String::as_str)) {
            Some(near) => error.with_help(format!("did you mean `{}` where it says `{near}`?", keys[0])),
            None => error,
        }
    }
}
