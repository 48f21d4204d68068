//! The summaries of all runs as one JSON text. They are kept in a temporary file until the digest of all
//! is known, which stands before them: memory does not grow with replicates.

use super::bound;
use super::figures::Figures;
use super::results::Results;
use super::scope::Scope;
use super::summary::{SCHEMA, summary_with};
use super::verdict::{Verdict, verdicts};
use crate::run::Run;
use flashcrowd_scenario::Loaded;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};

/// Summaries of runs, in the order of the trials.
#[derive(Debug)]
pub struct Summaries {
    spool: Option<BufWriter<File>>,
    runs: u64,
    failed: Option<io::Error>,
}

impl Default for Summaries {
    fn default() -> Self {
        Summaries::new()
    }
}

impl Summaries {
    /// None yet.
    pub fn new() -> Self {
        match tempfile::tempfile() {
            Ok(file) => Summaries { spool: Some(BufWriter::new(file)), runs: 0, failed: None },
            Err(error) => Summaries { spool: None, runs: 0, failed: Some(error) },
        }
    }

    /// Adds a run and its figures.
    pub fn add(&mut self, loaded: &Loaded, run: &Run, figures: &Figures) {
        let Some(spool) = self.spool.as_mut().filter(|_| self.failed.is_none()) else { return };
        // One summary a line, for as long as it waits.
        let written = serde_json::to_writer(&mut *spool, &summary_with(loaded, run, figures)).map_err(io::Error::from);
        self.failed = written.and_then(|()| spool.write_all(b"\n")).err();
        self.runs += 1;
    }

    /// Writes the summary itself for one run, else all of them under their digest.
    ///
    /// # Errors
    /// If the temporary file could not be written or read, or `out` refuses.
    pub fn write(&mut self, results: &Results<'_>, out: &mut dyn Write) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(spool) = &mut self.spool else { return Ok(()) };
        spool.flush()?;
        let file = spool.get_mut();
        file.rewind()?;
        let mut lines = BufReader::new(&mut *file).lines();
        if self.runs == 1 {
            let only: Value = serde_json::from_str(&lines.next().unwrap_or_else(|| Ok(String::new()))?)?;
            writeln!(out, "{}", serde_json::to_string_pretty(&only)?)?;
        } else {
            let head = serde_json::to_string_pretty(&head(results))?;
            write!(out, "{},\n  \"runs\": [", head.trim_end().trim_end_matches('}').trim_end())?;
            for (line, first) in lines.zip(std::iter::once(true).chain(std::iter::repeat(false))) {
                let run: Value = serde_json::from_str(&line?)?;
                let text = serde_json::to_string_pretty(&run)?.replace('\n', "\n    ");
                write!(out, "{}\n    {text}", if first { "" } else { "," })?;
            }
            writeln!(out, "\n  ]\n}}")?;
        }
        file.seek(io::SeekFrom::End(0))?;
        Ok(())
    }
}

/// What stands before the runs: their digest, and each variant over its trials.
fn head(results: &Results<'_>) -> Value {
    let variants: Vec<Value> = (0..results.variants.len()).map(|variant| of_variant(results, variant)).collect();
    let mut head = json!({
        "schema": SCHEMA,
        "scenario": results.loaded.name,
        "digest": results.digest(),
        "variants": variants,
    });
    if results.bound().is_some() {
        head["bound"] = bound::json(results);
    }
    head
}

fn of_variant(results: &Results<'_>, variant: usize) -> Value {
    let slos: Vec<Value> = verdicts(results, variant).iter().map(Verdict::json).collect();
    let cost = results.estimate(variant, &Scope::all(), "cost_usd");
    json!({
        "variant": results.loaded.variants[variant].variant,
        "replicates": results.variants[variant].figures.trials(),
        "promises": slos,
        "cost_usd": cost.got,
        "cost_half_width_usd": cost.half_width,
    })
}
