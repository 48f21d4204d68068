//! Why a run did not come to its end.

use crate::clock::{SimDuration, SimTime};
use crate::ports::SourceError;

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A recorded source refused a row.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A limit was exceeded.
    #[error("at {at} the run exceeded its limit of {limit} {name}")]
    Limit {
        /// Which limit.
        name: &'static str,
        /// Its value.
        limit: u64,
        /// When.
        at: SimTime,
    },
    /// A policy failed.
    #[error("at {at} the policy `{policy}` failed: {message}")]
    Policy {
        /// Its name.
        policy: String,
        /// Why.
        message: String,
        /// When.
        at: SimTime,
    },
    /// Events follow each other so closely that the run would not end.
    #[error("at {at} simulated time hardly moves: {events} events took {moved} of it")]
    Crawl {
        /// When.
        at: SimTime,
        /// How many events were handled.
        events: u64,
        /// How much time passed meanwhile.
        moved: SimDuration,
    },
    /// Events at one instant never ended, such as those of closed-loop users who neither think nor
    /// wait.
    #[error("simulated time stands still at {at}: each event causes another at the same instant")]
    Livelock {
        /// When.
        at: SimTime,
    },
}
