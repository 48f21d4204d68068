//! How attempts come to servers: the queues in which they wait, and who is in rotation.
//!
//! | file | holds |
//! | --- | --- |
//! | `broker` | attempts that wait for whoever takes them |
//! | `rotation` | servers that take attempts, with what each has |
//! | `feed` | routed to servers, or pulled by them |
//! | `presence` | attempts present at a service, over time |
//! | `wait_clock` | why they wait: cold starts and missing capacity |

mod broker;
mod feed;
mod presence;
mod rotation;
mod wait_clock;

pub(crate) use broker::Brokers;
pub(crate) use feed::{Feed, Sent};
pub(crate) use presence::Presence;
pub(crate) use rotation::Rotation;
pub(crate) use wait_clock::WaitClock;
