//! What a report speaks of as one: a service, or all the cells of a route.

use crate::export::summary::SloResult;
use crate::run::Run;
use crate::scenario::resolve::Resolved;
use flashcrowd_core::ledger::{Latency, ServiceRecord, SloCount};
use flashcrowd_core::serving::Slo;

/// Services that a report adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The name of the route, or of the service.
    pub(crate) name: String,
    /// By position; never empty.
    pub(crate) services: Vec<usize>,
}

/// Routes whose cells promise the same, and then services that are in none of them.
pub(crate) fn groups(resolved: &Resolved) -> Vec<Group> {
    let slos = |service: usize| &resolved.services[service].slos;
    let mut groups: Vec<Group> = Vec::new();
    for route in &resolved.routes {
        let services: Vec<usize> = route.cells.iter().map(|&cell| cell as usize).collect();
        if services.iter().all(|&cell| slos(cell) == slos(services[0])) {
            groups.push(Group { name: route.name.to_string(), services });
        }
    }
    for (service, at) in resolved.services.iter().zip(0..) {
        if !groups.iter().any(|group| group.services.contains(&at)) {
            groups.push(Group { name: service.name.to_string(), services: vec![at] });
        }
    }
    groups
}

/// The group that speaks for a variant where there is room for one: the first.
pub(crate) fn spoken_for(resolved: &Resolved) -> Group {
    groups(resolved).swap_remove(0)
}

impl Group {
    /// A sum over its services in one run.
    pub(crate) fn sum(&self, run: &Run, of: impl Fn(&ServiceRecord) -> f64) -> f64 {
        self.services.iter().map(|&at| of(&run.record.services[at])).sum()
    }

    /// Latency of one run over all its services: histograms and sums add up exactly.
    pub(crate) fn latency(&self, run: &Run) -> Latency {
        let mut merged = run.record.services[self.services[0]].latency.clone();
        for &service in &self.services[1..] {
            merged.merge(&run.record.services[service].latency);
        }
        merged
    }

    /// Latency over runs.
    pub(crate) fn latency_of(&self, runs: &[&Run]) -> Latency {
        let mut merged = self.latency(runs[0]);
        for run in &runs[1..] {
            merged.merge(&self.latency(run));
        }
        merged
    }

    /// How a promise was kept in one run.
    pub(crate) fn slo(&self, run: &Run, position: usize, slo: &Slo) -> SloResult {
        SloResult::of_counts(self.slo_count(run, position), &self.latency(run), slo)
    }

    /// Requests that kept a promise in one run, and those that broke it.
    pub(crate) fn slo_count(&self, run: &Run, position: usize) -> SloCount {
        let counts = self.services.iter().filter_map(|&at| run.record.services[at].latency.slos.get(position));
        counts
            .fold(SloCount::default(), |sum, count| SloCount { good: sum.good + count.good, bad: sum.bad + count.bad })
    }
}
