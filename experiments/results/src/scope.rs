//! What a figure is about: the whole run, a route, a service, one SLO, a pool, a state of GPUs ...

use super::latency::part_name;
use crate::run::Run;
use flashcrowd_core::ledger::{BillLine, GpuState, Latency, ServiceRecord, SloCount};
use flashcrowd_core::serving::Slo;
use flashcrowd_core::units::Market;
use flashcrowd_language::units::Duration;
use flashcrowd_scenario::Resolved;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A kind of things that figures are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ScopeKind {
    /// The whole run.
    All,
    /// One name in front of services in several regions.
    Route,
    /// A service.
    Service,
    /// One SLO of a service, or of a route whose cells have the same.
    Slo,
    /// A node pool.
    Pool,
    /// A region.
    Region,
    /// A market: on demand, reserved, spot.
    Market,
    /// A state of GPUs, as the bill has them.
    State,
    /// What GPUs were paid for, in the words of the report.
    Use,
    /// The clients of one region.
    Origin,
    /// What one region did for the clients of another.
    Way,
}

/// One thing that figures are about, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// What it is.
    pub kind: ScopeKind,
    /// Its name; empty for the whole run.
    pub name: String,
}

impl Scope {
    /// The whole run.
    pub fn all() -> Self {
        Scope::new(ScopeKind::All, "")
    }

    /// A thing of a kind, by its name.
    pub fn new(kind: ScopeKind, name: impl Into<String>) -> Self {
        Scope { kind, name: name.into() }
    }
}

/// What GPUs were paid for: states of the bill, where idle ones of a replica and those that nobody
/// holds are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// One request at least was at work there.
    Requests,
    /// The node boots or the replica is not ready.
    Starting,
    /// A deleted replica finishes its work.
    Draining,
    /// A ready replica without work.
    IdlePods,
    /// On a node that is paid for, held by nobody.
    Empty,
    /// Trains.
    Training,
    /// What a minimum charge adds.
    Minimum,
    /// Committed to and not used.
    Unused,
}

impl Use {
    /// All, in the order of reports.
    pub const ALL: [Use; 8] = [
        Use::Requests,
        Use::Starting,
        Use::Draining,
        Use::IdlePods,
        Use::Empty,
        Use::Training,
        Use::Minimum,
        Use::Unused,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Use::Requests => "requests",
            Use::Starting => "starting",
            Use::Draining => "draining",
            Use::IdlePods => "idle pods",
            Use::Empty => "empty GPUs",
            Use::Training => "training",
            Use::Minimum => "minimum charge",
            Use::Unused => "unused commitment",
        }
    }

    /// Whether a line of the bill is of this use; each line is of exactly one.
    pub fn has(self, line: &BillLine) -> bool {
        let of = match line.state {
            GpuState::Serving => Use::Requests,
            GpuState::Starting => Use::Starting,
            GpuState::Draining => Use::Draining,
            GpuState::Idle if line.service.is_some() => Use::IdlePods,
            GpuState::Idle => Use::Empty,
            GpuState::Training => Use::Training,
            GpuState::Minimum => Use::Minimum,
            GpuState::Unused => Use::Unused,
        };
        of == self
    }
}

/// Services that are judged together: one, or all the cells of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name of the route, or of the service.
    pub name: String,
    /// By position; never empty.
    pub services: Vec<usize>,
    /// The route, by position, if it is one.
    pub route: Option<u32>,
}

/// What is judged: routes whose cells have the same SLOs, and then services that are in none of them.
pub fn groups(resolved: &Resolved) -> Vec<Group> {
    let mut groups: Vec<Group> = routes(resolved).filter(|group| group.slos_alike(resolved)).collect();
    let mut in_route = vec![false; resolved.services.len()];
    groups.iter().flat_map(|group| &group.services).for_each(|&at| in_route[at] = true);
    for (service, at) in resolved.services.iter().zip(0..) {
        if !in_route[at] {
            groups.push(Group { name: service.config.name.to_string(), services: vec![at], route: None });
        }
    }
    groups
}

fn routes(resolved: &Resolved) -> impl Iterator<Item = Group> {
    resolved.routes.iter().zip(0..).map(|(route, at)| Group {
        name: route.name.to_string(),
        services: route.cells.iter().map(|&cell| cell as usize).collect(),
        route: Some(at),
    })
}

impl Group {
    /// The scope of its figures.
    pub fn scope(&self) -> Scope {
        let kind = if self.route.is_some() { ScopeKind::Route } else { ScopeKind::Service };
        Scope::new(kind, &*self.name)
    }

    /// The scope of one of its SLOs.
    pub fn slo_scope(&self, slo: &Slo) -> Scope {
        Scope::new(ScopeKind::Slo, slo_name(&self.name, slo))
    }

    fn slos_alike(&self, resolved: &Resolved) -> bool {
        let slos = |service: usize| &resolved.services[service].config.slos;
        self.services.iter().all(|&cell| slos(cell) == slos(self.services[0]))
    }

    /// Its SLOs; nothing where its cells have different ones.
    pub fn slos<'r>(&self, resolved: &'r Resolved) -> &'r [Slo] {
        if self.slos_alike(resolved) { &resolved.services[self.services[0]].config.slos } else { &[] }
    }

    pub(crate) fn records<'r>(&'r self, run: &'r Run) -> impl Iterator<Item = &'r ServiceRecord> {
        self.services.iter().map(|&at| &run.record.services[at])
    }

    /// An integer over all its services.
    pub(crate) fn sum(&self, run: &Run, of: impl Fn(&ServiceRecord) -> u64) -> i128 {
        self.records(run).map(|record| i128::from(of(record))).sum()
    }

    /// Latency of one run over all its services: counts and sums add up exactly.
    pub(crate) fn latency<'r>(&self, run: &'r Run) -> Cow<'r, Latency> {
        let mut merged = Cow::Borrowed(&run.record.services[self.services[0]].latency);
        for &service in &self.services[1..] {
            merged.to_mut().merge(&run.record.services[service].latency);
        }
        merged
    }

    /// Requests that kept an SLO in one run, and those that broke it.
    pub(crate) fn slo_count(&self, run: &Run, position: usize) -> SloCount {
        let counts = self.records(run).filter_map(|record| record.latency.slos.get(position));
        counts
            .fold(SloCount::default(), |sum, count| SloCount { good: sum.good + count.good, bad: sum.bad + count.bad })
    }
}

/// A scope within one resolved variant: what its figures are computed from.
#[derive(Clone, Debug)]
pub(crate) enum At {
    All,
    Group(Group),
    Slo(Group, usize),
    Pool(u32),
    Region(u32),
    Market(Market),
    State(GpuState),
    Use(Use),
    Origin(u32),
    Way(u32, u32),
}

/// The name of an SLO: `chat: ttft p99 < 2s`.
fn slo_name(group: &str, slo: &Slo) -> String {
    format!("{group}: {}", slo_words(slo))
}

/// `ttft p99 < 2s`, with all digits that were given.
pub(crate) fn slo_words(slo: &Slo) -> String {
    let part = part_name(slo.part).replace('_', " ");
    format!("{part} {} < {}", quantile_name(slo.quantile), Duration(slo.limit))
}

/// `p99` of 0.99, `p99.9` of 0.999.
pub(crate) fn quantile_name(quantile: f64) -> String {
    // Products such as 0.07 * 100 have digits that nobody wrote.
    let percent = format!("{:.10}", quantile * 100.0);
    format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// Every scope of a variant.
pub(crate) fn scopes(resolved: &Resolved) -> Vec<(Scope, At)> {
    let mut scopes = vec![(Scope::all(), At::All)];
    let mut known: BTreeSet<Scope> = BTreeSet::new();
    let mut add = |scope: Scope, at: At| {
        // An SLO that is given twice is one.
        if known.insert(scope.clone()) {
            scopes.push((scope, at));
        }
    };
    let service =
        |at: usize| Group { name: resolved.services[at].config.name.to_string(), services: vec![at], route: None };
    let groups = routes(resolved).chain((0..resolved.services.len()).map(service));
    for group in groups {
        for (slo, position) in group.slos(resolved).iter().zip(0..) {
            add(group.slo_scope(slo), At::Slo(group.clone(), position));
        }
        add(group.scope(), At::Group(group));
    }
    let mut add = |kind, name: &str, at: At| add(Scope::new(kind, name), at);
    for (pool, at) in resolved.pools.iter().zip(0..) {
        add(ScopeKind::Pool, &pool.name, At::Pool(at));
    }
    let mut markets: Vec<Market> = resolved.pools.iter().map(|pool| pool.market).collect();
    markets.sort_unstable();
    markets.dedup();
    for market in markets {
        add(ScopeKind::Market, market.name(), At::Market(market));
    }
    for state in GpuState::ALL {
        add(ScopeKind::State, state.name(), At::State(state));
    }
    for one in Use::ALL {
        add(ScopeKind::Use, one.words(), At::Use(one));
    }
    for (region, at) in resolved.regions.iter().zip(0..) {
        add(ScopeKind::Region, &region.name, At::Region(at));
    }
    if !resolved.routes.is_empty() {
        for (origin, from) in resolved.regions.iter().zip(0..) {
            add(ScopeKind::Origin, &origin.name, At::Origin(from));
            for (region, to) in resolved.regions.iter().zip(0..) {
                add(ScopeKind::Way, &way_name(&origin.name, &region.name), At::Way(from, to));
            }
        }
    }
    scopes
}

/// The name of what one region did for the clients of another.
pub fn way_name(origin: &str, region: &str) -> String {
    format!("{origin} -> {region}")
}
