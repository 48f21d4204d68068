//! Files that a scenario names: found, read, and remembered with their hashes.

use crate::registry::Registry;
use crate::settings::Notes;
use crate::shipped;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::plain;
use flashcrowd_workloads::input;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A file that was read whole.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Its name in messages: as it was written.
    pub(crate) shown: String,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

/// An input of a run, for the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputHash {
    /// As it was written.
    pub path: String,
    /// Hash of its bytes: 128 bits, hexadecimal.
    pub hash: String,
}

/// Where a document's relative paths start, and whether its files are embedded in the program.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// Folder of the scenario file.
    pub folder: &'a Path,
    /// Whether the scenario is one of those shipped in the program.
    pub embedded: bool,
    /// Where paths start that an override gives.
    pub typed: &'a Path,
    /// Policies of the user's own crate.
    pub registry: &'a Registry,
}

/// Where relative paths start, files embedded in the program, and what was read.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) base: PathBuf,
    /// Where paths start that an override gives.
    pub(crate) typed: PathBuf,
    pub(crate) embedded: bool,
    pub(crate) hashes: Vec<InputHash>,
}

/// Manifests and prices are small; a larger file is a mistake.
const MAX_BYTES: u64 = 16 << 20;

impl Files {
    /// Where the file written at `setting` is: beside the scenario, or, if the command line gave
    /// it, in the working directory; if a test did, beside the test.
    pub(crate) fn locate(&self, notes: &Notes<'_>, setting: &str, written: &str) -> PathBuf {
        start(notes.document.override_label(setting), &self.base, &self.typed).join(written)
    }

    /// Reads a small file whole.
    pub(crate) fn read(&mut self, notes: &Notes<'_>, setting: &str, written: &str) -> Result<Input, Diagnostic> {
        let path = self.locate(notes, setting, written);
        let embedded = if self.embedded { shipped::find(written) } else { None };
        let bytes = match embedded {
            Some(text) => text.as_bytes().to_vec(),
            None => read_small(&path).map_err(|error| cannot_read(notes, setting, &path, &error))?,
        };
        self.hashes.push(InputHash { path: written.to_owned(), hash: hash(&bytes) });
        Ok(Input { shown: written.to_owned(), bytes })
    }
}

/// Where a path starts, by the label of the override that gives it, if one does: in the scenario's folder, or,
/// if the override is not the scenario's own, where those start.
pub(crate) fn start<'a>(label: Option<&str>, folder: &'a Path, typed: &'a Path) -> &'a Path {
    // Overrides of variants and regions are part of the scenario; those of the command line are not.
    let is_own = |label: &str| label.starts_with("variant ") || label.starts_with("services.");
    if label.is_none_or(is_own) { folder } else { typed }
}

/// Reads a file or a pipe of at most 16 MiB.
///
/// # Errors
/// If the system refuses, or there is more of it.
pub fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    if !input::is_read_once(path) {
        return read_whole(path);
    }
    // Every variant reads the files that it names: what a pipe said is kept for the others.
    let mut said = PIPES.lock().map_err(|_| io::Error::other("it could not be read before"))?;
    if let Some(bytes) = said.get(path) {
        return Ok(bytes.clone());
    }
    let bytes = read_whole(path)?;
    said.insert(path.to_owned(), bytes.clone());
    Ok(bytes)
}

/// What pipes said that were read to their end.
static PIPES: Mutex<BTreeMap<PathBuf, Vec<u8>>> = Mutex::new(BTreeMap::new());

fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input::open_once(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(bytes)
}

fn cannot_read(notes: &Notes<'_>, setting: &str, path: &Path, error: &io::Error) -> Diagnostic {
    notes.error(setting, format!("cannot read `{}`: {}", path.display(), plain(error)))
}

/// BLAKE3, of which the first 128 bits are shown.
#[derive(Clone, Debug, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far, hexadecimal.
    pub fn finish(&self) -> String {
        self.0.finalize().to_hex()[..32].to_owned()
    }
}

/// The hash of bytes in memory.
pub fn hash(bytes: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// The hash of a large file, read as a stream.
pub(crate) fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = io::BufReader::with_capacity(1 << 20, input::open_again(path)?);
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..read]);
    }
}
