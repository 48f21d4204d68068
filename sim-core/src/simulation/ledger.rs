//! What is written down while the run goes on.

use crate::ledger::{Bill, DecisionRecord, FleetRow, ReplicaRecord, RequestRecord, SeriesRow};

/// The books of a run.
pub(super) struct Ledger {
    pub(super) bill: Bill,
    /// The bill at the end of the warm-up.
    pub(super) warmup_bill: Bill,
    pub(super) decisions: Vec<DecisionRecord>,
    pub(super) series: Vec<SeriesRow>,
    pub(super) fleet: Vec<FleetRow>,
    /// Ended requests that were asked for.
    pub(super) sampled: Vec<RequestRecord>,
    /// Pods that have ended, by serial.
    pub(super) replicas: Vec<(u32, ReplicaRecord)>,
}

impl Ledger {
    /// Nothing yet, with an empty bill.
    pub(super) fn new(bill: Bill) -> Self {
        Ledger {
            warmup_bill: bill.clone(),
            bill,
            decisions: Vec::new(),
            series: Vec::new(),
            fleet: Vec::new(),
            sampled: Vec::new(),
            replicas: Vec::new(),
        }
    }
}
