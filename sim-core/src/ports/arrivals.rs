//! Traffic: arrivals are pulled one ahead per source, never preloaded.

use crate::clock::{SimDuration, SimTime};
use std::sync::Arc;

/// One request as its client sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// When it is sent.
    pub at: SimTime,
    /// Prompt length in tokens; 0 where the workload has none.
    pub prompt_tokens: u32,
    /// Output length in tokens; 0 where the workload has none.
    pub output_tokens: u32,
    /// Service time drawn by the workload, if it draws one; else the service's own law holds.
    pub service_time: Option<SimDuration>,
}

/// Why a source stopped before its end. Carries a place that a user can open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SourceError {
    /// File and line, such as `trace.csv:17`.
    pub place: Arc<str>,
    /// What was wrong and what was expected.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
}

/// A source of open-loop arrivals.
pub trait ArrivalSource: Send {
    /// The next arrival; instants never decrease. `None` ends the stream for good.
    ///
    /// # Errors
    /// A recorded source may meet a row that it refuses; the run then ends with that message.
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError>;

    /// Rows that the source left out so far because the scenario said so.
    fn dropped_rows(&self) -> u64 {
        0
    }
}
