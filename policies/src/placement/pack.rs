//! Full nodes first, so that others become empty.

use super::best::best;
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{Fit, Placement};

/// On the node with the fewest free GPUs, then the oldest: `MostAllocated`, which lets nodes
/// become empty and leave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pack;

impl Pack {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::Placement,
        "pack",
        "the node with the fewest free GPUs that fit",
        "the strategy MostAllocated of the Kubernetes scheduler, on GPUs alone",
    );
}

impl Placement for Pack {
    fn choose(&mut self, fits: &[Fit]) -> usize {
        best(fits, |fit| (fit.free_gpus, 0))
    }
}
