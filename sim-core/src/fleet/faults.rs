//! Fault sources, each read one fault ahead, and the regions that requests cannot reach.

use crate::id::{RegionId, SourceId, Table};
use crate::ports::{FaultSource, TimedFault};

/// All sources, with the next fault of each.
pub(crate) struct Faults {
    pub(crate) sources: Table<SourceId, Box<dyn FaultSource>>,
    pub(crate) next: Table<SourceId, Option<TimedFault>>,
    pub(crate) pulled: u64,
    /// For each region, how many outages cut it off.
    pub(crate) unreachable: Table<RegionId, u32>,
}

impl Faults {
    pub(crate) fn new(sources: Vec<Box<dyn FaultSource>>, regions: usize) -> Self {
        let next = sources.iter().map(|_| None).collect();
        let unreachable = (0..regions).map(|_| 0).collect();
        Faults { sources: sources.into_iter().collect(), next, pulled: 0, unreachable }
    }

    /// Whether requests reach a region.
    pub(crate) fn reaches(&self, region: RegionId) -> bool {
        self.unreachable[region] == 0
    }

    /// Whether requests reach all regions.
    pub(crate) fn reaches_all(&self) -> bool {
        self.unreachable.values().all(|count| *count == 0)
    }
}
