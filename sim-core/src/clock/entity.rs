//! Whose event it is: the part of an event's key that orders events of one instant and class.

use crate::id::{CellId, ClientId, ControllerId, NodeId, PodId, ServerId, ServiceId, SignalIndex, SourceId};

/// Whose event it is. Within one instant, round and class, kinds are ordered as listed here, and
/// entities of one kind by their numbers. The number of an entity that comes and goes is a serial
/// that is never reused, so that no order depends on where the entity is stored.
///
/// New kinds (a broker, a lease, a job, a model) are new variants; a key has room for 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// The run itself.
    Run,
    /// A source of faults.
    Source(SourceId),
    /// A client.
    Client(ClientId),
    /// A pod.
    Pod(PodId),
    /// A server.
    Server(ServerId),
    /// A node.
    Node(NodeId),
    /// All transfers over links.
    Transfers,
    /// A signal of a controller.
    Signal(SignalIndex),
    /// A cell of a route.
    Cell(CellId),
    /// A controller.
    Controller(ControllerId),
    /// The node autoscaler.
    NodeScaler,
    /// The capacity policy of a service.
    CapacityPolicy(ServiceId),
    /// No entity: attempts that reached no replica.
    Nobody,
    /// The end of the warm-up.
    WarmUp,
}

impl Entity {
    /// Bits of a code.
    pub(super) const BITS: u32 = 40;

    /// Kind and number as one number with the same order.
    #[inline]
    pub(super) fn code(self) -> u64 {
        let (kind, number): (u8, u32) = match self {
            Entity::Run => (0, 0),
            Entity::Source(id) => (1, id.get()),
            Entity::Client(id) => (2, id.get()),
            Entity::Pod(id) => (3, id.serial()),
            Entity::Server(id) => (4, id.serial()),
            Entity::Node(id) => (5, id.get()),
            Entity::Transfers => (6, 0),
            Entity::Signal(id) => (7, id.get()),
            Entity::Cell(id) => (8, id.get()),
            Entity::Controller(id) => (9, id.get()),
            Entity::NodeScaler => (10, 0),
            Entity::CapacityPolicy(id) => (11, id.get()),
            Entity::Nobody => (12, 0),
            Entity::WarmUp => (13, 0),
        };
        (u64::from(kind) << 32) | u64::from(number)
    }
}

macro_rules! from_ids {
    ($($kind:ident($id:ident)),+ $(,)?) => { $(
        impl From<$id> for Entity {
            #[inline]
            fn from(id: $id) -> Self {
                Entity::$kind(id)
            }
        }
    )+ };
}

from_ids! {
    Source(SourceId), Client(ClientId), Pod(PodId), Server(ServerId), Node(NodeId), Signal(SignalIndex), Cell(CellId),
    Controller(ControllerId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PodSlot;

    #[test]
    fn kinds_go_before_numbers() {
        let pods =
            [PodId::new(0, PodSlot::new(9)), PodId::new(u32::MAX, PodSlot::new(0))].map(|pod| Entity::Pod(pod).code());
        assert!(pods[0] < pods[1] && pods[1] < Entity::Node(NodeId::new(0)).code());
        assert!(Entity::WarmUp.code() < 1 << Entity::BITS);
    }
}
