//! A record by service: figures of one service do not look at those of all others, of which there may
//! be thousands.

use super::scope::Group;
use crate::run::Run;
use flashcrowd_core::ledger::{Bill, BillLine, ClientRecord, SeriesRow};
use std::collections::BTreeMap;

/// What a record holds of each service and route.
pub(super) struct Index<'a> {
    rows: BTreeMap<u32, Vec<&'a SeriesRow>>,
    /// By service, of clients that no route stands before.
    clients: BTreeMap<u32, Vec<&'a ClientRecord>>,
    of_routes: BTreeMap<u32, Vec<&'a ClientRecord>>,
    bill: BTreeMap<u32, Paid>,
    warmup: BTreeMap<u32, Paid>,
    /// Wishes of controllers that were refused.
    refused: BTreeMap<u32, i128>,
}

/// What was paid for: each line rounded down once, as in tables of the whole bill.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paid {
    pub(super) gpu_ps: i128,
    pub(super) pico_usd: i128,
}

impl Paid {
    pub(super) fn add(&mut self, bill: &Bill, line: BillLine, gpu_ps: u128) {
        self.gpu_ps += gpu_ps as i128;
        self.pico_usd += bill.price(line.rate, gpu_ps).whole as i128;
    }
}

impl<'a> Index<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        let record = &run.record;
        let (mut rows, mut clients, mut of_routes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for row in &record.series {
            rows.entry(row.service).or_insert_with(Vec::new).push(row);
        }
        for client in &record.clients {
            let of = if client.route.is_some() { &mut of_routes } else { &mut clients };
            of.entry(client.route.unwrap_or(client.service)).or_insert_with(Vec::new).push(client);
        }
        let mut refused = BTreeMap::new();
        for decision in &record.decisions {
            *refused.entry(decision.target.0).or_default() += decision.refused.len() as i128;
        }
        Index { rows, clients, of_routes, bill: paid(&record.bill), warmup: paid(&record.warmup_bill), refused }
    }

    /// Rows of the series of all services of a group, in order.
    pub(super) fn rows(&self, group: &Group) -> Vec<&'a SeriesRow> {
        let of = |at: &usize| self.rows.get(&(*at as u32)).into_iter().flatten().copied();
        let mut rows: Vec<&SeriesRow> = group.services.iter().flat_map(of).collect();
        if group.services.len() > 1 {
            rows.sort_by_key(|row| (row.at, row.service));
        }
        rows
    }

    /// Clients of a route, or of a service that no route stands before.
    pub(super) fn clients(&self, group: &Group) -> Vec<&'a ClientRecord> {
        let of_service = |at: &usize| self.clients.get(&(*at as u32)).into_iter().flatten().copied();
        match group.route {
            Some(route) => self.of_routes.get(&route).cloned().unwrap_or_default(),
            None => group.services.iter().flat_map(of_service).collect(),
        }
    }

    /// What the services of a group held of the bill.
    pub(super) fn paid(&self, group: &Group) -> Paid {
        sum(&self.bill, group)
    }

    /// What they held of it before the warm-up ended.
    pub(super) fn paid_in_warmup(&self, group: &Group) -> Paid {
        sum(&self.warmup, group)
    }

    /// Wishes for the services of a group that were refused, or for all.
    pub(super) fn refused(&self, group: Option<&Group>) -> i128 {
        match group {
            None => self.refused.values().sum(),
            Some(group) => group.services.iter().filter_map(|at| self.refused.get(&(*at as u32))).sum(),
        }
    }
}

fn paid(bill: &Bill) -> BTreeMap<u32, Paid> {
    let mut by_service: BTreeMap<u32, Paid> = BTreeMap::new();
    for (line, gpu_ps) in bill.lines() {
        if let Some(service) = line.service {
            by_service.entry(service).or_default().add(bill, line, gpu_ps);
        }
    }
    by_service
}

fn sum(by_service: &BTreeMap<u32, Paid>, group: &Group) -> Paid {
    group.services.iter().filter_map(|at| by_service.get(&(*at as u32))).fold(Paid::default(), |sum, own| Paid {
        gpu_ps: sum.gpu_ps + own.gpu_ps,
        pico_usd: sum.pico_usd + own.pico_usd,
    })
}
