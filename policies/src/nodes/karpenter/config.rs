//! Settings of Karpenter, with its own defaults.

use flashcrowd_core::SimDuration;

/// `consolidationPolicy` of a node pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consolidation {
    /// Empty nodes go.
    WhenEmpty,
    /// And nodes whose replicas fit on others, or on others and one cheaper new node.
    WhenEmptyOrUnderutilized,
}

/// How many nodes may be on their way out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Of a hundred nodes, rounded up.
    Percent(u32),
    /// So many.
    Nodes(u32),
}

impl Budget {
    /// How many nodes the budget allows of `total`.
    pub(super) fn of(self, total: u32) -> u32 {
        match self {
            Budget::Percent(percent) => (u64::from(total) * u64::from(percent)).div_ceil(100) as u32,
            Budget::Nodes(nodes) => nodes,
        }
    }
}

/// Settings of Karpenter. Defaults are those of kubernetes-sigs/karpenter @ 22664681, unless a field
/// says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KarpenterConfig {
    /// `BATCH_IDLE_DURATION`: 1 s without another replica ends a batch.
    pub batch_idle: SimDuration,
    /// `BATCH_MAX_DURATION`: 10 s end it in any case.
    pub batch_max: SimDuration,
    /// `consolidationPolicy`: `WhenEmptyOrUnderutilized`.
    pub consolidation: Consolidation,
    /// `consolidateAfter`: 0 s since replicas last came to a node or left it.
    pub consolidate_after: SimDuration,
    /// `budgets`: 10 % of the nodes.
    pub budget: Budget,
    /// Period of the disruption controller: 10 s.
    pub disruption_poll: SimDuration,
    /// How long a plan to consolidate waits before it is looked at again and carried out: 15 s.
    pub validate_after: SimDuration,
    /// `expireAfter`: 720 h from a node's order.
    pub expire_after: SimDuration,
    /// The feature gate `SpotToSpotConsolidation`: off.
    pub spot_to_spot: bool,
    /// Cheaper instance types, here pools, that a single spot node's replacement by spot needs: 15.
    pub spot_to_spot_types: u32,
    /// A node that has not booted after 15 min is given back.
    pub registration_timeout: SimDuration,
    /// How long an offer that was refused, or whose nodes are reclaimed, is left alone: 3 min
    /// (`UnavailableOfferingsTTL` of karpenter-provider-aws, not pinned).
    pub unavailable_for: SimDuration,
    /// Whether notices of reclaims reach it: the interruption queue is there and named rightly.
    pub interruption_queue: bool,
}

impl Default for KarpenterConfig {
    fn default() -> Self {
        KarpenterConfig {
            batch_idle: SimDuration::from_s(1),
            batch_max: SimDuration::from_s(10),
            consolidation: Consolidation::WhenEmptyOrUnderutilized,
            consolidate_after: SimDuration::ZERO,
            budget: Budget::Percent(10),
            disruption_poll: SimDuration::from_s(10),
            validate_after: SimDuration::from_s(15),
            expire_after: SimDuration::from_s(720 * 3_600),
            spot_to_spot: false,
            spot_to_spot_types: 15,
            registration_timeout: SimDuration::from_s(15 * 60),
            unavailable_for: SimDuration::from_s(3 * 60),
            interruption_queue: true,
        }
    }
}
