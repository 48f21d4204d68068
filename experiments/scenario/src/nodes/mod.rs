//! Node autoscalers.

mod cluster_autoscaler;
mod karpenter;
mod place;
mod plain;
pub(crate) mod resolve;

use place::NodeAutoscalers;

crate::part::parts! {
    /// Who orders nodes and gives them back. Fields that are left out have the defaults of the real one.
    pub enum NodeAutoscaler: NodeAutoscalers {
        alone {
            /// Orders for pending replicas at a scan, by the pools' order; gives empty nodes back after their
            /// pool's `idle_timeout`.
            plain::Plain,
        }
        with settings {
            /// The Kubernetes cluster autoscaler.
            cluster_autoscaler::ClusterAutoscaler,
            /// Karpenter.
            karpenter::Karpenter,
        }
    }
}
