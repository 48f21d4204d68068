//! Full nodes first, so that others become empty.

use super::best::best;
use flashcrowd_core::ports::{Fit, Placement};

/// On the node with the fewest free GPUs, then the oldest: `MostAllocated`, which lets nodes
/// become empty and leave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pack;

impl Placement for Pack {
    fn choose(&mut self, fits: &[Fit]) -> usize {
        best(fits, |fit| (fit.free_gpus, 0))
    }
}
