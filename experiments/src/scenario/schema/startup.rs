//! Start-up stages and probes, as written.

use crate::scenario::language::DurationLaw;
use crate::scenario::language::units::{ByteRate, ByteSize, Duration, NonNegative};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a replica starts once it has its GPUs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Startup {
    /// The image comes to the node.
    pub image: Option<StartupStage>,
    /// The weights come to the GPUs.
    pub weights: Option<StartupStage>,
    /// The engine initialises.
    pub engine: Option<StartupStage>,
    /// What makes it ready.
    pub probe: Option<Probe>,
}

/// One stage.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartupStage {
    /// On a node that does not know it.
    pub cold: StageWork,
    /// From the second time on the same node; as `cold` by default.
    pub cached: Option<StageWork>,
    /// What the node remembers it by; service and stage by default. Services that give the same
    /// key share what is cached.
    pub key: Option<String>,
}

/// How long a stage takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum StageWork {
    /// Drawn from a law.
    Takes(DurationLaw),
    /// A transfer: `rate = min(tier, loader, streams * per_stream)`.
    Transfer(Transfer),
}

/// Parameters of `Transfer`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Amount.
    pub size: ByteSize,
    /// Storage tier.
    pub from: Tier,
    /// Loader software.
    pub loader: Option<Loader>,
    /// Parallel streams.
    pub streams: Option<u32>,
    /// Coefficient of variation from run to run.
    pub cv: Option<NonNegative>,
}

/// Where data come from, with the rates that were measured there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Tier {
    /// S3: 0.111 GB/s a stream, at most 3.1 GB/s.
    S3,
    /// EBS gp3 with 1 GiB/s.
    Gp3,
    /// EBS io2.
    Io2,
    /// Local NVMe.
    Nvme,
    /// Host memory.
    Dram,
    /// Any other.
    Rate(ByteRate),
}

/// Loader software, with its own limit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Loader {
    /// The safetensors loader.
    Safetensors,
    /// Run:ai model streamer.
    Streamer,
    /// `ServerlessLLM`.
    ServerlessLlm,
    /// Any other.
    Rate(ByteRate),
}

/// A readiness probe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Before the first probe.
    pub initial_delay: Option<Duration>,
    /// Between two probes.
    pub period: Option<Duration>,
    /// Successes in a row that make it ready.
    pub success_threshold: Option<u32>,
}
