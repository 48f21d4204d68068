//! `decisions.csv`: what controllers saw, decided and got; a row for each metric of each decision.

use crate::table::{Cell, Column, Source, Table};
use flashcrowd_core::ledger::DecisionRecord;
use flashcrowd_core::ports::MetricExplanation;
use std::io;

/// One row for each metric of each decision; a decision without metrics has one row.
pub(crate) struct Decisions;

/// A decision and one of its metrics.
pub(crate) struct Row<'a> {
    decision: &'a DecisionRecord,
    metric: Option<&'a MetricExplanation>,
}

impl Row<'_> {
    fn metric(&self, of: fn(&MetricExplanation) -> Cell) -> Cell {
        self.metric.map_or(Cell::Empty, of)
    }
}

impl Table for Decisions {
    const NAME: &'static str = "decisions";
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::seconds("at_s", |_, row| Cell::at(row.decision.at)),
        Column::text("controller", |source, row| {
            Cell::text(&*source.run.record.controllers[row.decision.controller as usize].name)
        }),
        Column::text("service", |source, row| {
            Cell::text(&*source.resolved.services[row.decision.target.0 as usize].config.name)
        }),
        Column::count("before", |_, row| Cell::Integer(row.decision.before.into())),
        Column::count("after", |_, row| Cell::Integer(row.decision.after.into())),
        Column::count("ready", |_, row| Cell::Integer(row.decision.ready.into())),
        Column::count("starting", |_, row| Cell::Integer(row.decision.starting.into())),
        Column::count("in_flight", |_, row| Cell::Integer(row.decision.in_flight.into())),
        Column::text("reason", |_, row| {
            row.decision.explanation.as_ref().map_or(Cell::Empty, |why| Cell::text(&why.reason))
        }),
        Column::text("metric", |_, row| row.metric(|metric| Cell::text(metric.name.to_string()))),
        Column::number("current", "", |_, row| row.metric(|metric| metric.current.map_or(Cell::Empty, Cell::Number))),
        Column::number("target", "", |_, row| row.metric(|metric| Cell::Number(metric.target))),
        Column::count("proposal", |_, row| {
            row.metric(|metric| metric.proposal.map_or(Cell::Empty, |n| Cell::Integer(n.into())))
        }),
        Column::text("note", |_, row| row.metric(|metric| Cell::text(&metric.note))),
        Column::text("limits", |_, row| Cell::Text(limits(row.decision))),
        Column::text("refused", |_, row| {
            let reasons: Vec<String> = row.decision.refused.iter().map(|(_, reason)| reason.to_string()).collect();
            Cell::Text(reasons.join("; "))
        }),
        Column::text("error", |_, row| {
            let error = row.decision.explanation.as_ref().and_then(|why| why.error.as_ref());
            error.map_or(Cell::Empty, Cell::text)
        }),
    ];

    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&Row<'a>) -> io::Result<()>) -> io::Result<()> {
        for decision in &source.run.record.decisions {
            let metrics = decision.explanation.as_ref().map_or(&[][..], |why| why.metrics.as_slice());
            if metrics.is_empty() {
                each(&Row { decision, metric: None })?;
            }
            for metric in metrics {
                each(&Row { decision, metric: Some(metric) })?;
            }
        }
        Ok(())
    }
}

fn limits(decision: &DecisionRecord) -> String {
    let Some(why) = decision.explanation.as_ref() else { return String::new() };
    let limits = why.limits.iter().map(|limit| format!("{} {}->{}", limit.name, limit.before, limit.after));
    limits.collect::<Vec<_>>().join("; ")
}
