//! Resolved configuration of clients.

use crate::clock::{Distribution, SimDuration};
use crate::network::ClientPlace;
use crate::ports::ArrivalSource;
use std::sync::Arc;

/// A client: a stream of requests to one service.
pub struct ClientConfig {
    /// Its name.
    pub name: Arc<str>,
    /// The service that it calls, by position.
    pub service: u32,
    /// Its requests.
    pub traffic: Traffic,
    /// After which time the client gives a request up; [`SimDuration::MAX`] for never.
    pub timeout: SimDuration,
    /// After which time the client gives an attempt up, and may retry; `MAX` for never.
    pub attempt_timeout: SimDuration,
    /// Whether a time-out withdraws the work; otherwise servers finish it in vain.
    pub cancel_on_timeout: bool,
    /// What it does after a failed attempt.
    pub retries: RetryPolicy,
    /// Whether attempts carry their client's deadline. If the client has gone, an attempt that has
    /// not started is then dropped; a running one goes on. `cancel_on_timeout` withdraws running
    /// ones, too.
    pub propagates_deadline: bool,
    /// Most of its requests on their way at once, as load generators have it; more wait with the
    /// client, and count from when they are sent. `u32::MAX` for no bound.
    pub max_in_flight: u32,
    /// Where it is and where its requests may go; `None` if distance does not matter.
    pub place: Option<ClientPlace>,
}

/// Where requests come from.
pub enum Traffic {
    /// Requests come at given instants, whatever happens to earlier ones.
    Open(Box<dyn ArrivalSource>),
    /// A number of users; each one sends, waits for the end, thinks, and sends again.
    Closed {
        /// Number of users.
        users: u32,
        /// Think time in seconds.
        think: Distribution,
        /// Prompt tokens.
        prompt_tokens: Distribution,
        /// Output tokens.
        output_tokens: Distribution,
    },
}

/// Retries of rejected, timed-out or lost attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Retries after the first attempt; 0 for none.
    pub max_retries: u32,
    /// The wait before a retry.
    pub backoff: Backoff,
    /// Limits retries to a share of the requests.
    pub budget: Option<RetryBudget>,
}

impl RetryPolicy {
    /// No retries.
    pub fn none() -> Self {
        let backoff = Backoff { base: SimDuration::ZERO, factor: 2, cap: SimDuration::MAX, full_jitter: false };
        RetryPolicy { max_retries: 0, backoff, budget: None }
    }
}

/// Exponential back-off: `base * factor^k`, at most `cap`, before the k-th retry from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait before the first retry.
    pub base: SimDuration,
    /// Growth from one retry to the next.
    pub factor: u32,
    /// The longest wait.
    pub cap: SimDuration,
    /// Whether the wait is drawn uniformly between zero and that value.
    pub full_jitter: bool,
}

/// A token bucket: each request adds `ratio` tokens, each second `per_s`, and each retry takes one.
/// The scheme of Finagle's and Linkerd's retry budgets (20 % and 10/s).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// Tokens for each request.
    pub ratio: f64,
    /// Tokens for each second.
    pub per_s: f64,
    /// Most tokens that the bucket holds; it starts full.
    pub bucket: f64,
}
