//! Every decision maker of flashcrowd, behind the ports of `flashcrowd-core`.
//!
//! | part | owns |
//! | --- | --- |
//! | [`hpa`] | the Kubernetes Horizontal Pod Autoscaler |
//! | [`knative`] | the Knative Pod Autoscaler |
//! | [`wva`] | llm-d's workload variant autoscaler |
//! | [`aibrix`] | AIBrix's autoscaler |
//! | [`dynamo`] | the Dynamo planner |
//! | [`keda`] | KEDA: `ScaledObject` with its HPA, and `ScaledJob` |
//! | [`ray_serve`] | the autoscaling of Ray Serve |
//! | [`skyserve`] | the autoscalers of `SkyServe`, and its spot placer |
//! | [`aws`] | AWS Application Auto Scaling, from its documents |
//! | [`manifest`] | what all manifest readers share |
//! | [`conformance`] | what all runners of reference vectors share |
//! | [`metrics`] | what the metric names of manifests stand for |
//! | [`nodes`] | node autoscalers: the cluster autoscaler and Karpenter |
//! | [`placement`] | where replicas go |
//! | [`routing`] | routers |
//! | [`global_routing`] | routers across regions |
//! | [`spot_mix`] | where and in which market capacity is bought |
//! | [`baselines`] | policies of our own, to compare with |
//! | [`FixedReplicas`] | a constant count |
//! | [`catalog()`] | the list of all policies |

pub mod aibrix;
pub mod aws;
pub mod baselines;
mod catalog;
pub mod conformance;
pub mod dynamo;
mod fixed;
pub mod global_routing;
pub mod hpa;
pub mod keda;
pub mod knative;
pub mod manifest;
pub mod metrics;
pub mod nodes;
pub mod placement;
pub mod ray_serve;
pub mod routing;
pub mod skyserve;
pub mod spot_mix;
pub mod wva;

pub use catalog::{PolicyInfo, Port, catalog};
pub use fixed::FixedReplicas;
