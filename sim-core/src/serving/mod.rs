//! The ways in which a server works.
//!
//! | file | holds |
//! | --- | --- |
//! | `server` | one server at work: passes each call to its discipline |
//! | `station` | the part of a server that all disciplines work on |
//! | `bench` | what a server works with for one call |
//! | `slots`, `sharing`, `batch`, `engine` | the disciplines |
//! | `clock` | turns of several servers on GPUs that they share |
//! | `round` | many rounds of such turns at once |
//! | `batch_time` | how long a batch takes |
//! | `host` | all servers, and what they share |

mod batch;
mod batch_time;
mod bench;
mod clock;
mod config;
mod engine;
mod host;
mod round;
mod server;
mod sharing;
mod slots;
mod station;

pub use batch_time::BatchTime;
pub(crate) use bench::Bench;
pub(crate) use clock::Clock;
pub use config::{BatchConfig, CpuModel, Discipline, QueueMode, ServiceConfig, ServiceTime, Slo, ValidatedBand};
pub use engine::{
    BlockGroups, Coefficients, EngineConfig, EngineConfigError, EngineWork, Experts, Knee, LONGEST_ITERATION_S,
    LawParts, Messages, Prefill, TimeModel, TimeModelError, WarmUp, Window,
};
pub(crate) use engine::{FRACTION_BITS, Leap, Sequence, Turn, clock_at, instant};
pub(crate) use host::Serving;
pub(crate) use round::Round;
pub(crate) use server::{Activity, Server};
