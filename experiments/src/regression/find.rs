//! Which files are tests: `*.test.ron` below the folders given, in the order of their names.

use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::plain;
use std::fs;
use std::path::{Path, PathBuf};

const ENDING: &str = ".test.ron";

/// The tests below `places`: folders, or single files. Each file once, hidden folders and links to
/// folders passed over.
///
/// # Errors
/// A place that is not there or cannot be read, or no test at all.
pub fn find(places: &[PathBuf]) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut found: Vec<PathBuf> = Vec::new();
    for place in places {
        let before = found.len();
        if place.is_file() {
            found.push(place.clone());
        } else {
            walk(place, &mut found)?;
        }
        if found.len() == before {
            let error = Diagnostic::about(&place.display().to_string(), format!("there is no `*{ENDING}` below it"));
            return Err(error.with_help("a test is written `(scenario: \"s.ron\", assert: [\"e2e.p99 <= 2s\"])`"));
        }
    }
    let mut once: Vec<PathBuf> = Vec::new();
    for file in found {
        if !once.contains(&file) {
            once.push(file);
        }
    }
    Ok(once)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::about(&folder.display().to_string(), format!("cannot read the folder: {}", plain(&error)))
    };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    let mut entries: Vec<fs::DirEntry> = entries;
    // The file system has an order of its own.
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            if !name.starts_with('.') {
                walk(&entry.path(), found)?;
            }
        } else if name.ends_with(ENDING) {
            found.push(entry.path());
        }
    }
    Ok(())
}
