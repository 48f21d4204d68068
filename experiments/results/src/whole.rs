//! A file that is whole or as it was.

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file beside its place and renames it, so that it is whole or as it was before.
///
/// # Errors
/// If the system refuses; the file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
    let fresh = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path)).inspect_err(|_| {
        // Best effort: the error itself is what the user must hear of.
        let _ = fs::remove_file(&fresh);
    })
}
