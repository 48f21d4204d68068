//! What a report tells beside figures: the worst moment, and outages.

use super::view::region_of;
use crate::run::Run;
use flashcrowd_core::ledger::{FaultRecord, HealthRecord, RunRecord, SeriesRow};
use flashcrowd_core::ports::Fault;
use flashcrowd_scenario::Resolved;

/// The stretch of the series in which most requests were late, and the fleet at its peak.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// Of which service.
    pub service: String,
    /// In which replicate.
    pub replicate: u32,
    /// Since the start of the run.
    pub from_s: f64,
    /// And up to.
    pub to_s: f64,
    /// Requests that were late in it.
    pub late: u64,
    /// End-to-end 99th percentile of its worst period.
    pub p99_s: f64,
    /// Replicas then: ready, starting, without a GPU.
    pub replicas: [u32; 3],
    /// Attempts waiting then.
    pub waiting: u32,
}

impl Worst {
    pub(crate) fn of(resolved: &Resolved, run: &Run) -> Option<Worst> {
        let (rows, late) = stretch(&run.record)?;
        let peak = rows.iter().max_by_key(|row| (row.p99, row.waiting))?;
        Some(Worst {
            service: resolved.services[peak.service as usize].config.name.to_string(),
            replicate: run.replicate(),
            from_s: (rows[0].at.as_s_f64() - resolved.series_period.as_s_f64()).max(0.0),
            to_s: rows.last().map_or(0.0, |row| row.at.as_s_f64()),
            late,
            p99_s: peak.p99.as_s_f64(),
            replicas: [peak.ready, peak.starting, peak.pending],
            waiting: peak.waiting,
        })
    }
}

/// The run of consecutive rows of one service with late requests that holds most of them.
fn stretch(record: &RunRecord) -> Option<(Vec<&SeriesRow>, u64)> {
    // By service: where the open stretch begins, and how many were late in it.
    let mut open = vec![(0, 0_u64); record.services.len()];
    let mut best: Option<(usize, usize, u64)> = None;
    for (row, at) in record.series.iter().zip(0..) {
        let current = &mut open[row.service as usize];
        match (row.late, current.1) {
            (0, _) => *current = (at, 0),
            (late, 0) => *current = (at, late),
            (late, before) => current.1 = before + late,
        }
        if current.1 > best.map_or(0, |best| best.2) {
            best = Some((current.0, at, current.1));
        }
    }
    let (from, to, late) = best?;
    let service = record.series[to].service;
    let rows = record.series[from..=to].iter().filter(|row| row.service == service);
    Some((rows.collect(), late))
}

/// A region that was lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// Which.
    pub region: String,
    /// When.
    pub from_s: f64,
    /// Until when, if it ended before the run did.
    pub to_s: Option<f64>,
    /// How long after its begin probes took the first of its cells out.
    pub noticed_after_s: Option<f64>,
}

/// Regions lost in a run, in order.
pub(crate) fn outages(resolved: &Resolved, record: &RunRecord) -> Vec<Outage> {
    let lost = |(i, fault): (usize, &FaultRecord)| {
        let Fault::Unreachable { region, begins: true } = fault.fault else { return None };
        let ends = |other: &&FaultRecord| other.fault == Fault::Unreachable { region, begins: false };
        let of_region = |change: &HealthRecord| {
            region_of(resolved, resolved.routes[change.route as usize].cells[change.cell as usize]) == region
        };
        let noticed = record.health.iter().find(|change| change.at >= fault.at && !change.healthy && of_region(change));
        Some(Outage {
            region: resolved.regions[region as usize].name.to_string(),
            from_s: fault.at.as_s_f64(),
            to_s: record.faults[i..].iter().find(ends).map(|end| end.at.as_s_f64()),
            noticed_after_s: noticed.map(|change| change.at.since(fault.at).as_s_f64()),
        })
    };
    record.faults.iter().enumerate().filter_map(lost).collect()
}
