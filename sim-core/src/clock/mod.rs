//! Time, the order of events, the event queue, random streams and the run digest.

mod digest;
mod distribution;
mod order;
mod queue;
mod stream;
mod time;
mod wheel;

pub use digest::{Digest, Happening, Mark, first_divergence};
pub use distribution::{Distribution, DistributionError};
pub use order::{Class, Key};
pub use queue::{Entry, EventQueue, HeapQueue};
pub use stream::{Seed, Stream};
pub(crate) use stream::{keyed, number_of, number_of_name};
pub use time::{SimDuration, SimTime};
pub use wheel::Wheel;
