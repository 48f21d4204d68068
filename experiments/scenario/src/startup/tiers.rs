//! Storage tiers and loaders with the rates that were measured of them.
//!
//! Sources: Run:ai model streamer, `docs/src/benchmarks.md` (S3, gp3, io2; Llama-3-8B on A10G);
//! `ServerlessLLM`, `benchmarks/results` (`h100_2025`: NVMe and host memory; `a5000_2024`: RAID 0).
//! `flashcrowd validate coldstart` holds them against those tables.

use crate::spec::{Loader, Tier};
use flashcrowd_core::fleet::{Link, Transfer};
use std::sync::Arc;

/// Streams of a loader that is not asked for a number.
const STREAMS: u32 = 16;

/// Rate limits of a tier in bytes per second, and of one of its streams.
fn tier_rates(tier: &Tier) -> (f64, f64) {
    match tier {
        Tier::S3 => (3.1e9, 0.111e9),
        Tier::Gp3 => (1.05e9, 0.315e9),
        Tier::Io2 => (2.0e9, 0.34e9),
        Tier::Nvme => (29.4e9, f64::INFINITY),
        Tier::NvmeRaid0 => (11.3e9, f64::INFINITY),
        Tier::Dram => (55e9, f64::INFINITY),
        Tier::Rate(rate) => (rate.0 as f64, f64::INFINITY),
    }
}

/// Rate limit of a loader in bytes per second; from host memory the same loaders reach more.
fn loader_rate(loader: Option<&Loader>, tier: &Tier) -> f64 {
    match (loader, tier) {
        (None | Some(Loader::Streamer), _) => f64::INFINITY,
        (Some(Loader::Safetensors), Tier::Dram) => 5.85e9,
        // The workstation's processor is slower than the server's.
        (Some(Loader::Safetensors), Tier::NvmeRaid0) => 2.6e9,
        (Some(Loader::Safetensors), _) => 3.4e9,
        (Some(Loader::Tensorizer), _) => 1.45e9,
        (Some(Loader::ServerlessLlm), Tier::Dram) => 53.5e9,
        (Some(Loader::ServerlessLlm), _) => 22.0e9,
        (Some(Loader::Rate(rate)), _) => rate.0 as f64,
    }
}

/// A transfer at `min(tier, loader, streams * per stream)`.
pub fn transfer(
    bytes: u64,
    tier: &Tier,
    loader: Option<&Loader>,
    streams: Option<u32>,
    via: Vec<Arc<Link>>,
) -> Transfer {
    let (tier_bytes_per_s, per_stream) = tier_rates(tier);
    let (streams, per_stream_bytes_per_s) = match (loader, tier) {
        // It reads block storage by one stream.
        (Some(Loader::Safetensors), Tier::Gp3 | Tier::Io2) => (1, per_stream),
        (Some(Loader::Tensorizer), Tier::S3) => (streams.unwrap_or(STREAMS), 0.025e9),
        _ => (streams.unwrap_or(STREAMS), per_stream),
    };
    let loader_bytes_per_s = loader_rate(loader, tier);
    Transfer { bytes, tier_bytes_per_s, loader_bytes_per_s, streams, per_stream_bytes_per_s, via }
}
