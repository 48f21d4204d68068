//! One profile: what it holds, as text, and as the engine's settings.

use super::rows::{Key, Row};
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{BatchConfig, BatchTime};
use flashcrowd_language::{Diagnostic, Document};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How one model on one GPU and backend batches.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchProfile {
    /// Its name, by which scenarios call it.
    pub name: String,
    /// What was measured.
    pub key: Key,
    /// Repository and commit of the tables.
    pub source: String,
    /// Largest batch in items.
    pub max_batch: u32,
    /// What each request takes outside the server's compute, in ms.
    pub overhead_ms: f64,
    /// Time of a batch alone, in ms, by its size in items.
    pub time_ms: Vec<(u32, f64)>,
    /// What shows only under load; `None` where no table has it.
    pub online: Option<Online>,
}

/// What shows only under load.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Online {
    /// Model instances on the GPU.
    pub instances: u32,
    /// Batches formed ahead for each instance.
    pub formed_ahead: u32,
    /// A batch's time while another instance is busy, over its time alone.
    pub sharing: f64,
    /// Time of an item in the host stage, in us.
    pub host_per_item_us: f64,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profiles {
    format: u32,
    profiles: BTreeMap<String, Written>,
}

/// A profile as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    model: String,
    gpu: String,
    backend: String,
    accelerator: String,
    precision: String,
    source: String,
    file: String,
    section: String,
    max_batch: u32,
    overhead_ms: f64,
    time_ms: Vec<(u32, f64)>,
    online: Option<Online>,
}

/// Reads a file of profiles.
///
/// # Errors
/// The first value that does not fit, with its place.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<BatchProfile>, Diagnostic> {
    let document = Document::parse(file, text)?;
    let written: Profiles = document.deserialize()?;
    if written.format != 1 {
        return Err(document.error_at("format", format!("format {}; this program reads 1", written.format)));
    }
    let profiles: Vec<BatchProfile> = written.profiles.into_iter().map(|(name, profile)| profile.named(name)).collect();
    for profile in &profiles {
        if let Some(wrong) = profile.wrong() {
            return Err(document.error_at(&format!("profiles.{}", profile.name), wrong));
        }
    }
    Ok(profiles)
}

/// The file that `read` reads.
pub fn write(profiles: &[BatchProfile]) -> String {
    let mut text = String::from(HEAD);
    for profile in profiles {
        // Writing to a string cannot fail.
        let _ = profile.write(&mut text);
    }
    text.push_str("    },\n)\n");
    text
}

const HEAD: &str = "\
// Vision and language models under Triton's dynamic batcher. Made by
// `flashcrowd_profiles::batch::fit` from NVIDIA's published tables, and not by hand: a test compares.
// `time_ms` is a batch's time alone by its size in items; `docs/batching.md` says how each value is found.
Profiles(
    format: 1,
    profiles: {
";

impl Written {
    fn named(self, name: String) -> BatchProfile {
        BatchProfile {
            name,
            key: Key {
                file: self.file,
                model: self.model,
                section: self.section,
                gpu: self.gpu,
                backend: self.backend,
                accelerator: self.accelerator,
                precision: self.precision,
            },
            source: self.source,
            max_batch: self.max_batch,
            overhead_ms: self.overhead_ms,
            time_ms: self.time_ms,
            online: self.online,
        }
    }
}

impl BatchProfile {
    /// The engine's settings of this model with one request of one item at a time in mind:
    /// instances and host stage as in the online tables, no delay, no preferred sizes.
    pub fn config(&self) -> BatchConfig {
        let known = self.time_ms.iter().map(|&(size, ms)| (size, from_ms(ms))).collect();
        let time = BatchTime::through(known).unwrap_or(BatchTime::affine(SimDuration::ZERO, SimDuration::from_us(1)));
        let plain = BatchConfig { overhead: from_ms(self.overhead_ms), ..BatchConfig::plain(self.max_batch, time) };
        let Some(online) = self.online else { return plain };
        BatchConfig {
            instances: online.instances,
            formed_ahead: online.formed_ahead,
            sharing_ppm: (online.sharing * 1e6).round() as u32,
            host_per_item: from_ms(online.host_per_item_us / 1e3),
            ..plain
        }
    }

    /// The settings under which a row of a table was measured.
    pub fn config_for(&self, online: Option<&Online>, row: &Row) -> BatchConfig {
        BatchConfig {
            items_per_request: row.client_batch,
            max_batch: row.max_batch,
            instances: row.instances,
            ..BatchProfile { online: online.copied(), ..self.clone() }.config()
        }
    }

    /// A batch's time alone, in ms; `items` may be a mean.
    pub(super) fn alone_ms(&self, items: f64) -> f64 {
        let time = self.config().time;
        let ms = |size: f64| time.of(size as u32).as_s_f64() * 1e3;
        let below = items.floor();
        ms(below) + (ms(below + 1.0) - ms(below)) * (items - below)
    }

    fn wrong(&self) -> Option<String> {
        let ascends = self.time_ms.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let positive = self.time_ms.iter().all(|&(size, ms)| size > 0 && ms > 0.0 && ms.is_finite());
        let online = self.online.is_none_or(|online| {
            (1..=1_000).contains(&online.instances)
                && online.formed_ahead <= 100
                && (0.001..=1_000.0).contains(&online.sharing)
                && (0.0..=1e9).contains(&online.host_per_item_us)
        });
        if self.time_ms.is_empty() || !ascends || !positive {
            return Some("`time_ms` must hold ascending sizes, each with a time above 0".to_owned());
        }
        if !online || self.max_batch == 0 || !(0.0..=1e9).contains(&self.overhead_ms) {
            return Some("a value is outside what the simulator takes".to_owned());
        }
        None
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Key { file, model, section, gpu, backend, accelerator, precision } = &self.key;
        writeln!(text, "        {:?}: (", self.name)?;
        writeln!(text, "            model: {model:?}, gpu: {gpu:?}, backend: {backend:?},")?;
        writeln!(text, "            accelerator: {accelerator:?}, precision: {precision:?},")?;
        writeln!(text, "            source: {:?}, file: {file:?},", self.source)?;
        writeln!(text, "            section: {section:?},")?;
        writeln!(text, "            max_batch: {}, overhead_ms: {},", self.max_batch, self.overhead_ms)?;
        let times: Vec<String> = self.time_ms.iter().map(|(size, ms)| format!("({size}, {ms})")).collect();
        writeln!(text, "            time_ms: [{}],", times.join(", "))?;
        if let Some(Online { instances, formed_ahead, sharing, host_per_item_us }) = self.online {
            write!(text, "            online: (instances: {instances}, formed_ahead: {formed_ahead}, ")?;
            writeln!(text, "sharing: {sharing}, host_per_item_us: {host_per_item_us}),")?;
        }
        writeln!(text, "        ),")
    }
}

fn from_ms(ms: f64) -> SimDuration {
    SimDuration::from_s_f64(ms / 1e3)
}
