//! Every decision maker of flashcrowd, behind the ports of `flashcrowd-core`.
//!
//! | part | owns |
//! | --- | --- |
//! | [`hpa`] | the Kubernetes Horizontal Pod Autoscaler |
//! | [`manifest`] | what all manifest readers share |
//! | [`conformance`] | what all runners of reference vectors share |
//! | [`metrics`] | what the metric names of manifests stand for |
//! | [`placement`] | where replicas go |
//! | [`routing`] | routers |
//! | [`baselines`] | policies of our own, to compare with |
//! | [`FixedReplicas`] | a constant count |
//! | [`catalog()`] | the list of all policies |

pub mod baselines;
mod catalog;
pub mod conformance;
mod fixed;
pub mod hpa;
pub mod manifest;
pub mod metrics;
pub mod placement;
pub mod routing;

pub use catalog::{PolicyInfo, Port, catalog};
pub use fixed::FixedReplicas;
