//! The stages of a cold start after its node is there: image pull, weights load, engine start,
//! readiness probe. Each has its own law and cache key, so that the second replica on a node
//! starts faster.

use crate::clock::{Distribution, SimDuration, SimTime, keyed};
use std::sync::Arc;

/// Which stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKind {
    /// The image comes to the node; the pod is Pending until then.
    ImagePull,
    /// The weights come to the GPUs.
    WeightsLoad,
    /// The engine initialises: imports, compilation, graph capture, memory profiling.
    EngineStart,
}

impl StageKind {
    /// The name used in tables.
    pub const fn name(self) -> &'static str {
        match self {
            StageKind::ImagePull => "image_pull",
            StageKind::WeightsLoad => "weights_load",
            StageKind::EngineStart => "engine_start",
        }
    }
}

/// What a node may remember, so that a stage is faster the next time there.
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
}

impl Transfer {
    /// The resulting rate in bytes per second.
    pub fn rate_bytes_per_s(&self) -> f64 {
        let streams = f64::from(self.streams) * self.per_stream_bytes_per_s;
        self.tier_bytes_per_s.min(self.loader_bytes_per_s).min(streams)
    }

    /// How long it takes alone.
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
    fn draw(&self, key: u64, ordinal: u64, stage: u64) -> SimDuration {
        let mut stream = keyed(key, ordinal, stage);
        match self {
            StageWork::Drawn(law) => law.sample_duration(&mut stream),
            StageWork::Transfer(transfer, factor) => {
                SimDuration::from_s_f64(transfer.duration().as_s_f64() * factor.sample(&mut stream))
            }
        }
    }
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StartupStage {
    /// Which.
    pub kind: StageKind,
    /// How long it takes on a node that does not know its key.
    pub cold: StageWork,
    /// What the node remembers once the stage has ended there, and how long it takes from then on.
    pub cached: Option<(CacheKey, StageWork)>,
}

impl StartupStage {
    /// Its duration for the `ordinal`-th replica of the service of stream `key`. The draw belongs
    /// to (service, ordinal, stage) whether or not the node knows the key.
    pub(crate) fn duration(&self, key: u64, ordinal: u64, known: bool) -> SimDuration {
        let work = match &self.cached {
            Some((_, cached)) if known => cached,
            _ => &self.cold,
        };
        work.draw(key, ordinal, self.kind as u64)
    }
}

/// A readiness probe: the replica is ready at the first success of a probe, `threshold` in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// From the start of the process to the first probe.
    pub initial_delay: SimDuration,
    /// Between two probes; zero makes it ready the moment the engine is up.
    pub period: SimDuration,
    /// Successes in a row that make it ready.
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
    /// In order.
    pub stages: Vec<StartupStage>,
    /// What makes it ready.
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
