//! Node autoscalers: policies of the [`NodeAutoscaler`](flashcrowd_core::ports::NodeAutoscaler) port.
//!
//! | policy | orders | gives back |
//! | --- | --- | --- |
//! | [`ClusterAutoscaler`] | for one node group at a scan, chosen by expanders; learns of a stock-out at a time-out | nodes unneeded for ten minutes |
//! | [`Karpenter`] | for batches of waiting replicas, the cheapest offer first; learns of a stock-out at once | what consolidation saves, within a budget |

mod cluster_autoscaler;
mod karpenter;
mod rooms;

pub use cluster_autoscaler::{ClusterAutoscaler, ClusterAutoscalerConfig, Expander};
pub use karpenter::{Budget, Consolidation, Karpenter, KarpenterConfig};

#[cfg(test)]
mod fleets;
