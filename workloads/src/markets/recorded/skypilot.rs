//! Recordings of skypilot-org/spot-traces. `data` is a count, not a flag. Files have no start time:
//! that the zones of a folder begin together is an assumption.

use super::MAX_NODES;
use super::file::{read_text, refuse};
use crate::markets::CapacitySeries;
use flashcrowd_core::clock::{SimDuration, SimTime};
use flashcrowd_core::ports::SourceError;
use serde::Deserialize;
use serde_json::Number;
use std::path::{Path, PathBuf};

/// A recorded zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The name of the zone: that of the file without its ending.
    pub zone: String,
    /// From one sample to the next.
    pub gap: SimDuration,
    /// Its capacity.
    pub capacity: CapacitySeries,
}

#[derive(Deserialize)]
struct Document {
    metadata: Metadata,
    data: Vec<Number>,
}

#[derive(Deserialize)]
struct Metadata {
    gap_seconds: Number,
}

/// Longest gap: a day.
const MAX_GAP_S: f64 = 86_400.0;

/// Reads one zone.
///
/// # Errors
/// A file that cannot be read, is not JSON of this form, or is empty; a gap or a count that is not
/// a number.
pub fn read_skypilot(path: &Path) -> Result<Recording, SourceError> {
    let text = read_text(path)?;
    let name = path.display().to_string();
    let document: Document = serde_json::from_str(&text).map_err(|error| {
        let expected = "expected {\"metadata\":{\"gap_seconds\":N},\"data\":[count,...]}";
        refuse(format!("{name}:{}", error.line()), format!("{error}; {expected}"))
    })?;
    let gap_s = document.metadata.gap_seconds.as_f64().unwrap_or(f64::NAN);
    if !(gap_s > 0.0 && gap_s <= MAX_GAP_S) {
        return Err(refuse(name, format!("`gap_seconds` is {gap_s}: expected above 0 and at most {MAX_GAP_S}")));
    }
    let gap = SimDuration::from_s_f64(gap_s);
    let count = |(index, number): (usize, &Number)| {
        let wrong = || refuse(name.as_str(), format!("`data[{index}]` is {number}: expected 0 to {MAX_NODES}"));
        let nodes = number.as_f64().filter(|x| (0.0..=f64::from(MAX_NODES)).contains(x) && x.fract() == 0.0);
        nodes.map(|x| x as u32).ok_or_else(wrong)
    };
    let counts: Vec<u32> = document.data.iter().enumerate().map(count).collect::<Result<_, _>>()?;
    let Some(end) = gap.as_ps().checked_mul(counts.len() as u64).filter(|end| *end > 0) else {
        let message =
            format!("`data` has {} samples of {gap_s} s: expected at least 1, and at most 213 days", counts.len());
        return Err(refuse(name, message));
    };
    let at = |index: usize| SimTime::from_ps(gap.as_ps() * index as u64);
    let samples = counts.into_iter().enumerate().map(|(index, nodes)| (at(index), nodes));
    Ok(Recording { zone: stem(path), gap, capacity: CapacitySeries::from_samples(samples, SimTime::from_ps(end)) })
}

/// Reads the zones of a folder (`*.json` and `*.json.gz`) in the order of their names. Zones may
/// differ in gap and length.
///
/// # Errors
/// A folder that cannot be read or has no such file, or what [`read_skypilot`] refuses.
pub fn read_skypilot_folder(folder: &Path) -> Result<Vec<Recording>, SourceError> {
    let name = folder.display().to_string();
    let fail = |error: &std::io::Error| refuse(name.as_str(), format!("cannot be read: {error}"));
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| fail(&error))? {
        let path = entry.map_err(|error| fail(&error))?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !file.starts_with('.') && stem(&path) != file {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(refuse(name, "no file ends with .json or .json.gz; expected one for each zone"));
    }
    files.sort_by_key(|path| stem(path));
    files.iter().map(|path| read_skypilot(path)).collect()
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    plain.strip_suffix(".json").unwrap_or(&name).to_owned()
}
