//! `SkyServe`'s autoscalers and its `SpotHedge` placer (`skypilot` 0.14.1).
//!
//! [`Controller`] is one decision as a plain state machine; around it stand the reader of `SkyPilot`
//! YAML and the adapter to the simulator's port. Its spot placer, `SpotHedge`, is
//! [`SpotPlacer`](crate::capacity::SpotPlacer).
//!
//! | part | owns |
//! | --- | --- |
//! | [`ReplicaPolicy`], [`Quirks`] | the words of `service.replica_policy`, and what may be repaired |
//! | [`Controller`] | request rate, on-demand fallback, instance-aware and pool autoscaling |
//! | [`SkyServe`] | the controller behind the simulator's port |
//! | [`manifest`] | a user's YAML of a service or a pool |

mod autoscaler;
mod controller;
mod explain;
mod fallback;
mod instance_aware;
pub mod manifest;
mod policy;
mod pool;
mod replica;
mod window;

use crate::info::{PolicyInfo, Port};
use crate::manifest::Kind;

pub use autoscaler::{SkyServe, SkyServeOptions};
pub use controller::{Controller, Demand, Launch, Plan, Rules};
pub use policy::{Algorithm, PolicyError, Quirks, ReplicaPolicy, TargetQps, Thresholds};
pub use replica::{Replica, Status};
pub use window::RequestWindow;

const UPSTREAM: &str = "SkyPilot 0.14.1, sky/serve/autoscalers.py; equal to recorded runs of its classes";

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "skyserve/fallback",
        "request rate on spot replicas, with on-demand replicas as base and stand-in",
        UPSTREAM,
    ),
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "skyserve/instance-aware",
        "request rate on replicas that differ in what their GPUs take",
        UPSTREAM,
    ),
    PolicyInfo::reproducing(Port::Autoscaler, "skyserve/pool", "workers by the length of their queue", UPSTREAM),
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "skyserve/request-rate",
        "requests per second and replica, from a service's replica_policy",
        UPSTREAM,
    ),
];

/// How a file shows that it is one of these.
pub const KIND: Kind = Kind { what: "a SkyPilot task", objects: &[], fields: &["service", "pool"] };
