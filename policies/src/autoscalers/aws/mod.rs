//! AWS Application Auto Scaling: target tracking and step scaling, from its documents.
//!
//! The service is closed, so nothing here was compared with it: alarms, cooldowns and the choice
//! among policies follow AWS's documents, and what those do not say stands as a named number in
//! [`Approximation`], open to the user.
//!
//! | part | owns |
//! | --- | --- |
//! | [`ScalableTarget`], [`Policy`] | the words of the API |
//! | [`Approximation`] | what the documents leave open |
//! | [`AppAutoScaling`] | the controller behind the simulator's port |
//! | [`manifest`] | JSON as the command line takes and prints it |

mod alarm;
mod autoscaler;
mod binding;
mod config;
mod decision;
pub mod manifest;

use crate::info::{PolicyInfo, Port};
use crate::manifest::Kind;

pub use alarm::Points;
pub use autoscaler::{AppAutoScaling, AwsOptions};
pub use binding::{BindError, BoundMetric, Per, Requests, bind};
pub use config::{
    AdjustmentType, AlarmRule, Approximation, Comparison, Policy, PolicyKind, ScalableTarget, ScheduledAction,
    Statistic, Step, StepScaling, TargetTracking,
};
pub use decision::{Engine, Proposal};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[PolicyInfo::reproducing(
    Port::Autoscaler,
    "aws/application-auto-scaling",
    "target tracking and step scaling, from the JSON of the AWS command line",
    "AWS Application Auto Scaling, from its documents; its code is closed, four numbers are guesses",
)];

/// How a file shows that it is one of these.
pub const KIND: Kind = Kind {
    what: "policies of AWS Application Auto Scaling",
    objects: &[],
    fields: &[
        "MinCapacity",
        "ScalableTargets",
        "ScalingPolicies",
        "PolicyType",
        "TargetTrackingScalingPolicyConfiguration",
        "StepScalingPolicyConfiguration",
        "ScheduledActions",
        "ScheduledActionName",
        "PredefinedMetricSpecification",
        "CustomizedMetricSpecification",
        "StepAdjustments",
    ],
};
