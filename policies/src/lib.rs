//! Every decision maker of flashcrowd, behind the ports of `flashcrowd-core`: one folder for each port,
//! and what they share.
//!
//! | folder | decides |
//! | --- | --- |
//! | [`autoscalers`] | how many replicas there are |
//! | [`routers`] | which region, and which replica there, takes a request |
//! | [`nodes`] | which nodes there are |
//! | [`placement`] | on which node a replica goes |
//! | [`capacity`] | where and in which market capacity is bought |
//!
//! | shared | owns |
//! | --- | --- |
//! | [`clock`] | the clock on the wall, time zones, crontabs |
//! | [`manifest`] | what all manifest readers share |
//! | [`metrics`] | what the metric names of manifests stand for |
//! | [`PolicyInfo`] | what is said of a policy, which stands beside it |

pub mod autoscalers;
pub mod capacity;
pub mod clock;
mod info;
pub mod manifest;
pub mod metrics;
pub mod nodes;
pub mod placement;
pub mod routers;

pub use info::{PolicyInfo, Port};
