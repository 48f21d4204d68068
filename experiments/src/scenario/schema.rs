//! The scenario file as its author writes it. Everything with a sound default is an `Option` here;
//! `resolve` turns this into what a run is made of.

use super::language::units::{ByteRate, ByteSize, Duration, Fraction, NonNegative, Positive, Price, Rate};
use super::language::{DurationLaw, SizeLaw};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; the file's name by default.
    pub name: Option<String>,
    /// What it is about, in a sentence.
    pub about: Option<String>,
    /// Seed of all randomness.
    pub seed: Option<u64>,
    /// How long the run lasts; a recorded trace's span by default.
    pub horizon: Option<Duration>,
    /// Requests that arrive before this are played but not measured.
    pub warmup: Option<Duration>,
    /// Independent repetitions.
    pub replicates: Option<u32>,
    /// Regions by name.
    #[serde(default)]
    pub regions: BTreeMap<String, Region>,
    /// Node pools by name.
    #[serde(default)]
    pub pools: BTreeMap<String, Pool>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Traffic by name.
    pub traffic: BTreeMap<String, Traffic>,
    /// How replicas are placed on nodes.
    pub placement: Option<Placement>,
    /// How often the node autoscaler looks.
    pub node_scan_period: Option<Duration>,
    /// Period of the series in the outputs.
    pub series_period: Option<Duration>,
    /// About how many requests are listed one by one in the outputs; 0 for none.
    pub request_samples: Option<u32>,
    /// Variants: a name and overrides, each `path=value`.
    #[serde(default)]
    pub variants: BTreeMap<String, Vec<String>>,
    /// The variant that others are compared with; the first by default.
    pub baseline: Option<String>,
    /// What may not be exceeded.
    #[serde(default)]
    pub limits: Limits,
}

/// Limits, checked before a run and while it runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Expected requests of one run.
    pub requests: Option<f64>,
    /// Requests that are live at once.
    pub live_requests: Option<u64>,
    /// Nodes, replicas and closed-loop users, each.
    pub entities: Option<u32>,
    /// Simulated time.
    pub horizon: Option<Duration>,
    /// Estimated memory of one run.
    pub memory: Option<ByteSize>,
}

/// A region.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Names of its zones.
    pub zones: Vec<String>,
}

/// A pool of equal GPU nodes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// GPU type.
    pub gpu: String,
    /// Memory of one GPU.
    pub gpu_memory: Option<ByteSize>,
    /// GPUs of one node.
    pub gpus_per_node: Option<u32>,
    /// Price of one GPU.
    pub gpu_price: Option<Price>,
    /// Price of one node, instead of `gpu_price`.
    pub node_price: Option<Price>,
    /// How it is bought.
    pub market: Option<Market>,
    /// Nodes that always exist.
    pub min_nodes: Option<u32>,
    /// Most nodes.
    pub max_nodes: u32,
    /// From the order of a node to its being ready.
    pub provisioning: Option<DurationLaw>,
    /// How long a node stays empty before it is given back.
    pub idle_timeout: Option<Duration>,
    /// Shortest time billed for a node.
    pub minimum_charge: Option<Duration>,
    /// Its region.
    pub region: Option<String>,
    /// Its zones; all of the region by default.
    pub zones: Option<Vec<String>>,
}

/// How capacity is bought.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Market {
    /// By the hour.
    OnDemand,
    /// Committed ahead.
    Reserved,
    /// Reclaimable.
    Spot,
}

/// How replicas are placed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Placement {
    /// On the node with the most free GPUs (`LeastAllocated`).
    Spread,
    /// On the node with the fewest free GPUs that fit (`MostAllocated`).
    Pack,
}

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
    /// Who chooses the replica.
    pub router: Option<Router>,
    /// Delay from the gateway to a replica.
    pub network: Option<DurationLaw>,
    /// Replicas at the start.
    pub replicas: Option<u32>,
    /// GPUs of one group.
    pub gpus: Option<u32>,
    /// Groups of one replica, each on one node.
    pub groups: Option<u32>,
    /// Memory needed on each GPU.
    pub gpu_memory: Option<ByteSize>,
    /// Pools that may host it, in order of preference; all that fit by default.
    pub pools: Option<Vec<String>>,
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

/// How a replica works.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Serving {
    /// So many attempts at once, first come first served.
    Slots(Slots),
    /// Processor sharing.
    Sharing(Sharing),
    /// Dynamic batching.
    DynamicBatch(DynamicBatch),
}

/// Parameters of `Slots`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// Attempts at once.
    pub concurrency: u32,
}

/// Parameters of `Sharing`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sharing {
    /// Attempts served without slowing down.
    pub processors: Option<u32>,
    /// Most attempts at once.
    pub limit: Option<u32>,
}

/// Parameters of `DynamicBatch`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamicBatch {
    /// Largest batch.
    pub max_batch: u32,
    /// Longest wait for a fuller batch.
    pub max_delay: Option<Duration>,
    /// Sizes that leave at once.
    pub preferred: Option<Vec<u32>>,
    /// Batches at once.
    pub instances: Option<u32>,
    /// Time of an empty batch.
    pub fixed: Duration,
    /// Time that each item adds.
    pub per_item: Duration,
    /// Time of one item in the host stage.
    pub host_per_item: Option<Duration>,
}

/// How long an attempt takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum ServiceTime {
    /// Drawn from a law.
    Takes(DurationLaw),
    /// By the request's tokens.
    Tokens(Tokens),
}

/// Parameters of `Tokens`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Constant part.
    pub fixed: Duration,
    /// For each prompt token.
    pub per_prompt_token: Duration,
    /// For each output token.
    pub per_output_token: Duration,
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

/// A promise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Which part of the latency.
    pub metric: Option<LatencyPart>,
    /// The quantile, such as 0.99.
    pub quantile: Fraction,
    /// The limit.
    pub limit: Duration,
}

/// A part of the latency.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum LatencyPart {
    /// From the client's send to the end.
    EndToEnd,
    /// Waiting in queues that no cold start explains.
    Queue,
    /// Waiting while replicas were starting.
    ColdStart,
    /// In service.
    Service,
}

/// Who sets the number of replicas.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Autoscaler {
    /// Always so many.
    Fixed(Fixed),
    /// The user's own Kubernetes manifest.
    Manifest(Manifest),
}

/// Parameters of `Fixed`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// How many.
    pub replicas: u32,
}

/// Parameters of `Manifest`; the path alone, `Manifest("hpa.yaml")`, is enough.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The file.
    pub path: String,
    /// Which of several in the file.
    pub name: Option<String>,
    /// Which upstream controller; `k8s-1.28` by default.
    pub variant: Option<String>,
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub sync_period: Option<Duration>,
    /// First reconcile; drawn from one period by default.
    pub phase: Option<Duration>,
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: Option<NonNegative>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub downscale_stabilization: Option<Duration>,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization_period: Option<Duration>,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub initial_readiness_delay: Option<Duration>,
    /// Feature gate `HPAScaleToZero` (2026 variant).
    pub scale_to_zero: Option<bool>,
    /// Keep upstream quirks; true by default.
    pub faithful: Option<bool>,
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ManifestVisitor)
    }
}

impl JsonSchema for Manifest {
    fn schema_name() -> Cow<'static, str> {
        "Manifest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = ManifestFields::json_schema(generator);
        schemars::json_schema!({ "anyOf": [{ "type": "string", "description": "The file." }, fields] })
    }
}

struct ManifestVisitor;

impl<'de> Visitor<'de> for ManifestVisitor {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the manifest's path, or `path: ...` with the controller's settings")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<Manifest, E> {
        Ok(Manifest { path: path.to_owned(), ..Manifest::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Manifest, A::Error> {
        ManifestFields::deserialize(MapAccessDeserializer::new(map)).map(Manifest::from)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ManifestFields {
    path: String,
    name: Option<String>,
    variant: Option<String>,
    sync_period: Option<Duration>,
    phase: Option<Duration>,
    tolerance: Option<NonNegative>,
    downscale_stabilization: Option<Duration>,
    cpu_initialization_period: Option<Duration>,
    initial_readiness_delay: Option<Duration>,
    scale_to_zero: Option<bool>,
    faithful: Option<bool>,
}

impl From<ManifestFields> for Manifest {
    fn from(fields: ManifestFields) -> Self {
        let ManifestFields {
            path,
            name,
            variant,
            sync_period,
            phase,
            tolerance,
            downscale_stabilization,
            cpu_initialization_period,
            initial_readiness_delay,
            scale_to_zero,
            faithful,
        } = fields;
        Manifest {
            path,
            name,
            variant,
            sync_period,
            phase,
            tolerance,
            downscale_stabilization,
            cpu_initialization_period,
            initial_readiness_delay,
            scale_to_zero,
            faithful,
        }
    }
}

/// What a metric name stands for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Binding {
    /// Percent of time in which any kernel ran.
    GpuUtilization,
    /// Attempts that wait.
    WaitingRequests,
    /// Attempts in service.
    RunningRequests,
    /// Both.
    InFlightRequests,
    /// Arrivals per second.
    RequestsPerSecond,
    /// Completions per second.
    CompletionsPerSecond,
    /// CPU of the server process.
    CpuCores,
    /// Memory of the server process.
    MemoryBytes,
    /// Median end-to-end latency in seconds.
    LatencyP50,
    /// 90th percentile.
    LatencyP90,
    /// 95th percentile.
    LatencyP95,
    /// 99th percentile.
    LatencyP99,
    /// 95th percentile of the time in queues.
    QueueTimeP95,
    /// A signal with its whole pipeline.
    Signal(Box<SignalBinding>),
}

/// A signal with its pipeline.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalBinding {
    /// What is measured: a word such as `"WaitingRequests"`, or `"LatencyP99.9"`.
    pub source: String,
    /// Pipeline preset, such as `"dcgm-1s"`.
    pub preset: Option<String>,
    /// The metric's value is the signal's times this.
    pub scale: Option<Positive>,
    /// Scrape period.
    pub scrape_period: Option<Duration>,
    /// Period at which the exporter refreshes its value.
    pub collect_period: Option<Duration>,
    /// Probability that a scrape fails.
    pub scrape_failure: Option<Fraction>,
    /// `avg_over_time` with this range.
    pub average_over: Option<Duration>,
    /// `max_over_time` with this range.
    pub max_over: Option<Duration>,
    /// `rate` with this range.
    pub rate_over: Option<Duration>,
    /// Range of a latency quantile.
    pub quantile_over: Option<Duration>,
    /// Period of a recording rule.
    pub rule_period: Option<Duration>,
    /// Whose label the value carries.
    pub attribution: Option<Attribution>,
    /// Absent replicas read as zero.
    pub missing_as_zero: Option<bool>,
    /// Period at which the adapter relists names.
    pub relist_period: Option<Duration>,
}

/// Whose label a value carries.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Attribution {
    /// The replica's pod.
    Pod,
    /// All replicas of a node get the node's mean.
    Node,
    /// The exporter's pod: no replica is named.
    Exporter,
}

/// Traffic of one client.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Traffic {
    /// Poisson arrivals.
    Poisson(Poisson),
    /// Markov-modulated Poisson arrivals.
    Mmpp(Mmpp),
    /// A rate that changes with time.
    Schedule(Schedule),
    /// A recorded trace.
    Trace(Trace),
    /// So many users with think time.
    Users(Users),
}

/// Parameters of `Poisson`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Mean rate.
    pub rate: Rate,
    /// Prompt tokens.
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    pub output_tokens: Option<SizeLaw>,
    /// The service called; the only one by default.
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// Parameters of `Mmpp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmpp {
    /// States, visited in turn unless `transitions` says otherwise.
    pub states: Vec<MmppState>,
    /// Probability of the next state (column) after each state (row).
    pub transitions: Option<Vec<Vec<f64>>>,
    /// Prompt tokens.
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    pub output_tokens: Option<SizeLaw>,
    /// The service called.
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// A state of `Mmpp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MmppState {
    /// Rate in this state.
    pub rate: Rate,
    /// Mean time in this state.
    pub mean: Duration,
}

/// Parameters of `Schedule`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Instants and rates; the first is at zero.
    pub steps: Vec<Step>,
    /// Whether the rate changes linearly between steps.
    pub ramp: Option<bool>,
    /// The schedule begins again after this.
    pub repeat_every: Option<Duration>,
    /// Prompt tokens.
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    pub output_tokens: Option<SizeLaw>,
    /// The service called.
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// A step of `Schedule`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When.
    pub at: Duration,
    /// The rate from then on.
    pub rate: Rate,
}

/// Parameters of `Trace`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file, plain or gzip.
    pub path: String,
    /// Its format; Azure LLM by default.
    pub format: Option<TraceFormat>,
    /// Instants are multiplied by this.
    pub time_scale: Option<Positive>,
    /// Rows are multiplied or thinned by this.
    pub rate_scale: Option<Positive>,
    /// Played so many times.
    pub repeat: Option<u32>,
    /// Part of the trace that is played, from its first row.
    pub window: Option<Window>,
    /// What happens to rows that cannot be used.
    pub on_bad_row: Option<OnBadRow>,
    /// The service called.
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// Format of a trace.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum TraceFormat {
    /// `TIMESTAMP,ContextTokens,GeneratedTokens`.
    AzureLlm,
}

/// Part of a trace.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Start.
    pub from: Option<Duration>,
    /// End.
    pub to: Option<Duration>,
}

/// What happens to rows that cannot be used.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum OnBadRow {
    /// The run is refused.
    Refuse,
    /// They are left out and counted.
    Drop,
}

/// Parameters of `Users`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// How many.
    pub users: u32,
    /// Think time.
    pub think: DurationLaw,
    /// Prompt tokens.
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    pub output_tokens: Option<SizeLaw>,
    /// The service called.
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// How a client behaves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// When it gives a request up.
    pub timeout: Option<Duration>,
    /// When it gives one attempt up.
    pub attempt_timeout: Option<Duration>,
    /// Whether a time-out withdraws the work.
    pub cancel_on_timeout: Option<bool>,
    /// Retries.
    pub retries: Option<Retries>,
}

/// Retries.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// After the first attempt.
    pub max: u32,
    /// Wait before the first.
    pub backoff: Option<Duration>,
    /// Growth from one to the next.
    pub factor: Option<u32>,
    /// Longest wait.
    pub cap: Option<Duration>,
    /// Whether the wait is drawn between zero and that value.
    pub full_jitter: Option<bool>,
    /// Limits retries to a share of requests.
    pub budget: Option<Budget>,
}

/// A retry budget.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Tokens for each request.
    pub ratio: NonNegative,
    /// Tokens for each second.
    pub per_s: Option<NonNegative>,
    /// Most tokens.
    pub bucket: Option<Positive>,
}
