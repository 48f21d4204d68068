//! `faults.csv`, `health.csv`, `served.csv`: what happened to the fleet, what probes said, who served whom.

use crate::part::Distribution;
use crate::spread::Spread;
use crate::table::{Cell, Column, Source, Table};
use crate::view::region_of;
use flashcrowd_core::ledger::{ClientRecord, FaultRecord, HealthRecord, ServedRecord};
use flashcrowd_core::ports::{Area, Fault};
use flashcrowd_scenario::Resolved;
use std::io;

/// One row for each fault.
pub(crate) struct Faults;

/// Region, zone and pool of a fault.
fn place(resolved: &Resolved, fault: &Fault) -> [String; 3] {
    let region = |at: u32| resolved.regions[at as usize].name.to_string();
    let zone = |at: u32, zone: u32| resolved.regions[at as usize].zones[zone as usize].to_string();
    let of = |area: Area| {
        let zone = area.zone.map_or_else(String::new, |own| zone(area.region, own));
        [region(area.region), zone, String::new()]
    };
    match *fault {
        Fault::Capacity { pool, zone: own, .. } | Fault::Price { pool, zone: own, .. } => {
            let config = &resolved.pools[pool as usize];
            [region(config.region), zone(config.region, own), config.name.to_string()]
        }
        Fault::Lose { area, .. } | Fault::Block { area, .. } => of(area),
        Fault::Unreachable { region, .. } => of(Area { region, zone: None }),
        Fault::Node { pool } => {
            let config = &resolved.pools[pool as usize];
            [region(config.region), String::new(), config.name.to_string()]
        }
        Fault::Link { from, to, .. } => [region(from), region(to), String::new()],
    }
}

/// What it is, and its value in words.
fn what(fault: &Fault) -> (&'static str, String) {
    let begins = |begins: bool| if begins { "begins" } else { "ends" }.to_owned();
    match *fault {
        Fault::Capacity { nodes, .. } => ("capacity", nodes.to_string()),
        Fault::Price { price, .. } => ("price", price.as_usd().to_string()),
        Fault::Lose { share_ppm, .. } => ("lose", (f64::from(share_ppm) / 1e6).to_string()),
        Fault::Block { begins: on, .. } => ("block", begins(on)),
        Fault::Unreachable { begins: on, .. } => ("unreachable", begins(on)),
        Fault::Node { .. } => ("node", String::new()),
        Fault::Link { delay, loss_ppm, .. } => {
            ("link", format!("+{}s, {} lost", delay.as_s_f64(), f64::from(loss_ppm) / 1e6))
        }
    }
}

impl Table for Faults {
    const NAME: &'static str = "faults";
    type Row<'a> = &'a FaultRecord;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::seconds("at_s", |_, row| Cell::at(row.at)),
        Column::text("fault", |_, row| Cell::text(what(&row.fault).0)),
        Column::text("region", |source, row| Cell::text(&place(source.resolved, &row.fault)[0])),
        Column::text("zone", |source, row| Cell::text(&place(source.resolved, &row.fault)[1])),
        Column::text("pool", |source, row| Cell::text(&place(source.resolved, &row.fault)[2])),
        Column::text("value", |_, row| Cell::Text(what(&row.fault).1)),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&&'a FaultRecord) -> io::Result<()>) -> io::Result<()> {
        source.run.record.faults.iter().try_for_each(|row| each(&row))
    }
}

/// One row for each change of what probes say.
pub(crate) struct Health;

impl Table for Health {
    const NAME: &'static str = "health";
    type Row<'a> = &'a HealthRecord;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::seconds("at_s", |_, row| Cell::at(row.at)),
        Column::text("route", |source, row| Cell::text(&*source.resolved.routes[row.route as usize].name)),
        Column::text("service", |source, row| {
            let service = source.resolved.routes[row.route as usize].cells[row.cell as usize];
            Cell::text(&*source.resolved.services[service as usize].config.name)
        }),
        Column::text("healthy", |_, row| Cell::text(row.healthy.to_string())),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&&'a HealthRecord) -> io::Result<()>) -> io::Result<()> {
        source.run.record.health.iter().try_for_each(|row| each(&row))
    }
}

/// One row for each client with a place and each cell that it may reach.
pub(crate) struct Served;

/// A client, its region, and what one cell did for it.
pub(crate) struct Way<'a> {
    client: &'a ClientRecord,
    origin: u32,
    served: &'a ServedRecord,
}

fn quantile(row: &Way<'_>, of: Distribution, q: f64) -> Cell {
    Spread::of_served(row.served, of).quantile(q, 0).map_or(Cell::Empty, |us| Cell::Micro(us / 1e6))
}

impl Table for Served {
    const NAME: &'static str = "served";
    type Row<'a> = Way<'a>;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::text("traffic", |_, row| Cell::text(&*row.client.name)),
        Column::text("origin", |source, row| Cell::text(&*source.resolved.regions[row.origin as usize].name)),
        Column::text("service", |source, row| {
            Cell::text(&*source.resolved.services[row.served.service as usize].config.name)
        }),
        Column::text("region", |source, row| {
            let region = region_of(source.resolved, row.served.service);
            Cell::text(&*source.resolved.regions[region as usize].name)
        }),
        Column::seconds("round_trip_s", |source, row| {
            let region = region_of(source.resolved, row.served.service);
            Cell::Micro(source.resolved.geography.round_trip(row.origin, region).as_s_f64())
        }),
        Column::count("attempts", |_, row| Cell::Integer(row.served.attempts)),
        Column::count("completed", |_, row| Cell::Integer(row.served.completed)),
        Column::seconds("e2e_mean_s", |_, row| match row.served.e2e.len() {
            0 => Cell::Empty,
            count => Cell::Micro(row.served.e2e_sum_us as f64 / count as f64 / 1e6),
        }),
        Column::seconds("e2e_p50_s", |_, row| quantile(row, Distribution::E2e, 0.5)),
        Column::seconds("e2e_p99_s", |_, row| quantile(row, Distribution::E2e, 0.99)),
        Column::seconds("ttft_p50_s", |_, row| quantile(row, Distribution::Ttft, 0.5)),
        Column::seconds("ttft_p99_s", |_, row| quantile(row, Distribution::Ttft, 0.99)),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&Way<'a>) -> io::Result<()>) -> io::Result<()> {
        for client in &source.run.record.clients {
            let Some(origin) = client.origin else { continue };
            for served in &client.served {
                each(&Way { client, origin, served })?;
            }
        }
        Ok(())
    }
}
