//! Fault sources, each read one fault ahead, and the regions that requests cannot reach.

use crate::id::{RegionId, SourceId, Table};
use crate::ports::{FaultSource, SourceError, TimedFault};

/// All sources, with the next fault of each.
pub(crate) struct Faults {
    sources: Table<SourceId, Box<dyn FaultSource>>,
    next: Table<SourceId, Option<TimedFault>>,
    /// How many faults were kept for their time.
    kept: u64,
    /// For each region, how many outages cut it off.
    outages: Table<RegionId, u32>,
}

impl Faults {
    pub(crate) fn new(sources: Vec<Box<dyn FaultSource>>, regions: usize) -> Self {
        let next = sources.iter().map(|_| None).collect();
        let outages = (0..regions).map(|_| 0).collect();
        Faults { sources: sources.into_iter().collect(), next, kept: 0, outages }
    }

    /// All sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = SourceId> + use<> {
        self.sources.ids()
    }

    /// Reads the next fault of a source.
    ///
    /// # Errors
    /// If the recording cannot be read further.
    pub(crate) fn read(&mut self, source: SourceId) -> Result<Option<TimedFault>, SourceError> {
        self.sources[source].next_fault()
    }

    /// Keeps a fault that was read for its time; says which number it has among all that were kept.
    pub(crate) fn keep(&mut self, source: SourceId, fault: TimedFault) -> u64 {
        self.next[source] = Some(fault);
        self.kept += 1;
        self.kept
    }

    /// Takes the fault that was kept.
    pub(crate) fn take(&mut self, source: SourceId) -> Option<TimedFault> {
        self.next[source].take()
    }

    /// Begins or ends an outage that cuts a region off.
    pub(crate) fn cut_off(&mut self, region: RegionId, begins: bool) {
        begin_or_end(&mut self.outages[region], begins);
    }

    /// Whether requests reach a region.
    pub(crate) fn reaches(&self, region: RegionId) -> bool {
        self.outages[region] == 0
    }

    /// Whether requests reach all regions.
    pub(crate) fn reaches_all(&self) -> bool {
        self.outages.values().all(|count| *count == 0)
    }
}

/// Counts faults of one kind that overlap: one more begins, or one ends.
pub(crate) fn begin_or_end(count: &mut u32, begins: bool) {
    *count = if begins { count.saturating_add(1) } else { count.saturating_sub(1) };
}
