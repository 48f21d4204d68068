//! The autoscaling of Ray Serve (`ray` 2.60.0).
//!
//! [`Policy`] is one decision as a plain state machine in seconds, [`total_requests`] the signal that
//! it is given; around them stand the reader of serve configs and the adapter to the simulator's port.
//!
//! | part | owns |
//! | --- | --- |
//! | [`AutoscalingConfig`], [`Settings`] | the words of `autoscaling_config`, and what may be chosen besides |
//! | [`Policy`] | the decision |
//! | [`total_requests`] | ongoing requests, from series of handles and replicas |
//! | [`RayServe`] | the controller behind the simulator's port |
//! | [`manifest`] | a serve config or a `RayService` |

mod autoscaler;
mod config;
pub mod manifest;
mod policy;
mod series;

use crate::info::{PolicyInfo, Port};
use crate::manifest::{Kind, ObjectKind};

pub use autoscaler::{RayServe, RayServeOptions};
pub use config::{Aggregation, AutoscalingConfig, Bounds, ConfigError, DelayClock, Quirks, Settings};
pub use policy::{Outcome, Policy, Rules};
pub use series::{Reports, Series, total_requests};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[PolicyInfo::reproducing(
    Port::Autoscaler,
    "ray-serve",
    "ongoing requests per replica, from a serve config or a RayService",
    "Ray Serve 2.60.0, default autoscaling policy; equal to recorded runs of the package",
)];

/// How a file shows that it is one of these.
pub const KIND: Kind = Kind {
    what: "a Ray Serve config or RayService",
    objects: &[ObjectKind::of("RayService")],
    fields: &["applications", "deployments", "autoscaling_config"],
};
