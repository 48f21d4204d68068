//! Settings of the cluster autoscaler, with its own defaults.

use flashcrowd_core::SimDuration;
use std::collections::BTreeMap;

/// How one of several node groups is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expander {
    /// Any.
    Random,
    /// The one that places the most replicas.
    MostPods,
    /// The one whose new nodes keep the smallest share of their GPUs idle.
    LeastWaste,
    /// The one whose new nodes cost least for each GPU that replicas ask for.
    Price,
    /// The one of the highest priority; groups without one count only where no other is left.
    Priority,
}

/// Flags of the cluster autoscaler. Defaults are those of kubernetes/autoscaler @ 55c37cd5
/// (`cluster-autoscaler/FAQ.md`), unless a field says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAutoscalerConfig {
    /// `--scan-interval`: 10 s.
    pub scan_interval: SimDuration,
    /// `--new-pod-scale-up-delay`: 0 s.
    pub new_pod_scale_up_delay: SimDuration,
    /// `--scale-down-unneeded-time`: 10 min.
    pub scale_down_unneeded_time: SimDuration,
    /// `--scale-down-delay-after-add`: 10 min.
    pub scale_down_delay_after_add: SimDuration,
    /// `--scale-down-delay-after-failure`: 3 min.
    pub scale_down_delay_after_failure: SimDuration,
    /// `--scale-down-delay-after-delete`: 0 s.
    pub scale_down_delay_after_delete: SimDuration,
    /// `--scale-down-gpu-utilization-threshold`, in millionths: 0.5. Of a GPU node only the share of
    /// its GPUs that are asked for counts; below the threshold it may be unneeded.
    pub utilization_threshold_ppm: u32,
    /// `--max-node-provision-time`: 15 min.
    pub max_node_provision_time: SimDuration,
    /// `--initial-node-group-backoff-duration`: 5 min.
    pub initial_backoff: SimDuration,
    /// `--max-node-group-backoff-duration`: 30 min.
    pub max_backoff: SimDuration,
    /// `--node-group-backoff-reset-timeout`: 3 h.
    pub backoff_reset: SimDuration,
    /// `--expander`: least-waste (`cluster-autoscaler/config/flags`). Each narrows what the one before
    /// leaves; what is still equal is chosen at random.
    pub expanders: Vec<Expander>,
    /// The `ConfigMap` of the priority expander: pool and priority, the highest first.
    pub priorities: BTreeMap<String, i64>,
    /// `--max-scale-down-parallelism`: 10 nodes at once.
    pub max_scale_down_parallelism: u32,
    /// `--max-drain-parallelism`: 1 of them with replicas on it.
    pub max_drain_parallelism: u32,
    /// `--unremovable-node-recheck-timeout`: 5 min.
    pub unremovable_recheck: SimDuration,
    /// `--node-delete-delay-after-taint`: 5 s.
    pub delete_delay_after_taint: SimDuration,
    /// Whether a node group is a pool in all its zones, not in one.
    pub group_spans_zones: bool,
}

impl Default for ClusterAutoscalerConfig {
    fn default() -> Self {
        let minutes = |minutes: u64| SimDuration::from_s(60 * minutes);
        ClusterAutoscalerConfig {
            scan_interval: SimDuration::from_s(10),
            new_pod_scale_up_delay: SimDuration::ZERO,
            scale_down_unneeded_time: minutes(10),
            scale_down_delay_after_add: minutes(10),
            scale_down_delay_after_failure: minutes(3),
            scale_down_delay_after_delete: SimDuration::ZERO,
            utilization_threshold_ppm: 500_000,
            max_node_provision_time: minutes(15),
            initial_backoff: minutes(5),
            max_backoff: minutes(30),
            backoff_reset: minutes(180),
            expanders: vec![Expander::LeastWaste],
            priorities: BTreeMap::new(),
            max_scale_down_parallelism: 10,
            max_drain_parallelism: 1,
            unremovable_recheck: minutes(5),
            delete_delay_after_taint: SimDuration::from_s(5),
            group_spans_zones: false,
        }
    }
}
