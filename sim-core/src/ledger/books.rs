//! The books of a run: the records that are made while it goes on.

use super::money::{Bill, BillLine};
use super::record::{DecisionRecord, FleetRow, ReplicaRecord, RequestRecord, SeriesRow};
use crate::clock::{SimDuration, SimTime};
use crate::id::PodId;

/// The books of a run.
#[derive(Debug)]
pub(crate) struct Books {
    bill: Bill,
    /// The bill at the end of the warm-up.
    warmup_bill: Bill,
    decisions: Vec<DecisionRecord>,
    series: Vec<SeriesRow>,
    fleet: Vec<FleetRow>,
    /// The sampled requests that have ended.
    requests: Vec<RequestRecord>,
    /// Pods that have ended: of each, only one short record is left.
    replicas: Vec<(PodId, ReplicaRecord)>,
}

/// The contents of the books at the end.
pub(crate) struct Closed {
    pub(crate) bill: Bill,
    pub(crate) warmup_bill: Bill,
    pub(crate) decisions: Vec<DecisionRecord>,
    pub(crate) series: Vec<SeriesRow>,
    pub(crate) fleet: Vec<FleetRow>,
    pub(crate) requests: Vec<RequestRecord>,
    /// Every pod that existed, oldest first.
    pub(crate) replicas: Vec<ReplicaRecord>,
}

impl Books {
    /// Books without entries, with an empty bill.
    pub(crate) fn new(bill: Bill) -> Self {
        Books {
            warmup_bill: bill.clone(),
            bill,
            decisions: Vec::new(),
            series: Vec::new(),
            fleet: Vec::new(),
            requests: Vec::new(),
            replicas: Vec::new(),
        }
    }

    /// Bills GPUs for a span.
    #[inline]
    pub(crate) fn charge(&mut self, line: BillLine, gpus: u32, span: SimDuration) {
        self.bill.add(line, gpus, span);
    }

    /// The bill so far, with its rates.
    pub(crate) fn bill(&self) -> &Bill {
        &self.bill
    }

    /// The bill, for adding a rate.
    pub(crate) fn bill_mut(&mut self) -> &mut Bill {
        &mut self.bill
    }

    /// The warm-up ends: keeps the bill so far, which is not measured.
    pub(crate) fn end_warm_up(&mut self) {
        self.warmup_bill = self.bill.clone();
    }

    pub(crate) fn log_decision(&mut self, record: DecisionRecord) {
        self.decisions.push(record);
    }

    pub(crate) fn add_row(&mut self, row: SeriesRow) {
        self.series.push(row);
    }

    pub(crate) fn add_fleet_row(&mut self, row: FleetRow) {
        self.fleet.push(row);
    }

    /// When the last row of the series ended, if there is one.
    pub(crate) fn last_row(&self) -> Option<SimTime> {
        self.series.last().map(|row| row.at)
    }

    pub(crate) fn keep_request(&mut self, record: RequestRecord) {
        self.requests.push(record);
    }

    pub(crate) fn keep_replica(&mut self, pod: PodId, record: ReplicaRecord) {
        self.replicas.push((pod, record));
    }

    /// The run is over.
    pub(crate) fn close(self) -> Closed {
        let Books { bill, warmup_bill, decisions, series, fleet, requests, mut replicas } = self;
        replicas.sort_unstable_by_key(|(pod, _)| *pod);
        let replicas = replicas.into_iter().map(|(_, record)| record).collect();
        Closed { bill, warmup_bill, decisions, series, fleet, requests, replicas }
    }
}
