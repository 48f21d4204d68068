//! Autoscalers and metric bindings, as written.

use crate::spec::{Clairvoyant, ConcurrencyTarget, LatencyTarget, Policy, Predictive, QueueDepth, Timetable};
use flashcrowd_language::units::{Duration, Fraction, NonNegative, Positive};
use schemars::JsonSchema;
use serde::Deserialize;

/// Who sets the number of replicas.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Autoscaler {
    /// Always so many.
    Fixed(Fixed),
    /// The user's own manifest, as it runs in production.
    Manifest(Manifest),
    /// By requests that wait.
    QueueDepth(QueueDepth),
    /// By requests in flight.
    ConcurrencyTarget(ConcurrencyTarget),
    /// By a latency percentile.
    LatencyTarget(LatencyTarget),
    /// By the clock.
    Timetable(Timetable),
    /// By a forecast of the arrivals.
    Predictive(Predictive),
    /// A policy of the user's own, in any language: a process that reads observations and writes
    /// decisions, a JSON object a line.
    Command(Command),
    /// A policy of the user's own crate, by the name under which it is registered.
    Policy(Policy),
    /// By the arrivals themselves: the bound, which nobody can run.
    Clairvoyant(Clairvoyant),
}

/// Parameters of `Fixed`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// How many.
    #[schemars(extend("x-example" = "3"))]
    pub replicas: u32,
}

/// Parameters of `Manifest`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "path"))]
pub struct Manifest {
    /// The file.
    #[schemars(extend("x-file" = true, "x-example" = "\"hpa.yaml\""))]
    pub path: Option<String>,
    /// The manifest itself, in place of a file.
    #[schemars(extend("x-example" = "\"apiVersion: ...\""))]
    pub text: Option<String>,
    /// Which of several in the file.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub name: Option<String>,
    /// Which upstream controller; `k8s-1.28` by default.
    #[schemars(extend("x-example" = r#""k8s-1.28""#))]
    pub variant: Option<String>,
    /// `--horizontal-pod-autoscaler-sync-period`.
    #[schemars(extend("x-example" = r#""15s""#))]
    pub sync_period: Option<Duration>,
    /// First reconcile; drawn from one period by default.
    #[schemars(extend("x-example" = r#""0s""#))]
    pub phase: Option<Duration>,
    /// `--horizontal-pod-autoscaler-tolerance`.
    #[schemars(extend("x-example" = "0.1"))]
    pub tolerance: Option<NonNegative>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    #[schemars(extend("x-example" = r#""5m""#))]
    pub downscale_stabilization: Option<Duration>,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    #[schemars(extend("x-example" = r#""5m""#))]
    pub cpu_initialization_period: Option<Duration>,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    #[schemars(extend("x-example" = r#""30s""#))]
    pub initial_readiness_delay: Option<Duration>,
    /// Feature gate `HPAScaleToZero` (2026 variant).
    pub scale_to_zero: Option<bool>,
    /// Keep upstream quirks; true by default.
    pub faithful: Option<bool>,
    /// What Ray Serve's delays count: `wall` time, or `ticks` of its loop as before 2.5x.
    #[schemars(extend("x-example" = r#""wall""#))]
    pub delay_clock: Option<String>,
}

/// Parameters of `Command`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "program"))]
pub struct Command {
    /// Program and arguments; it runs in the scenario's folder.
    #[schemars(extend("x-example" = "[\"python3\", \"policy.py\"]"))]
    pub program: Vec<String>,
    /// Time between observations; 15s by default.
    #[schemars(extend("x-example" = r#""15s""#))]
    pub period: Option<Duration>,
    /// Metrics of the whole service that it is shown, by name.
    #[schemars(extend("x-example" = r#"["waiting_requests"]"#))]
    pub signals: Option<Vec<String>>,
    /// Metrics of each replica that it is shown, by name.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"["running_requests"]"#))]
    pub replica_signals: Vec<String>,
    /// Whether a request that nobody serves wakes it; false by default.
    pub poked: Option<bool>,
    /// How long it may take for a decision; 10s by default.
    #[schemars(extend("x-example" = r#""10s""#))]
    pub time_limit: Option<Duration>,
    /// The most replicas that it will ask for, for estimates of memory.
    #[schemars(extend("x-example" = "16"))]
    pub max: Option<u32>,
}

/// What a metric name stands for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Binding {
    /// Percent of time in which any kernel ran.
    GpuUtilization,
    /// Percent of the SMs that hold a warp, over time.
    SmActive,
    /// Percent of the GPU's peak FLOP/s that computed tokens make.
    TensorActive,
    /// Percent of the GPU's peak memory bandwidth that reads of weights and cache make.
    DramActive,
    /// Percent of the KV cache's blocks in use.
    KvCacheUse,
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
    /// 95th percentile of the time to first token, in seconds.
    TimeToFirstTokenP95,
    /// 99th percentile.
    TimeToFirstTokenP99,
    /// 95th percentile of the gaps between tokens, in seconds.
    InterTokenLatencyP95,
    /// 99th percentile.
    InterTokenLatencyP99,
    /// 95th percentile of the requests' mean gaps between tokens, in seconds.
    TimePerOutputTokenP95,
    /// 99th percentile.
    TimePerOutputTokenP99,
    /// A signal with its whole pipeline.
    Signal(Box<SignalBinding>),
}

/// A signal with its pipeline.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
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
