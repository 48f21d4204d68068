//! The world of flashcrowd and its clock.
//!
//! One folder per part of the world, each readable by itself. Nothing here knows a policy, a
//! file format, a thread or a wall clock; time and money are integers.
//!
//! | part | owns |
//! | --- | --- |
//! | [`clock`] | time, the order of events, the event queue, random streams, the run digest |
//! | [`fleet`] | regions, zones, node pools, nodes, GPU groups, placement, start-up |
//! | [`serving`] | requests and attempts, queues, and the ways in which a replica works |
//! | `signals` | what a controller is shown: scrapes, windows, delay, missing pods |
//! | [`ports`] | the traits that policies and traffic implement, what they see and may answer |
//! | [`ledger`] | latency histograms, series, the bill, the decision log |
//! | [`simulation`] | the loop: take the next event, let one part handle it |

pub mod clock;
pub mod fleet;
pub mod ledger;
pub mod ports;
pub mod serving;
mod signals;
pub mod simulation;
pub mod units;

pub use clock::{SimDuration, SimTime};
pub use simulation::{Simulation, World};
