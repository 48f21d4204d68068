//! How a client behaves: when it gives up, and when it tries again.

use crate::settings::Notes;
use flashcrowd_core::SimDuration;
use flashcrowd_core::traffic::{Backoff, RetryBudget, RetryPolicy};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{ByteSize, Duration, NonNegative, Positive};
use schemars::JsonSchema;
use serde::Deserialize;

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
    /// Most of its requests on their way at once, as load generators have it; more wait with the client and count from
    /// when they are sent.
    #[schemars(extend("x-example" = "256"))]
    pub max_in_flight: Option<u32>,
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

/// Exponential backoff with full jitter, as the builders' library of AWS has it.
const EXPONENTIAL: &str = "exponential backoff with full jitter (Amazon Builders' Library)";

fn ms(ms: u64) -> Duration {
    Duration(SimDuration::from_ms(ms))
}

/// When it tries again; `path` is that of its traffic.
pub(super) fn retries(notes: &mut Notes<'_>, path: &str, given: Option<&Retries>) -> Result<RetryPolicy, Diagnostic> {
    let Some(given) = given else {
        notes.default(&format!("{path}.client.retries"), "None", "it tries once", false);
        return Ok(RetryPolicy::none());
    };
    let path = |field: &str| format!("{path}.client.retries.{field}");
    notes.within(&path("max"), u64::from(given.max), 0, 1_000)?;
    let factor = notes.or(&path("factor"), given.factor, 2, EXPONENTIAL);
    notes.within(&path("factor"), u64::from(factor), 1, 1_000)?;
    let budget = given.budget.as_ref().map(|budget| RetryBudget {
        ratio: budget.ratio.get(),
        per_s: notes.or(&path("budget.per_s"), budget.per_s.map(NonNegative::get), 0.0, "requests alone fill it"),
        bucket: notes.or(&path("budget.bucket"), budget.bucket.map(Positive::get), 100.0, "room for a short burst"),
    });
    if budget.is_none() {
        notes.default(&path("budget"), "None", "retries are not limited together", false);
    }
    if budget.is_some_and(|budget| budget.ratio > 1e9 || budget.per_s > 1e9 || budget.bucket > 1e12) {
        return Err(notes.error(&path("budget"), "this budget limits nothing; leave it out"));
    }
    Ok(RetryPolicy {
        max_retries: given.max,
        backoff: Backoff {
            base: notes.or(&path("backoff"), given.backoff, ms(100), EXPONENTIAL).get(),
            factor,
            cap: notes.or(&path("cap"), given.cap, ms(60_000), EXPONENTIAL).get(),
            full_jitter: notes.or(&path("full_jitter"), given.full_jitter, true, EXPONENTIAL),
        },
        budget,
    })
}
