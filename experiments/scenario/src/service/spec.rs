//! Services, as written.

use crate::service::router::Router;
use crate::spec::{Autoscaler, Binding, Capacity, Health, Routing, ServiceTime, Serving, Slo, Startup};
use flashcrowd_language::DurationDistribution;
use flashcrowd_language::units::{ByteSize, Duration, Fraction, NonNegative, Positive};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A model.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-bare" = "Named"))]
pub enum Model {
    /// By its name: `flashcrowd model` lists all.
    Named(String),
    /// By its `config.json` of Hugging Face.
    Config(ConfigFile),
}

/// Parameters of `Config`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "path"))]
pub struct ConfigFile {
    /// The file. An `hf_quant_config.json` beside it says how weights are kept.
    #[schemars(extend("x-file" = true, "x-example" = r#""config.json""#))]
    pub path: String,
}

impl Model {
    /// What reports call it: its name, or that of its file, or of the folder of a `config.json`.
    pub fn name(&self) -> String {
        match self {
            Model::Named(name) => name.clone(),
            Model::Config(ConfigFile { path }) => {
                let path = std::path::Path::new(path);
                let stem = path.file_stem().filter(|stem| *stem != "config");
                let name = stem.or_else(|| path.parent()?.file_name()).or(path.file_stem()).unwrap_or_default();
                name.to_string_lossy().into_owned()
            }
        }
    }
}

/// A service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its model: which profile a token-level engine takes, and how reports name it.
    #[schemars(extend("x-example" = r#""Llama-3.1-8B""#))]
    pub model: Option<Model>,
    /// How a replica works.
    #[schemars(extend("x-example" = "ContinuousBatch()"))]
    pub serving: Serving,
    /// How long an attempt takes, where the discipline asks for it.
    #[schemars(extend("x-example" = r#"LogNormal(p50: "80ms", p99: "400ms")"#))]
    pub service_time: Option<ServiceTime>,
    /// Where attempts wait.
    pub queue: Option<Queue>,
    /// Who holds requests while no replica is ready; by the kind of autoscaler by default.
    #[schemars(extend("x-example" = "Hold(100)"))]
    pub at_zero: Option<AtZero>,
    /// Who chooses the replica.
    #[schemars(extend("x-example" = "LeastOutstanding"))]
    pub router: Option<Router>,
    /// Delay from the gateway to a replica.
    #[schemars(extend("x-example" = r#""2ms""#))]
    pub network: Option<DurationDistribution>,
    /// The service on whose replicas an engine of this one is resident: their iterations take turns on
    /// its GPUs, and it has no replicas of its own.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub resident_on: Option<String>,
    /// Replicas at the start.
    pub replicas: Option<u32>,
    /// Whether they start with the run, instead of being ready.
    pub starts_cold: Option<bool>,
    /// Which of them a scale-down gives up first; by the kind of autoscaler by default.
    pub scale_down_order: Option<ScaleDownOrder>,
    /// GPUs of one group.
    #[schemars(extend("x-example" = "1"))]
    pub gpus: Option<u32>,
    /// Groups of one replica, each on one node.
    #[schemars(extend("x-example" = "1"))]
    pub groups: Option<u32>,
    /// Memory needed on each GPU.
    #[schemars(extend("x-example" = r#""40GiB""#))]
    pub gpu_memory: Option<ByteSize>,
    /// Pools that may host it, in order of preference; all that fit by default.
    #[schemars(extend("x-example" = r#"["h100"]"#))]
    pub pools: Option<Vec<String>>,
    /// Its region: only pools there may host it.
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub region: Option<String>,
    /// Regions with a deployment of this service each, and overrides for each, such as `replicas=2`: the
    /// service then is a route of its name in front of them.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"{"us-east-1": [], "eu-north-1": ["replicas=1"]}"#))]
    pub regions: BTreeMap<String, Vec<String>>,
    /// Who chooses among its regions.
    #[schemars(extend("x-example" = "SpillOver(48)"))]
    pub routing: Option<Routing>,
    /// How failures of a region are noticed.
    pub health: Option<Health>,
    /// How long a client waits for a region that does not answer.
    #[schemars(extend("x-example" = r#""3s""#))]
    pub connect_timeout: Option<Duration>,
    /// Whether a retry avoids the region of the attempt before.
    pub retries_elsewhere: Option<bool>,
    /// Where and in which market its capacity is bought.
    #[schemars(extend("x-example" = "SpotHedge(overprovision: 1)"))]
    pub capacity: Option<Capacity>,
    /// How often an attempt that was lost with its node is sent again at once.
    #[schemars(extend("x-example" = "1"))]
    pub requeue_lost: Option<u32>,
    /// How a replica starts.
    pub startup: Option<Startup>,
    /// How long a deleted replica may finish its work.
    #[schemars(extend("x-example" = r#""30s""#))]
    pub drain_timeout: Option<Duration>,
    /// Share of the service time in which kernels run on the GPU.
    #[schemars(extend("x-example" = "0.9"))]
    pub kernel_share: Option<Fraction>,
    /// CPU and memory of the server process.
    pub cpu: Option<Cpu>,
    /// Its SLOs.
    #[schemars(extend("x-example" = r#"[(metric: TimeToFirstToken, quantile: 0.99, limit: "1s")]"#))]
    #[serde(default)]
    pub slo: Vec<Slo>,
    /// Who sets the number of replicas.
    #[schemars(extend("x-example" = r#"Manifest("hpa.yaml")"#))]
    pub autoscaler: Option<Autoscaler>,
    /// What metric names of the manifest stand for.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"{"vllm:num_requests_waiting": WaitingRequests}"#))]
    pub bind: BTreeMap<String, Binding>,
}

/// Who holds requests while no replica is ready.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum AtZero {
    /// Knative's activator: 10,000, and it refuses beyond.
    Activator,
    /// Ray Serve's handles: without limit.
    Handle,
    /// Nobody: they are refused.
    Refused,
    /// So many, and beyond they are refused.
    Hold(u32),
}

/// Which replicas a scale-down gives up first.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum ScaleDownOrder {
    /// As a Kubernetes `ReplicaSet` does: those that are not ready, then those on the fullest node.
    ReplicaSet,
    /// As Ray Serve does: those that are not ready, then those on the node with the fewest.
    SparsestNode,
}

/// Where attempts wait.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Queue {
    /// One queue at each replica.
    PerReplica(PerReplica),
    /// One queue for the service.
    Shared(Shared),
}

/// Parameters of `PerReplica`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerReplica {
    /// Most attempts that wait at one replica.
    #[schemars(extend("x-example" = "64"))]
    pub capacity: Option<u32>,
    /// Most attempts that wait while no replica is ready.
    #[schemars(extend("x-example" = "1000"))]
    pub gateway: Option<u32>,
}

/// Parameters of `Shared`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "capacity"))]
pub struct Shared {
    /// Most attempts that wait.
    #[schemars(extend("x-example" = "1000"))]
    pub capacity: Option<u32>,
}

/// CPU and memory of the server process, and what its container requests.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Cores without work.
    #[schemars(extend("x-example" = "0.2"))]
    pub idle_cores: Option<NonNegative>,
    /// Cores that each attempt in service adds.
    #[schemars(extend("x-example" = "0.05"))]
    pub cores_per_request: Option<NonNegative>,
    /// Resident memory without work.
    #[schemars(extend("x-example" = r#""4GiB""#))]
    pub idle_memory: Option<ByteSize>,
    /// Memory that each attempt in service adds.
    #[schemars(extend("x-example" = r#""8MiB""#))]
    pub memory_per_request: Option<ByteSize>,
    /// `resources.requests.cpu` of the container.
    #[schemars(extend("x-example" = "4"))]
    pub request_cores: Option<Positive>,
    /// `resources.requests.memory` of the container.
    #[schemars(extend("x-example" = r#""16GiB""#))]
    pub request_memory: Option<ByteSize>,
    /// The container's name.
    #[schemars(extend("x-example" = r#""vllm""#))]
    pub container: Option<String>,
}
