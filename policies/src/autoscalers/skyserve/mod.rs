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
//! | [`manifest`] | a user's service YAML |

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

pub use autoscaler::{SkyServe, SkyServeOptions};
pub use controller::{Controller, Demand, Launch, Plan, Rules};
pub use policy::{Algorithm, PolicyError, Quirks, ReplicaPolicy, TargetQps, Thresholds};
pub use replica::{Replica, Status};
pub use window::RequestWindow;
