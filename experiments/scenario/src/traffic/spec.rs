//! Traffic and clients, as written.

use flashcrowd_language::units::{ByteSize, Duration, NonNegative, Positive, Rate};
use flashcrowd_language::{DurationLaw, SizeLaw};
use schemars::JsonSchema;
use serde::Deserialize;

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

impl Traffic {
    /// How the client behaves, if that is said.
    pub fn client(&self) -> Option<&Client> {
        match self {
            Traffic::Poisson(given) => given.client.as_ref(),
            Traffic::Mmpp(given) => given.client.as_ref(),
            Traffic::Schedule(given) => given.client.as_ref(),
            Traffic::Trace(given) => given.client.as_ref(),
            Traffic::Users(given) => given.client.as_ref(),
        }
    }
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
    /// Its format, which its first line tells: one that differs is refused.
    pub format: Option<TraceFormat>,
    /// Instants are multiplied by this.
    pub time_scale: Option<Positive>,
    /// Rows are multiplied or thinned by this.
    pub rate_scale: Option<Positive>,
    /// Played so many times.
    pub repeat: Option<u32>,
    /// Part of the trace that is played, from its first row.
    pub window: Option<Window>,
    /// Each replicate draws its own arrivals from the trace; all play the trace as it is by default.
    pub resample: Option<Resample>,
    /// What happens to rows that cannot be used.
    pub on_bad_row: Option<OnBadRow>,
    /// The service called.
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// Format of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TraceFormat {
    /// CSV: `TIMESTAMP,ContextTokens,GeneratedTokens`.
    AzureLlm,
    /// JSON lines of Mooncake: milliseconds, blocks of 512 tokens.
    Mooncake,
    /// JSON lines of Qwen-Bailian: seconds, blocks of 16 tokens.
    Bailian,
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

/// How a replicate draws its arrivals from a trace.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Resample {
    /// Blocks of this length, with replacement, until the trace's length is full.
    Blocks(Duration),
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
    /// Whether attempts carry the deadline: servers drop what nobody waits for any more before they start it.
    pub propagates_deadline: Option<bool>,
    /// The region in which it is.
    pub origin: Option<String>,
    /// Jurisdictions in which its requests may be served; any by default.
    pub residency: Option<Vec<String>>,
    /// Round trips of a request.
    pub round_trips: Option<u32>,
    /// Size of a response without its tokens.
    pub response_size: Option<ByteSize>,
    /// What each output token adds.
    pub response_size_per_token: Option<ByteSize>,
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
