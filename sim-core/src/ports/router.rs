//! Routing: which ready replica takes an attempt. Called for every request.

use crate::clock::Stream;

/// Chooses a replica for one attempt.
pub trait Router: Send {
    /// Returns the position of the chosen replica in `outstanding`, which is never empty. It lists
    /// the attempts sent to each replica and not yet finished, in the order in which the replicas
    /// became ready. `stream` is this router's own.
    fn route(&mut self, outstanding: &[u32], stream: &mut Stream) -> usize;
}
