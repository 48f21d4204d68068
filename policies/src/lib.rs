//! Every decision maker of flashcrowd, behind the ports of `flashcrowd-core`.
//!
//! | part | owns |
//! | --- | --- |
//! | [`hpa`] | the Kubernetes Horizontal Pod Autoscaler |
//! | [`keda`] | KEDA: `ScaledObject` with its HPA, and `ScaledJob` |
//! | [`ray_serve`] | the autoscaling of Ray Serve |
//! | [`skyserve`] | the autoscalers of `SkyServe`, and its spot placer |
//! | [`aws`] | AWS Application Auto Scaling, from its documents |
//! | [`manifest`] | what all manifest readers share |
//! | [`conformance`] | what all runners of reference vectors share |
//! | [`metrics`] | what the metric names of manifests stand for |
//! | [`placement`] | where replicas go |
//! | [`routing`] | routers |
//! | [`FixedReplicas`] | a constant count |
//! | [`catalog()`] | the list of all policies |

pub mod aws;
mod catalog;
pub mod conformance;
mod fixed;
pub mod hpa;
pub mod keda;
pub mod manifest;
pub mod metrics;
pub mod placement;
pub mod ray_serve;
pub mod routing;
pub mod skyserve;

pub use catalog::{PolicyInfo, Port, catalog};
pub use fixed::FixedReplicas;
