//! `sweep.csv`: a row a trial, a column a figure.

use super::plan::Plan;
use super::points::Points;
use super::store::{Entry, Store, StoreError};
use flashcrowd_results::FigureColumns;
use rayon::prelude::*;
use std::path::Path;

/// Cells whose rows are there at once.
const AT_ONCE: usize = 1_024;

/// Writes the table of a sweep's cells, in order. Cells are read twice, some at a time: their figures are
/// not kept.
///
/// # Errors
/// If a cell cannot be read, or the table not written.
pub fn write(plan: &Plan, store: &Store, entries: &[Entry]) -> Result<(), StoreError> {
    let columns = columns(store, entries)?;
    let points = Points::new(&plan.axes, plan.sample, plan.seed);
    let refused = |error: csv::Error| StoreError::refused(Path::new(NAME), &error.into());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed = ["point", "variant", "replicate", "seed", "cell", "digest"].map(str::to_owned);
    let axes = plan.axes.iter().flat_map(|axis| axis.paths.iter().cloned());
    writer.write_record(fixed.into_iter().chain(axes).chain(columns.names())).map_err(refused)?;
    let row = |entry: &Entry| -> Result<Vec<String>, StoreError> {
        let told = store.told(&entry.cell)?;
        let fixed = [
            entry.point.to_string(),
            plan.variants[entry.variant].clone(),
            entry.replicate.to_string(),
            told.seed.to_string(),
            entry.cell.clone(),
            told.digest.clone(),
        ];
        let values = points.get(entry.point).into_iter().flat_map(|value| value.0);
        let values = values.map(|value| value.trim_matches('"').to_owned());
        let figures = columns.row(&told.values).map(|value| value.map_or_else(String::new, |value| value.to_string()));
        Ok(fixed.into_iter().chain(values).chain(figures).collect())
    };
    for some in entries.chunks(AT_ONCE) {
        let rows: Result<Vec<Vec<String>>, StoreError> = some.par_iter().map(row).collect();
        for row in rows? {
            writer.write_record(row).map_err(refused)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| StoreError::refused(Path::new(NAME), &error.into_error()))?;
    store.write_table(NAME, &bytes)
}

fn columns(store: &Store, entries: &[Entry]) -> Result<FigureColumns, StoreError> {
    let own = |mut columns: FigureColumns, entry: &Entry| -> Result<FigureColumns, StoreError> {
        columns.add(&store.told(&entry.cell)?.values);
        Ok(columns)
    };
    let parts = entries.par_iter().try_fold(FigureColumns::default, own);
    parts.try_reduce(FigureColumns::default, |one, other| Ok(one.with(other)))
}

const NAME: &str = "sweep.csv";
