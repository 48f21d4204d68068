//! Routing: which ready replica takes an attempt. Called for every request.

use crate::clock::Stream;

/// Chooses a replica for one attempt.
pub trait Router: Send {
    /// The position of the chosen replica in `outstanding`, which is never empty and lists, by
    /// replica in order of becoming ready, the attempts sent there and not yet finished.
    /// `stream` is this router's own.
    fn route(&mut self, outstanding: &[u32], stream: &mut Stream) -> usize;
}
