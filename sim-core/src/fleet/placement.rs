//! Placement of units on nodes: each whole or not at all.
//!
//! A unit asks for one or several groups of GPUs, each on one node (a replica's tensor-parallel
//! ranks; later a training gang). The placement policy chooses the node of each group among the
//! nodes with room.

use super::demand::Demand;
use crate::id::NodeId;
use crate::ports::{Fit, Placement};
use crate::units::Bytes;

/// The free GPUs of a node during placement; changed while the groups of a unit are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeRoom {
    pub(crate) node: NodeId,
    pub(crate) free_gpus: u32,
    pub(crate) gpus: u32,
    pub(crate) memory_per_gpu: Bytes,
    /// Replicas of the same service on the node.
    pub(crate) related: u32,
    /// Position of its pool in the demand's order of preference.
    pub(crate) preference: u32,
}

/// The node of each group, or `None` if not all groups fit. Takes the room that it uses from
/// `rooms`.
pub(crate) fn place(demand: &Demand, rooms: &mut [NodeRoom], policy: &mut dyn Placement) -> Option<Vec<NodeId>> {
    let before = rooms.to_vec();
    let mut nodes = Vec::with_capacity(demand.groups as usize);
    for _ in 0..demand.groups {
        let fits: Vec<usize> =
            (0..rooms.len()).filter(|&i| demand.fits(rooms[i].free_gpus, rooms[i].memory_per_gpu)).collect();
        let best = fits.iter().map(|&i| rooms[i].preference).min();
        let among: Vec<usize> = fits.into_iter().filter(|&i| Some(rooms[i].preference) == best).collect();
        let views: Vec<Fit> = among.iter().map(|&i| view(&rooms[i])).collect();
        let chosen = if views.is_empty() { None } else { among.get(policy.choose(&views)) };
        let Some(&chosen) = chosen else {
            rooms.copy_from_slice(&before);
            return None;
        };
        rooms[chosen].free_gpus -= demand.shape.gpus();
        rooms[chosen].related += 1;
        nodes.push(rooms[chosen].node);
    }
    Some(nodes)
}

fn view(room: &NodeRoom) -> Fit {
    Fit { node: room.node.get(), free_gpus: room.free_gpus, gpus: room.gpus, related: room.related }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Shape;
    use crate::id::PoolId;
    use proptest::prelude::*;

    struct First;
    impl Placement for First {
        fn choose(&mut self, _: &[Fit]) -> usize {
            0
        }
    }

    proptest! {
        #[test]
        fn whole_or_not_at_all(
            free in prop::collection::vec(0_u32..=8, 1..6),
            groups in 1_u32..5,
            gpus in 1_u32..=8,
        ) {
            let mut rooms: Vec<NodeRoom> = free.iter().enumerate().map(|(node, &free_gpus)| NodeRoom {
                node: NodeId::new(node as u32), free_gpus, gpus: 8, memory_per_gpu: Bytes::gib(80), related: 0, preference: 0,
            }).collect();
            let demand = Demand {
                groups, shape: Shape::Whole(gpus), bytes: Bytes::gib(16), pools: vec![PoolId::new(0)], zone: None,
            };
            let capacity: u32 = free.iter().map(|free| free / gpus).sum();
            let placed = place(&demand, &mut rooms, &mut First);
            prop_assert_eq!(placed.is_some(), capacity >= groups);
            let left: u32 = rooms.iter().map(|room| room.free_gpus).sum();
            let used = if placed.is_some() { groups * gpus } else { 0 };
            prop_assert_eq!(left + used, free.iter().sum::<u32>());
        }
    }
}
