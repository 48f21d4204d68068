//! The reference document and the recorded markets that it was made from.

use super::policy::Policy;
use crate::error::ValidateError;
use crate::input::Lines;
use flashcrowd_core::SimDuration;
use flashcrowd_workloads::markets::CapacitySeries;
use flashcrowd_workloads::markets::recorded::read_skypilot;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Set names that stand for folders of traces.
const FOLDERS: [(&str, &str); 3] = [
    ("2-month", "availability/1-node/aws-02-15-2023"),
    ("4-node", "preemption/4-node/aws-08-03-2023"),
    ("16-node", "availability/16-node/aws-08-27-2023"),
];

#[derive(Deserialize)]
struct RawSet {
    zones: Vec<String>,
    gap_seconds: f64,
    target: u32,
    k_od: f64,
    results: BTreeMap<String, BTreeMap<String, Value>>,
}

/// All results on one recorded market.
pub(super) struct Set {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) zones: Vec<String>,
    /// Seconds from one tick to the next.
    pub(super) gap_s: u32,
    /// Replicas that are to be ready.
    pub(super) target: u32,
    /// Price of on-demand over that of spot.
    pub(super) ratio: f64,
    pub(super) cases: Vec<Case>,
}

/// One policy with its recorded results.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) policy: Policy,
    pub(super) expected: Vec<(String, f64)>,
}

/// Capacity by zone; all zones are played for as many ticks.
pub(super) struct Market {
    pub(super) zones: Vec<CapacitySeries>,
    pub(super) ticks: usize,
}

/// Most seconds of a run: simulated time ends after 213 days.
const LONGEST_RUN_S: u64 = 18_000_000;
/// Most replicas that a set may ask for.
const MOST_REPLICAS: u32 = 10_000;

pub(super) fn read(path: &Path) -> Result<Vec<Set>, ValidateError> {
    let lines = Lines::open(path)?;
    let file = lines.file().to_owned();
    let text = lines.document()?;
    let sets: BTreeMap<String, RawSet> = serde_json::from_str(&text).map_err(|error| {
        let line = u64::try_from(error.line()).ok().filter(|line| *line > 0);
        ValidateError::new(&file, line, format!("not a document of spot replays: {error}"))
    })?;
    if sets.is_empty() {
        return Err(ValidateError::new(&file, None, "the document holds no set"));
    }
    sets.into_iter().map(|(name, set)| resolve(&file, name, set)).collect()
}

fn resolve(file: &str, name: String, raw: RawSet) -> Result<Set, ValidateError> {
    let wrong = |what: String| Err(ValidateError::new(file, None, format!("set `{name}`: {what}")));
    if raw.zones.is_empty() {
        return wrong("it names no zone".to_owned());
    }
    if raw.gap_seconds.fract() != 0.0 || !(1.0..=86_400.0).contains(&raw.gap_seconds) {
        return wrong(format!("`gap_seconds` is {}; expected whole seconds, 1 to 86400", raw.gap_seconds));
    }
    if raw.target > MOST_REPLICAS {
        return wrong(format!("`target` is {}; expected at most {MOST_REPLICAS}", raw.target));
    }
    if !(raw.k_od > 0.0 && raw.k_od <= 1e6) {
        return wrong(format!("`k_od` is {}; expected a price ratio above 0, at most a million", raw.k_od));
    }
    let mut cases = Vec::new();
    for (policy, values) in raw.results {
        let Some(parsed) = Policy::parse(&policy, raw.zones.len()) else {
            return wrong(format!("no policy `{policy}` is known; expected {}", Policy::EXPECTED));
        };
        let number = |(key, value): (String, Value)| value.as_f64().map(|value| (key, value));
        let expected = values.into_iter().filter_map(number).collect();
        cases.push(Case { name: policy, policy: parsed, expected });
    }
    Ok(Set {
        file: file.to_owned(),
        name,
        zones: raw.zones,
        gap_s: raw.gap_seconds as u32,
        target: raw.target,
        ratio: raw.k_od,
        cases,
    })
}

/// The folder that a set's name stands for; another name is the folder itself.
fn folder(set: &str, traces: &Path) -> PathBuf {
    let known = FOLDERS.iter().find(|(name, _)| *name == set);
    traces.join(known.map_or(set, |(_, folder)| folder))
}

/// A recording that is not among the traces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {}", .0.display())]
pub(super) struct MissingTrace(PathBuf);

/// The recorded market of a set, or why it is not there.
pub(super) fn market(set: &Set, traces: &Path) -> Result<Result<Market, MissingTrace>, ValidateError> {
    let folder = folder(&set.name, traces);
    let mut zones = Vec::new();
    for zone in &set.zones {
        let path = folder.join(format!("{zone}.json"));
        if !path.is_file() {
            return Ok(Err(MissingTrace(path)));
        }
        let recording = read_skypilot(&path).map_err(|error| ValidateError::new(&error.place, None, error.message))?;
        if recording.gap != SimDuration::from_s(u64::from(set.gap_s)) {
            let message = format!("its gap is {}, the reference has {} s", recording.gap, set.gap_s);
            return Err(ValidateError::new(&path.display().to_string(), None, message));
        }
        zones.push(recording.capacity);
    }
    let gap_ps = SimDuration::from_s(u64::from(set.gap_s)).as_ps();
    let ticks = zones.iter().map(|zone| (zone.end().as_ps() / gap_ps) as usize).min().unwrap_or(0);
    if ticks == 0 || ticks as u64 * u64::from(set.gap_s) > LONGEST_RUN_S {
        let message = format!("set `{}`: {ticks} ticks; expected from 1 to 208 days of them", set.name);
        return Err(ValidateError::new(&set.file, None, message));
    }
    Ok(Ok(Market { zones, ticks }))
}
