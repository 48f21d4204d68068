//! A measured point: the load on an engine, and what was measured.

use flashcrowd_profiles::architecture::{Architecture, KnownModel};
use flashcrowd_profiles::law::Engine;
use flashcrowd_profiles::rank::Parallelism;
use flashcrowd_profiles::{EngineLimits, Gpu, Precision};
use serde::Serialize;
use std::sync::Arc;

/// Which kind of data a point is from. Errors of different kinds are never pooled: their engines,
/// load generators and definitions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// Load sweeps of guidellm.
    Sweep,
    /// Closed-loop points of `AIConfigurator`.
    Aiconfigurator,
    /// Stages of inference-perf.
    Stages,
    /// What peers of ours predicted, and the truth.
    Peers,
    /// Closed-loop points of `InferenceX`.
    Inferencex,
    /// Poisson runs and static batches of dstack.
    Dstack,
    /// Static batches of Splitwise.
    Splitwise,
    /// Recorded requests.
    Requests,
    /// Static batches of Argonne.
    Argonne,
}

impl Source {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Source::Sweep => "sweep",
            Source::Aiconfigurator => "aiconfigurator",
            Source::Stages => "stages",
            Source::Peers => "peers",
            Source::Inferencex => "inferencex",
            Source::Dstack => "dstack",
            Source::Splitwise => "splitwise",
            Source::Requests => "requests",
            Source::Argonne => "argonne",
        }
    }
}

/// How near to its saturation an engine was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Band {
    /// One request after the other.
    #[serde(rename = "sync")]
    Sync,
    /// Up to 76 % of the measured saturation.
    #[serde(rename = "le76")]
    UpTo76,
    /// 88 %.
    #[serde(rename = "88")]
    At88,
    /// At the measured saturation.
    #[serde(rename = "100")]
    At100,
    /// This many clients, each of which sends its next request when it has its answer.
    #[serde(rename = "closed")]
    Closed,
    /// All requests at once.
    #[serde(rename = "batch")]
    Batch,
    /// An open load that the engine could not keep up with.
    #[serde(rename = "overload")]
    Overload,
    /// An open load whose share of the saturation is not known.
    #[serde(rename = "unrated")]
    Unrated,
}

impl Band {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Band::Sync => "sync",
            Band::UpTo76 => "le76",
            Band::At88 => "88",
            Band::At100 => "100",
            Band::Closed => "closed",
            Band::Batch => "batch",
            Band::Overload => "overload",
            Band::Unrated => "unrated",
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    /// Mean end-to-end latency, ms.
    E2eMean,
    /// Its median, ms.
    E2eP50,
    /// Its 99th percentile, ms.
    E2eP99,
    /// Mean inter-token latency over all gaps, ms.
    ItlMean,
    /// Mean time to first token, ms.
    TtftMean,
    /// Its median, ms.
    TtftP50,
    /// Its 99th percentile, ms.
    TtftP99,
    /// Mean over requests of the time per output token, ms.
    TpotMean,
    /// Its median, ms.
    TpotP50,
    /// Requests answered in a second.
    RequestsPerS,
}

impl Metric {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Metric::E2eMean => "e2e_mean",
            Metric::E2eP50 => "e2e_p50",
            Metric::E2eP99 => "e2e_p99",
            Metric::ItlMean => "itl_mean",
            Metric::TtftMean => "ttft_mean",
            Metric::TtftP50 => "ttft_p50",
            Metric::TtftP99 => "ttft_p99",
            Metric::TpotMean => "tpot_mean",
            Metric::TpotP50 => "tpot_p50",
            Metric::RequestsPerS => "requests_per_s",
        }
    }
}

/// How requests were sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Client {
    /// One every `1 / rate` seconds.
    Constant {
        /// Requests a second.
        rate: f64,
    },
    /// With exponential gaps.
    Poisson {
        /// Requests a second.
        rate: f64,
    },
    /// By this many users, each of whom sends the next request on receiving an answer.
    Closed {
        /// Users.
        users: u32,
    },
    /// This many at once, and no more.
    AtOnce {
        /// Requests.
        requests: u32,
    },
    /// These requests.
    Recorded {
        /// Each of them.
        requests: Arc<[Recorded]>,
        /// Requests a second, with exponential gaps, where their times were not recorded.
        rate: Option<f64>,
    },
}

/// A request that was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recorded {
    /// When it was sent, seconds; unused where only the rate is known.
    pub(super) at_s: f64,
    /// Prompt tokens.
    pub(super) prompt: u32,
    /// Output tokens.
    pub(super) output: u32,
    /// Whether its latency was recorded.
    pub(super) measured: bool,
}

/// How many tokens a prompt or an output has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    /// Uniform between two bounds, both among them.
    Between(u32, u32),
    /// Exponential of this mean: where no more was told.
    Mean(f64),
}

impl Length {
    /// Always so many.
    pub(super) const fn fixed(tokens: u32) -> Self {
        Length::Between(tokens, tokens)
    }

    /// Most tokens, where there is a bound.
    pub(super) const fn most(self) -> u32 {
        match self {
            Length::Between(_, high) => high,
            Length::Mean(_) => u32::MAX,
        }
    }

    /// Mean tokens.
    pub(super) fn mean(self) -> f64 {
        match self {
            Length::Between(low, high) => f64::midpoint(f64::from(low), f64::from(high)),
            Length::Mean(mean) => mean,
        }
    }
}

/// When a measurement ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Window {
    /// After this many seconds; a request that has not ended by then is not counted.
    Seconds(f64),
    /// With the answer to the last request, for which `within_s` seconds are more than enough.
    Requests {
        /// Requests in all.
        count: u64,
        /// Seconds.
        within_s: f64,
    },
}

/// How an engine was started, beside its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Setup {
    /// Copies of the model that share the requests.
    pub(super) replicas: u32,
    /// Blocks of the cache, where the run says it; else by the memory of the GPU.
    pub(super) blocks: Option<u64>,
    /// Whether a prompt may be spread over iterations.
    pub(super) chunked_prefill: bool,
    /// Whether it finds cached prefixes, also those of a sequence that it had preempted.
    pub(super) prefix_caching: bool,
    /// Whether it plans an iteration ahead, where the version says it; else by the profile.
    pub(super) lookahead: Option<bool>,
    /// Time of a request before and behind the engine, ms, where the run says it: 0 for requests from the engine's own
    /// process; else by the profile.
    pub(super) front_end_ms: Option<f64>,
    /// Most requests of the load generator at once.
    pub(super) in_flight: u32,
    /// Tokens that each sequence reads beside those that were sent for it: a prefix that all
    /// found in the cache.
    pub(super) cached_context: f64,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            replicas: 1,
            blocks: None,
            chunked_prefill: true,
            prefix_caching: true,
            lookahead: None,
            front_end_ms: None,
            in_flight: u32::MAX,
            cached_context: 0.0,
        }
    }
}

/// A model by its shape, and what serves it.
#[derive(Clone, Debug)]
pub(super) struct Shaped {
    pub(super) name: String,
    pub(super) model: Arc<Architecture>,
    pub(super) ranks: Parallelism,
    pub(super) engine: Engine,
    /// Iterations of decodes between two looks at new requests.
    pub(super) receive_interval: u32,
    /// Iterations for which prompts wait until there is one for each replica.
    pub(super) balance_iterations: u32,
}

impl Shaped {
    /// A known model in that format, served by vLLM.
    pub(super) fn vllm(known: &KnownModel, precision: Precision, ranks: Parallelism) -> Self {
        let own = known.architecture();
        let is_own = Precision::of_bytes(own.formats.quantised.bytes()) == precision;
        let model = if is_own { own } else { own.in_format(precision.format()) };
        Shaped {
            name: known.name.clone(),
            model: Arc::new(model),
            ranks,
            engine: Engine::Vllm,
            receive_interval: 1,
            balance_iterations: 0,
        }
    }
}

/// A measured point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) id: String,
    /// Its line in the file, from 1.
    pub(super) line: u64,
    pub(super) source: Source,
    /// The model's name in the catalogue of measured models; empty if it is not there.
    pub(super) model: String,
    /// The model by its shape, where it is played by that, too.
    pub(super) shaped: Option<Shaped>,
    pub(super) gpu: Gpu,
    /// GPUs that share each layer.
    pub(super) gpus: u32,
    pub(super) precision: Precision,
    pub(super) band: Band,
    pub(super) client: Client,
    pub(super) window: Window,
    pub(super) prompt: Length,
    pub(super) output: Length,
    pub(super) limits: EngineLimits,
    pub(super) setup: Setup,
    /// What was measured, by metric.
    pub(super) measured: Vec<(Metric, f64)>,
    /// Why the point is replayed but not judged, if so.
    pub(super) unjudged: Option<&'static str>,
}

impl Point {
    /// Its lengths, as profiles name those that they were fitted on: `256x1024`.
    pub(super) fn shape(&self) -> String {
        format!("{:.0}x{:.0}", self.prompt.mean(), self.output.mean())
    }
}

/// Bounds of what is replayed: far more than anyone has measured on one engine, and little enough
/// that a misplaced digit does not simulate for days.
pub(super) mod most {
    /// Tokens of a prompt or output.
    pub(crate) const TOKENS: u32 = 16 << 20;
    /// Users, sequences or requests at once.
    pub(crate) const USERS: u32 = 65_536;
    /// GPUs of a group.
    pub(crate) const GPUS: u32 = 1_024;
    /// Requests a second.
    pub(crate) const RATE: f64 = 1e4;
    /// Seconds of a window.
    pub(crate) const SECONDS: f64 = 1e5;
    /// Requests of a point.
    pub(crate) const REQUESTS: f64 = 1e7;
    /// A latency, ms, or a rate.
    pub(crate) const VALUE: f64 = 1e9;
}
