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
    /// When the client gives a request up; [`SimDuration::MAX`] for never.
    pub timeout: SimDuration,
    /// When the client gives one attempt up, which it may then retry; `MAX` for never.
    pub attempt_timeout: SimDuration,
    /// Whether a time-out withdraws the work; otherwise servers go on for nobody.
    pub cancel_on_timeout: bool,
    /// What it does after a failed attempt.
    pub retries: RetryPolicy,
    /// Whether attempts carry their client's deadline: one whose client has gone is dropped by whoever
    /// would start it, and goes on only if it runs. `cancel_on_timeout` withdraws that, too.
    pub propagates_deadline: bool,
    /// Where it is and where it may go; nothing where distance does not matter.
    pub place: Option<ClientPlace>,
}

/// Where requests come from.
pub enum Traffic {
    /// They come whatever happens to the earlier ones.
    Open(Box<dyn ArrivalSource>),
    /// So many users; each sends, waits for the end, thinks, and sends again.
    Closed {
        /// Users.
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
    /// Wait before a retry.
    pub backoff: Backoff,
    /// Limits retries to a share of requests.
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
    /// Before the first retry.
    pub base: SimDuration,
    /// Growth from one retry to the next.
    pub factor: u32,
    /// Longest wait.
    pub cap: SimDuration,
    /// Draws the wait uniformly between zero and that value.
    pub full_jitter: bool,
}

/// A token bucket: each request puts in `ratio` tokens, time `per_s`, each retry takes one.
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
