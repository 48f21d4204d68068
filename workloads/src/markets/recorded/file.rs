//! A small file as text, and errors that name their place in it.

use crate::input::open_again;
use flashcrowd_core::ports::SourceError;
use flate2::bufread::MultiGzDecoder;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Longest recording, after decompression.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// An error at a place.
pub(crate) fn refuse(place: impl Into<Arc<str>>, message: impl Into<String>) -> SourceError {
    SourceError { place: place.into(), message: message.into(), hint: None }
}

/// An error at a line, counted from 1.
pub(crate) fn refuse_line(path: &Path, line: usize, message: impl Into<String>) -> SourceError {
    refuse(format!("{}:{line}", path.display()), message)
}

/// The text of a file; gzip is recognised by its first bytes.
pub(crate) fn read_text(path: &Path) -> Result<String, SourceError> {
    let name = path.display().to_string();
    let fail = |error: &std::io::Error| refuse(name.as_str(), format!("cannot be read: {error}"));
    let mut file = BufReader::new(open_again(path).map_err(|error| fail(&error))?);
    let gzip = std::io::BufRead::fill_buf(&mut file).map_err(|error| fail(&error))?.starts_with(&[0x1f, 0x8b]);
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES + 1;
    let read = if gzip {
        MultiGzDecoder::new(file).take(limit).read_to_end(&mut bytes)
    } else {
        file.take(limit).read_to_end(&mut bytes)
    };
    read.map_err(|error| fail(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(refuse(name, format!("longer than {MAX_FILE_BYTES} bytes; expected a recording of spot capacity")));
    }
    String::from_utf8(bytes).map_err(|_| refuse(name, "not a UTF-8 text; expected a recording of spot capacity"))
}
