//! Routing across regions: which cell of a service takes an attempt. Called for every attempt of a
//! client that calls a route.

use crate::clock::{SimDuration, Stream};

/// A cell that may take the attempt: its client may use it, and sees it as healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellView {
    /// Its position in the route.
    pub cell: u32,
    /// A number that stands for its name, whatever other cells the route has.
    pub key: u64,
    /// The time of a round trip from the client and back.
    pub round_trip: SimDuration,
    /// Its ready replicas.
    pub ready: u32,
    /// Attempts that are there or on their way.
    pub outstanding: u32,
}

/// Chooses a cell for one attempt.
pub trait GlobalRouter: Send {
    /// Returns the position of the chosen cell in `cells`, which is never empty and sorted by round
    /// trip, then by cell. `affinity` is equal for requests whose prompts begin with the same
    /// block, or that come from the same user. `stream` is this router's own.
    /// same user. `stream` is this router's own.
    fn choose(&mut self, cells: &[CellView], affinity: u64, stream: &mut Stream) -> usize;
}
