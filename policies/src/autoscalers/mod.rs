//! How many replicas there are: policies of the
//! [`Autoscaler`](flashcrowd_core::ports::Autoscaler) port.
//!
//! | module | policy |
//! | --- | --- |
//! | [`hpa`] | the Kubernetes Horizontal Pod Autoscaler |
//! | [`knative`] | the Knative Pod Autoscaler |
//! | [`keda`] | KEDA: `ScaledObject` with its HPA, and `ScaledJob` |
//! | [`kserve`] | what `KServe` makes of a standard deployment |
//! | [`wva`] | llm-d's workload variant autoscaler |
//! | [`aibrix`] | the autoscaler of `AIBrix` |
//! | [`dynamo`] | the Dynamo planner |
//! | [`ray_serve`] | the autoscaling of Ray Serve |
//! | [`skyserve`] | the autoscalers of `SkyServe` |
//! | [`aws`] | AWS Application Auto Scaling, from its documents |
//! | [`baselines`] | policies of our own, to compare with |
//! | [`FixedReplicas`] | a constant count |
//!
//! Each folder of a production controller has the decision as plain functions or a state machine, the
//! reader of a user's own file (`manifest`), and the adapter to the port (`autoscaler`). The crate
//! `flashcrowd-conformance` plays recorded decisions of the real controllers against the decisions.

pub mod aibrix;
pub mod aws;
pub mod baselines;
pub mod dynamo;
mod fixed;
pub mod hpa;
pub mod keda;
pub mod knative;
pub mod kserve;
pub mod ray_serve;
pub mod skyserve;
pub mod wva;

pub use fixed::FixedReplicas;
