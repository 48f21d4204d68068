//! Placement: on which of the nodes with room an occupant goes.

/// A node on which the occupant's next group fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Which node.
    pub node: u32,
    /// Its free GPUs.
    pub free_gpus: u32,
    /// All its GPUs.
    pub gpus: u32,
    /// Replicas of the same service that it holds.
    pub related: u32,
}

/// Chooses a node for one group.
pub trait Placement: Send {
    /// The position of the chosen node in `fits`, which is never empty and sorted by node. All are
    /// of the pool that the service prefers among those with room.
    fn choose(&mut self, fits: &[Fit]) -> usize;
}
