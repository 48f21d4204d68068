//! The Kubernetes cluster autoscaler.

use super::place::{Made, NodeAutoscalers, Place, path};
use crate::errors::unknown;
use crate::part::Part;
use crate::settings::Notes;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Fraction};
use flashcrowd_policies::{PolicyInfo, nodes};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

const CA: &str = "the cluster autoscaler's own default (55c37cd5)";

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

impl Part<NodeAutoscalers> for ClusterAutoscaler {
    const POLICIES: &'static [PolicyInfo] = &[nodes::ClusterAutoscaler::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Made, Diagnostic> {
        let own = nodes::ClusterAutoscalerConfig::default();
        let scan_interval = place.period("scan_interval", self.scan_interval, own.scan_interval, CA)?;
        let mut span = |field: &str, given, default| place.span(field, given, default, CA);
        let mut config = nodes::ClusterAutoscalerConfig {
            scan_interval,
            new_pod_scale_up_delay: span(
                "new_pod_scale_up_delay",
                self.new_pod_scale_up_delay,
                own.new_pod_scale_up_delay,
            ),
            scale_down_unneeded_time: span(
                "scale_down_unneeded_time",
                self.scale_down_unneeded_time,
                own.scale_down_unneeded_time,
            ),
            scale_down_delay_after_add: span(
                "scale_down_delay_after_add",
                self.scale_down_delay_after_add,
                own.scale_down_delay_after_add,
            ),
            scale_down_delay_after_failure: span(
                "scale_down_delay_after_failure",
                self.scale_down_delay_after_failure,
                own.scale_down_delay_after_failure,
            ),
            scale_down_delay_after_delete: span(
                "scale_down_delay_after_delete",
                self.scale_down_delay_after_delete,
                own.scale_down_delay_after_delete,
            ),
            max_node_provision_time: span(
                "max_node_provision_time",
                self.max_node_provision_time,
                own.max_node_provision_time,
            ),
            initial_backoff: span(
                "initial_node_group_backoff_duration",
                self.initial_node_group_backoff_duration,
                own.initial_backoff,
            ),
            max_backoff: span("max_node_group_backoff_duration", self.max_node_group_backoff_duration, own.max_backoff),
            backoff_reset: span(
                "node_group_backoff_reset_timeout",
                self.node_group_backoff_reset_timeout,
                own.backoff_reset,
            ),
            unremovable_recheck: span(
                "unremovable_node_recheck_timeout",
                self.unremovable_node_recheck_timeout,
                own.unremovable_recheck,
            ),
            delete_delay_after_taint: span(
                "node_delete_delay_after_taint",
                self.node_delete_delay_after_taint,
                own.delete_delay_after_taint,
            ),
            ..own
        };
        count_settings(place.notes, self, &mut config)?;
        choice_settings(place.notes, self, place.pools, &mut config)?;
        Ok(Made {
            make: Some(Arc::new(move |seed| {
                Box::new(nodes::ClusterAutoscaler::new(config.clone(), seed.stream("node-autoscaler")))
            })),
            drains_on_notice: (false, "the cluster autoscaler hears no notices; a node termination handler would"),
        })
    }
}

/// Settings that are no times.
fn count_settings(
    notes: &mut Notes<'_>,
    given: &ClusterAutoscaler,
    config: &mut nodes::ClusterAutoscalerConfig,
) -> Result<(), Diagnostic> {
    let threshold = given.scale_down_gpu_utilization_threshold.map(Fraction::get);
    let threshold = notes.or(&path("scale_down_gpu_utilization_threshold"), threshold, 0.5, CA);
    config.utilization_threshold_ppm = (threshold * 1e6).round() as u32;
    let counts = [
        ("max_scale_down_parallelism", given.max_scale_down_parallelism, &mut config.max_scale_down_parallelism),
        ("max_drain_parallelism", given.max_drain_parallelism, &mut config.max_drain_parallelism),
    ];
    for (field, given, own) in counts {
        *own = notes.or(&path(field), given, *own, CA);
        notes.within(&path(field), u64::from(*own), 1, 1_000_000)?;
    }
    Ok(())
}

/// Node groups, and how one of them is chosen.
fn choice_settings(
    notes: &mut Notes<'_>,
    given: &ClusterAutoscaler,
    pools: &[PoolConfig],
    config: &mut nodes::ClusterAutoscalerConfig,
) -> Result<(), Diagnostic> {
    config.group_spans_zones = matches!(given.node_groups, Some(NodeGroups::Pool));
    match given.node_groups {
        Some(_) => notes.given(&path("node_groups"), ""),
        None => notes.default(&path("node_groups"), "PoolAndZone", "as its documents advise", false),
    }
    match &given.expanders {
        Some(expanders) => {
            notes.given(&path("expanders"), "");
            config.expanders = expanders.iter().map(|&expander| expander_of(expander)).collect();
        }
        None => notes.default(&path("expanders"), "[LeastWaste]", CA, false),
    }
    for pool in given.priorities.keys() {
        if !pools.iter().any(|known| &*known.name == pool.as_str()) {
            let known = pools.iter().map(|pool| &*pool.name);
            return Err(unknown(notes, &path(&format!("priorities.{pool}")), "pool", pool, known));
        }
    }
    if !given.priorities.is_empty() {
        notes.given(&path("priorities"), "");
        if !config.expanders.contains(&nodes::Expander::Priority) {
            let message = "`priorities` are for the expander `Priority`, which is not among `expanders`";
            return Err(notes.error(&path("priorities"), message));
        }
    }
    config.priorities.clone_from(&given.priorities);
    Ok(())
}

fn expander_of(given: Expander) -> nodes::Expander {
    match given {
        Expander::Random => nodes::Expander::Random,
        Expander::MostPods => nodes::Expander::MostPods,
        Expander::LeastWaste => nodes::Expander::LeastWaste,
        Expander::Price => nodes::Expander::Price,
        Expander::Priority => nodes::Expander::Priority,
    }
}
