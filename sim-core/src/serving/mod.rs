//! Requests and attempts, queues, and the ways in which a replica works.
//!
//! | file | holds |
//! | --- | --- |
//! | `request` | requests, attempts and the first-come queue through them |
//! | `server` | one replica at work: what all disciplines share |
//! | `slots`, `sharing`, `batch`, `engine` | the disciplines |
//! | `clock` | turns of several servers on GPUs that they share |
//! | `batch_time` | how long a batch takes |
//! | `prefixes` | names of the blocks of prompts |
//! | `client` | open- and closed-loop clients: deadlines, retries, budgets |

mod arena;
mod batch;
mod batch_time;
mod client;
mod clock;
mod config;
mod engine;
mod host;
mod prefixes;
mod request;
mod route;
mod server;
mod sharing;
mod slots;
mod traffic;

pub(crate) use arena::{Arena, NONE};
pub use batch_time::BatchTime;
pub(crate) use client::ClientState;
pub(crate) use client::{Reach, Served};
pub(crate) use clock::Clock;
pub use config::{
    Backoff, BatchConfig, ClientConfig, CpuModel, Discipline, QueueMode, RetryBudget, RetryPolicy, ServiceConfig,
    ServiceTime, Slo, Traffic, ValidatedBand,
};
pub use engine::{Coefficients, EngineConfig, EngineWork, Knee, LONGEST_ITERATION_S, TimeLaw};
pub(crate) use engine::{FRACTION_BITS, Leap, Turn, clock_at};
pub(crate) use host::Serving;
pub(crate) use prefixes::Prefixes;
pub use request::Outcome;
pub(crate) use request::{Attempt, Fifo, NOWHERE, Request, Stage};
pub(crate) use route::{Cell, Health, Route};
pub use route::{ClientPlace, HealthConfig, RouteConfig};
pub(crate) use server::{Activity, Bench, Server};

pub(crate) use traffic::Traffic as Requests;
