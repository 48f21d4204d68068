//! Tiers, loaders and streams from the words of the tables.

use super::check::{TOLERANCE, TOLERANCE_S3, Unpredicted};
use flashcrowd_scenario::spec::{Loader, Tier};
use flashcrowd_scenario::tiers;

/// Streams that fill any tier: what the streamer was measured with where the table does not say.
const MANY_STREAMS: u32 = 32;

/// Where weights come from, and how.
pub(super) struct Setup {
    tier: Tier,
    loader: Loader,
    streams: u32,
}

/// The tier that these words are about.
pub(super) fn tier(words: &str) -> Option<Tier> {
    let words = words.to_lowercase();
    // What is cached comes from host memory, whatever the disk.
    let known = [
        ("cached", Tier::Dram),
        ("raid0", Tier::NvmeRaid0),
        ("nvme", Tier::Nvme),
        ("gp3", Tier::Gp3),
        ("io2", Tier::Io2),
        ("s3", Tier::S3),
    ];
    known.into_iter().find(|(name, _)| words.contains(name)).map(|(_, tier)| tier)
}

/// The loader that these words are about, and its streams: `runai c=16`, `tensorizer 16`, `sllm(phantom)`.
fn loader(words: &str) -> Option<(Loader, u32)> {
    let words = words.to_lowercase();
    let digits = words.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
    let streams = digits.parse().ok().filter(|streams| *streams > 0);
    let known = [
        ("sllm", Loader::ServerlessLlm),
        ("safetensors", Loader::Safetensors),
        ("runai", Loader::Streamer),
        ("tensorizer", Loader::Tensorizer),
    ];
    let (name, loader) = known.into_iter().find(|(name, _)| words.starts_with(name))?;
    // Tensorizer was measured with 16 streams, its best.
    let best = if name == "tensorizer" { 16 } else { MANY_STREAMS };
    Some((loader, streams.unwrap_or(best)))
}

impl Setup {
    /// What these words are about, or why that is not known.
    pub(super) fn read(tier: Option<Tier>, loader_words: &str) -> Result<Self, Unpredicted> {
        let tier = tier.ok_or(Unpredicted::UnknownTier)?;
        let known = loader(loader_words).ok_or_else(|| Unpredicted::UnknownLoader(loader_words.to_owned()))?;
        Ok(Setup { tier, loader: known.0, streams: known.1 })
    }

    /// Seconds that the rule gives for `gb` GB, and the tolerated share of error.
    pub(super) fn load(&self, gb: f64) -> (f64, f64) {
        let bytes = (gb * 1e9).round() as u64;
        let transfer = tiers::transfer(bytes, &self.tier, Some(&self.loader), Some(self.streams), Vec::new());
        let (few, wide) = TOLERANCE_S3;
        let is_s3 = matches!(self.tier, Tier::S3);
        (transfer.duration().as_s_f64(), if is_s3 && self.streams <= few { wide } else { TOLERANCE })
    }
}

/// GB of a model's weights in 16 bits, by what is in its name.
pub(super) fn size_gb(words: &str) -> Option<f64> {
    let known = [("Llama-3.1-8B", 16.06), ("Qwen3-32B", 65.5), ("Distill-Qwen-32B", 65.5), ("opt-6.7b", 13.3)];
    known.into_iter().find(|(name, _)| words.contains(name)).map(|(_, gb)| gb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(setup: &str, words: &str, gb: f64) -> f64 {
        Setup::read(tier(setup), words).unwrap().load(gb).0
    }

    #[test]
    fn words_are_tiers_loaders_and_streams() {
        assert!((seconds("S3", "runai c=4", 15.0) - 15.0 / 0.444).abs() < 1e-9);
        assert!((seconds("S3", "runai", 15.0) - 15.0 / 3.1).abs() < 1e-9);
        assert!((seconds("A10G GP3 1GiB/s", "safetensors", 15.0) - 15.0 / 0.315).abs() < 1e-9);
        assert!((seconds("x NVMe y cached", "sllm", 53.5) - 1.0).abs() < 1e-9);
        assert!((seconds("A5000 2xNVMe RAID0", "sllm(phantom)", 11.3) - 1.0).abs() < 1e-9);
        assert!(Setup::read(tier("tape"), "sllm").is_err() && Setup::read(tier("S3"), "cat").is_err());
    }

    #[test]
    fn only_few_streams_of_s3_may_be_further_off() {
        let tolerance = |setup, words| Setup::read(tier(setup), words).unwrap().load(1.0).1;
        assert_eq!([tolerance("S3", "runai c=4"), tolerance("S3", "runai c=8")], [0.20, 0.15]);
        assert_eq!(tolerance("gp3", "runai c=1"), 0.15);
    }
}
