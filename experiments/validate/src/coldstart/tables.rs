//! The two tables: loads, starts and phases in JSON; loads by file in CSV.

use super::check::{Check, ENGINE_START_S, EXACT, TOLERANCE, Unpredicted};
use super::phases;
use super::setup::{Setup, size_gb, tier};
use crate::error::ValidateError;
use crate::queueing::play_phases;
use crate::serving::table::{Table, Unread};
use flashcrowd_language::{list, nearest};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest time and largest size that is believed.
const MOST: f64 = 1e6;

/// The JSON table.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    loads: Vec<Load>,
    #[serde(default)]
    vllm_ready: Vec<Ready>,
    #[serde(default)]
    phases: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
struct Load {
    setup: String,
    loader: String,
    model: String,
    size_gb: f64,
    seconds: f64,
}

#[derive(Deserialize)]
struct Ready {
    store: String,
    loader: String,
    total_ready_s: f64,
}

pub(super) fn read(file: &str, text: String) -> Result<Vec<Check>, ValidateError> {
    if text.trim_start().starts_with(['{', '[']) { document(file, &text) } else { table(file, text) }
}

fn document(file: &str, text: &str) -> Result<Vec<Check>, ValidateError> {
    let document: Document = serde_json::from_str(text).map_err(|error| {
        let line = u64::try_from(error.line()).ok().filter(|line| *line > 0);
        ValidateError::new(file, line, format!("not a document of cold starts: {error}"))
    })?;
    let mut checks = loads(file, &document.loads)?;
    for row in &document.vllm_ready {
        let id = format!("vLLM ready, {} {}", row.store, row.loader);
        believable(file, &id, row.total_ready_s)?;
        // The size that the tables' source gives for its model.
        let predicted = Setup::read(tier(&row.store), &row.loader).map(|setup| setup.load(15.0).0 + ENGINE_START_S);
        let (measured, key) = (row.total_ready_s, "total_ready_s");
        checks.push(Check { part: "vllm_ready", id, key, measured, predicted: predicted.map(|s| (s, TOLERANCE)) });
    }
    for (name, phases) in &document.phases {
        checks.push(phase_sum(file, name, phases)?);
    }
    if checks.is_empty() {
        let message = "the document holds none of `loads`, `vllm_ready` and `phases`";
        return Err(ValidateError::new(file, None, message));
    }
    Ok(checks)
}

fn loads(file: &str, rows: &[Load]) -> Result<Vec<Check>, ValidateError> {
    let mut setup = "";
    let mut checks = Vec::new();
    for row in rows {
        // "same" is the set-up of the row above, "same cached" the same with its files in host memory.
        let rest = row.setup.strip_prefix("same");
        setup = if rest.is_some() { setup } else { &row.setup };
        let words = rest.map_or_else(|| setup.to_owned(), |rest| format!("{setup}{rest}"));
        let id = format!("{words}, {}, {}", row.loader, row.model);
        believable(file, &id, row.seconds)?;
        believable(file, &id, row.size_gb)?;
        let predicted = Setup::read(tier(&words), &row.loader).map(|setup| setup.load(row.size_gb));
        checks.push(Check { part: "loads", id, key: "seconds", measured: row.seconds, predicted });
    }
    Ok(checks)
}

/// Phases through the engine, one after the other, against their total.
fn phase_sum(file: &str, name: &str, phases: &BTreeMap<String, f64>) -> Result<Check, ValidateError> {
    let wrong = |message: String| ValidateError::new(file, None, format!("phases {name}: {message}"));
    let total = phases.get("total").ok_or_else(|| wrong("there is no `total`".to_owned()))?;
    let parts: Vec<(String, f64)> =
        phases.iter().filter(|(phase, _)| *phase != "total").map(|(phase, s)| (phase.clone(), *s)).collect();
    if let Some((phase, s)) = parts.iter().find(|(_, s)| !(0.0..=MOST).contains(s)) {
        return Err(wrong(format!("`{phase}` is {s}: expected 0 to {MOST} s")));
    }
    let found = play_phases(&parts, format!("phases/{name}")).map_err(|error| wrong(error.to_string()))?;
    let predicted = Ok((found, EXACT));
    Ok(Check { part: "phases", id: name.to_owned(), key: "total", measured: *total, predicted })
}

fn believable(file: &str, id: &str, value: f64) -> Result<(), ValidateError> {
    if value > 0.0 && value <= MOST {
        return Ok(());
    }
    Err(ValidateError::new(file, None, format!("{id}: {value}: expected a number above 0 and at most {MOST}")))
}

fn table(file: &str, text: String) -> Result<Vec<Check>, ValidateError> {
    let table = Table::parse(file.to_owned(), text)?;
    if table.lacks(&phases::COLUMNS).is_none() {
        return phases::checks(&table);
    }
    if let Some(column) = table.lacks(&["file", "mean_s"]) {
        let found = || table.header().iter().map(String::as_str);
        let hint = nearest(column, found()).map_or(String::new(), |near| format!("; is it `{near}`?"));
        let message = format!("there is no column `{column}`, only {}{hint}", list(found()));
        return Err(ValidateError::new(file, Some(1), message));
    }
    let mut checks = Vec::new();
    for row in table.rows() {
        let read = row.word("file").and_then(|name| Ok((name, row.positive("mean_s", MOST)?)));
        let (name, measured) = match read {
            Ok(read) => read,
            Err(Unread::Wrong(error)) => return Err(error),
            Err(Unread::LeftOut(why)) => {
                let (id, part, key) = (format!("line {}", row.line()), "serverlessllm", "mean_s");
                checks.push(Check { part, id, key, measured: 0.0, predicted: Err(Unpredicted::Row(why)) });
                continue;
            }
        };
        let (id, part, key) = (name.to_owned(), "serverlessllm", "mean_s");
        checks.push(Check { part, id, key, measured, predicted: by_file(name) });
    }
    Ok(checks)
}

/// A load by its file's name: `h100_2025/random/Qwen_Qwen3-32B_sllm_30_random.json`.
fn by_file(name: &str) -> Result<(f64, f64), Unpredicted> {
    let tier = match name.split('/').next() {
        Some("a5000_2024") => tier("raid0"),
        Some("h100_2025") if name.contains("cached") => tier("cached"),
        Some("h100_2025") => tier("nvme"),
        _ => None,
    };
    let loaders = [("_sllm_", "sllm"), ("_phantom_", "sllm"), ("_safetensors_", "safetensors")];
    let loader = loaders.into_iter().find(|(part, _)| name.contains(part)).map_or("", |(_, loader)| loader);
    let gb = size_gb(name).ok_or(Unpredicted::UnknownSize)?;
    Ok(Setup::read(tier, loader)?.load(gb))
}
