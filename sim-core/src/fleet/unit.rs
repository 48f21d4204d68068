//! What is placed and billed as one: a pod, or several pods that share GPUs.

use super::pod::Life;
use crate::clock::{SimDuration, SimTime};
use crate::id::{ClockId, DemandId, NodeId, PodId};
use crate::ledger::GpuState;
use smallvec::SmallVec;

/// GPUs that a group of a unit holds on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) node: NodeId,
    /// Bit i set: GPU i.
    pub(crate) gpus: u64,
}

/// A unit.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) demand: DemandId,
    /// The pods on its GPUs. The first is the leader, which was asked for; the others come with it.
    pub(crate) pods: SmallVec<[PodId; 1]>,
    pub(crate) holds: SmallVec<[Hold; 1]>,
    /// Pods that are not gone.
    pub(crate) live: u32,
    /// When it was placed on its nodes.
    pub(crate) placed: Option<SimTime>,
    /// The instant up to which its GPUs are billed, and the busy time billed so far.
    pub(crate) billed: SimTime,
    pub(crate) billed_busy: SimDuration,
    /// The clock of its GPUs, if several servers share them.
    pub(crate) clock: Option<ClockId>,
    /// Whether it waits for GPUs while none will come.
    pub(crate) stuck: bool,
}

impl Default for Unit {
    fn default() -> Self {
        Unit::new(DemandId::NONE, SimTime::ZERO)
    }
}

impl Unit {
    pub(crate) fn new(demand: DemandId, created: SimTime) -> Self {
        Unit {
            demand,
            pods: SmallVec::new(),
            holds: SmallVec::new(),
            live: 0,
            placed: None,
            billed: created,
            billed_busy: SimDuration::ZERO,
            clock: None,
            stuck: false,
        }
    }

    /// The leader: the pod that was asked for.
    pub(crate) fn leader(&self) -> PodId {
        self.pods[0]
    }

    /// Its first node, once it has one.
    pub(crate) fn node(&self) -> Option<NodeId> {
        self.holds.first().map(|hold| hold.node)
    }
}

/// What GPUs are used for, given the pods on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Serving: the busy time decides between serving and idle.
    Serves,
    /// All the time is of one state.
    Is(GpuState),
    /// All pods are gone.
    Over,
}

/// The use of GPUs with pods in these lives; the flag marks jobs, which serve until they end
/// instead of draining.
pub(crate) fn use_of(lives: impl Iterator<Item = (Life, bool)>) -> Use {
    let rank = |(life, is_job): (Life, bool)| match life {
        Life::Draining if !is_job => (3, Use::Is(GpuState::Draining)),
        Life::Ready | Life::Draining => (2, Use::Serves),
        Life::Pending | Life::Starting { .. } => (1, Use::Is(GpuState::Starting)),
        Life::Gone => (0, Use::Over),
    };
    lives.map(rank).max_by_key(|(rank, _)| *rank).map_or(Use::Over, |(_, found)| found)
}
