//! Tables as text: CSV with its quotes, separated by commas, semicolons or tabs.

use super::super::format::Complaint;
use super::super::lines::{Lines, MAX_LINE_BYTES};
use super::super::refuse::refuse;
use super::records::{Cell, Records};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use flashcrowd_core::ports::SourceError;
use std::path::Path;

/// What may stand between two columns, the usual one first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A table with a header.
pub(super) struct Delimited {
    lines: Lines,
    splitter: Splitter,
    names: Vec<String>,
    /// Columns that are looked at.
    chosen: Vec<usize>,
    /// Where the record begins.
    place: String,
}

impl Delimited {
    /// Opens the file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Delimited, SourceError> {
        let mut lines = Lines::open(path)?;
        let Some(header) = lines.next_line()?.map(|line| line.trim_start_matches('\u{feff}').to_owned()) else {
            return Err(lines.refuse("the file is empty: expected a header and rows".to_owned()));
        };
        let (separator, names) = header_names(&header);
        if names.is_empty() {
            return Err(lines.refuse("the header has a quote that is never closed".to_owned()));
        }
        let place = lines.place();
        Ok(Delimited { lines, splitter: Splitter::new(separator), names, chosen: Vec::new(), place })
    }
}

impl Records for Delimited {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn field_word(&self) -> &'static str {
        "column"
    }

    fn choose(&mut self, names: &[&str]) -> Result<(), SourceError> {
        self.chosen.clear();
        for wanted in names {
            let mut found = self.names.iter().enumerate().filter(|(_, name)| name == wanted);
            match (found.next(), found.next()) {
                (Some((at, _)), None) => self.chosen.push(at),
                (Some(_), Some(_)) => {
                    return Err(self.lines.refuse(format!("the header has the column `{wanted}` twice")));
                }
                (None, _) => return Err(self.lines.refuse(format!("the header has no column `{wanted}`"))),
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<Result<(), Complaint>>, SourceError> {
        self.splitter.begin();
        let (mut begun, mut bytes) = (false, 0);
        loop {
            let Some(line) = self.lines.next_line()? else {
                if begun {
                    return Err(refuse(self.place.as_str(), "a quote in this row is never closed", None));
                }
                return Ok(None);
            };
            // Editors add an empty line at the end.
            if !begun && line.is_empty() {
                continue;
            }
            bytes += line.len() + 1;
            let ended = self.splitter.feed(line.as_bytes()) || self.splitter.feed(b"\n");
            if !begun {
                self.place = self.lines.place();
                begun = true;
            }
            if ended {
                break;
            }
            if bytes > MAX_LINE_BYTES {
                let message = format!("a quote in this row is not closed within {MAX_LINE_BYTES} bytes");
                return Err(refuse(self.place.as_str(), message, None));
            }
        }
        let (expected, found) = (self.names.len(), self.splitter.count);
        if found != expected {
            return Ok(Some(Err((format!("expected {expected} fields, found {found}"), None))));
        }
        Ok(Some(Ok(())))
    }

    fn cell(&self, chosen: usize) -> Cell<'_> {
        let field = self.chosen.get(chosen).map_or("", |at| self.splitter.field(*at).trim());
        if field.is_empty() { Cell::Empty } else { Cell::Text(field) }
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn file(&self) -> &str {
        self.lines.name()
    }
}

/// What stands between the columns of a header, and their names; none if a quote is never closed.
pub(in super::super) fn header_names(header: &str) -> (u8, Vec<String>) {
    let names = |separator: u8| {
        let mut splitter = Splitter::new(separator);
        let ended = splitter.feed(header.as_bytes()) || splitter.feed(b"\n");
        if ended { (0..splitter.count).map(|at| bare(splitter.field(at))).collect() } else { Vec::new() }
    };
    let mut best = (SEPARATORS[0], names(SEPARATORS[0]));
    for separator in &SEPARATORS[1..] {
        let names = names(*separator);
        if names.len() > best.1.len() {
            best = (*separator, names);
        }
    }
    best
}

/// The name of a column: without spaces around it, and without quotes that stand after a space.
fn bare(name: &str) -> String {
    let name = name.trim();
    name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).to_owned()
}

/// Splits records into fields, quotes taken off.
struct Splitter {
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    /// Fields of the record.
    count: usize,
}

impl Splitter {
    fn new(separator: u8) -> Splitter {
        let reader = ReaderBuilder::new().delimiter(separator).terminator(Terminator::Any(b'\n')).build();
        Splitter { reader, output: vec![0; 1 << 10], ends: vec![0; 64], written: 0, count: 0 }
    }

    /// A new record begins.
    fn begin(&mut self) {
        self.reader.reset();
        (self.written, self.count) = (0, 0);
    }

    /// Takes bytes of the record in; whether it is at its end.
    fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let (output, ends) = (&mut self.output[self.written..], &mut self.ends[self.count..]);
            let (result, read, written, count) = self.reader.read_record(bytes, output, ends);
            bytes = &bytes[read..];
            self.written += written;
            self.count += count;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => return true,
                ReadRecordResult::InputEmpty => return false,
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
        false
    }

    fn field(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Texts are split at ASCII characters alone.
        std::str::from_utf8(&self.output[start..self.ends[at]]).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(separator: u8, lines: &[&str]) -> Option<Vec<String>> {
        let mut splitter = Splitter::new(separator);
        splitter.begin();
        let ended = lines.iter().any(|line| splitter.feed(line.as_bytes()) || splitter.feed(b"\n"));
        ended.then(|| (0..splitter.count).map(|at| splitter.field(at).to_owned()).collect())
    }

    #[test]
    fn quotes_are_taken_off() {
        let split = |lines: &[&str]| split(b',', lines).map(|fields| fields.join("|"));
        assert_eq!(split(&["a,b,,c"]).as_deref(), Some("a|b||c"));
        assert_eq!(split(&[r#""a, b","say ""hi""",c"#]).as_deref(), Some(r#"a, b|say "hi"|c"#));
        assert_eq!(split(&["a,\"two", "lines\",c"]).as_deref(), Some("a|two\nlines|c"));
        assert_eq!(split(&["a,\"open", "still"]), None);
        let long = "x".repeat(5_000);
        assert_eq!(split(&[&format!("{long},é,{long}")]), Some(format!("{long}|é|{long}")));
        assert_eq!(split(&[&",".repeat(200)]).map(|text| text.len()), Some(200));
    }
}
