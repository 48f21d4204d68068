//! Signals: what a policy asks to be shown, through which metric pipeline, and what it then sees.

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
    /// Percent of time, of an engine's GPU: SMs with a resident warp (`DCGM_FI_PROF_SM_ACTIVE`).
    SmActive,
    /// Percent of the peak FLOP/s that an engine's computed tokens make
    /// (`DCGM_FI_PROF_PIPE_TENSOR_ACTIVE`).
    TensorActive,
    /// Percent of the peak memory bandwidth that an engine's reads of weights and cache make
    /// (`DCGM_FI_PROF_DRAM_ACTIVE`).
    DramActive,
    /// Time-weighted mean number of attempts over the sampling window, as Knative's queue-proxies and
    /// activator report concurrency together: of a service, all that are sent to it and not ended,
    /// waiting ones included; of a replica, those in service.
    Concurrency,
    /// Prompt tokens that wait at a token-level engine to be computed.
    QueuedPromptTokens,
    /// Context tokens in the cache of the sequences that a token-level engine runs.
    RunningContextTokens,
    /// Context tokens of sequences that a token-level engine has preempted and that wait.
    QueuedContextTokens,
    /// CPU use of the server process in cores.
    CpuCores,
    /// Memory use of the server process in bytes.
    MemoryBytes,
}

impl SignalSource {
    /// Whether it is a share in percent, of which a service has the mean and not the sum.
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

    /// Whether its truth is an integral over time, of which an exporter shows the mean of a window.
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
            // Of other disciplines nothing is known beyond the share of time that kernels take.
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
    /// Waiting in queues, without the parts that a cold start or a full pool explains.
    Queue,
    /// Waiting while replicas of the service were starting.
    ColdStart,
    /// In service, the host's own work before a batch included.
    Service,
    /// From the client's send to the first token.
    TimeToFirstToken,
    /// Mean gap between the tokens of a request.
    TimePerOutputToken,
    /// Gap between two tokens of a sequence.
    InterToken,
    /// Attempts before the one that was answered, and back-off.
    Retries,
    /// On the way: the hop to the replica, round trips, the engine's front end.
    Network,
    /// Waiting while a replica was wanted for which there were no GPUs.
    NoCapacity,
}

impl LatencyPart {
    /// Whether only services that serve tokens have it.
    pub fn is_of_tokens(self) -> bool {
        matches!(self, LatencyPart::TimeToFirstToken | LatencyPart::TimePerOutputToken | LatencyPart::InterToken)
    }
}

/// Whose values a signal carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One sample for each replica (Pods and Resource metrics).
    Replica,
    /// One sample for the service (Object and External metrics).
    Service,
}

/// How truth becomes a value at a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// The value at that instant.
    Instant,
    /// The mean over the window before it.
    WindowMean(SimDuration),
    /// The mean over the window before it, cut to an integer percent, as NVML reports utilization.
    Nvml(SimDuration),
}

/// What Prometheus does to the stored series when it is asked.
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
    /// Asks at each observation.
    Live,
    /// Asks every `period` and answers from memory; a value older than `ttl` is gone.
    Cached {
        /// Time between two questions.
        period: SimDuration,
        /// Age at which an answer is dropped.
        ttl: SimDuration,
    },
    /// Nobody asks: what each scrape found is handed over as a batch of its own, with its own time,
    /// at the first observation after the push that follows it. Thus Knative's autoscaler sees every
    /// second, and Ray Serve's every sample of its replicas. No transform is applied.
    Pushed {
        /// Time between two pushes; zero hands over at once.
        period: SimDuration,
    },
}

/// Which timestamp a sample carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Time of the answer: staleness is invisible.
    Now,
    /// The sample's own time.
    Sample,
}

/// What an absent replica looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingAs {
    /// Left out of the answer.
    Drop,
    /// Reported as 0.
    Zero,
}

/// Whose label the value carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// The replica's own pod.
    Pod,
    /// Every replica on a node gets the mean over that node's GPUs.
    Node,
    /// The exporter's pod: no sample ever names a replica.
    Exporter,
}

/// The metric pipeline of one signal: where delay and distortion come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipeline {
    /// How truth becomes a value.
    pub sampler: Sampler,
    /// Period at which the exporter refreshes its value; `None` reads at each scrape.
    pub collect_period: Option<SimDuration>,
    /// Period at which the value is scraped.
    pub scrape_period: SimDuration,
    /// Probability that one scrape of one replica fails.
    pub scrape_failure: f64,
    /// What Prometheus does when asked.
    pub transform: Transform,
    /// Evaluation period of a recording rule between store and answer.
    pub rule_period: Option<SimDuration>,
    /// What stands between Prometheus and the policy.
    pub adapter: Adapter,
    /// Period at which the adapter relists metric names; a name without data waits for the next.
    pub relist_period: Option<SimDuration>,
    /// What an absent replica looks like.
    pub missing: MissingAs,
    /// Which timestamp a sample carries.
    pub stamp: Stamp,
    /// Whose label the value carries.
    pub attribution: Attribution,
}

/// A policy's wish to see one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalRequest {
    /// The name that the user's manifest gives it.
    pub name: String,
    /// What is measured.
    pub source: SignalSource,
    /// Whose values.
    pub scope: Scope,
    /// Through which pipeline.
    pub pipeline: Pipeline,
}

/// One timestamped value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The replica it belongs to; `None` for a service's own.
    pub replica: Option<ReplicaId>,
    /// When it was taken, as the policy is told.
    pub at: SimTime,
    /// The value in the unit of its source (percent, requests, 1/s, s, cores, bytes).
    pub value: f64,
}

/// Samples that became visible together.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When they became visible.
    pub at: SimTime,
    /// Span that each value covers; zero for instants.
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
