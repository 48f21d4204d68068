//! The output folder: tables and summaries are written while runs come in, and the folder takes its
//! place when all are there, so that it is whole or not there.

use super::hgrm::hgrm;
use super::part::Distribution;
use super::place::Place;
use super::results::Results;
use super::runs::{RUNS, write_runs};
use super::scope::{Scope, ScopeKind};
use super::spool::Summaries;
use super::table::Source;
use super::tables::{TABLES, TableWriter};
use crate::run::Run;
use flashcrowd_language::words::plain;
use flashcrowd_scenario::Loaded;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// Why the outputs were not written. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something that is not ours stands there.
    #[error("`{0}` exists and was not written by flashcrowd; give another folder with --out")]
    NotOurs(PathBuf),
    /// A file that is not ours has the name of one of ours.
    #[error(
        "`{folder}` holds a file `{file}` that flashcrowd did not write and would replace; give another folder with --out"
    )]
    InTheWay {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: String,
    },
    /// The file system refused.
    #[error("cannot write the outputs to `{folder}`: {reason}")]
    Refused {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl ExportError {
    /// The system's refusal of a folder or file.
    pub fn refused(folder: &Path, error: &io::Error) -> Self {
        ExportError::Refused { folder: folder.to_owned(), reason: plain(error) }
    }
}

/// A folder that is being written.
pub struct OutputFolder {
    given: PathBuf,
    place: Place,
    tables: Vec<TableWriter>,
    /// Why it cannot be written any further; the runs go on, and the report is printed.
    failed: Option<io::Error>,
}

impl OutputFolder {
    /// Checks the place and makes the fresh folder; nothing there is touched yet.
    ///
    /// # Errors
    /// If something that is not ours stands there, or it cannot be written.
    pub fn prepare(given: &Path, loaded: &Loaded) -> Result<Self, ExportError> {
        let names = TABLES.iter().map(|table| file_name(table.name));
        let latencies = latency_files(loaded).into_iter().map(|file| file.name);
        let names: BTreeSet<String> =
            names.chain(latencies).chain(["summary.json", "files.json", RUNS].map(str::to_owned)).collect();
        let place = Place::prepare(given, &names)?;
        let open = |table: super::tables::TableDef| {
            let file = BufWriter::new(File::create(place.fresh().join(file_name(table.name)))?);
            TableWriter::new(table, Box::new(file))
        };
        let tables: io::Result<Vec<TableWriter>> = TABLES.into_iter().map(open).collect();
        match tables {
            Ok(tables) => Ok(OutputFolder { given: given.to_owned(), place, tables, failed: None }),
            Err(error) => {
                place.give_up();
                Err(ExportError::refused(given, &error))
            }
        }
    }

    /// Adds a run to all tables.
    pub fn add(&mut self, loaded: &Loaded, run: &Run) {
        if self.failed.is_some() {
            return;
        }
        let source = Source { resolved: &loaded.variants[run.variant], run };
        self.failed = self.tables.iter_mut().try_for_each(|table| table.add(&source)).err();
    }

    /// Writes what is known at the end only, and puts the folder in its place.
    ///
    /// # Errors
    /// If anything could not be written; nothing is left behind.
    pub fn finish(self, results: &Results<'_>, summaries: &mut Summaries) -> Result<(), ExportError> {
        let OutputFolder { given, place, tables, failed } = self;
        let written = failed.map_or(Ok(()), Err).and_then(|()| {
            tables.into_iter().try_for_each(TableWriter::finish)?;
            write_last(place.fresh(), results, summaries)
        });
        match written {
            Ok(()) => place.take(),
            Err(error) => {
                place.give_up();
                Err(ExportError::refused(&given, &error))
            }
        }
    }

    /// Leaves nothing behind: the runs did not come to their end.
    pub fn give_up(self) {
        self.place.give_up();
    }
}

fn write_last(folder: &Path, results: &Results<'_>, summaries: &mut Summaries) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(folder.join("summary.json"))?);
    summaries.write(results, &mut file)?;
    io::Write::flush(&mut file)?;
    write_runs(results, &mut BufWriter::new(File::create(folder.join(RUNS))?))?;
    for LatencyFile { name, variant, service } in latency_files(results.loaded) {
        let scope = Scope::new(ScopeKind::Service, service);
        let spread = results.variants[variant].figures.spread(&scope, Distribution::E2e);
        fs::write(folder.join(name), hgrm(&spread.unwrap_or_default()))?;
    }
    Ok(())
}

fn file_name(table: &str) -> String {
    format!("{table}.csv")
}

/// A distribution of latencies, over all replicates of a variant.
struct LatencyFile {
    name: String,
    variant: usize,
    service: String,
}

/// `latency.hgrm`, with the variant and service in it where there are several. Names that are alike as
/// file names, also where case does not count, are numbered.
fn latency_files(loaded: &Loaded) -> Vec<LatencyFile> {
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c), "_");
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut files = Vec::new();
    for (resolved, variant) in loaded.variants.iter().zip(0..) {
        for service in &resolved.services {
            let mut stem = String::from("latency");
            for part in [&*resolved.variant, if resolved.services.len() > 1 { &*service.config.name } else { "" }] {
                if !part.is_empty() {
                    stem = format!("{stem}.{}", plain(part));
                }
            }
            let numbered = (2..).map(|n| format!("{stem}-{n}"));
            let free = std::iter::once(stem.clone()).chain(numbered).find(|stem| taken.insert(stem.to_lowercase()));
            let name = format!("{}.hgrm", free.unwrap_or(stem));
            files.push(LatencyFile { name, variant, service: service.config.name.to_string() });
        }
    }
    files
}
