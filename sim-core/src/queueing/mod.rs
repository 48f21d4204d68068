//! How attempts reach servers: the queues in which they wait, and which servers are in rotation.
//!
//! | file | holds |
//! | --- | --- |
//! | `broker` | attempts that wait for a server |
//! | `rotation` | servers that take attempts, and how many each has |
//! | `feed` | attempts are routed to servers, or taken by them |
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
