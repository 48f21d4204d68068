//! A recorded trace.

use super::client::Client;
use super::columns::{self, Columns, Own, TimeForm};
use super::format::Format;
use super::place::{Generators, Place, Source, TraceFile, called};
use crate::errors::source_error;
use crate::files::{InputHash, hash_file};
use crate::part::Part;
use crate::settings::Notes;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Positive};
use flashcrowd_language::words::plain;
use flashcrowd_workloads::input::open_again;
use flashcrowd_workloads::traffic::requests::RequestDistributions;
use flashcrowd_workloads::traffic::trace::{
    self, BlockIndex, Recording, TraceOptions, TraceSource, TraceSummary, format, summary,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Parameters of `Trace`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file: CSV or JSON lines, plain or gzip, or Parquet.
    #[schemars(extend("x-file" = true, "x-example" = r#""trace.csv""#))]
    pub path: String,
    /// Its format, which its first line tells: one that differs is refused.
    pub format: Option<Format>,
    /// Which columns say what, in a file of no known format.
    #[schemars(extend(
        "x-example" = r#"(time: "timestamp", prompt: "prompt_tokens", output: "completion_tokens")"#
    ))]
    pub columns: Option<Columns>,
    /// Of a file with `columns`, only rows that have exactly these values in these columns.
    #[serde(rename = "where")]
    #[schemars(extend("x-example" = r#"{"model": "8b"}"#))]
    pub only: Option<BTreeMap<String, String>>,
    /// Of a file with `columns`, how times are written; the first row shows it.
    pub time: Option<TimeForm>,
    /// Instants are multiplied by this.
    #[schemars(extend("x-example" = "0.5"))]
    pub time_scale: Option<Positive>,
    /// Rows are multiplied or thinned by this.
    #[schemars(extend("x-example" = "2"))]
    pub rate_scale: Option<Positive>,
    /// Played so many times.
    #[schemars(extend("x-example" = "2"))]
    pub repeat: Option<u32>,
    /// Part of the trace that is played, from its first row.
    #[schemars(extend("x-example" = r#"(from: "1h", to: "2h")"#))]
    pub window: Option<Window>,
    /// Each replicate draws its own arrivals from the trace; all play the trace as it is by default.
    #[schemars(extend("x-example" = r#"Blocks("1m")"#))]
    pub resample: Option<Resample>,
    /// What happens to rows that cannot be used.
    pub on_bad_row: Option<OnBadRow>,
    /// The service called.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// Part of a trace.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Start.
    #[schemars(extend("x-example" = r#""1h""#))]
    pub from: Option<Duration>,
    /// End.
    #[schemars(extend("x-example" = r#""2h""#))]
    pub to: Option<Duration>,
}

/// How a replicate draws its arrivals from a trace.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Resample {
    /// Blocks of this length, with replacement, until the trace's length is full.
    Blocks(Duration),
}

/// What happens to rows that cannot be used.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum OnBadRow {
    /// The run is refused.
    Refuse,
    /// They are left out and counted.
    Drop,
}

called!(Trace);

impl Trace {
    /// How it is played.
    fn options(&self, notes: &mut Notes<'_>, path: &str, load: f64) -> TraceOptions {
        const RECORDED: &str = "as recorded";
        let of = |field: &str| format!("{path}.{field}");
        let window = self.window.as_ref().map(|window| {
            let from = window.from.map_or(SimDuration::ZERO, Duration::get);
            (from, window.to.map_or(SimDuration::MAX, Duration::get))
        });
        if window.is_none() {
            notes.default(&of("window"), "None", "all of it", false);
        }
        if self.resample.is_none() {
            notes.default(&of("resample"), "None", "every replicate plays it as it is", false);
        }
        TraceOptions {
            time_scale: notes.or(&of("time_scale"), self.time_scale.map(Positive::get), 1.0, RECORDED),
            rate_scale: notes.or(&of("rate_scale"), self.rate_scale.map(Positive::get), 1.0, RECORDED) * load,
            repeat: notes.or(&of("repeat"), self.repeat, 1, "once"),
            window,
            on_bad_row: match self.on_bad_row {
                Some(OnBadRow::Drop) => trace::OnBadRow::Drop,
                Some(OnBadRow::Refuse) => trace::OnBadRow::Refuse,
                None => {
                    notes.default(&of("on_bad_row"), "Refuse", "a trace with a bad row may be the wrong file", false);
                    trace::OnBadRow::Refuse
                }
            },
        }
    }
}

impl Trace {
    /// Where its rows come from: a file of a known format, or one whose columns are named.
    fn recording(
        &self,
        notes: &mut Notes<'_>,
        path: &str,
        (file, hash): (&Path, &str),
    ) -> Result<Recording, Diagnostic> {
        let of = |field: &str| format!("{path}.{field}");
        let Some(given) = &self.columns else {
            for (field, is_given) in [("where", self.only.is_some()), ("time", self.time.is_some())] {
                if is_given {
                    let error = notes.error(&of(field), format!("`{field}` is of a file whose columns are named"));
                    return Err(
                        error.with_help("name them: `columns: (time: \"...\", prompt: \"...\", output: \"...\")`")
                    );
                }
            }
            if let Some(error) = columns::unnamed(file).map_err(|error| source_error(&error))? {
                return Err(source_error(&error));
            }
            expect_format(notes, path, self.format, file)?;
            return Ok(Recording::from(file));
        };
        if self.format.is_some() {
            return Err(
                notes.error(&of("format"), "`format` and `columns` both say how the file is read: leave one out")
            );
        }
        let own = Own { columns: given, only: self.only.as_ref(), time: self.time, on_bad_row: self.on_bad_row };
        Ok(Recording::Held(own.read(notes, path, (file, &self.path, hash))?))
    }
}

/// Notes what became of the rows of a table.
fn note_table(notes: &mut Notes<'_>, path: &str, recording: &Recording, found: TraceSummary) {
    let Recording::Held(table) = recording else { return };
    let rows = format!(
        "{} played, {} left out by `where`, {} bad, {} put into the order of time",
        found.rows,
        found.left_out,
        found.dropped,
        table.late_rows()
    );
    notes.default(&format!("{path}.rows"), &rows, "the file", false);
}

impl Part<Generators> for Trace {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Arc<dyn Source>, Diagnostic> {
        let Place { notes, files, path, load, .. } = place;
        let setting = format!("{path}.path");
        let options = self.options(notes, path, *load);
        options.check().map_err(|error| notes.error(path, error.to_string()))?;
        let file = files.locate(notes, &setting, &self.path);
        if !file.exists() {
            let error = notes.error(&setting, format!("there is no trace at `{}`", file.display()));
            return Err(error.with_help(format!(
                "the Azure LLM inference traces are public (CC-BY): \
                 https://github.com/Azure/AzurePublicDataset, files `AzureLLMInferenceTrace_code.csv` and `..._conv.csv`; \
                 so are those that name the blocks of prompts (Apache-2.0): https://github.com/kvcache-ai/Mooncake, \
                 FAST25-release/traces; then give its place: --set {setting}=FILE"
            )));
        }
        open_again(&file).map_err(|error| notes.error(&setting, format!("`{}`: {}", self.path, plain(&error))))?;
        let hash = hash_file(&file).map_err(|error| notes.error(&setting, error.to_string()))?;
        let recording = self.recording(notes, path, (&file, &hash))?;
        files.hashes.push(InputHash { path: self.path.clone(), hash });
        let found = summary(&recording, &options).map_err(|error| source_error(&error))?;
        if found.dropped > 0 {
            notes.warn(format!("{}: {} rows were dropped, {} are played", self.path, found.dropped, found.rows));
        }
        note_table(notes, path, &recording, found);
        let blocks = blocks(notes, path, self.resample, (&recording, &options, found))?;
        let lacks = self.columns.as_ref().and_then(|columns| match (&columns.prompt, &columns.output) {
            (None, _) => Some("prompt"),
            (_, None) => Some("output"),
            _ => None,
        });
        Ok(Arc::new(TraceFile { shown: self.path.clone(), recording, options, summary: found, blocks, lacks }))
    }
}

impl Source for TraceFile {
    fn open(&self, seed: Seed, _: SimTime, label: &str) -> Result<Traffic, SourceError> {
        let TraceFile { recording, options, summary, blocks, .. } = self;
        let source = match blocks {
            Some(index) => TraceSource::open_resampled(recording, options, *summary, Arc::clone(index), seed, label),
            None => TraceSource::open_checked(recording, options, *summary, seed, label),
        };
        Ok(Traffic::Open(Box::new(source?)))
    }

    fn expected_requests(&self, _: f64) -> f64 {
        self.summary.rows as f64 * self.options.rate_scale * f64::from(self.options.repeat)
    }

    fn distributions(&self) -> Option<&RequestDistributions> {
        None
    }

    fn trace(&self) -> Option<&TraceFile> {
        Some(self)
    }
}

/// The blocks of a trace of which each replicate draws its own.
fn blocks(
    notes: &mut Notes<'_>,
    path: &str,
    given: Option<Resample>,
    (recording, options, found): (&Recording, &TraceOptions, TraceSummary),
) -> Result<Option<Arc<BlockIndex>>, Diagnostic> {
    let Some(Resample::Blocks(length)) = given else { return Ok(None) };
    let setting = format!("{path}.resample");
    notes.given(&setting, "");
    let index = BlockIndex::new(recording, options, found, length.get()).map_err(|error| {
        let diagnostic = notes.error(&setting, format!("the trace cannot be resampled: {}", error.message));
        match error.hint {
            Some(hint) => diagnostic.with_help(hint),
            None => diagnostic,
        }
    })?;
    Ok(Some(Arc::new(index)))
}

/// A format that the scenario names must be that of the file.
fn expect_format(notes: &Notes<'_>, path: &str, given: Option<Format>, file: &Path) -> Result<(), Diagnostic> {
    let Some(Format(given)) = given else { return Ok(()) };
    let found = format(file).map_err(|error| source_error(&error))?.name;
    if found == given {
        return Ok(());
    }
    let message = format!("the first line of `{}` is one of `{found}`, not of `{given}`", file.display());
    Err(notes.error(&format!("{path}.format"), message).with_help("leave `format` out: the first line tells it"))
}
