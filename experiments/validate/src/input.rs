//! Reference files: plain or gzip, told apart by their first bytes, read as a stream of lines.

use crate::error::ValidateError;
use flashcrowd_workloads::input::open_once;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// No line of reference data is nearly as long; a file of another kind may be one line.
const LONGEST_LINE: u64 = 64 << 20;
/// Longest document that is read as a whole.
const LONGEST_DOCUMENT: u64 = 256 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The lines of one file.
pub(crate) struct Lines {
    file: String,
    reader: Box<dyn BufRead>,
    line: u64,
}

impl Lines {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Self, ValidateError> {
        let file = path.display().to_string();
        let fail = |error: io::Error| ValidateError::new(&file, None, error.to_string());
        let mut reader = BufReader::new(open_once(path).map_err(fail)?);
        let compressed = reader.fill_buf().map_err(fail)?.starts_with(&GZIP);
        let reader: Box<dyn BufRead> =
            if compressed { Box::new(BufReader::new(MultiGzDecoder::new(reader))) } else { Box::new(reader) };
        Ok(Lines { file, reader, line: 0 })
    }

    /// The file's name as it was given.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The next line that is not blank, with its number.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, String)>, ValidateError> {
        loop {
            self.line += 1;
            let mut bytes = Vec::new();
            let read = self.reader.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
            if read.map_err(|error| self.error(error.to_string()))? == 0 {
                return Ok(None);
            }
            if bytes.len() as u64 > LONGEST_LINE {
                return Err(self.error(format!("the line is longer than {} MiB", LONGEST_LINE >> 20)));
            }
            let text = String::from_utf8(bytes).map_err(|_| self.error("the line is not UTF-8 text"))?;
            if !text.trim().is_empty() {
                return Ok(Some((self.line, text)));
            }
        }
    }

    /// The whole file as one text.
    pub(crate) fn document(mut self) -> Result<String, ValidateError> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LONGEST_DOCUMENT + 1).read_to_end(&mut bytes);
        let whole = |message: String| ValidateError::new(&self.file, None, message);
        read.map_err(|error| whole(error.to_string()))?;
        if bytes.len() as u64 > LONGEST_DOCUMENT {
            return Err(whole(format!("the file is longer than {} MiB", LONGEST_DOCUMENT >> 20)));
        }
        let text = String::from_utf8(bytes).map_err(|_| whole("the file is not UTF-8 text".to_owned()))?;
        if text.trim().is_empty() {
            return Err(whole("the file is empty".to_owned()));
        }
        Ok(text)
    }

    /// An error at the line that was read last.
    pub(crate) fn error(&self, message: impl Into<String>) -> ValidateError {
        ValidateError::new(&self.file, Some(self.line), message)
    }
}
