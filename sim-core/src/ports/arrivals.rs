//! Traffic: arrivals are read one ahead per source, never preloaded.

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
    /// Service time from the workload, if it has one; otherwise the service's own distribution is
    /// used.
    pub service_time: Option<SimDuration>,
}

/// Names of the blocks of a prompt, for prefix caches. A name stands for all tokens up to the end
/// of its block: equal names mean equal prompts up to there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// Tokens of a block; the last one of a prompt may be shorter.
    pub block_tokens: u32,
    /// A name for each block, from the start of the prompt.
    pub hashes: &'a [u64],
}

/// Why a source stopped before its end, with a location that a user can open.
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
    /// The next arrival; instants never decrease. `None` means that no more will come.
    ///
    /// # Errors
    /// A recorded source may meet a row that it refuses; the run then ends with that message.
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError>;

    /// The blocks of the prompt of the last arrival. Without any, no two prompts have a part in
    /// common.
    fn prefix(&self) -> Prefix<'_> {
        Prefix::default()
    }

    /// Rows that the source has skipped so far because the scenario asks for it.
    fn dropped_rows(&self) -> u64 {
        0
    }
}
