//! The stages of a cold start once its node is there: image pull, weights load, engine start,
//! readiness probe. Each has its own distribution and cache key, so that the second replica on a
//! node starts faster.

use super::cache::Held;
use super::links::Link;
use crate::clock::{Distribution, SimDuration, SimTime, keyed};
use std::sync::Arc;

/// Which stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKind {
    /// The image is copied to the node; the pod is Pending until then.
    ImagePull,
    /// The weights are loaded to the GPUs.
    WeightsLoad,
    /// The engine initialises: imports and memory profiling, and also compilation and graph capture
    /// if they are not stages of their own.
    EngineStart,
    /// Kernels are compiled.
    Compile,
    /// CUDA graphs are captured.
    GraphCapture,
}

impl StageKind {
    /// The name used in tables.
    pub const fn name(self) -> &'static str {
        match self {
            StageKind::ImagePull => "image_pull",
            StageKind::WeightsLoad => "weights_load",
            StageKind::EngineStart => "engine_start",
            StageKind::Compile => "compile",
            StageKind::GraphCapture => "graph_capture",
        }
    }
}

/// The name under which a node may cache what a stage needs, so that the stage is faster the next
/// time.
pub type CacheKey = Arc<str>;

/// A data transfer: `rate = min(tier, loader, streams * per_stream)`.
///
/// The rule and its fit are in the mechanisms' sources (`ServerlessLLM`, Run:ai model streamer):
/// within 15 % on the measured rows, 20 % too slow for S3 at 4 streams.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// Amount in bytes.
    pub bytes: u64,
    /// Limit of the storage tier in bytes per second.
    pub tier_bytes_per_s: f64,
    /// Limit of the loader software in bytes per second.
    pub loader_bytes_per_s: f64,
    /// Parallel streams.
    pub streams: u32,
    /// Limit of one stream in bytes per second.
    pub per_stream_bytes_per_s: f64,
    /// Links that it shares with other transfers; without any, other transfers do not slow it down.
    pub via: Vec<Arc<Link>>,
}

impl Transfer {
    /// The resulting rate in bytes per second.
    pub fn rate_bytes_per_s(&self) -> f64 {
        let streams = f64::from(self.streams) * self.per_stream_bytes_per_s;
        self.tier_bytes_per_s.min(self.loader_bytes_per_s).min(streams)
    }

    /// How long it takes without other transfers.
    pub fn duration(&self) -> SimDuration {
        SimDuration::from_s_f64(self.bytes as f64 / self.rate_bytes_per_s())
    }
}

/// How long a stage takes.
#[derive(Clone, Debug, PartialEq)]
pub enum StageWork {
    /// Drawn, in seconds.
    Drawn(Distribution),
    /// A transfer, times a drawn factor (run-to-run variation; its mean should be 1).
    Transfer(Transfer, Distribution),
}

impl StageWork {
    /// How long it takes without other transfers, for the `ordinal`-th replica of the service whose
    /// streams have the key `key`. The draw depends on (service, ordinal, stage), not on what the
    /// node has cached.
    pub(crate) fn duration(&self, key: u64, ordinal: u64, kind: StageKind) -> SimDuration {
        let mut stream = keyed(key, ordinal, kind as u64);
        match self {
            StageWork::Drawn(distribution) => distribution.sample_duration(&mut stream),
            StageWork::Transfer(transfer, factor) => {
                SimDuration::from_s_f64(transfer.duration().as_s_f64() * factor.sample(&mut stream))
            }
        }
    }
}

/// What a node caches when a stage has ended there, and how long the stage takes from then on.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedStage {
    /// The key in the node's caches.
    pub key: CacheKey,
    /// Room that it takes, in bytes.
    pub bytes: u64,
    /// Whether it is never evicted.
    pub pinned: bool,
    /// How long the stage takes if the key is in host memory.
    pub memory: StageWork,
    /// How long the stage takes if the key is only on the local disk.
    pub disk: StageWork,
}

/// Fetching a stage's data from a replica of the same service that has them.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerFetch {
    /// How long it takes; links of scope [`super::LinkScope::Node`] are crossed at both ends.
    pub work: StageWork,
    /// Uploads of one replica at once, at least one; a pod that finds no free upload waits.
    pub uploads: u32,
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StartupStage {
    /// Which.
    pub kind: StageKind,
    /// How long it takes on a node without a cached copy.
    pub cold: StageWork,
    /// What the node caches when the stage has ended there.
    pub cached: Option<CachedStage>,
    /// Fetches from a peer instead of `cold`, if a replica in the region has the data.
    pub peers: Option<PeerFetch>,
}

impl StartupStage {
    /// A stage without caches and peers.
    pub const fn plain(kind: StageKind, cold: StageWork) -> Self {
        StartupStage { kind, cold, cached: None, peers: None }
    }

    /// The work of the stage, for where the node holds its key.
    pub(crate) fn work(&self, held: Held) -> &StageWork {
        match (&self.cached, held) {
            (Some(cached), Held::Memory) => &cached.memory,
            (Some(cached), Held::Disk) => &cached.disk,
            _ => &self.cold,
        }
    }
}

/// A readiness probe: the replica is ready after `threshold` successes in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// From the start of the process to the first probe.
    pub initial_delay: SimDuration,
    /// Time between two probes; zero makes the replica ready the moment the engine is up.
    pub period: SimDuration,
    /// Number of successes in a row that make it ready.
    pub threshold: u32,
}

impl Probe {
    /// When a replica whose process started at `process` and whose engine is up at `up` is ready.
    pub fn ready_at(&self, process: SimTime, up: SimTime) -> SimTime {
        let first = process + self.initial_delay;
        if self.period.is_zero() {
            return first.max(up);
        }
        let late = up.since(first).as_ps();
        let missed = late.div_ceil(self.period.as_ps());
        first + self.period * (missed + u64::from(self.threshold.saturating_sub(1)))
    }
}

/// How a replica starts once it is placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Startup {
    /// The stages, in order.
    pub stages: Vec<StartupStage>,
    /// The readiness probe.
    pub probe: Probe,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_part_of_a_transfer_sets_its_rate() {
        let s3 = |streams| Transfer {
            bytes: 15_000_000_000,
            tier_bytes_per_s: 3.1e9,
            loader_bytes_per_s: 20e9,
            streams,
            per_stream_bytes_per_s: 0.111e9,
            via: Vec::new(),
        };
        // Measured: 8.45 s with 16 streams, 4.88 s with 32 (Run:ai model streamer).
        assert!((s3(16).duration().as_s_f64() / 8.45 - 1.0).abs() < 0.04);
        assert!((s3(32).duration().as_s_f64() / 4.88 - 1.0).abs() < 0.04);
    }

    #[test]
    fn a_probe_finds_the_engine_at_its_next_tick() {
        let s = SimTime::from_s;
        let probe = Probe { initial_delay: SimDuration::from_s(10), period: SimDuration::from_s(5), threshold: 1 };
        assert_eq!(probe.ready_at(s(100), s(101)), s(110));
        assert_eq!(probe.ready_at(s(100), s(110)), s(110));
        assert_eq!(probe.ready_at(s(100), s(111)), s(115));
        assert_eq!(Probe { threshold: 3, ..probe }.ready_at(s(100), s(111)), s(125));
        assert_eq!(Probe { period: SimDuration::ZERO, ..probe }.ready_at(s(100), s(111)), s(111));
    }
}
