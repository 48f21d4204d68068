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
    #[schemars(extend("x-example" = "LogNormal(p50: 1200, p99: 9000)"))]
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 250, p99: 1500)"))]
    pub output_tokens: Option<SizeLaw>,
    /// The service called; the only one by default.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// Parameters of `Mmpp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmpp {
    /// States, visited in turn unless `transitions` says otherwise.
    #[schemars(extend("x-example" = r#"[(rate: "10/s", mean: "12m"), (rate: "80/s", mean: "3m")]"#))]
    pub states: Vec<MmppState>,
    /// Probability of the next state (column) after each state (row).
    #[schemars(extend("x-example" = "[[0, 1], [1, 0]]"))]
    pub transitions: Option<Vec<Vec<f64>>>,
    /// Prompt tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 1200, p99: 9000)"))]
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 250, p99: 1500)"))]
    pub output_tokens: Option<SizeLaw>,
    /// The service called.
    #[schemars(extend("x-example" = r#""chat""#))]
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
    #[schemars(extend("x-example" = r#""12m""#))]
    pub mean: Duration,
}

/// Parameters of `Schedule`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Instants and rates; the first is at zero.
    #[schemars(extend("x-example" = r#"[(at: "0h", rate: "10/s"), (at: "8h", rate: "60/s")]"#))]
    pub steps: Vec<Step>,
    /// Whether the rate changes linearly between steps.
    pub ramp: Option<bool>,
    /// The schedule begins again after this.
    #[schemars(extend("x-example" = r#""24h""#))]
    pub repeat_every: Option<Duration>,
    /// Prompt tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 1200, p99: 9000)"))]
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 250, p99: 1500)"))]
    pub output_tokens: Option<SizeLaw>,
    /// The service called.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// A step of `Schedule`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When.
    #[schemars(extend("x-example" = r#""8h""#))]
    pub at: Duration,
    /// The rate from then on.
    pub rate: Rate,
}

/// Parameters of `Trace`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file, plain or gzip.
    #[schemars(extend("x-file" = true, "x-example" = r#""trace.csv""#))]
    pub path: String,
    /// Its format, which its first line tells: one that differs is refused.
    pub format: Option<TraceFormat>,
    /// Instants are multiplied by this.
    #[schemars(extend("x-example" = "0.5"))]
    pub time_scale: Option<Positive>,
    /// Rows are multiplied or thinned by this.
    #[schemars(extend("x-example" = "2"))]
    pub rate_scale: Option<Positive>,
    /// Played so many times.
    #[schemars(extend("x-example" = "2"))]
    pub repeat: Option<u32>,
    /// Part of the trace that is played, from its first row.
    #[schemars(extend("x-example" = r#"(from: "1h", to: "2h")"#))]
    pub window: Option<Window>,
    /// Each replicate draws its own arrivals from the trace; all play the trace as it is by default.
    #[schemars(extend("x-example" = r#"Blocks("1m")"#))]
    pub resample: Option<Resample>,
    /// What happens to rows that cannot be used.
    pub on_bad_row: Option<OnBadRow>,
    /// The service called.
    #[schemars(extend("x-example" = r#""chat""#))]
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
    #[schemars(extend("x-example" = r#""1h""#))]
    pub from: Option<Duration>,
    /// End.
    #[schemars(extend("x-example" = r#""2h""#))]
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
    #[schemars(extend("x-example" = "100"))]
    pub users: u32,
    /// Think time.
    #[schemars(extend("x-example" = r#"Exponential(mean: "20s")"#))]
    pub think: DurationLaw,
    /// Prompt tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 1200, p99: 9000)"))]
    pub prompt_tokens: Option<SizeLaw>,
    /// Output tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 250, p99: 1500)"))]
    pub output_tokens: Option<SizeLaw>,
    /// The service called.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// How a client behaves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// When it gives a request up.
    #[schemars(extend("x-example" = r#""60s""#))]
    pub timeout: Option<Duration>,
    /// When it gives one attempt up.
    #[schemars(extend("x-example" = r#""30s""#))]
    pub attempt_timeout: Option<Duration>,
    /// Whether a time-out withdraws the work.
    pub cancel_on_timeout: Option<bool>,
    /// Retries.
    #[schemars(extend("x-example" = r#"(max: 2, backoff: "500ms", full_jitter: true)"#))]
    pub retries: Option<Retries>,
    /// Whether attempts carry the deadline: servers drop what nobody waits for any more before they start it.
    pub propagates_deadline: Option<bool>,
    /// The region in which it is.
    #[schemars(extend("x-example" = r#""us-east-1""#))]
    pub origin: Option<String>,
    /// Jurisdictions in which its requests may be served; any by default.
    #[schemars(extend("x-example" = r#"["eu"]"#))]
    pub residency: Option<Vec<String>>,
    /// Round trips of a request.
    #[schemars(extend("x-example" = "1"))]
    pub round_trips: Option<u32>,
    /// Size of a response without its tokens.
    #[schemars(extend("x-example" = r#""2KiB""#))]
    pub response_size: Option<ByteSize>,
    /// What each output token adds.
    #[schemars(extend("x-example" = r#""4B""#))]
    pub response_size_per_token: Option<ByteSize>,
}

/// Retries.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// After the first attempt.
    pub max: u32,
    /// Wait before the first.
    #[schemars(extend("x-example" = r#""500ms""#))]
    pub backoff: Option<Duration>,
    /// Growth from one to the next.
    #[schemars(extend("x-example" = "2"))]
    pub factor: Option<u32>,
    /// Longest wait.
    #[schemars(extend("x-example" = r#""10s""#))]
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
    #[schemars(extend("x-example" = "0.2"))]
    pub ratio: NonNegative,
    /// Tokens for each second.
    #[schemars(extend("x-example" = "1"))]
    pub per_s: Option<NonNegative>,
    /// Most tokens.
    #[schemars(extend("x-example" = "10"))]
    pub bucket: Option<Positive>,
}
