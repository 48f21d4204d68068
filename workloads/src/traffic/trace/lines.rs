//! The lines of a file, plain or gzip, in constant memory.

use super::refuse::refuse;
use crate::input::open_again;
use flashcrowd_core::ports::SourceError;
use flate2::bufread::MultiGzDecoder;
use std::io::{BufRead, BufReader, Cursor, Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// Longest line of a trace. A longer one is refused as soon as so much of it was read.
pub const MAX_LINE_BYTES: usize = 1 << 20;

const BUFFER: usize = 128 << 10;

/// Reads line by line and knows where it is.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    name: String,
    gzip: bool,
    line: Vec<u8>,
    number: u64,
    /// Bytes of the text before the current line, and up to its end.
    start: u64,
    end: u64,
}

/// A place at the start of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineStart {
    byte: u64,
    /// Lines before it.
    lines: u64,
}

/// Longest text of a gzip file that is held in memory.
const MAX_TEXT_BYTES: u64 = 1 << 30;

impl Lines {
    /// Opens the file; gzip is recognised by its first bytes.
    pub(super) fn open(path: &Path) -> Result<Lines, SourceError> {
        let name = path.display().to_string();
        let fail = |error: &Error| {
            let hint = (error.kind() == ErrorKind::NotFound).then(|| "check the path of the trace".to_owned());
            refuse(name.as_str(), format!("cannot be read: {}", spoken(error)), hint)
        };
        // It is read to be checked, to be hashed, and by each replicate.
        let file = open_again(path).map_err(|error| fail(&error))?;
        let mut plain = BufReader::with_capacity(BUFFER, file);
        let gzip = plain.fill_buf().map_err(|error| fail(&error))?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead + Send> =
            if gzip { Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain))) } else { Box::new(plain) };
        Ok(Lines { reader, name, gzip, line: Vec::new(), number: 0, start: 0, end: 0 })
    }

    /// The whole text of a gzip file; nothing for a plain one, which can be entered in its middle.
    pub(super) fn text_of_gzip(path: &Path) -> Result<Option<Arc<[u8]>>, SourceError> {
        let lines = Lines::open(path)?;
        if !lines.gzip {
            return Ok(None);
        }
        let Lines { reader, name, .. } = lines;
        let mut text = Vec::new();
        reader
            .take(MAX_TEXT_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|error| refuse(name.as_str(), format!("cannot be read: {}", spoken(&error)), None))?;
        if text.len() as u64 > MAX_TEXT_BYTES {
            let message = format!("its text has more than {MAX_TEXT_BYTES} bytes, which are held to be resampled");
            return Err(refuse(name, message, Some("unpack it: a plain file is not held".to_owned())));
        }
        Ok(Some(text.into()))
    }

    /// Opens the file, or its text, at the start of a line.
    pub(super) fn resume(path: &Path, text: Option<&Arc<[u8]>>, at: LineStart) -> Result<Lines, SourceError> {
        let name = path.display().to_string();
        let reader: Box<dyn BufRead + Send> = if let Some(text) = text {
            let mut cursor = Cursor::new(Arc::clone(text));
            cursor.set_position(at.byte);
            Box::new(cursor)
        } else {
            let file = open_again(path).and_then(|mut file| file.seek(SeekFrom::Start(at.byte)).map(|_| file));
            let file =
                file.map_err(|error| refuse(name.as_str(), format!("cannot be read: {}", spoken(&error)), None))?;
            Box::new(BufReader::with_capacity(BUFFER, file))
        };
        let (start, end) = (at.byte, at.byte);
        Ok(Lines { reader, name, gzip: false, line: Vec::new(), number: at.lines, start, end })
    }

    /// Where the current line begins.
    pub(super) fn line_start(&self) -> LineStart {
        LineStart { byte: self.start, lines: self.number - 1 }
    }

    /// The next line without its end; `None` at the end of the file.
    pub(super) fn next_line(&mut self) -> Result<Option<&str>, SourceError> {
        self.line.clear();
        self.number += 1;
        self.start = self.end;
        if !self.fill_line()? {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.line.contains(&0) {
            return Err(self.refuse("this is not a text: it holds zero bytes; expected a CSV file".to_owned()));
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err(self.refuse("this is not a UTF-8 text; expected a CSV file".to_owned())),
        }
    }

    /// Reads up to a line end or the end of the file; `false` if nothing was left.
    fn fill_line(&mut self) -> Result<bool, SourceError> {
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(&error)),
            };
            if buffer.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(buffer.len());
            if self.line.len() + taken > MAX_LINE_BYTES {
                return Err(self.refuse(format!("this line is longer than {MAX_LINE_BYTES} bytes; expected a CSV row")));
            }
            self.line.extend_from_slice(&buffer[..taken]);
            self.reader.consume(taken + usize::from(end.is_some()));
            self.end += (taken + usize::from(end.is_some())) as u64;
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn broken(&self, error: &Error) -> SourceError {
        let what = match error.kind() {
            ErrorKind::UnexpectedEof if self.gzip => "the gzip data ends too early: the file is cut off".to_owned(),
            _ if self.gzip => format!("the gzip data is damaged: {}", spoken(error)),
            _ => format!("cannot be read: {}", spoken(error)),
        };
        self.refuse(what)
    }

    /// An error at the current line.
    pub(super) fn refuse(&self, message: String) -> SourceError {
        refuse(self.place(), message, None)
    }

    /// File and line.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.name, self.number)
    }

    /// The file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The operating system's words without its number.
fn spoken(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
