//! The world of flashcrowd and its clock.
//!
//! One folder for each part of the world, readable by itself. Nothing here knows a policy, a file
//! format, a thread or a wall clock; time and money are integers.
//!
//! | part | owns |
//! | --- | --- |
//! | [`id`] | typed ids, and the tables and slabs that they index |
//! | [`clock`] | time, the order of events, the event queue, random streams |
//! | `agenda` | what will happen: the events of all parts |
//! | [`journal`] | what happened, in order, and the accounts of it |
//! | [`fleet`] | regions, zones, node pools, nodes, GPUs, pods, placement, start-up |
//! | [`traffic`] | clients, requests and attempts |
//! | [`serving`] | the ways in which a server works |
//! | [`network`] | distances between regions, routes, probes |
//! | `queueing` | how attempts reach servers: brokers, routing, rotation, why they wait |
//! | `control` | controllers, node autoscalers and capacity policies at work, and what they write |
//! | `signals` | what a controller is shown: scrapes, windows, delay, missing pods |
//! | [`ports`] | the traits that policies and traffic implement, what they see and may answer |
//! | [`ledger`] | latency histograms, series, the bill, the decision log |
//! | [`simulation`] | the loop: takes the next event, lets one part handle it |

mod agenda;
pub mod clock;
mod control;
pub mod fleet;
pub mod id;
pub mod journal;
pub mod ledger;
pub mod network;
pub mod ports;
mod queueing;
pub mod serving;
mod signals;
pub mod simulation;
pub mod traffic;
pub mod units;

pub use clock::{SimDuration, SimTime};
pub use simulation::{Simulation, World};
