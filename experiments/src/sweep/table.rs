//! `sweep.csv` and `sweep.parquet`: a row a trial, a column a figure.

use super::axis::{Axis, Values};
use super::parquet::ParquetTable;
use super::plan::Plan;
use super::points::Points;
use super::store::{Entry, Store, StoreError};
use flashcrowd_results::{FigureColumns, write_whole_with};
use rayon::prelude::*;
use std::io;

/// Cells whose rows are there at once: a group of rows of a Parquet file.
const AT_ONCE: usize = 8_192;

/// The names of the tables.
const NAMES: [&str; 2] = ["sweep.csv", "sweep.parquet"];

/// A column of a table.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Count,
    Text,
    /// A number, or nothing.
    Number,
}

/// What stands in a row.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Count(u64),
    Text(String),
    Number(Option<f64>),
}

impl Cell {
    pub(super) fn count(&self) -> u64 {
        if let Cell::Count(count) = self { *count } else { 0 }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Cell::Count(count) => count.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.map_or_else(String::new, |number| number.to_string()),
        }
    }

    /// Values of axes are kept as they were written.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Cell::Count(count) => Some(*count as f64),
            Cell::Text(text) => text.parse().ok(),
            Cell::Number(number) => *number,
        }
    }
}

/// Writes the tables of a sweep's cells, in order. Cells are read twice, some at a time: neither their figures nor
/// the tables are kept.
///
/// # Errors
/// If a cell cannot be read, or a table not written.
pub fn write(plan: &Plan, store: &Store, entries: &[Entry]) -> Result<(), StoreError> {
    let figures = figures(store, entries)?;
    let columns = columns(plan, &figures);
    let points = Points::new(&plan.axes, plan.sample, plan.seed);
    let [csv, parquet] = NAMES.map(|name| store.folder().join(name));
    // The first cell that cannot be read stops both.
    let mut unread = None;
    let written = write_whole_with(&csv, |csv| {
        let mut csv = csv::Writer::from_writer(csv);
        csv.write_record(columns.iter().map(|column| &column.name))?;
        write_whole_with(&parquet, |parquet| {
            let mut parquet = ParquetTable::new(parquet, &columns)?;
            for some in entries.chunks(AT_ONCE) {
                let rows: Result<Vec<Vec<Cell>>, StoreError> =
                    some.par_iter().map(|entry| row(plan, &points, &figures, store, entry)).collect();
                let rows = rows.map_err(|error| {
                    unread = Some(error);
                    io::Error::other("a cell cannot be read")
                })?;
                for row in &rows {
                    csv.write_record(row.iter().map(Cell::text))?;
                }
                parquet.add(&rows)?;
            }
            // Before the other is in its place: both or none.
            csv.flush()?;
            parquet.finish()
        })
    });
    match (written, unread) {
        (_, Some(error)) => Err(error),
        (written, None) => written.map_err(|error| StoreError::refused(&csv, &error)),
    }
}

fn columns(plan: &Plan, figures: &FigureColumns) -> Vec<Column> {
    let column = |name: String, kind| Column { name, kind };
    let fixed = [
        ("point", Kind::Count),
        ("variant", Kind::Text),
        ("replicate", Kind::Count),
        ("seed", Kind::Count),
        ("cell", Kind::Text),
        ("digest", Kind::Text),
    ];
    let axes = plan
        .axes
        .iter()
        .flat_map(|axis| axis.paths.iter().enumerate().map(move |(at, path)| column(path.clone(), kind(axis, at))));
    let fixed = fixed.into_iter().map(|(name, kind)| column(name.to_owned(), kind));
    fixed.chain(axes).chain(figures.names().map(|name| column(name, Kind::Number))).collect()
}

/// Numbers are numbers, where all values of an axis are.
fn kind(axis: &Axis, path: usize) -> Kind {
    let is_number = |text: &str| text.trim_matches('"').parse::<f64>().is_ok();
    let numbers = match &axis.values {
        Values::List(values) => values.iter().all(|value| is_number(&value.0[path])),
        Values::Range(_) => is_number(&axis.at(0.0).0[path]),
    };
    if numbers { Kind::Number } else { Kind::Text }
}

fn row(
    plan: &Plan,
    points: &Points,
    figures: &FigureColumns,
    store: &Store,
    entry: &Entry,
) -> Result<Vec<Cell>, StoreError> {
    let told = store.told(&entry.cell)?;
    let fixed = [
        Cell::Count(entry.point),
        Cell::Text(plan.variants[entry.variant].clone()),
        Cell::Count(entry.replicate.into()),
        Cell::Count(told.seed),
        Cell::Text(entry.cell.clone()),
        Cell::Text(told.digest.clone()),
    ];
    let values = points.get(entry.point).into_iter().flat_map(|value| value.0);
    let values = values.map(|value| Cell::Text(value.trim_matches('"').to_owned()));
    Ok(fixed.into_iter().chain(values).chain(figures.row(&told.values).map(Cell::Number)).collect())
}

fn figures(store: &Store, entries: &[Entry]) -> Result<FigureColumns, StoreError> {
    let own = |mut columns: FigureColumns, entry: &Entry| -> Result<FigureColumns, StoreError> {
        columns.add(&store.told(&entry.cell)?.values);
        Ok(columns)
    };
    let parts = entries.par_iter().try_fold(FigureColumns::default, own);
    parts.try_reduce(FigureColumns::default, |one, other| Ok(one.with(other)))
}
