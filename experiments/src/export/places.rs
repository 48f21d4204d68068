//! Tables of regions: what befell the fleet, what probes said, and who served whom.

use super::summary::quantile_s;
use super::tables::s;
use crate::run::Run;
use crate::scenario::resolve::Resolved;
use flashcrowd_core::ports::{Area, Fault};

pub(super) const FAULTS: [&str; 6] = ["at_s", "fault", "region", "zone", "pool", "value"];
pub(super) const HEALTH: [&str; 4] = ["at_s", "route", "service", "healthy"];
pub(super) const SERVED: [&str; 12] = [
    "traffic",
    "origin",
    "service",
    "region",
    "round_trip_s",
    "attempts",
    "completed",
    "e2e_mean_s",
    "e2e_p50_s",
    "e2e_p99_s",
    "ttft_p50_s",
    "ttft_p99_s",
];

fn region_name(resolved: &Resolved, region: u32) -> String {
    resolved.regions[region as usize].name.to_string()
}

fn zone_name(resolved: &Resolved, region: u32, zone: u32) -> String {
    resolved.regions[region as usize].zones[zone as usize].to_string()
}

pub(super) fn faults(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let area = |area: Area| {
        let zone = area.zone.map_or_else(String::new, |zone| zone_name(resolved, area.region, zone));
        [region_name(resolved, area.region), zone, String::new()]
    };
    let place = |pool: u32, zone: u32| {
        let config = &resolved.pools[pool as usize];
        [region_name(resolved, config.region), zone_name(resolved, config.region, zone), config.name.to_string()]
    };
    let begins = |begins: bool| if begins { "begins" } else { "ends" }.to_owned();
    let row = |record: &flashcrowd_core::ledger::FaultRecord| {
        let (name, place, value) = match record.fault {
            Fault::Capacity { pool, zone, nodes } => ("capacity", place(pool, zone), nodes.to_string()),
            Fault::Price { pool, zone, price } => ("price", place(pool, zone), price.as_usd().to_string()),
            Fault::Lose { area: at, share_ppm } => ("lose", area(at), (f64::from(share_ppm) / 1e6).to_string()),
            Fault::Block { area: at, begins: on } => ("block", area(at), begins(on)),
            Fault::Unreachable { region, begins: on } => ("unreachable", area(Area { region, zone: None }), begins(on)),
            Fault::Node { pool } => {
                let config = &resolved.pools[pool as usize];
                let at = [region_name(resolved, config.region), String::new(), config.name.to_string()];
                ("node", at, String::new())
            }
            Fault::Link { from, to, delay, loss_ppm } => {
                let at = [region_name(resolved, from), region_name(resolved, to), String::new()];
                let value = format!("+{}s, {} lost", delay.as_s_f64(), f64::from(loss_ppm) / 1e6);
                ("link", at, value)
            }
        };
        let [region, zone, pool] = place;
        vec![s(record.at), name.to_owned(), region, zone, pool, value]
    };
    run.record.faults.iter().map(row).collect()
}

pub(super) fn health(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let row = |change: &flashcrowd_core::ledger::HealthRecord| {
        let route = &resolved.routes[change.route as usize];
        let service = route.cells[change.cell as usize];
        let service = resolved.services[service as usize].name.to_string();
        vec![s(change.at), route.name.to_string(), service, change.healthy.to_string()]
    };
    run.record.health.iter().map(row).collect()
}

pub(super) fn served(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for client in &run.record.clients {
        let Some(origin) = client.origin else { continue };
        for served in &client.served {
            let service = &resolved.services[served.service as usize];
            let region = resolved.pools[service.pools[0] as usize].region;
            let q = |histogram, quantile| format!("{:.6}", quantile_s(histogram, quantile));
            let mean = served.e2e_sum_us as f64 / served.e2e.len().max(1) as f64 / 1e6;
            rows.push(vec![
                client.name.to_string(),
                region_name(resolved, origin),
                service.name.to_string(),
                region_name(resolved, region),
                format!("{:.6}", resolved.geography.round_trip(origin, region).as_s_f64()),
                served.attempts.to_string(),
                served.completed.to_string(),
                format!("{mean:.6}"),
                q(&served.e2e, 0.5),
                q(&served.e2e, 0.99),
                q(&served.ttft, 0.5),
                q(&served.ttft, 0.99),
            ]);
        }
    }
    rows
}
