//! What metric names stand for, as written.

use flashcrowd_language::units::{Duration, Fraction, Positive};
use schemars::JsonSchema;
use serde::Deserialize;

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
