//! Placement: on which of the nodes with room a group of GPUs goes.

use flashcrowd_core::ports::{Fit, Placement};

/// On the node with the most free GPUs, then the fewest replicas of the same service, then the
/// oldest: `LeastAllocated`, the default scoring of the Kubernetes scheduler.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread;

impl Placement for Spread {
    fn choose(&mut self, fits: &[Fit]) -> usize {
        best(fits, |fit| (u32::MAX - fit.free_gpus, fit.related))
    }
}

/// On the node with the fewest free GPUs, then the oldest: `MostAllocated`, which lets nodes
/// become empty and leave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pack;

impl Placement for Pack {
    fn choose(&mut self, fits: &[Fit]) -> usize {
        best(fits, |fit| (fit.free_gpus, 0))
    }
}

/// The position of the smallest key, the first of equals.
fn best(fits: &[Fit], key: impl Fn(&Fit) -> (u32, u32)) -> usize {
    (0..fits.len()).min_by_key(|&i| (key(&fits[i]), fits[i].node)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_takes_the_emptiest_node_and_pack_the_fullest() {
        let fit = |node, free_gpus, related| Fit { node, free_gpus, gpus: 8, related };
        let fits = [fit(3, 4, 0), fit(5, 8, 1), fit(7, 8, 0), fit(9, 1, 0)];
        assert_eq!((Spread.choose(&fits), Pack.choose(&fits)), (2, 3));
    }
}
