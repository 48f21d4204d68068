//! Whose files an output folder holds, and how it is replaced: files that flashcrowd did not write stay.
//!
//! A new folder is written beside its place under a hidden name, locked by its writer, and then takes
//! the place of the old one in one step. Where the old one also holds files of somebody else, it stays
//! and is renewed file by file: `summary.json` goes first and comes last, so that a folder without it
//! is unfinished. Hidden folders whose writer is gone are collected by the next run.

use super::folder::ExportError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The file that lists what flashcrowd wrote.
const MANIFEST: &str = "files.json";
const MANIFEST_SCHEMA: &str = "flashcrowd/folder/1";
const SUMMARY: &str = "summary.json";
const LOCK: &str = ".lock";

#[derive(Serialize, Deserialize)]
struct Manifest {
    schema: String,
    files: BTreeSet<String>,
}

/// A place for an output folder, and the fresh folder beside it.
#[derive(Debug)]
pub(crate) struct Place {
    target: PathBuf,
    fresh: PathBuf,
    /// Held as long as the fresh folder is being written.
    _lock: File,
    /// What the place holds already.
    held: Held,
    /// Folders above it that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

/// What stands in a place.
#[derive(Debug, Default)]
struct Held {
    exists: bool,
    own: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

impl Place {
    /// Looks at the place and makes a fresh folder beside it for files of these names.
    pub(crate) fn prepare(given: &Path, names: &BTreeSet<String>) -> Result<Place, ExportError> {
        let refused = |error: io::Error| ExportError::refused(given, &error);
        let above = given.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let parents: Vec<PathBuf> = above.take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        let target = resolve(given).map_err(refused)?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(ExportError::NotOurs(given.to_owned()));
        };
        let name = name.to_string_lossy().into_owned();
        fs::create_dir_all(parent).map_err(refused)?;
        collect(parent, &name, &target);
        let held = look(&target).map_err(refused)?;
        if held.own.is_empty() && !held.foreign.is_empty() {
            return Err(ExportError::NotOurs(given.to_owned()));
        }
        if let Some(file) = names.intersection(&held.foreign).next() {
            return Err(ExportError::InTheWay { folder: given.to_owned(), file: file.clone() });
        }
        let fresh = parent.join(format!(".{name}.{}.new", std::process::id()));
        // One that is there already is another writer's, and stays.
        fs::create_dir(&fresh).map_err(refused)?;
        let made = File::create(fresh.join(LOCK));
        let lock = made.and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| {
            // Best effort: the error itself is what the user must hear of.
            let _ = fs::remove_dir_all(&fresh);
            refused(error)
        })?;
        Ok(Place { target, fresh, _lock: lock, held, made: parents })
    }

    /// Where to write.
    pub(crate) fn fresh(&self) -> &Path {
        &self.fresh
    }

    /// Puts the fresh folder in its place.
    pub(crate) fn take(self) -> Result<(), ExportError> {
        let moved = self.put();
        if moved.is_err() {
            let _ = fs::remove_dir_all(&self.fresh);
        }
        moved.map_err(|error| ExportError::refused(&self.target, &error))
    }

    /// Leaves nothing behind.
    pub(crate) fn give_up(self) {
        let _ = fs::remove_dir_all(&self.fresh);
        for folder in &self.made {
            // One that somebody else has used meanwhile is not empty, and stays.
            let _ = fs::remove_dir(folder);
        }
    }

    fn put(&self) -> io::Result<()> {
        fs::remove_file(self.fresh.join(LOCK))?;
        let mut names: BTreeSet<String> = names_in(&self.fresh)?;
        names.insert(MANIFEST.to_owned());
        write_manifest(&self.fresh, &names)?;
        // What came while the run went on is somebody's, too.
        let now = look(&self.target)?;
        let foreign: BTreeSet<String> = now.foreign.difference(&self.held.own).cloned().collect();
        if !now.exists {
            return fs::rename(&self.fresh, &self.target);
        }
        if foreign.is_empty() && self.swap().is_ok() {
            return Ok(());
        }
        self.renew(&names, &now.own)
    }

    /// One folder takes the place of the other.
    fn swap(&self) -> io::Result<()> {
        let old = self.fresh.with_extension("old");
        fs::rename(&self.target, &old)?;
        fs::rename(&self.fresh, &self.target).inspect_err(|_| drop(fs::rename(&old, &self.target)))?;
        // What cannot be removed is collected by the next run.
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }

    /// File by file: the list of both first, so that a killed renewal is known as ours, and the summary last.
    fn renew(&self, names: &BTreeSet<String>, own: &BTreeSet<String>) -> io::Result<()> {
        write_manifest(&self.target, &names.union(own).cloned().collect())?;
        for stale in own.iter().filter(|name| !names.contains(*name)).chain([&SUMMARY.to_owned()]) {
            match fs::remove_file(self.target.join(stale)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let middle = names.iter().map(String::as_str).filter(|name| ![MANIFEST, SUMMARY].contains(name));
        for name in middle.chain([MANIFEST, SUMMARY]) {
            fs::rename(self.fresh.join(name), self.target.join(name))?;
        }
        fs::remove_dir(&self.fresh)
    }
}

/// The place itself: links are followed, so that what they lead to is written, and they stay.
fn resolve(given: &Path) -> io::Result<PathBuf> {
    if fs::symlink_metadata(given).is_ok() {
        let place = fs::canonicalize(given)?;
        return if place.is_dir() { Ok(place) } else { Err(io::Error::other("it is not a folder")) };
    }
    // What is not there yet may be written through `..` of what is.
    let (parent, name) = (given.parent(), given.file_name());
    match (parent.filter(|parent| !parent.as_os_str().is_empty()), name) {
        (_, None) => Err(io::Error::other("it has no name")),
        (None, Some(name)) => Ok(fs::canonicalize(".")?.join(name)),
        (Some(parent), Some(name)) => {
            fs::create_dir_all(parent)?;
            Ok(fs::canonicalize(parent)?.join(name))
        }
    }
}

fn names_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn look(target: &Path) -> io::Result<Held> {
    if !target.exists() {
        return Ok(Held::default());
    }
    let names = names_in(target)?;
    let listed = listed(target).unwrap_or_default();
    // We write files only: whatever the list says, a folder or a link of that name is somebody's.
    let is_file = |name: &str| fs::symlink_metadata(target.join(name)).is_ok_and(|found| found.is_file());
    let (own, foreign) = names.into_iter().partition(|name| listed.contains(name) && is_file(name));
    Ok(Held { exists: true, own, foreign })
}

/// What flashcrowd wrote there, by its own list; folders of earlier versions have a summary only.
fn listed(folder: &Path) -> Option<BTreeSet<String>> {
    if let Ok(text) = fs::read_to_string(folder.join(MANIFEST)) {
        let manifest: Manifest = serde_json::from_str(&text).ok()?;
        return (manifest.schema == MANIFEST_SCHEMA).then_some(manifest.files);
    }
    let summary = fs::read_to_string(folder.join(SUMMARY)).ok()?;
    if !summary.contains("\"schema\": \"flashcrowd/summary/1\"") {
        return None;
    }
    let tables = ["series", "fleet", "decisions", "replicas", "nodes", "requests", "faults", "health", "served"];
    let known = |name: &String| {
        let is_table = tables.iter().any(|table| *name == format!("{table}.csv"));
        is_table
            || name == SUMMARY
            || name.strip_prefix("latency").is_some_and(|rest| rest.strip_suffix(".hgrm").is_some())
    };
    Some(names_in(folder).ok()?.into_iter().filter(known).collect())
}

fn write_manifest(folder: &Path, files: &BTreeSet<String>) -> io::Result<()> {
    let manifest = Manifest { schema: MANIFEST_SCHEMA.to_owned(), files: files.clone() };
    let mut text = serde_json::to_string_pretty(&manifest)?;
    text.push('\n');
    super::write_whole(&folder.join(MANIFEST), text.as_bytes())
}

/// Removes what killed runs left beside a place, and puts back what one had moved aside.
fn collect(parent: &Path, name: &str, target: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let begins = format!(".{name}.");
    for entry in entries.flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = other.strip_prefix(&begins) else { continue };
        let Some((pid, kind)) = rest.split_once('.') else { continue };
        if pid.parse::<u32>().is_err() {
            continue;
        }
        match kind {
            "old" if !target.exists() => drop(fs::rename(entry.path(), target)),
            "old" if look(&entry.path()).is_ok_and(|held| held.foreign.is_empty()) => {
                drop(fs::remove_dir_all(entry.path()));
            }
            "new" if is_abandoned(&entry.path()) => drop(fs::remove_dir_all(entry.path())),
            _ => {}
        }
    }
}

/// A folder that is being written is locked.
fn is_abandoned(fresh: &Path) -> bool {
    match File::open(fresh.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        // The lock goes last of all, before the exchange: by then the summary is there.
        Err(_) => fresh.join(SUMMARY).is_file(),
    }
}
