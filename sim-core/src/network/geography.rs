//! Distances between regions, and what it costs to send data from one to another.

use crate::clock::SimDuration;

/// Distances and egress prices between regions. Both tables are square, or empty if not needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Geography {
    /// Time of a round trip from the region of the row to that of the column and back.
    pub round_trips: Vec<Vec<SimDuration>>,
    /// Price of a byte sent from the region of the row to that of the column, in pico-dollars.
    pub egress_pico_usd_per_byte: Vec<Vec<u64>>,
}

impl Geography {
    /// A round trip; zero where none is known.
    #[inline]
    pub fn round_trip(&self, from: u32, to: u32) -> SimDuration {
        let row = self.round_trips.get(from as usize);
        row.and_then(|row| row.get(to as usize)).copied().unwrap_or(SimDuration::ZERO)
    }

    /// Price of a byte in pico-dollars; zero where none is known.
    pub fn egress(&self, from: u32, to: u32) -> u64 {
        let row = self.egress_pico_usd_per_byte.get(from as usize);
        row.and_then(|row| row.get(to as usize)).copied().unwrap_or(0)
    }
}
