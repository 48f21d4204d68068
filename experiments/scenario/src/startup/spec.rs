//! Start-up stages and probes, as written.

use flashcrowd_language::DurationDistribution;
use flashcrowd_language::units::{ByteRate, ByteSize, Duration, NonNegative};
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
    /// Kernels are compiled, where that is not a part of `engine`.
    pub compile: Option<StartupStage>,
    /// CUDA graphs are captured, where that is not a part of `engine`.
    pub graphs: Option<StartupStage>,
    /// What makes it ready.
    pub probe: Option<Probe>,
}

/// One stage.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartupStage {
    /// On a node that does not know it.
    #[schemars(extend("x-example" = r#"Transfer(size: "16GB", from: Gp3)"#))]
    pub cold: StageWork,
    /// From the second time on the same node; as `cold` by default.
    #[schemars(extend("x-example" = r#""3s""#))]
    pub cached: Option<StageWork>,
    /// Where the node has it on its disk, but no more in memory; as `cached` by default.
    #[schemars(extend("x-example" = r#""12s""#))]
    pub disk: Option<StageWork>,
    /// What the node remembers it by; service and stage by default. Services that give the same
    /// key share what is cached.
    #[schemars(extend("x-example" = r#""Llama-3.1-8B""#))]
    pub key: Option<String>,
    /// Room that it takes in the node's caches; by default the size of the transfer, or none.
    #[schemars(extend("x-example" = r#""16GB""#))]
    pub size: Option<ByteSize>,
    /// Whether a node never evicts it.
    pub pinned: Option<bool>,
    /// Replicas of the same service and region to fetch it from, where one has it, instead of `cold`.
    pub peers: Option<Peers>,
}

/// Fetching from a replica that has it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// How fast one transfer is at most.
    #[schemars(extend("x-example" = r#""10GB/s""#))]
    pub rate: ByteRate,
    /// Uploads of one replica at once; who finds none free waits for one.
    #[schemars(extend("x-example" = "2"))]
    pub uploads: Option<u32>,
    /// Links that it crosses; those of each node at both ends.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"["nic"]"#))]
    pub via: Vec<String>,
}

/// A link that transfers share: each has its max-min fair share of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it carries, all transfers together.
    #[schemars(extend("x-example" = r#""12.5GB/s""#))]
    pub rate: ByteRate,
    /// How many of it there are; one for the whole fleet by default.
    pub per: Option<LinkScope>,
}

/// How many links of one name there are.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum LinkScope {
    /// One for all.
    Fleet,
    /// One in each region.
    Region,
    /// One in each pool.
    Pool,
    /// One at each node and direction.
    Node,
}

/// How long a stage takes: a duration or a distribution, or a transfer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-bare" = "Takes"))]
pub enum StageWork {
    /// Drawn for each replica.
    Takes(DurationDistribution),
    /// A transfer: `rate = min(tier, loader, streams * per_stream)`.
    Transfer(Transfer),
}

/// Parameters of `Transfer`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Amount.
    #[schemars(extend("x-example" = r#""16GB""#))]
    pub size: ByteSize,
    /// Storage tier.
    pub from: Tier,
    /// Loader software.
    pub loader: Option<Loader>,
    /// Parallel streams.
    #[schemars(extend("x-example" = "8"))]
    pub streams: Option<u32>,
    /// Coefficient of variation from run to run.
    #[schemars(extend("x-example" = "0.2"))]
    pub cv: Option<NonNegative>,
    /// Names of the `links` that it shares with other transfers.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"["nic"]"#))]
    pub via: Vec<String>,
}

/// Where data come from, with the rates that were measured there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Tier {
    /// S3: 0.111 GB/s a stream, at most 3.1 GB/s.
    S3,
    /// EBS gp3 with 1 GiB/s: 0.315 GB/s a stream, at most 1.05 GB/s.
    Gp3,
    /// EBS io2: 0.34 GB/s a stream, at most 2.0 GB/s.
    Io2,
    /// Local NVMe of an H100 server: 29.4 GB/s.
    Nvme,
    /// Two NVMe disks in RAID 0 of an A5000 workstation: 11.3 GB/s.
    NvmeRaid0,
    /// Host memory: 55 GB/s.
    Dram,
    /// Any other.
    Rate(ByteRate),
}

/// Loader software, with its own limit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Loader {
    /// The safetensors loader: one stream on EBS, 3.4 GB/s from NVMe, 5.85 GB/s from host memory.
    Safetensors,
    /// Run:ai model streamer: as fast as tier and streams.
    Streamer,
    /// Tensorizer: 1.45 GB/s, 0.025 GB/s a stream on S3.
    Tensorizer,
    /// `ServerlessLLM`: 22 GB/s, 53.5 GB/s from host memory.
    ServerlessLlm,
    /// Any other.
    Rate(ByteRate),
}

/// A readiness probe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Before the first probe.
    #[schemars(extend("x-example" = r#""30s""#))]
    pub initial_delay: Option<Duration>,
    /// Between two probes.
    #[schemars(extend("x-example" = r#""10s""#))]
    pub period: Option<Duration>,
    /// Successes in a row that make it ready.
    #[schemars(extend("x-example" = "1"))]
    pub success_threshold: Option<u32>,
}
