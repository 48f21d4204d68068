//! `requests.csv`: ended requests, all or every so many of each client.

use crate::table::{Cell, Column, Source, Table};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ledger::{RequestParts, RequestRecord};
use flashcrowd_core::traffic::Outcome;
use std::io;

/// One row for each request that is kept.
pub(crate) struct Requests;

fn part(row: &RequestRecord, of: fn(&RequestParts) -> SimDuration) -> Cell {
    row.parts.map_or(Cell::Empty, |parts| Cell::Micro(of(&parts).as_s_f64()))
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Rejected => "rejected",
        Outcome::Expired => "expired",
        Outcome::Failed => "failed",
    }
}

impl Table for Requests {
    const NAME: &'static str = "requests";
    type Row<'a> = &'a RequestRecord;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::text("traffic", |source, row| Cell::text(&*source.run.record.clients[row.client as usize].name)),
        Column::count("number", |_, row| Cell::Integer(row.number)),
        Column::seconds("arrived_s", |_, row| Cell::at(row.arrived)),
        Column::seconds("ended_s", |_, row| Cell::at(row.ended)),
        Column::text("outcome", |_, row| Cell::text(outcome(row.outcome))),
        Column::count("tries", |_, row| Cell::Integer(row.tries.into())),
        Column::count("prompt_tokens", |_, row| Cell::Integer(row.tokens[0].into())),
        Column::count("output_tokens", |_, row| Cell::Integer(row.tokens[1].into())),
        Column::seconds("e2e_s", |_, row| Cell::Micro(row.ended.since(row.arrived).as_s_f64())),
        Column::seconds("queue_s", |_, row| part(row, |parts| parts.queue)),
        Column::seconds("cold_start_s", |_, row| part(row, |parts| parts.cold_start)),
        Column::seconds("service_s", |_, row| part(row, |parts| parts.service)),
        Column::seconds("no_capacity_s", |_, row| part(row, |parts| parts.no_capacity)),
        Column::seconds("retries_s", |_, row| part(row, |parts| parts.retries)),
        Column::seconds("network_s", |_, row| part(row, |parts| parts.network)),
        Column::count("replica", |_, row| row.replica.map_or(Cell::Empty, |replica| Cell::Integer(replica.into()))),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&&'a RequestRecord) -> io::Result<()>) -> io::Result<()> {
        source.run.record.requests.iter().try_for_each(|row| each(&row))
    }
}
