//! Empty nodes first, so that one node's loss takes little.

use super::best::best;
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{Fit, Placement};

/// On the node with the most free GPUs, then the fewest replicas of the same service, then the
/// oldest: `LeastAllocated`, the default scoring of the Kubernetes scheduler.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread;

impl Spread {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::Placement,
        "spread",
        "the node with the most free GPUs",
        "the strategy LeastAllocated of the Kubernetes scheduler, on GPUs alone",
    );
}

impl Placement for Spread {
    fn choose(&mut self, fits: &[Fit]) -> usize {
        best(fits, |fit| (u32::MAX - fit.free_gpus, fit.related))
    }
}
