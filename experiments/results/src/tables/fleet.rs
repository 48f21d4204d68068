//! `fleet.csv` and `nodes.csv`: pools in each period, and every node that ever was.

use crate::table::{Cell, Column, Source, Table};
use flashcrowd_core::ledger::{FleetRow, NodeRecord};
use std::io;

/// One row for each pool and period of the series.
pub(crate) struct Fleet;

impl Table for Fleet {
    const NAME: &'static str = "fleet";
    type Row<'a> = &'a FleetRow;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::seconds("at_s", |_, row| Cell::at(row.at)),
        Column::text("pool", |source, row| Cell::text(&*source.resolved.pools[row.pool as usize].name)),
        Column::count("nodes_ready", |_, row| Cell::Integer(row.ready.into())),
        Column::count("nodes_booting", |_, row| Cell::Integer(row.booting.into())),
        Column::count("gpus_held", |_, row| Cell::Integer(row.gpus_held.into())),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&&'a FleetRow) -> io::Result<()>) -> io::Result<()> {
        source.run.record.fleet.iter().try_for_each(|row| each(&row))
    }
}

/// One row for each node.
pub(crate) struct Nodes;

impl Table for Nodes {
    const NAME: &'static str = "nodes";
    type Row<'a> = (usize, &'a NodeRecord);
    const COLUMNS: &'static [Column<Self>] = &[
        Column::count("node", |_, row| Cell::Integer(row.0 as u64)),
        Column::text("pool", |source, row| Cell::text(&*source.resolved.pools[row.1.pool as usize].name)),
        Column::text("zone", |source, row| {
            let region = source.resolved.pools[row.1.pool as usize].region;
            Cell::text(&*source.resolved.regions[region as usize].zones[row.1.zone as usize])
        }),
        Column::seconds("ordered_s", |_, row| Cell::at(row.1.ordered)),
        Column::seconds("ready_s", |_, row| Cell::maybe(row.1.ready)),
        Column::seconds("gone_s", |_, row| Cell::maybe(row.1.gone)),
        Column::seconds("reclaimed_s", |_, row| Cell::maybe(row.1.reclaimed)),
    ];

    fn rows<'a>(
        source: &Source<'a>,
        each: &mut dyn FnMut(&(usize, &'a NodeRecord)) -> io::Result<()>,
    ) -> io::Result<()> {
        source.run.record.nodes.iter().enumerate().try_for_each(|row| each(&row))
    }
}
