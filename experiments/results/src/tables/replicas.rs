//! `replicas.csv`: every replica that ever was, with the stages of its start.

use crate::table::{Cell, Column, Source, Table};
use flashcrowd_core::ledger::ReplicaRecord;
use std::io;

/// One row for each replica.
pub(crate) struct Replicas;

type Row<'a> = (usize, &'a ReplicaRecord);

fn stage(row: &Row<'_>, stage: usize) -> Cell {
    Cell::maybe(row.1.stage_ends.get(stage).copied())
}

impl Table for Replicas {
    const NAME: &'static str = "replicas";
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::count("replica", |_, row| Cell::Integer(row.0 as u64)),
        Column::text("service", |source, row| {
            Cell::text(&*source.resolved.services[row.1.service as usize].config.name)
        }),
        Column::count("node", |_, row| row.1.node.map_or(Cell::Empty, |node| Cell::Integer(node.into()))),
        Column::seconds("created_s", |_, row| Cell::at(row.1.created)),
        Column::seconds("placed_s", |_, row| Cell::maybe(row.1.placed)),
        Column::seconds("image_pulled_s", |_, row| stage(row, 0)),
        Column::seconds("weights_loaded_s", |_, row| stage(row, 1)),
        Column::seconds("engine_started_s", |source, row| {
            // Compilation and graph capture are parts of the engine's start.
            let stages = source.resolved.services[row.1.service as usize].config.startup.stages.len();
            Cell::maybe(row.1.stage_ends.last().copied().filter(|_| row.1.stage_ends.len() == stages))
        }),
        Column::seconds("ready_s", |_, row| Cell::maybe(row.1.ready)),
        Column::seconds("deleted_s", |_, row| Cell::maybe(row.1.deleted)),
        Column::seconds("gone_s", |_, row| Cell::maybe(row.1.gone)),
        Column::count("completed", |_, row| Cell::Integer(row.1.completed)),
        Column::seconds("busy_s", |_, row| Cell::Micro(row.1.busy.as_s_f64())),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&Row<'a>) -> io::Result<()>) -> io::Result<()> {
        source.run.record.replicas.iter().enumerate().try_for_each(|row| each(&row))
    }
}
