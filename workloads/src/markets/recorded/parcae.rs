//! Recordings of Parcae (JF-D/Parcae, `aws/traces`): counts by millisecond, or nodes that come and go.

use super::bamboo::shortened;
use super::file::{read_text, refuse, refuse_line};
use super::{MAX_NODES, bamboo};
use crate::markets::CapacitySeries;
use flashcrowd_core::clock::{SimDuration, SimTime};
use flashcrowd_core::ports::SourceError;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The longest horizon, in milliseconds.
const MAX_MS: f64 = 1.8e10;

/// Reads `ms,count`. Rows of one instant are one step: the last count holds.
///
/// # Errors
/// A file that cannot be read, a row that is no such pair, or a time that goes back.
pub fn read_parcae_csv(path: &Path) -> Result<CapacitySeries, SourceError> {
    let rows = bamboo::rows(path, &read_text(path)?)?;
    series(path, rows)
}

/// One line: when, what, and which nodes. Further fields are passed over.
#[derive(Deserialize)]
struct Event(f64, String, Nodes);

#[derive(Default, Deserialize)]
struct Nodes {
    #[serde(default)]
    nodes: Vec<Value>,
}

/// Reads `[ms,"add"/"remove"/"no-op",{"nodes":[...]}]`, a line for each event; capacity is how many
/// different nodes are there.
///
/// # Errors
/// A file that cannot be read, a line that is no such event, or a time that goes back.
pub fn read_parcae_json(path: &Path) -> Result<CapacitySeries, SourceError> {
    let text = read_text(path)?;
    let mut there: BTreeSet<String> = BTreeSet::new();
    let mut rows: Vec<(f64, u32)> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: String| {
            let expected = "expected [ms,\"add\", \"remove\" or \"no-op\",{\"nodes\":[...]}]";
            refuse_line(path, index + 1, format!("{what}; {expected}"))
        };
        let Event(ms, what, Nodes { nodes }) =
            serde_json::from_str(line).map_err(|error| wrong(format!("`{}`: {error}", shortened(line))))?;
        let names = nodes.iter().map(Value::to_string);
        match what.as_str() {
            "add" => there.extend(names),
            "remove" => {
                let gone: BTreeSet<String> = names.collect();
                there.retain(|name| !gone.contains(name));
            }
            "no-op" => {}
            other => return Err(wrong(format!("`{}`", shortened(other)))),
        }
        if rows.last().is_some_and(|last| ms < last.0) || there.len() > MAX_NODES as usize {
            return Err(wrong(format!("time {ms} goes back, or there are more than {MAX_NODES} nodes")));
        }
        rows.push((ms, there.len() as u32));
    }
    series(path, rows)
}

/// Rows in milliseconds, from the first on.
fn series(path: &Path, rows: Vec<(f64, u32)>) -> Result<CapacitySeries, SourceError> {
    let (Some(first), Some(last)) = (rows.first().copied(), rows.last().copied()) else {
        return Err(refuse(path.display().to_string(), "no rows; expected a time in ms and what happened"));
    };
    if last.0 - first.0 > MAX_MS {
        return Err(refuse(path.display().to_string(), "longer than 208 days: expected times in ms"));
    }
    let at = |ms: f64| SimTime::ZERO + SimDuration::from_s_f64((ms - first.0) / 1e3);
    Ok(CapacitySeries::from_samples(rows.into_iter().map(|(ms, nodes)| (at(ms), nodes)), at(last.0)))
}
