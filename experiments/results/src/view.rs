//! What a figure is computed from: one trial's record, seen from one scope.

use super::by_service::{ByService, Line};
use super::latency::Statistic;
use super::part::{Distribution, Part, Quantile};
use super::scope::{At, Group};
use super::spread::Spread;
use crate::run::Run;
use flashcrowd_core::ledger::{BillLine, ClientRecord, Latency, SeriesRow, ServedRecord};
use flashcrowd_scenario::Resolved;
use std::collections::BTreeMap;

/// One trial from one scope.
pub(crate) struct View<'a> {
    pub(crate) resolved: &'a Resolved,
    pub(crate) run: &'a Run,
    pub(crate) at: &'a At,
    pub(crate) by: &'a ByService<'a>,
    pub(crate) measured: Measured,
}

/// Latencies of a scope over one trial.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) spreads: BTreeMap<Distribution, Spread>,
    /// Exact sums in microseconds and the counts below them.
    means: BTreeMap<Distribution, (i128, i128)>,
}

impl<'a> View<'a> {
    pub(crate) fn new(resolved: &'a Resolved, run: &'a Run, by: &'a ByService<'a>, at: &'a At) -> Self {
        let measured = match at {
            At::Group(group) => Measured::of(&group.latency(run)),
            At::Slo(group, position) => {
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
        View { resolved, run, at, by, measured }
    }

    pub(crate) fn latency(&self, of: Distribution, statistic: Statistic) -> Option<Part> {
        let spread = self.measured.spreads.get(&of)?;
        match statistic {
            Statistic::Mean => {
                let (sum, count) = self.measured.means.get(&of)?;
                Part::ratio(*sum, *count)
            }
            Statistic::Quantile(q) => Some(Part::Hist(of, Quantile { q, beyond: 0, within: None })),
            Statistic::Max => Some(Part::max(spread.max_us())),
        }
    }

    /// The group that it is, if it is one.
    pub(crate) fn group(&self) -> Option<&'a Group> {
        match self.at {
            At::Group(group) => Some(group),
            _ => None,
        }
    }

    /// Clients whose requests are of this scope: of all, of a route, or of a service that no route
    /// stands before.
    pub(crate) fn clients(&self) -> &[&'a ClientRecord] {
        match self.at {
            At::All => &self.by.clients,
            At::Group(Group { route: Some(route), .. }) => &self.by.routes[*route as usize],
            At::Group(group) => &self.by.services[group.services[0]].clients,
            _ => &[],
        }
    }

    /// Rows of the series that are of this scope, by period.
    pub(crate) fn rows(&self) -> Vec<&'a SeriesRow> {
        match self.at {
            At::All => self.run.record.series.iter().collect(),
            At::Group(group) => {
                let own = group.services.iter().flat_map(|&at| &self.by.services[at].rows);
                let mut rows: Vec<&SeriesRow> = own.copied().collect();
                if group.services.len() > 1 {
                    rows.sort_by_key(|row| row.at);
                }
                rows
            }
            _ => Vec::new(),
        }
    }

    /// Lines of the bill that are of this scope.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a Line> {
        let by = self.by;
        let near: Vec<&[Line]> = match self.at {
            At::Group(group) => group.services.iter().map(|&at| by.services[at].lines.as_slice()).collect(),
            At::Pool(at) => vec![&by.pools[*at as usize]],
            _ => vec![&by.lines],
        };
        near.into_iter().flatten().filter(|line| self.has_line(&line.of))
    }

    /// What each cell did for the clients of an origin, or on one way.
    pub(crate) fn served(&self) -> Vec<&'a ServedRecord> {
        match self.at {
            At::Origin(origin) => served(self.run, *origin).collect(),
            At::Way(origin, to) => {
                let resolved = self.resolved;
                served(self.run, *origin).filter(move |one| region_of(resolved, one.service) == *to).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether a line of the bill is of this scope.
    fn has_line(&self, line: &BillLine) -> bool {
        let pool = &self.resolved.pools[line.pool as usize];
        match self.at {
            At::All => true,
            At::Group(group) => line.service.is_some_and(|service| group.services.contains(&(service as usize))),
            At::Pool(at) => line.pool == *at,
            At::Region(at) => pool.region == *at,
            At::Market(market) => pool.market == *market,
            At::State(state) => line.state == *state,
            At::Use(one) => one.has(line),
            At::Slo(..) | At::Origin(_) | At::Way(..) => false,
        }
    }

    /// The run's length in picoseconds.
    pub(crate) fn span_ps(&self) -> i128 {
        i128::from(self.run.record.ended.as_ps())
    }
}

/// The region in which a service stands.
pub(crate) fn region_of(resolved: &Resolved, service: u32) -> u32 {
    resolved.pools[resolved.services[service as usize].config.pools[0] as usize].region
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
        let Some(counts) = latency.counts(one.part()) else { return };
        // Picoseconds over a million times the count: microseconds.
        let count = i128::from(counts.total) * 1_000_000;
        self.spreads.insert(one, Spread::of_counts(&counts));
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
