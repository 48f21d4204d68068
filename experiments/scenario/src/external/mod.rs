//! Policies in any language: a process that reads observations and writes decisions, one JSON
//! object a line.
//!
//! | file | holds |
//! | --- | --- |
//! | `wire` | what the lines hold |
//! | `process` | the process: started when it is first asked, ended with its run, never waited for beyond its limit |
//! | `group` | the process with all that it starts: ended together, and with us |
//! | `error` | what can go wrong with a process and its answers |
//! | `policy` | the process behind the autoscaler port |
//!
//! Each controller of each replicate has a process of its own. What it answers is checked; a
//! process that dies, is late, answers nonsense or more than it was asked ends the run with a message. `flashcrowd run`
//! plays one replicate a second time: a policy that then decides otherwise is refused.

mod error;
mod group;
mod policy;
mod process;
pub mod wire;

pub use policy::{External, ExternalConfig};
