//! `series.csv`: each service in each period.

use crate::table::{Cell, Column, Source, Table};
use flashcrowd_core::ledger::SeriesRow;
use std::io;

/// One row for each service and period of the series.
pub(crate) struct Series;

impl Table for Series {
    const NAME: &'static str = "series";
    type Row<'a> = &'a SeriesRow;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::seconds("at_s", |_, row| Cell::at(row.at)),
        Column::text("service", |source, row| Cell::text(&*source.resolved.services[row.service as usize].config.name)),
        Column::count("spec_replicas", |_, row| Cell::Integer(row.spec.into())),
        Column::count("ready", |_, row| Cell::Integer(row.ready.into())),
        Column::count("pending", |_, row| Cell::Integer(row.pending.into())),
        Column::count("starting", |_, row| Cell::Integer(row.starting.into())),
        Column::count("draining", |_, row| Cell::Integer(row.draining.into())),
        Column::count("waiting", |_, row| Cell::Integer(row.waiting.into())),
        Column::count("running", |_, row| Cell::Integer(row.running.into())),
        Column::count("arrived", |_, row| Cell::Integer(row.arrived)),
        Column::count("completed", |_, row| Cell::Integer(row.completed)),
        Column::count("late", |_, row| Cell::Integer(row.late)),
        Column::seconds("p50_s", |_, row| Cell::Micro(row.p50.as_s_f64())),
        Column::seconds("p99_s", |_, row| Cell::Micro(row.p99.as_s_f64())),
        Column::number("utilization", "", |_, row| Cell::Micro(row.utilization)),
        Column::number("arrival_rate_per_s", "1/s", |source, row| {
            Cell::Micro(row.arrived as f64 / source.resolved.series_period.as_s_f64())
        }),
        Column::count("ready_gpus", |source, row| {
            let service = &source.resolved.services[row.service as usize];
            Cell::Integer(u64::from(row.ready * service.config.gpus_per_group * service.config.groups))
        }),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&&'a SeriesRow) -> io::Result<()>) -> io::Result<()> {
        source.run.record.series.iter().try_for_each(|row| each(&row))
    }
}
