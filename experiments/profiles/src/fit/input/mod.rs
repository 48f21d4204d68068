//! Sweeps as benchmark tools write them: told apart by their keys, read as they are.

mod dialect;
mod record;
mod table;
mod tree;

use super::row::Row;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::plain;
use flashcrowd_workloads::input::open_once;
use record::Text;
use std::io::{self, Read};
use std::path::Path;

/// Reports of guidellm hold every request: a sweep is some hundred MB.
const MAX_BYTES: u64 = 1 << 30;

/// Reads the runs of a sweep.
///
/// # Errors
/// A file that cannot be read, is of no known form, or holds a value that does not fit: with its
/// line and what was expected.
pub fn read(path: &Path) -> Result<Vec<Row>, Diagnostic> {
    let shown = path.display().to_string();
    let bytes =
        bytes(path).map_err(|error| Diagnostic::about(&shown, format!("cannot read the file: {}", plain(&error))))?;
    parse(&shown, &bytes)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_once(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(bytes)
}

/// Reads the runs of a sweep from the content of a file.
///
/// # Errors
/// As [`read`].
pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Row>, Diagnostic> {
    let text = Text::new(file, bytes)?;
    let records = match text.first() {
        Some('{' | '[') => tree::records(&text)?,
        Some(_) => table::records(&text)?,
        None => return Err(Diagnostic::about(file, "the file is empty")),
    };
    let dialect = dialect::of(&text, &records)?;
    let mut rows = Vec::new();
    for record in &records {
        rows.extend(dialect.row(&text, record)?);
    }
    if rows.is_empty() {
        return Err(Diagnostic::about(file, format!("the file holds no finished run ({})", dialect.name)));
    }
    Ok(rows)
}
