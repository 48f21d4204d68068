//! The output folder: written beside its place, then renamed, so that it is whole or not there.

use super::summary::{self, SCHEMA};
use super::{TABLES, hgrm, table};
use crate::run::Played;
use crate::scenario::resolve::files::plain;
use flashcrowd_core::ports::LatencyPart;
use hdrhistogram::Histogram;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why the outputs were not written. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something that is not ours stands there.
    #[error("`{0}` exists and was not written by flashcrowd; give another folder with --out")]
    NotOurs(PathBuf),
    /// The file system refused.
    #[error("cannot write the outputs to `{folder}`: {reason}")]
    Refused {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        reason: String,
    },
}

/// Writes everything about a played scenario to `folder`, replacing what an earlier run left there.
///
/// # Errors
/// If the folder is not ours to replace, or cannot be written.
pub fn write_folder(played: &Played, folder: &Path) -> Result<(), ExportError> {
    let refused = |error: io::Error| ExportError::Refused { folder: folder.to_owned(), reason: plain(&error) };
    if folder.exists() && !is_ours(folder) {
        return Err(ExportError::NotOurs(folder.to_owned()));
    }
    let name = folder.file_name().map_or_else(|| "out".to_owned(), |name| name.to_string_lossy().into_owned());
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let id = std::process::id();
    let fresh = parent.join(format!(".{name}.{id}.new"));
    let written = fs::create_dir_all(&fresh).and_then(|()| write_all(played, &fresh));
    let moved = written.and_then(|()| {
        if !folder.exists() {
            return fs::rename(&fresh, folder);
        }
        let old = parent.join(format!(".{name}.{id}.old"));
        fs::rename(folder, &old)?;
        fs::rename(&fresh, folder).inspect_err(|_| drop(fs::rename(&old, folder)))?;
        fs::remove_dir_all(&old)
    });
    moved.map_err(|error| {
        // Best effort: the error itself is what the user must hear of.
        let _ = fs::remove_dir_all(&fresh);
        refused(error)
    })
}

/// An empty folder, or one with a summary of ours.
fn is_ours(folder: &Path) -> bool {
    let empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let summary = fs::read_to_string(folder.join("summary.json"));
    empty || summary.is_ok_and(|text| text.contains(&format!("\"schema\": \"{SCHEMA}\"")))
}

fn write_all(played: &Played, folder: &Path) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(&summary::json(played))?;
    text.push('\n');
    fs::write(folder.join("summary.json"), text)?;
    for name in TABLES {
        fs::write(folder.join(format!("{name}.csv")), table(played, name)?)?;
    }
    for (variant, resolved) in played.loaded.variants.iter().enumerate() {
        for (service, index) in resolved.services.iter().zip(0..) {
            if let Some(merged) = merged(played, variant, index) {
                let file = hgrm_name(&resolved.variant, &service.name, resolved.services.len());
                fs::write(folder.join(file), hgrm(&merged))?;
            }
        }
    }
    Ok(())
}

/// End-to-end latency of a service over all replicates of a variant: exact addition of counts.
fn merged(played: &Played, variant: usize, service: usize) -> Option<Histogram<u64>> {
    let mut latencies = played.of_variant(variant).map(|run| &run.record.services[service].latency);
    let mut sum = latencies.next()?.clone();
    for latency in latencies {
        sum.merge(latency);
    }
    // Where nobody was served, the file says so.
    sum.part(LatencyPart::EndToEnd).or_else(|| Histogram::new(3).ok())
}

/// `latency.hgrm`, with the variant and service in it where there are several.
fn hgrm_name(variant: &str, service: &str, services: usize) -> String {
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c), "_");
    let mut name = String::from("latency");
    if !variant.is_empty() {
        name = format!("{name}.{}", plain(variant));
    }
    if services > 1 {
        name = format!("{name}.{}", plain(service));
    }
    name + ".hgrm"
}
