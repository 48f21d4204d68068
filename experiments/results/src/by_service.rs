//! A record by service, made once for each trial: what is asked of each of thousands of services must not
//! walk through what is of all.

use crate::run::Run;
use flashcrowd_core::ledger::{Bill, BillLine, ClientRecord, SeriesRow};
use flashcrowd_scenario::Resolved;
use std::collections::BTreeMap;

/// A line of the bill with its price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) of: BillLine,
    pub(crate) gpu_ps: i128,
    /// Rounded down once: tables of one bill add up exactly.
    pub(crate) pico_usd: i128,
    /// Of that, before the end of the warm-up.
    pub(crate) early_pico_usd: i128,
}

/// What is of one service.
#[derive(Debug, Default)]
pub(crate) struct Own<'a> {
    /// Clients that no route sends elsewhere.
    pub(crate) clients: Vec<&'a ClientRecord>,
    /// Rows of the series, by time.
    pub(crate) rows: Vec<&'a SeriesRow>,
    pub(crate) lines: Vec<Line>,
    /// Actions of controllers that were refused.
    pub(crate) refused: i128,
}

/// A trial's record by what it is about.
#[derive(Debug)]
pub(crate) struct ByService<'a> {
    pub(crate) clients: Vec<&'a ClientRecord>,
    pub(crate) lines: Vec<Line>,
    pub(crate) services: Vec<Own<'a>>,
    pub(crate) pools: Vec<Vec<Line>>,
    pub(crate) routes: Vec<Vec<&'a ClientRecord>>,
}

impl<'a> ByService<'a> {
    pub(crate) fn new(resolved: &Resolved, run: &'a Run) -> Self {
        let record = &run.record;
        let mut by = ByService {
            clients: record.clients.iter().collect(),
            lines: priced(&record.bill, &record.warmup_bill),
            services: Vec::new(),
            pools: vec![Vec::new(); resolved.pools.len()],
            routes: vec![Vec::new(); resolved.routes.len()],
        };
        by.services.resize_with(resolved.services.len(), Own::default);
        for client in &record.clients {
            match client.route {
                Some(route) => by.routes[route as usize].push(client),
                None => by.services[client.service as usize].clients.push(client),
            }
        }
        for row in &record.series {
            by.services[row.service as usize].rows.push(row);
        }
        for line in &by.lines {
            by.pools[line.of.pool as usize].push(*line);
            if let Some(service) = line.of.service {
                by.services[service as usize].lines.push(*line);
            }
        }
        for decision in record.decisions.iter().filter(|decision| !decision.refused.is_empty()) {
            by.services[decision.target.0 as usize].refused += decision.refused.len() as i128;
        }
        by
    }
}

/// The lines of a bill, each once, with what had come to it by the end of the warm-up.
fn priced(bill: &Bill, early: &Bill) -> Vec<Line> {
    let price = |bill: &Bill, line: BillLine, gpu_ps| bill.price(line.rate, gpu_ps).whole as i128;
    let mut before: BTreeMap<BillLine, u128> = early.lines().collect();
    let mut lines: Vec<Line> = Vec::new();
    for (line, gpu_ps) in bill.lines() {
        let early_pico_usd = before.remove(&line).map_or(0, |gpu_ps| price(early, line, gpu_ps));
        let pico_usd = price(bill, line, gpu_ps);
        lines.push(Line { of: line, gpu_ps: gpu_ps as i128, pico_usd, early_pico_usd });
    }
    let rest = before.into_iter();
    lines.extend(rest.map(|(line, gpu_ps)| {
        let early_pico_usd = price(early, line, gpu_ps);
        Line { of: line, gpu_ps: 0, pico_usd: 0, early_pico_usd }
    }));
    lines
}
