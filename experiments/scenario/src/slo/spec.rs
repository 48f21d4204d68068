//! SLOs, as written.

use flashcrowd_language::units::{Duration, Fraction};
use schemars::JsonSchema;
use serde::Deserialize;

/// An SLO.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Which part of the latency.
    #[schemars(extend("x-example" = "TimeToFirstToken"))]
    pub metric: Option<LatencyPart>,
    /// The quantile, such as 0.99.
    #[schemars(extend("x-example" = "0.99"))]
    pub quantile: Fraction,
    /// The limit.
    #[schemars(extend("x-example" = r#""1s""#))]
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
    /// From the client's send to the first token (TTFT).
    TimeToFirstToken,
    /// Each gap between two tokens (ITL).
    InterTokenLatency,
    /// Mean gap between the tokens of a request (TPOT).
    TimePerOutputToken,
}
