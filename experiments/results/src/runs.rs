//! `runs.csv`: a row a trial, a column a figure, as `sweep.csv` has them.

use super::columns::FigureColumns;
use super::results::Results;
use std::io::{self, Write};

/// The name of the table.
pub(crate) const RUNS: &str = "runs.csv";

/// Writes the trials of all variants, in order.
///
/// # Errors
/// What `out` refuses.
pub fn write_runs(results: &Results<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut columns = FigureColumns::default();
    results.variants.iter().for_each(|variant| columns.add_pooled(&variant.figures));
    let mut writer = csv::Writer::from_writer(out);
    let fixed = ["variant", "replicate", "seed"].map(str::to_owned);
    writer.write_record(fixed.into_iter().chain(columns.names()))?;
    for (resolved, own) in results.loaded.variants.iter().zip(&results.variants) {
        for trial in 0..own.figures.trials() {
            let fixed = [resolved.variant.clone(), trial.to_string(), resolved.seed.to_string()];
            let values = columns.row_pooled(&own.figures, trial);
            let values = values.map(|value| value.map_or_else(String::new, |value| value.to_string()));
            writer.write_record(fixed.into_iter().chain(values))?;
        }
    }
    writer.flush()
}
