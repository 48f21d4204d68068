//! Services, as written.

use crate::spec::{Autoscaler, Binding, Capacity, Health, Routing, ServiceTime, Serving, Slo, Startup};
use flashcrowd_language::DurationLaw;
use flashcrowd_language::units::{ByteSize, Duration, Fraction, NonNegative, Positive};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name of its model, for reports.
    pub model: Option<String>,
    /// How a replica works.
    pub serving: Serving,
    /// How long an attempt takes, where the discipline asks for it.
    pub service_time: Option<ServiceTime>,
    /// Where attempts wait.
    pub queue: Option<Queue>,
    /// Who holds requests while no replica is ready; by the kind of autoscaler by default.
    pub at_zero: Option<AtZero>,
    /// Who chooses the replica.
    pub router: Option<Router>,
    /// Delay from the gateway to a replica.
    pub network: Option<DurationLaw>,
    /// The service on whose replicas an engine of this one is resident: their iterations take turns on
    /// its GPUs, and it has no replicas of its own.
    pub resident_on: Option<String>,
    /// Replicas at the start.
    pub replicas: Option<u32>,
    /// Whether they start with the run, instead of being ready.
    pub starts_cold: Option<bool>,
    /// GPUs of one group.
    pub gpus: Option<u32>,
    /// Groups of one replica, each on one node.
    pub groups: Option<u32>,
    /// Memory needed on each GPU.
    pub gpu_memory: Option<ByteSize>,
    /// Pools that may host it, in order of preference; all that fit by default.
    pub pools: Option<Vec<String>>,
    /// Its region: only pools there may host it.
    pub region: Option<String>,
    /// Regions with a deployment of this service each, and overrides for each, such as `replicas=2`: the
    /// service then is a route of its name in front of them.
    #[serde(default)]
    pub regions: BTreeMap<String, Vec<String>>,
    /// Who chooses among its regions.
    pub routing: Option<Routing>,
    /// How failures of a region are noticed.
    pub health: Option<Health>,
    /// How long a client waits for a region that does not answer.
    pub connect_timeout: Option<Duration>,
    /// Whether a retry avoids the region of the attempt before.
    pub retries_elsewhere: Option<bool>,
    /// Where and in which market its capacity is bought.
    pub capacity: Option<Capacity>,
    /// How often an attempt that was lost with its node is sent again at once.
    pub requeue_lost: Option<u32>,
    /// How a replica starts.
    pub startup: Option<Startup>,
    /// How long a deleted replica may finish its work.
    pub drain_timeout: Option<Duration>,
    /// Share of the service time in which kernels run on the GPU.
    pub kernel_share: Option<Fraction>,
    /// CPU and memory of the server process.
    pub cpu: Option<Cpu>,
    /// What is promised.
    #[serde(default)]
    pub slo: Vec<Slo>,
    /// Who sets the number of replicas.
    pub autoscaler: Option<Autoscaler>,
    /// What metric names of the manifest stand for.
    #[serde(default)]
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
    pub capacity: Option<u32>,
    /// Most attempts that wait while no replica is ready.
    pub gateway: Option<u32>,
}

/// Parameters of `Shared`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Most attempts that wait.
    pub capacity: Option<u32>,
}

/// Who chooses the replica.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Router {
    /// In turn.
    RoundRobin,
    /// The least outstanding attempts.
    LeastOutstanding,
    /// The best of a few drawn at random.
    PowerOfChoices(Choices),
    /// At random.
    Random,
}

/// Parameters of `PowerOfChoices`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// How many are drawn.
    pub d: Option<u32>,
}

/// CPU and memory of the server process, and what its container requests.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Cores without work.
    pub idle_cores: Option<NonNegative>,
    /// Cores that each attempt in service adds.
    pub cores_per_request: Option<NonNegative>,
    /// Resident memory without work.
    pub idle_memory: Option<ByteSize>,
    /// Memory that each attempt in service adds.
    pub memory_per_request: Option<ByteSize>,
    /// `resources.requests.cpu` of the container.
    pub request_cores: Option<Positive>,
    /// `resources.requests.memory` of the container.
    pub request_memory: Option<ByteSize>,
    /// The container's name.
    pub container: Option<String>,
}
