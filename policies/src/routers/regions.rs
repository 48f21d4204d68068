//! Routing across regions: policies of the
//! [`GlobalRouter`] port. Cells come sorted by distance, the
//! nearest first; who is not healthy or not allowed is not among them.

use crate::info::{PolicyInfo, Port};
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Stream;
use flashcrowd_core::ports::{CellView, GlobalRouter};
use rand::RngExt;

/// The nearest cell, whatever its load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nearest;

impl Nearest {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::GlobalRouter,
        "nearest",
        "the nearest healthy region",
        "latency records of a name service",
    );
}

impl GlobalRouter for Nearest {
    fn choose(&mut self, _: &[CellView], _: u64, _: &mut Stream) -> usize {
        0
    }
}

/// At random, by weight.
#[derive(Clone, Debug)]
pub struct Weighted {
    weights: Vec<f64>,
}

impl Weighted {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::GlobalRouter,
        "weighted",
        "regions at random, by weight",
        "weighted records of a name service",
    );

    /// Weights by the cells' positions in the route; a cell without one has none.
    pub fn new(weights: Vec<f64>) -> Self {
        Weighted { weights }
    }

    fn weight(&self, cell: &CellView) -> f64 {
        self.weights.get(cell.cell as usize).copied().filter(|weight| *weight > 0.0).unwrap_or(0.0)
    }
}

impl GlobalRouter for Weighted {
    fn choose(&mut self, cells: &[CellView], _: u64, stream: &mut Stream) -> usize {
        let total: f64 = cells.iter().map(|cell| self.weight(cell)).sum();
        let mut left = stream.random::<f64>() * total;
        let taken = |cell: &CellView| {
            left -= self.weight(cell);
            left < 0.0
        };
        cells.iter().position(taken).unwrap_or(0)
    }
}

/// Outstanding attempts for each ready replica; without one, more than any.
fn load(cell: &CellView) -> f64 {
    if cell.ready == 0 { f64::MAX } else { f64::from(cell.outstanding) / f64::from(cell.ready) }
}

/// The first of the least loaded.
fn least_loaded(cells: &[CellView]) -> usize {
    let best = (0..cells.len()).min_by(|&a, &b| load(&cells[a]).total_cmp(&load(&cells[b])));
    best.unwrap_or(0)
}

/// The cell with the fewest outstanding attempts for each ready replica.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastLoaded;

impl LeastLoaded {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(
        Port::GlobalRouter,
        "least-loaded",
        "the region with the fewest outstanding attempts for each ready replica",
    );
}

impl GlobalRouter for LeastLoaded {
    fn choose(&mut self, cells: &[CellView], _: u64, _: &mut Stream) -> usize {
        least_loaded(cells)
    }
}

/// The nearest cell with fewer than this many outstanding attempts for each ready replica; the
/// least loaded if all have more.
#[derive(Clone, Copy, Debug)]
pub struct SpillOver {
    limit: f64,
}

impl SpillOver {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::GlobalRouter, "spill-over", "the nearest region below a load, else the least loaded");

    /// Spills over at `limit` outstanding attempts for each ready replica.
    pub fn new(limit: f64) -> Self {
        SpillOver { limit }
    }
}

impl GlobalRouter for SpillOver {
    fn choose(&mut self, cells: &[CellView], _: u64, _: &mut Stream) -> usize {
        cells.iter().position(|cell| load(cell) < self.limit).unwrap_or_else(|| least_loaded(cells))
    }
}

/// The cell with the shortest expected time: the round trip, and a span for each outstanding attempt
/// of a replica.
#[derive(Clone, Copy, Debug)]
pub struct LatencyAware {
    per_outstanding: SimDuration,
}

impl LatencyAware {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(
        Port::GlobalRouter,
        "latency-aware",
        "the region with the shortest of round trip and expected wait",
    );

    /// Each outstanding attempt of a replica counts as so much time.
    pub fn new(per_outstanding: SimDuration) -> Self {
        LatencyAware { per_outstanding }
    }
}

impl GlobalRouter for LatencyAware {
    fn choose(&mut self, cells: &[CellView], _: u64, _: &mut Stream) -> usize {
        let score = |cell: &CellView| {
            cell.round_trip.as_s_f64() + (load(cell) * self.per_outstanding.as_s_f64()).min(f64::MAX / 2.0)
        };
        let best = (0..cells.len()).min_by(|&a, &b| score(&cells[a]).total_cmp(&score(&cells[b])));
        best.unwrap_or(0)
    }
}

/// Requests with the same beginning go to the same cell, as long as that one is not too loaded:
/// rendezvous hashing with bounded loads (Thaler and Ravishankar 1998; Mirrokni et al. 2018).
#[derive(Clone, Copy, Debug)]
pub struct PrefixAffinity {
    limit: f64,
}

impl PrefixAffinity {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::GlobalRouter,
        "prefix-affinity",
        "the same region for the same beginning of a prompt, below a load",
        "rendezvous hashing with bounded loads; no upstream",
    );

    /// Goes to the next cell of the request's order at `limit` outstanding attempts for each ready
    /// replica.
    pub fn new(limit: f64) -> Self {
        PrefixAffinity { limit }
    }
}

impl GlobalRouter for PrefixAffinity {
    fn choose(&mut self, cells: &[CellView], affinity: u64, _: &mut Stream) -> usize {
        let free = (0..cells.len()).filter(|&at| load(&cells[at]) < self.limit);
        let first = free.max_by_key(|&at| mix(affinity, cells[at].key));
        first.unwrap_or_else(|| least_loaded(cells))
    }
}

/// A hash of two numbers: the finaliser of `SplitMix64`.
const fn mix(a: u64, b: u64) -> u64 {
    let x = a ^ b.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::clock::Seed;

    fn cells(of: &[(u64, u32, u32)]) -> Vec<CellView> {
        let view = |(&(ms, ready, outstanding), cell)| CellView {
            cell,
            key: u64::from(cell) + 40,
            round_trip: SimDuration::from_ms(ms),
            ready,
            outstanding,
        };
        of.iter().zip(0..).map(view).collect()
    }

    fn chosen(router: &mut dyn GlobalRouter, of: &[(u64, u32, u32)]) -> usize {
        router.choose(&cells(of), 7, &mut Seed::new(1).stream("route"))
    }

    #[test]
    fn near_cells_first_and_full_ones_spill_over() {
        let of = [(2, 4, 40), (70, 2, 4), (150, 4, 0)];
        assert_eq!(chosen(&mut Nearest, &of), 0);
        assert_eq!(chosen(&mut LeastLoaded, &of), 2);
        assert_eq!(chosen(&mut SpillOver::new(5.0), &of), 1);
        assert_eq!(chosen(&mut SpillOver::new(50.0), &of), 0);
        // All cells are above the limit: take the least loaded.
        assert_eq!(chosen(&mut SpillOver::new(0.0), &of), 2);
        assert_eq!(chosen(&mut LatencyAware::new(SimDuration::from_ms(1)), &of), 0);
        assert_eq!(chosen(&mut LatencyAware::new(SimDuration::from_ms(20)), &of), 1);
        assert_eq!(chosen(&mut SpillOver::new(5.0), &[(2, 0, 0), (70, 1, 1)]), 1, "nobody serves in the first");
    }

    #[test]
    fn weights_are_shares() {
        let (mut router, mut stream) = (Weighted::new(vec![3.0, 0.0, 1.0]), Seed::new(1).stream("route"));
        let of = cells(&[(1, 1, 0), (2, 1, 0), (3, 1, 0)]);
        let mut counts = [0_u32; 3];
        for _ in 0..40_000 {
            counts[router.choose(&of, 0, &mut stream)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((f64::from(counts[0]) / 40_000.0 - 0.75).abs() < 0.01, "{counts:?}");
    }

    #[test]
    fn a_prefix_keeps_its_cell_when_another_goes() {
        let (mut router, mut stream) = (PrefixAffinity::new(10.0), Seed::new(1).stream("route"));
        let all = cells(&[(1, 1, 0), (2, 1, 0), (3, 1, 0)]);
        let without = [all[0], all[2]];
        let mut moved = 0;
        for prefix in 0..3_000 {
            let before = all[router.choose(&all, prefix, &mut stream)].cell;
            let after = without[router.choose(&without, prefix, &mut stream)].cell;
            assert!(before == after || before == 1, "prefix {prefix} moved from {before} to {after}");
            moved += u32::from(before == 1);
        }
        assert!((900..1_100).contains(&moved), "a third were on the cell that went, not {moved}");
    }
}
