//! What a figure is computed from: one trial's record, seen from one scope.

use super::figure::Statistic;
use super::index::{Index, Paid};
use super::part::{Distribution, Part, Quantile, Spread};
use super::scope::{At, Group};
use crate::run::Run;
use crate::scenario::resolve::Resolved;
use flashcrowd_core::ledger::{BillLine, ClientRecord, Latency, ServedRecord};
use std::collections::BTreeMap;

/// One trial from one scope.
pub(super) struct View<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) run: &'a Run,
    pub(super) at: &'a At,
    pub(super) index: &'a Index<'a>,
    pub(super) measured: Measured,
}

/// Latencies of a scope over one trial.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) spreads: BTreeMap<Distribution, Spread>,
    /// Exact sums in microseconds and the counts below them.
    means: BTreeMap<Distribution, (i128, i128)>,
}

impl<'a> View<'a> {
    pub(super) fn new(resolved: &'a Resolved, run: &'a Run, at: &'a At, index: &'a Index<'a>) -> Self {
        let measured = match at {
            At::Group(group) => Measured::of(&group.latency(run)),
            At::Promise(group, position) => {
                let slo = group.slos(resolved).get(*position);
                slo.map_or_else(Measured::default, |slo| {
                    Measured::of_one(&group.latency(run), Distribution::of(slo.part))
                })
            }
            At::Origin(origin) => Measured::served(served(run, *origin)),
            At::Way(origin, to) => {
                let there = served(run, *origin).filter(|served| region_of(resolved, served.service) == *to);
                Measured::served(there)
            }
            _ => Measured::default(),
        };
        View { resolved, run, at, index, measured }
    }

    pub(super) fn latency(&self, of: Distribution, statistic: Statistic) -> Option<Part> {
        let spread = self.measured.spreads.get(&of)?;
        match statistic {
            Statistic::Mean => {
                let (sum, count) = self.measured.means.get(&of)?;
                Part::ratio(*sum, *count)
            }
            Statistic::Quantile(q) => Some(Part::Hist(of, Quantile { q, beyond: 0, within: None })),
            Statistic::Max => Some(Part::max(spread.max_us)),
        }
    }

    /// The group that it is, if it is one.
    pub(super) fn group(&self) -> Option<&'a Group> {
        match self.at {
            At::Group(group) => Some(group),
            _ => None,
        }
    }

    /// Clients whose requests are of this scope: of all, of a route, or of a service that no route
    /// stands before.
    pub(super) fn clients(&self) -> Vec<&'a ClientRecord> {
        match self.at {
            At::All => self.run.record.clients.iter().collect(),
            At::Group(group) => self.index.clients(group),
            _ => Vec::new(),
        }
    }

    /// What each cell did for the clients of an origin, or on one way.
    pub(super) fn served(&self) -> Vec<&'a ServedRecord> {
        match self.at {
            At::Origin(origin) => served(self.run, *origin).collect(),
            At::Way(origin, to) => {
                let resolved = self.resolved;
                served(self.run, *origin).filter(move |one| region_of(resolved, one.service) == *to).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What was paid for it, and of that before the warm-up ended.
    pub(super) fn paid(&self) -> [Paid; 2] {
        if let At::Group(group) = self.at {
            return [self.index.paid(group), self.index.paid_in_warmup(group)];
        }
        let record = &self.run.record;
        [&record.bill, &record.warmup_bill].map(|bill| {
            let mut paid = Paid::default();
            bill.lines()
                .filter(|(line, _)| self.has_line(line))
                .for_each(|(line, gpu_ps)| paid.add(bill, line, gpu_ps));
            paid
        })
    }

    /// Whether a line of the bill is of this scope.
    fn has_line(&self, line: &BillLine) -> bool {
        let pool = &self.resolved.pools[line.pool as usize];
        match self.at {
            At::All => true,
            At::Pool(at) => line.pool == *at,
            At::Region(at) => pool.region == *at,
            At::Market(market) => pool.market == *market,
            At::State(state) => line.state == *state,
            At::Use(one) => one.has(line),
            At::Group(_) | At::Promise(..) | At::Origin(_) | At::Way(..) => false,
        }
    }

    /// The run's length in picoseconds.
    pub(super) fn span_ps(&self) -> i128 {
        i128::from(self.run.record.ended.as_ps())
    }
}

/// The region in which a service stands.
pub(super) fn region_of(resolved: &Resolved, service: u32) -> u32 {
    resolved.pools[resolved.services[service as usize].pools[0] as usize].region
}

fn served(run: &Run, origin: u32) -> impl Iterator<Item = &ServedRecord> {
    let clients = run.record.clients.iter().filter(move |client| client.route.is_some());
    clients.filter(move |client| client.origin == Some(origin)).flat_map(|client| &client.served)
}

impl Measured {
    fn of(latency: &Latency) -> Self {
        let mut all = Measured::default();
        for one in Distribution::ALL {
            all.add(latency, one);
        }
        all
    }

    fn of_one(latency: &Latency, one: Distribution) -> Self {
        let mut all = Measured::default();
        all.add(latency, one);
        all
    }

    /// Adds one distribution, unless nothing was recorded of it.
    fn add(&mut self, latency: &Latency, one: Distribution) {
        let (Some(counts), Some(max_us)) = (latency.counts(one.part()), latency.max_us(one.part())) else { return };
        // Picoseconds over a million times the count: microseconds.
        let count = i128::from(latency.count(one.part())) * 1_000_000;
        self.spreads.insert(one, Spread::new(counts, max_us));
        self.means.insert(one, (latency.sum_ps(one.part()) as i128, count));
    }

    fn served<'r>(records: impl Iterator<Item = &'r ServedRecord>) -> Self {
        let mut all = Measured::default();
        for served in records.filter(|served| !served.e2e.is_empty()) {
            let spread = Spread::of_served(served, Distribution::E2e);
            let (sum, count) = (served.e2e_sum_us as i128, i128::from(served.e2e.len()));
            all.join(Distribution::E2e, spread, Some((sum, count)));
            if !served.ttft.is_empty() {
                all.join(Distribution::Ttft, Spread::of_served(served, Distribution::Ttft), None);
            }
        }
        all
    }

    fn join(&mut self, of: Distribution, spread: Spread, mean: Option<(i128, i128)>) {
        match self.spreads.get_mut(&of) {
            Some(sum) => sum.merge(&spread),
            None => drop(self.spreads.insert(of, spread)),
        }
        if let Some((sum, count)) = mean {
            let pair = self.means.entry(of).or_default();
            *pair = (pair.0 + sum, pair.1 + count);
        }
    }
}
