//! Limits, as written.

use flashcrowd_language::units::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::Deserialize;

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
    /// Estimated memory of a run, and of all replicates of a variant.
    pub memory: Option<ByteSize>,
}
