//! Where requests came from and who served them, what each market and region cost, and what befell
//! the fleet.

use super::format::{count, duration, money, percent};
use super::line;
use crate::export::summary::quantile_s;
use crate::run::Run;
use crate::scenario::resolve::Resolved;
use flashcrowd_core::ledger::{MarketRecord, RunRecord};
use flashcrowd_core::ports::Fault;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What clients of one region saw, over runs.
struct Origin {
    e2e: Histogram<u64>,
    ttft: Histogram<u64>,
    /// Requests completed, by region.
    served: BTreeMap<u32, u64>,
}

/// Latency by origin and who was served where.
pub(super) fn origins(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let mut origins: BTreeMap<u32, Origin> = BTreeMap::new();
    for client in runs.iter().flat_map(|run| &run.record.clients) {
        let Some(at) = client.origin.filter(|_| client.route.is_some()) else { continue };
        for served in &client.served {
            let origin = origins.entry(at).or_insert_with(|| Origin {
                e2e: served.e2e.clone(),
                ttft: served.ttft.clone(),
                served: BTreeMap::new(),
            });
            if !origin.served.is_empty() {
                // Both grow as they must.
                let _ = origin.e2e.add(&served.e2e);
                let _ = origin.ttft.add(&served.ttft);
            }
            let region = resolved.pools[resolved.services[served.service as usize].pools[0] as usize].region;
            *origin.served.entry(region).or_default() += served.completed;
        }
    }
    for (i, (at, origin)) in origins.iter().enumerate() {
        let tokens = !origin.ttft.is_empty();
        let (what, histogram) = if tokens { ("ttft", &origin.ttft) } else { ("e2e", &origin.e2e) };
        let q = |quantile| duration(quantile_s(histogram, quantile));
        let total: u64 = origin.served.values().sum();
        let mut served: Vec<(u64, u32)> = origin.served.iter().map(|(region, count)| (*count, *region)).collect();
        served.sort_by_key(|(count, region)| (std::cmp::Reverse(*count), *region));
        let name = |region: u32| &*resolved.regions[region as usize].name;
        let share = |count: u64| percent(count as f64 / total.max(1) as f64);
        let by: Vec<String> = served
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, at)| format!("{} {}", name(*at), share(*count)))
            .collect();
        let label = if i == 0 { "origin" } else { "" };
        let content = format!(
            "{:<14} {} completed, {what} p50 {} p99 {}; by {}",
            name(*at),
            count(total),
            q(0.5),
            q(0.99),
            by.join(", ")
        );
        line(text, label, &content);
    }
}

/// What each market and region cost, where there are several, and what left the regions.
pub(super) fn costs(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let usd = |pick: &dyn Fn(u32) -> bool| {
        runs.iter().map(|run| run.record.bill.usd(|line| pick(line.pool))).sum::<f64>() / runs.len() as f64
    };
    let mut parts: Vec<String> = Vec::new();
    let mut markets: Vec<_> = resolved.pools.iter().map(|pool| pool.market).collect();
    markets.sort_unstable();
    markets.dedup();
    if markets.len() > 1 {
        let cost = |market| usd(&|pool| resolved.pools[pool as usize].market == market);
        parts.extend(
            markets.iter().map(|&market| format!("{} {}", market.name().replace('_', "-"), money(cost(market)))),
        );
    }
    if resolved.regions.len() > 1 {
        let cost = |region| usd(&|pool| resolved.pools[pool as usize].region == region);
        let costs = (0_u32..).zip(&resolved.regions).map(|(at, region)| (cost(at), &region.name));
        parts.extend(costs.filter(|(cost, _)| *cost > 0.0).map(|(cost, name)| format!("{name} {}", money(cost))));
    }
    let egress = runs.iter().map(|run| egress_usd(&run.record)).sum::<f64>() / runs.len() as f64;
    if egress > 0.0 {
        parts.push(format!("egress {}", money(egress)));
    }
    if !parts.is_empty() {
        line(text, "", &parts.join("  "));
    }
}

/// Dollars for what was sent between regions.
pub(crate) fn egress_usd(record: &RunRecord) -> f64 {
    record.egress.iter().map(|egress| egress.pico_usd as f64).sum::<f64>() / 1e12
}

/// How much of what was asked for was there, where capacity was bought or lost.
pub(super) fn losses(resolved: &Resolved, runs: &[&Run], service: usize) -> Option<String> {
    let records = || runs.iter().map(|run| &run.record.services[service]);
    let sum = |pick: fn(&MarketRecord) -> u64| records().map(|record| pick(&record.market)).sum::<u64>();
    let (lost, attempts) = (sum(|market| market.preempted), sum(|market| market.attempts));
    if lost + attempts == 0 {
        return None;
    }
    let span_s = resolved.horizon.as_s_f64() * runs.len() as f64;
    let short_s: f64 = records().map(|record| record.short.as_s_f64()).sum();
    let available = percent(1.0 - short_s / span_s);
    let mut content = format!("all wanted ready {available} of the time, {} lost", count(lost));
    let requeued = sum(|market| market.requeued);
    if requeued > 0 {
        let _ = write!(content, " ({} requests sent again)", count(requeued));
    }
    Some(content)
}

/// Outages of the first run, and when probes noticed.
pub(super) fn outages(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let record = &runs[0].record;
    let since = |at: flashcrowd_core::SimTime| format!("+{}", duration(at.as_s_f64()));
    let mut shown = 0;
    for (i, fault) in record.faults.iter().enumerate() {
        let Fault::Unreachable { region, begins: true } = fault.fault else { continue };
        let ends =
            |other: &&flashcrowd_core::ledger::FaultRecord| other.fault == Fault::Unreachable { region, begins: false };
        let until = record.faults[i..].iter().find(ends).map_or_else(|| "the end".to_owned(), |end| since(end.at));
        let name = &resolved.regions[region as usize].name;
        let of_region = |cell: &flashcrowd_core::ledger::HealthRecord| {
            let service = resolved.routes[cell.route as usize].cells[cell.cell as usize];
            resolved.pools[resolved.services[service as usize].pools[0] as usize].region == region
        };
        let noticed = record.health.iter().find(|change| change.at >= fault.at && !change.healthy && of_region(change));
        let noticed = noticed.map_or_else(String::new, |change| {
            format!(", noticed after {}", duration(change.at.since(fault.at).as_s_f64()))
        });
        line(text, "outage", &format!("{name} from {} to {until}{noticed}", since(fault.at)));
        shown += 1;
        if shown == 2 {
            break;
        }
    }
}
