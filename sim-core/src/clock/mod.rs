//! Time, the order of events, the event queue, random streams and the run digest.

mod distribution;
mod stream;
mod time;

pub use distribution::{Distribution, DistributionError};
pub use stream::{Seed, Stream};
pub use time::{SimDuration, SimTime};
