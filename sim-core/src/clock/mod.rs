//! Time, the order of events, the event queue and random streams.

mod chunks;
mod distribution;
mod entity;
mod order;
mod queue;
mod stream;
mod time;
mod wheel;

pub use distribution::{Distribution, DistributionError};
pub use entity::Entity;
pub use order::{Class, Key};
pub use queue::{Entry, EventQueue, HeapQueue};
pub use stream::{Seed, Stream};
pub(crate) use stream::{keyed, number_of, number_of_name};
pub use time::{SimDuration, SimTime};
pub use wheel::Wheel;
