//! The Dynamo planner, load scaling by fixed thresholds.
//!
//! Reproduces `ai-dynamo` 1.6.1. [`Component::decide`] is compared with runs of its functions; what
//! stands around it (startups under way, the least number of engines, the GPU budget) is taken from
//! reading. SLA targets and throughput scaling need its performance models and are not here.
//!
//! | part | owns |
//! | --- | --- |
//! | [`Component`] | the decision for the engines of one role |
//! | [`Budget`] | what the GPU budget leaves of it |
//! | [`config`] | a user's own planner configuration |
//! | [`DynamoPlanner`] | the planner behind the simulator's port |

mod autoscaler;
mod budget;
pub mod config;
mod easy;

pub use autoscaler::{DynamoOptions, DynamoPlanner, Engines, PlannerError};
pub use budget::Budget;
pub use config::{Mode, PlannerConfig};
pub use easy::{Component, EngineLoad, LoadThresholds, Reason, Role, Rules, Target};
