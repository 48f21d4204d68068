//! Clients, the requests that each sends, and the records of live requests and attempts.
//!
//! | file | holds |
//! | --- | --- |
//! | `config` | clients, their traffic and their retries |
//! | `request` | requests, attempts and the first-come queue through them |
//! | `arena` | a slab of records whose slots are reused |
//! | `prefixes` | names of the blocks of prompts |
//! | `client` | open- and closed-loop clients: deadlines, retries, budgets |
//! | `state` | all of this together |

mod arena;
mod client;
mod config;
mod prefixes;
mod request;
mod state;

pub(crate) use arena::{Arena, NONE};
pub(crate) use client::{ClientState, Reach, Served};
pub use config::{Backoff, ClientConfig, RetryBudget, RetryPolicy, Traffic};
pub(crate) use prefixes::Prefixes;
pub use request::Outcome;
pub(crate) use request::{Attempt, Fifo, NOWHERE, Request, Stage};
pub(crate) use state::TrafficState;
