//! Who orders nodes and gives them back.

use crate::errors::unknown;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ports::NodeAutoscaler;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Fraction};
use flashcrowd_policies::nodes::{
    Budget, ClusterAutoscaler, ClusterAutoscalerConfig, Consolidation, Expander, Karpenter, KarpenterConfig,
};

const PATH: &str = "node_autoscaler";
const CA: &str = "the cluster autoscaler's own default (55c37cd5)";
const KARPENTER: &str = "Karpenter's own default (22664681)";

/// The node autoscaler of a fleet, resolved.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedNodes {
    kind: Kind,
    /// Whether a node is drained at its notice without the node autoscaler's doing.
    pub(crate) drains_on_notice: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Plain,
    Cluster(ClusterAutoscalerConfig),
    Karpenter(KarpenterConfig),
}

impl ResolvedNodes {
    /// The policy; nothing for the plain one.
    pub(crate) fn make(&self, seed: Seed) -> Option<Box<dyn NodeAutoscaler>> {
        match &self.kind {
            Kind::Plain => None,
            Kind::Cluster(config) => {
                Some(Box::new(ClusterAutoscaler::new(config.clone(), seed.stream("node-autoscaler"))))
            }
            Kind::Karpenter(config) => Some(Box::new(Karpenter::new(config.clone()))),
        }
    }
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    raw: &spec::Scenario,
    pools: &[PoolConfig],
) -> Result<ResolvedNodes, Diagnostic> {
    let kind = match &raw.node_autoscaler {
        None => {
            notes.default(PATH, "Plain", "looks every `node_scan_period` and asks for what is missing", false);
            Kind::Plain
        }
        Some(given) => {
            notes.given(PATH, "");
            match given {
                spec::NodeAutoscaler::Plain => Kind::Plain,
                spec::NodeAutoscaler::ClusterAutoscaler(given) => Kind::Cluster(cluster(notes, given, pools)?),
                spec::NodeAutoscaler::Karpenter(given) => Kind::Karpenter(karpenter(notes, given)?),
            }
        }
    };
    if !matches!(kind, Kind::Plain) {
        for (name, _) in raw.pools.iter().filter(|(_, pool)| pool.idle_timeout.is_some()) {
            notes.warn(format!(
                "pools.{name}.idle_timeout is for the plain node autoscaler: this one has times of its own"
            ));
        }
        notes.without_default("idle_timeout");
        notes.without_default("node_scan_period");
        if raw.node_scan_period.is_some() {
            notes.warn("node_scan_period is for the plain node autoscaler: this one has a period of its own");
        }
    }
    let source = match kind {
        Kind::Plain => "the plain node autoscaler drains what the market takes back",
        Kind::Cluster(_) => "the cluster autoscaler hears no notices; a node termination handler would",
        Kind::Karpenter(_) => "Karpenter drains by itself, if its queue brings it the notice",
    };
    let plain = matches!(kind, Kind::Plain);
    let drains_on_notice = notes.or("drains_on_notice", raw.drains_on_notice, plain, source);
    Ok(ResolvedNodes { kind, drains_on_notice })
}

fn path(field: &str) -> String {
    format!("{PATH}.{field}")
}

/// A span of time, or the default.
fn span(
    notes: &mut Notes<'_>,
    field: &str,
    given: Option<Duration>,
    default: SimDuration,
    source: &'static str,
) -> SimDuration {
    notes.or(&path(field), given, Duration(default), source).get()
}

/// A period, which is not too short.
fn period(
    notes: &mut Notes<'_>,
    field: &str,
    given: Option<Duration>,
    default: SimDuration,
    source: &'static str,
) -> Result<SimDuration, Diagnostic> {
    let period = span(notes, field, given, default, source);
    if period < SimDuration::from_ms(100) {
        return Err(notes.error(&path(field), "expected at least 100ms"));
    }
    Ok(period)
}

fn cluster(
    notes: &mut Notes<'_>,
    given: &spec::ClusterAutoscaler,
    pools: &[PoolConfig],
) -> Result<ClusterAutoscalerConfig, Diagnostic> {
    let own = ClusterAutoscalerConfig::default();
    let scan_interval = period(notes, "scan_interval", given.scan_interval, own.scan_interval, CA)?;
    let mut span = |field: &str, given, default| span(notes, field, given, default, CA);
    let mut config = ClusterAutoscalerConfig {
        scan_interval,
        new_pod_scale_up_delay: span(
            "new_pod_scale_up_delay",
            given.new_pod_scale_up_delay,
            own.new_pod_scale_up_delay,
        ),
        scale_down_unneeded_time: span(
            "scale_down_unneeded_time",
            given.scale_down_unneeded_time,
            own.scale_down_unneeded_time,
        ),
        scale_down_delay_after_add: span(
            "scale_down_delay_after_add",
            given.scale_down_delay_after_add,
            own.scale_down_delay_after_add,
        ),
        scale_down_delay_after_failure: span(
            "scale_down_delay_after_failure",
            given.scale_down_delay_after_failure,
            own.scale_down_delay_after_failure,
        ),
        scale_down_delay_after_delete: span(
            "scale_down_delay_after_delete",
            given.scale_down_delay_after_delete,
            own.scale_down_delay_after_delete,
        ),
        max_node_provision_time: span(
            "max_node_provision_time",
            given.max_node_provision_time,
            own.max_node_provision_time,
        ),
        initial_backoff: span(
            "initial_node_group_backoff_duration",
            given.initial_node_group_backoff_duration,
            own.initial_backoff,
        ),
        max_backoff: span("max_node_group_backoff_duration", given.max_node_group_backoff_duration, own.max_backoff),
        backoff_reset: span(
            "node_group_backoff_reset_timeout",
            given.node_group_backoff_reset_timeout,
            own.backoff_reset,
        ),
        unremovable_recheck: span(
            "unremovable_node_recheck_timeout",
            given.unremovable_node_recheck_timeout,
            own.unremovable_recheck,
        ),
        delete_delay_after_taint: span(
            "node_delete_delay_after_taint",
            given.node_delete_delay_after_taint,
            own.delete_delay_after_taint,
        ),
        ..own
    };
    count_settings(notes, given, &mut config)?;
    choice_settings(notes, given, pools, &mut config)?;
    Ok(config)
}

/// Settings that are no times.
fn count_settings(
    notes: &mut Notes<'_>,
    given: &spec::ClusterAutoscaler,
    config: &mut ClusterAutoscalerConfig,
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
    given: &spec::ClusterAutoscaler,
    pools: &[PoolConfig],
    config: &mut ClusterAutoscalerConfig,
) -> Result<(), Diagnostic> {
    config.group_spans_zones = matches!(given.node_groups, Some(spec::NodeGroups::Pool));
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
        if !config.expanders.contains(&Expander::Priority) {
            let message = "`priorities` are for the expander `Priority`, which is not among `expanders`";
            return Err(notes.error(&path("priorities"), message));
        }
    }
    config.priorities.clone_from(&given.priorities);
    Ok(())
}

fn expander_of(given: spec::Expander) -> Expander {
    match given {
        spec::Expander::Random => Expander::Random,
        spec::Expander::MostPods => Expander::MostPods,
        spec::Expander::LeastWaste => Expander::LeastWaste,
        spec::Expander::Price => Expander::Price,
        spec::Expander::Priority => Expander::Priority,
    }
}

fn karpenter(notes: &mut Notes<'_>, given: &spec::Karpenter) -> Result<KarpenterConfig, Diagnostic> {
    let own = KarpenterConfig::default();
    let disruption_poll = period(notes, "disruption_poll", given.disruption_poll, own.disruption_poll, KARPENTER)?;
    let ttl = "UnavailableOfferingsTTL of karpenter-provider-aws, which is not pinned";
    let unavailable_for = span(notes, "unavailable_for", given.unavailable_for, own.unavailable_for, ttl);
    let mut span = |field: &str, given, default| span(notes, field, given, default, KARPENTER);
    let mut config = KarpenterConfig {
        disruption_poll,
        unavailable_for,
        batch_idle: span("batch_idle", given.batch_idle, own.batch_idle),
        batch_max: span("batch_max", given.batch_max, own.batch_max),
        consolidate_after: span("consolidate_after", given.consolidate_after, own.consolidate_after),
        validate_after: span("validate_after", given.validate_after, own.validate_after),
        expire_after: span("expire_after", given.expire_after, own.expire_after),
        registration_timeout: span("registration_timeout", given.registration_timeout, own.registration_timeout),
        ..own
    };
    match given.consolidation_policy {
        Some(policy) => {
            notes.given(&path("consolidation_policy"), "");
            config.consolidation = match policy {
                spec::ConsolidationPolicy::WhenEmpty => Consolidation::WhenEmpty,
                spec::ConsolidationPolicy::WhenEmptyOrUnderutilized => Consolidation::WhenEmptyOrUnderutilized,
            };
        }
        None => notes.default(&path("consolidation_policy"), "WhenEmptyOrUnderutilized", KARPENTER, false),
    }
    config.budget = budget(notes, given.budget)?;
    config.spot_to_spot = notes.or(&path("spot_to_spot"), given.spot_to_spot, config.spot_to_spot, KARPENTER);
    let types = config.spot_to_spot_types;
    config.spot_to_spot_types = notes.or(&path("spot_to_spot_types"), given.spot_to_spot_types, types, KARPENTER);
    let queue = "the queue is there and named rightly";
    config.interruption_queue = notes.or(&path("interruption_queue"), given.interruption_queue, true, queue);
    Ok(config)
}

fn budget(notes: &mut Notes<'_>, given: Option<spec::DisruptionBudget>) -> Result<Budget, Diagnostic> {
    let path = path("budget");
    match given {
        Some(spec::DisruptionBudget::Percent(percent)) => {
            notes.given(&path, "");
            notes.within(&path, u64::from(percent), 0, 100)?;
            Ok(Budget::Percent(percent))
        }
        Some(spec::DisruptionBudget::Nodes(nodes)) => {
            notes.given(&path, "");
            Ok(Budget::Nodes(nodes))
        }
        None => {
            notes.default(&path, "Percent(10)", KARPENTER, false);
            Ok(Budget::Percent(10))
        }
    }
}
