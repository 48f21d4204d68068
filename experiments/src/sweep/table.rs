//! `sweep.csv`: a row a trial, a column a figure.

use super::plan::Plan;
use super::points::Points;
use super::store::{Entry, Store, StoreError};
use flashcrowd_results::FigureColumns;
use std::path::Path;

/// Writes the table of a sweep's cells, in order. Cells are read twice and one at a time: their figures
/// are not kept.
///
/// # Errors
/// If a cell cannot be read, or the table not written.
pub fn write(plan: &Plan, store: &Store, entries: &[Entry]) -> Result<(), StoreError> {
    let mut columns = FigureColumns::default();
    for entry in entries {
        columns.add(&store.get(&entry.cell)?.values);
    }
    let points = Points::new(&plan.axes, plan.sample, plan.seed);
    let refused = |error: csv::Error| StoreError::refused(Path::new(NAME), &error.into());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed = ["point", "variant", "replicate", "seed", "cell", "digest"].map(str::to_owned);
    let axes = plan.axes.iter().flat_map(|axis| axis.paths.iter().cloned());
    writer.write_record(fixed.into_iter().chain(axes).chain(columns.names())).map_err(refused)?;
    for entry in entries {
        let played = store.get(&entry.cell)?;
        let fixed = [
            entry.point.to_string(),
            plan.variants[entry.variant].clone(),
            entry.replicate.to_string(),
            plan.seed.to_string(),
            entry.cell.clone(),
            played.figures.digest.clone(),
        ];
        let values = points.get(entry.point).into_iter().flat_map(|value| value.0);
        let values = values.map(|value| value.trim_matches('"').to_owned());
        let figures =
            columns.row(&played.values).map(|value| value.map_or_else(String::new, |value| value.to_string()));
        writer.write_record(fixed.into_iter().chain(values).chain(figures)).map_err(refused)?;
    }
    let bytes = writer.into_inner().map_err(|error| StoreError::refused(Path::new(NAME), &error.into_error()))?;
    store.write_table(NAME, &bytes)
}

const NAME: &str = "sweep.csv";
