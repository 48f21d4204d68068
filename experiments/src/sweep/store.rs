//! The folder of a sweep: its plan, a file for each cell, and its tables.
//!
//! A cell is written beside its place and renamed, so that it is there whole or not at all; whoever finds
//! it there does not play it again.

use super::plan::Plan;
use flashcrowd_language::words::plain;
use flashcrowd_results::{Figures, Values, write_whole};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Why a folder cannot hold a sweep.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something else stands there.
    #[error("`{0}` exists and holds no sweep; give another folder with --out")]
    NotOurs(PathBuf),
    /// Another process writes there.
    #[error("another sweep is being written to `{0}`; wait for it, or give another folder with --out")]
    Busy(PathBuf),
    /// Another sweep, or one of another program.
    #[error("`{folder}` holds another sweep: it differs in its {unlike}; give another folder with --out, or remove it")]
    Other {
        /// The folder.
        folder: PathBuf,
        /// In what it differs.
        unlike: String,
    },
    /// A file that is not what it should be.
    #[error("`{file}` is damaged: {reason}; remove it, and run the sweep again")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No sweep stands there, or not to its end.
    #[error("`{0}` holds no finished sweep: run it again, it goes on where it was")]
    Unfinished(PathBuf),
    /// The system refused.
    #[error("cannot use `{file}`: {reason}; what was played before is kept, run the sweep again to go on")]
    Refused {
        /// The file or folder.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl StoreError {
    pub(super) fn refused(file: &Path, error: &io::Error) -> Self {
        StoreError::Refused { file: file.to_owned(), reason: plain(error) }
    }
}

/// What a cell holds: two lines, so that tables need not read the distributions.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What tables need of it.
    pub told: Told,
    /// What of its trial is pooled: the whole and its SLOs, with their distributions.
    pub figures: Figures,
}

/// What tables need of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Digest of its run.
    pub digest: String,
    /// Its seed: variants may have their own.
    pub seed: u64,
    /// Its SLOs.
    pub slos: Vec<SloPlayed>,
    /// The values of all its figures.
    pub values: Vec<Values>,
}

/// One SLO of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SloPlayed {
    /// `chat: ttft p99 < 2s`.
    pub name: String,
    /// Its limit, seconds.
    pub limit_s: f64,
    /// Whether the trial kept it.
    pub kept: bool,
}

/// Where a cell stands in a sweep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the point.
    pub point: u64,
    /// Position of the variant.
    pub variant: usize,
    /// Number of the replicate.
    pub replicate: u32,
    /// Name of the cell.
    pub cell: String,
}

/// The folder of a sweep, held by this process.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    timing: Mutex<File>,
    _lock: File,
}

const PLAN: &str = "sweep.json";
const INDEX: &str = "index.csv";
const TIMING: &str = "timing.csv";
const LOCK: &str = ".lock";

impl Store {
    /// Opens the folder for a sweep, or makes it.
    ///
    /// # Errors
    /// If something else stands there, another process writes there, or the system refuses.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Store, StoreError> {
        let refused = |error: io::Error| StoreError::refused(folder, &error);
        fs::create_dir_all(folder).map_err(refused)?;
        if read_plan(folder)?.is_none() && !is_empty(folder).map_err(refused)? {
            return Err(StoreError::NotOurs(folder.to_owned()));
        }
        let lock = File::create(folder.join(LOCK)).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        // Another process may have written it meanwhile.
        match read_plan(folder)?.and_then(|known| known.unlike(plan)) {
            Some(unlike) => return Err(StoreError::Other { folder: folder.to_owned(), unlike }),
            None => write(&folder.join(PLAN), &json(plan))?,
        }
        let cells = folder.join("cells");
        fs::create_dir_all(&cells).map_err(refused)?;
        collect(&cells);
        let timing = timing_file(&folder.join(TIMING))?;
        Ok(Store { folder: folder.to_owned(), timing: Mutex::new(timing), _lock: lock })
    }

    fn place(&self, cell: &str) -> PathBuf {
        place(&self.folder, cell)
    }

    /// Whether a cell was played.
    pub fn has(&self, cell: &str) -> bool {
        self.place(cell).is_file()
    }

    /// Keeps a cell, and the CPU time that it took.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn put(&self, cell: &str, played: &Played, cpu_s: f64) -> Result<(), StoreError> {
        let lines = [json(&played.told), json(&played.figures)].concat();
        write(&self.place(cell), &lines)?;
        let line = format!("{cell},{cpu_s:.6}\n");
        if let Ok(mut timing) = self.timing.lock() {
            timing
                .write_all(line.as_bytes())
                .map_err(|error| StoreError::refused(&self.folder.join(TIMING), &error))?;
        }
        Ok(())
    }

    /// Takes over a cell of another folder as it is.
    pub(super) fn adopt(&self, from: &Path, cell: &str) -> Result<(), StoreError> {
        let file = place(from, cell);
        let bytes = fs::read(&file).map_err(|error| StoreError::refused(&file, &error))?;
        write(&self.place(cell), &bytes)
    }

    /// Reads a cell.
    ///
    /// # Errors
    /// If it is not there or damaged.
    pub fn get(&self, cell: &str) -> Result<Played, StoreError> {
        let text = self.text(cell)?;
        let (told, figures) = text.split_once('\n').unwrap_or((&text, ""));
        Ok(Played { told: self.parsed(cell, told)?, figures: self.parsed(cell, figures)? })
    }

    /// Reads what tables need of a cell.
    ///
    /// # Errors
    /// If it is not there or damaged.
    pub fn told(&self, cell: &str) -> Result<Told, StoreError> {
        let text = self.text(cell)?;
        self.parsed(cell, text.lines().next().unwrap_or(""))
    }

    fn text(&self, cell: &str) -> Result<String, StoreError> {
        let file = self.place(cell);
        fs::read_to_string(&file).map_err(|error| StoreError::refused(&file, &error))
    }

    fn parsed<T: DeserializeOwned>(&self, cell: &str, line: &str) -> Result<T, StoreError> {
        let damaged =
            |error: serde_json::Error| StoreError::Damaged { file: self.place(cell), reason: error.to_string() };
        serde_json::from_str(line).map_err(damaged)
    }

    /// Writes which cells there are, in order: the sweep, or its shard, is at its end.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write_index(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut text = String::from("point,variant,replicate,cell\n");
        for Entry { point, variant, replicate, cell } in entries {
            let _ = writeln!(text, "{point},{variant},{replicate},{cell}");
        }
        write(&self.folder.join(INDEX), text.as_bytes())
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn place(folder: &Path, cell: &str) -> PathBuf {
    // Folders of a few thousand files each, of a million cells.
    folder.join("cells").join(cell.get(..2).unwrap_or("")).join(format!("{cell}.json"))
}

/// The plan of a folder, if it holds a sweep.
pub(super) fn read_plan(folder: &Path) -> Result<Option<Plan>, StoreError> {
    let file = folder.join(PLAN);
    match fs::read(&file) {
        Ok(bytes) => match serde_json::from_slice::<Plan>(&bytes) {
            Ok(plan) if plan.is_sound() => Ok(Some(plan)),
            Ok(_) => Err(StoreError::Damaged { file, reason: "its axes and points do not go together".to_owned() }),
            Err(error) => Err(StoreError::Damaged { file, reason: error.to_string() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::refused(&file, &error)),
    }
}

/// The cells of a folder whose sweep or shard has come to its end.
pub(super) fn read_index(folder: &Path) -> Result<Vec<Entry>, StoreError> {
    let file = folder.join(INDEX);
    let mut reader = csv::Reader::from_path(&file).map_err(|_| StoreError::Unfinished(folder.to_owned()))?;
    let rows: Result<Vec<Entry>, csv::Error> = reader.deserialize().collect();
    rows.map_err(|error| StoreError::Damaged { file, reason: error.to_string() })
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // Nothing in a plan or a cell cannot be written: keys are text, numbers finite.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let refused = |error: io::Error| StoreError::refused(file, &error);
    match write_whole(file, bytes) {
        // The first cell of its folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).map_err(refused)?;
            }
            write_whole(file, bytes).map_err(refused)
        }
        written => written.map_err(refused),
    }
}

/// Lines of a process that was killed may be torn: they are left out.
fn timing_file(file: &Path) -> Result<File, StoreError> {
    const HEADER: &str = "cell,cpu_s\n";
    let refused = |error: io::Error| StoreError::refused(file, &error);
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEADER.to_owned(),
        Err(error) => return Err(refused(error)),
    };
    let whole = text.rfind('\n').map_or(HEADER, |end| &text[..=end]);
    write(file, whole.as_bytes())?;
    OpenOptions::new().append(true).open(file).map_err(refused)
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    let mut names = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.file_name());
    // A first process may have been killed before its plan was there.
    Ok(names.all(|name| name.to_string_lossy().starts_with('.')))
}

/// Removes what a process that was killed was writing.
fn collect(cells: &Path) {
    let folders = fs::read_dir(cells).into_iter().flatten().filter_map(Result::ok);
    for entry in folders.filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with('.') {
            // Best effort: a file that stays is never read.
            let _ = fs::remove_file(entry.path());
        }
    }
}
