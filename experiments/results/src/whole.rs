//! A file that is whole or as it was.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file beside its place and renames it, so that it is whole or as it was before.
///
/// # Errors
/// If the system refuses; the file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    beside(path, |fresh| fs::write(fresh, bytes))
}

/// The same of what is written piece by piece, for tables that memory need not hold.
///
/// # Errors
/// As [`write_whole`], and those of `write`.
pub fn write_whole_with(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> io::Result<()> {
    beside(path, |fresh| {
        let mut out = BufWriter::new(File::create(fresh)?);
        write(&mut out)?;
        out.flush()
    })
}

/// Whether a file can be written there, so that it is said before what goes into it is made.
///
/// # Errors
/// Why it cannot.
pub fn can_be_written(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let fresh = fresh(path);
    File::create(&fresh)?;
    fs::remove_file(&fresh)
}

fn fresh(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn beside(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let fresh = fresh(path);
    write(&fresh).and_then(|()| fs::rename(&fresh, path)).inspect_err(|_| {
        // Best effort: the error itself is what the user must hear of.
        let _ = fs::remove_file(&fresh);
    })
}
