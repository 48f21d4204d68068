//! Node autoscalers, as written.

use flashcrowd_language::units::{Duration, Fraction};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Who orders nodes and gives them back. Fields that are left out have the defaults of the real one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum NodeAutoscaler {
    /// Orders for pending replicas at a scan, by the pools' order; gives empty nodes back after their
    /// pool's `idle_timeout`.
    Plain,
    /// The Kubernetes cluster autoscaler.
    ClusterAutoscaler(Box<ClusterAutoscaler>),
    /// Karpenter.
    Karpenter(Box<Karpenter>),
}

/// Flags of `ClusterAutoscaler`, by their own names.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterAutoscaler {
    /// How often it looks.
    pub scan_interval: Option<Duration>,
    /// Replicas that wait for less are not looked at.
    pub new_pod_scale_up_delay: Option<Duration>,
    /// How long a node is unneeded before it goes.
    pub scale_down_unneeded_time: Option<Duration>,
    /// No node goes for so long after one was added.
    pub scale_down_delay_after_add: Option<Duration>,
    /// No node goes for so long after a deletion failed.
    pub scale_down_delay_after_failure: Option<Duration>,
    /// No node goes for so long after another.
    pub scale_down_delay_after_delete: Option<Duration>,
    /// Nodes with a smaller share of their GPUs in use may be unneeded.
    pub scale_down_gpu_utilization_threshold: Option<Fraction>,
    /// A node that has not come by then is given up.
    pub max_node_provision_time: Option<Duration>,
    /// How long a node group is left alone after its first failure; it doubles with each.
    pub initial_node_group_backoff_duration: Option<Duration>,
    /// The longest such time.
    pub max_node_group_backoff_duration: Option<Duration>,
    /// After so long a failure is forgotten.
    pub node_group_backoff_reset_timeout: Option<Duration>,
    /// How a node group is chosen: each narrows what the one before leaves.
    pub expanders: Option<Vec<Expander>>,
    /// Priorities of pools for the expander `Priority`, the highest first.
    #[serde(default)]
    pub priorities: BTreeMap<String, i64>,
    /// Nodes that may go at once.
    pub max_scale_down_parallelism: Option<u32>,
    /// Those of them with replicas.
    pub max_drain_parallelism: Option<u32>,
    /// When a node that could not go is looked at again.
    pub unremovable_node_recheck_timeout: Option<Duration>,
    /// From a node's taint to its end.
    pub node_delete_delay_after_taint: Option<Duration>,
    /// What a node group is; `PoolAndZone` by default.
    pub node_groups: Option<NodeGroups>,
}

/// How a node group is chosen.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Expander {
    /// Any.
    Random,
    /// The one that places the most replicas.
    MostPods,
    /// The one that leaves the fewest GPUs idle.
    LeastWaste,
    /// The cheapest for each GPU that is asked for.
    Price,
    /// By `priorities`.
    Priority,
}

/// What a node group is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum NodeGroups {
    /// A pool in one zone.
    PoolAndZone,
    /// A pool in all its zones.
    Pool,
}

/// Settings of `Karpenter`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Karpenter {
    /// So long without another replica ends a batch.
    pub batch_idle: Option<Duration>,
    /// So long ends it in any case.
    pub batch_max: Option<Duration>,
    /// Which nodes are consolidated.
    pub consolidation_policy: Option<ConsolidationPolicy>,
    /// How long a node must be unchanged before that.
    pub consolidate_after: Option<Duration>,
    /// How many nodes may be on their way out.
    pub budget: Option<DisruptionBudget>,
    /// How often it looks for nodes that could go.
    pub disruption_poll: Option<Duration>,
    /// How long a plan waits before it is looked at again.
    pub validate_after: Option<Duration>,
    /// After so long a node is drained.
    pub expire_after: Option<Duration>,
    /// Whether spot nodes are replaced by cheaper spot nodes.
    pub spot_to_spot: Option<bool>,
    /// Cheaper pools that this needs.
    pub spot_to_spot_types: Option<u32>,
    /// A node that has not booted by then is given back.
    pub registration_timeout: Option<Duration>,
    /// How long an offer that was refused is left alone.
    pub unavailable_for: Option<Duration>,
    /// Whether notices of reclaims reach it.
    pub interruption_queue: Option<bool>,
}

/// Which nodes are consolidated.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum ConsolidationPolicy {
    /// Empty ones.
    WhenEmpty,
    /// Those too whose replicas fit elsewhere, or on a cheaper node.
    WhenEmptyOrUnderutilized,
}

/// How many nodes may be on their way out.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum DisruptionBudget {
    /// Of a hundred, rounded up.
    Percent(u32),
    /// So many.
    Nodes(u32),
}
