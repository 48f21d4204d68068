//! Placement: which of the nodes with room a replica's group is placed on.

/// A node with room for the replica's next group.
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
    /// Returns the position of the chosen node in `fits`, which is never empty and sorted by node.
    /// All nodes are of one pool: the first in the service's order of preference that has room.
    fn choose(&mut self, fits: &[Fit]) -> usize;
}
