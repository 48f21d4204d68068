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

use crate::info::{PolicyInfo, Port};
use crate::manifest::Kind;

pub use autoscaler::{DynamoOptions, DynamoPlanner, Engines, PlannerError};
pub use budget::Budget;
pub use config::{Mode, PlannerConfig};
pub use easy::{Component, EngineLoad, LoadThresholds, Reason, Role, Rules, Target};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[PolicyInfo::reproducing(
    Port::Autoscaler,
    "dynamo/easy-load",
    "the Dynamo planner's load scaling by thresholds, from its configuration",
    "ai-dynamo 1.6.1; inner decision equal to recorded runs, bounds and budget by reading",
)];

/// How a file shows that it is one of these.
pub const KIND: Kind = Kind {
    what: "a configuration of the Dynamo planner",
    objects: &[],
    fields: &[
        "optimization_target",
        "enable_load_scaling",
        "enable_throughput_scaling",
        "max_gpu_budget",
        "min_endpoint",
        "load_adjustment_interval_seconds",
        "decode_engine_num_gpu",
        "prefill_engine_num_gpu",
        "advisory",
    ],
};
