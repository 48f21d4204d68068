//! The ways in which a server works.
//!
//! | file | holds |
//! | --- | --- |
//! | `server` | one server at work: what all disciplines share |
//! | `slots`, `sharing`, `batch`, `engine` | the disciplines |
//! | `clock` | turns of several servers on GPUs that they share |
//! | `round` | many rounds of such turns at once |
//! | `batch_time` | how long a batch takes |
//! | `host` | all servers, and what they share |

mod batch;
mod batch_time;
mod clock;
mod config;
mod engine;
mod host;
mod round;
mod server;
mod sharing;
mod slots;

pub use batch_time::BatchTime;
pub(crate) use clock::Clock;
pub use config::{BatchConfig, CpuModel, Discipline, QueueMode, ServiceConfig, ServiceTime, Slo, ValidatedBand};
pub use engine::{Coefficients, EngineConfig, EngineWork, Knee, LONGEST_ITERATION_S, TimeLaw};
pub(crate) use engine::{FRACTION_BITS, Leap, Sequence, Turn, clock_at, instant};
pub(crate) use host::Serving;
pub(crate) use round::Round;
pub(crate) use server::{Activity, Bench, Server};
