//! Signals: what a policy asks to see, the metric pipeline in between, and what it then sees.

use super::ReplicaId;
use crate::clock::{SimDuration, SimTime};

/// A signal's position in the list that its policy declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalId(pub u32);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SignalSource {
    /// Percent of time in which any kernel ran on the replica's GPUs (`DCGM_FI_DEV_GPU_UTIL`).
    GpuUtilization,
    /// Attempts that wait for service.
    WaitingRequests,
    /// Attempts in service.
    RunningRequests,
    /// Waiting and running attempts.
    InFlightRequests,
    /// Counter of requests that arrived; use with [`Transform::Rate`] for requests per second.
    RequestsArrived,
    /// Counter of requests completed; use with [`Transform::Rate`] for throughput.
    RequestsCompleted,
    /// A quantile of a part of the latency over a window, in seconds.
    LatencyQuantile {
        /// Which part.
        part: LatencyPart,
        /// The quantile, in (0, 1).
        quantile: f64,
        /// Prometheus range, such as the 1 min of `rate(..._bucket[1m])`.
        window: SimDuration,
    },
    /// Percent of the KV cache's blocks in use (`vllm:kv_cache_usage_perc`, times 100).
    KvCacheUse,
    /// Percent of time in which an engine's GPU has SMs with a resident warp
    /// (`DCGM_FI_PROF_SM_ACTIVE`).
    SmActive,
    /// Percent of the peak FLOP/s that computing an engine's tokens takes
    /// (`DCGM_FI_PROF_PIPE_TENSOR_ACTIVE`).
    TensorActive,
    /// Percent of the peak memory bandwidth that an engine's reads of weights and cache take
    /// (`DCGM_FI_PROF_DRAM_ACTIVE`).
    DramActive,
    /// Time-weighted mean number of attempts over the sampling window, as Knative's queue-proxies
    /// and activator report concurrency together. For a service: all attempts sent to it and not
    /// ended, waiting ones included. For a replica: the attempts in service.
    Concurrency,
    /// Prompt tokens that wait to be computed by a token-level engine.
    QueuedPromptTokens,
    /// Context tokens in the cache of the sequences that run in a token-level engine.
    RunningContextTokens,
    /// Context tokens of preempted sequences that wait in a token-level engine.
    QueuedContextTokens,
    /// CPU use of the server process in cores.
    CpuCores,
    /// Memory use of the server process in bytes.
    MemoryBytes,
}

impl SignalSource {
    /// Whether it is a share in percent: the value of a service is then the mean, not the sum.
    pub fn is_share(self) -> bool {
        matches!(
            self,
            SignalSource::GpuUtilization
                | SignalSource::KvCacheUse
                | SignalSource::SmActive
                | SignalSource::TensorActive
                | SignalSource::DramActive
        )
    }

    /// Whether the true value is an integral over time, of which an exporter shows the mean over a
    /// window.
    pub fn is_integral(self) -> bool {
        matches!(
            self,
            SignalSource::GpuUtilization
                | SignalSource::SmActive
                | SignalSource::TensorActive
                | SignalSource::DramActive
                | SignalSource::Concurrency
                | SignalSource::CpuCores
        )
    }

    /// Whether only services that serve tokens have it.
    pub fn is_of_tokens(self) -> bool {
        match self {
            SignalSource::LatencyQuantile { part, .. } => part.is_of_tokens(),
            // For other disciplines, only the share of time is known in which kernels run.
            SignalSource::KvCacheUse
            | SignalSource::TensorActive
            | SignalSource::DramActive
            | SignalSource::QueuedPromptTokens
            | SignalSource::RunningContextTokens
            | SignalSource::QueuedContextTokens => true,
            _ => false,
        }
    }
}

/// Parts of a request's latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LatencyPart {
    /// From the client's send to the end.
    EndToEnd,
    /// Waiting in queues, except waiting that a cold start or a full pool explains.
    Queue,
    /// Waiting while replicas of the service were starting.
    ColdStart,
    /// In service, including the host's own work before a batch.
    Service,
    /// From the client's send to the first token.
    TimeToFirstToken,
    /// Mean gap between the tokens of a request.
    TimePerOutputToken,
    /// Gap between two tokens of a sequence.
    InterToken,
    /// Attempts before the answered one, and back-off.
    Retries,
    /// On the way: the hop to the replica, round trips, the engine's front end.
    Network,
    /// Waiting while a replica was wanted but had no GPUs.
    NoCapacity,
}

impl LatencyPart {
    /// Whether only services that serve tokens have it.
    pub fn is_of_tokens(self) -> bool {
        matches!(self, LatencyPart::TimeToFirstToken | LatencyPart::TimePerOutputToken | LatencyPart::InterToken)
    }
}

/// Whether a signal has one value for the service or one for each replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One sample for each replica (Pods and Resource metrics).
    Replica,
    /// One sample for the service (Object and External metrics).
    Service,
    /// The same of what only the pods export: without a pod there is no series.
    Pods,
}

/// How the exporter turns the true value into a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// The value at that instant.
    Instant,
    /// The mean over the window before it.
    WindowMean(SimDuration),
    /// The mean over the window before it, cut to an integer percent, as NVML reports utilization.
    Nvml(SimDuration),
}

/// What Prometheus does with the stored series when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// The newest sample.
    None,
    /// `rate(...[window])`.
    Rate(SimDuration),
    /// `avg_over_time(...[window])`.
    AvgOver(SimDuration),
    /// `max_over_time(...[window])`.
    MaxOver(SimDuration),
}

/// What stands between Prometheus and the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// Asks Prometheus at each observation.
    Live,
    /// Asks every `period` and answers from memory; a value older than `ttl` is dropped.
    Cached {
        /// Time between two questions.
        period: SimDuration,
        /// Age at which an answer is dropped.
        ttl: SimDuration,
    },
    /// Nothing asks: each scrape is handed over as a batch of its own, with its own time, at the
    /// first observation after the next push. So Knative's autoscaler sees every second, and Ray
    /// Serve's autoscaler every sample of its replicas. No transform is applied.
    Pushed {
        /// Time between two pushes; zero hands over at once.
        period: SimDuration,
    },
}

/// The timestamp that a sample carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The time of the answer: the policy cannot see that a value is old.
    Now,
    /// The sample's own time.
    Sample,
}

/// What the policy sees of an absent replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingAs {
    /// Left out of the answer.
    Drop,
    /// Reported as 0.
    Zero,
}

/// Which label a value carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// The replica's own pod.
    Pod,
    /// Every replica on a node gets the mean over the GPUs of that node.
    Node,
    /// The exporter's pod: no sample ever names a replica.
    Exporter,
}

/// The metric pipeline of one signal: where delay and distortion come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipeline {
    /// How the exporter turns the true value into a reading.
    pub sampler: Sampler,
    /// Period at which the exporter refreshes its value; `None` reads the value at each scrape.
    pub collect_period: Option<SimDuration>,
    /// Period at which the value is scraped.
    pub scrape_period: SimDuration,
    /// Probability that one scrape of one replica fails.
    pub scrape_failure: f64,
    /// What Prometheus does when it is asked.
    pub transform: Transform,
    /// Evaluation period of a recording rule between the store and the answer.
    pub rule_period: Option<SimDuration>,
    /// What stands between Prometheus and the policy.
    pub adapter: Adapter,
    /// Period at which the adapter relists metric names; a name without data waits for the next
    /// listing.
    pub relist_period: Option<SimDuration>,
    /// What the policy sees of an absent replica.
    pub missing: MissingAs,
    /// The timestamp that a sample carries.
    pub stamp: Stamp,
    /// Which label the value carries.
    pub attribution: Attribution,
}

/// A request of a policy to see one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalRequest {
    /// The name that the user's manifest gives it.
    pub name: String,
    /// What is measured.
    pub source: SignalSource,
    /// For the service or for each replica.
    pub scope: Scope,
    /// Through which pipeline.
    pub pipeline: Pipeline,
}

/// One timestamped value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The replica it belongs to; `None` for a value of the service.
    pub replica: Option<ReplicaId>,
    /// When it was taken, as far as the policy is told.
    pub at: SimTime,
    /// The value in the unit of its source (percent, requests, 1/s, s, cores, bytes).
    pub value: f64,
}

/// Samples that became visible together.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When they became visible.
    pub at: SimTime,
    /// Span that each value covers; zero for instantaneous values.
    pub window: SimDuration,
    /// Sorted by replica.
    pub samples: Vec<Sample>,
}

/// What a policy sees of one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalView {
    /// Which of the declared signals.
    pub signal: SignalId,
    /// Batches since the last call, oldest first; `None` if the metrics API gave an error.
    pub batches: Option<Vec<Batch>>,
}
