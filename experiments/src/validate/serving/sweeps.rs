//! Load sweeps: one shape of requests at ten loads, as guidellm records them.

use super::super::ValidateError;
use super::point::{Band, Client, Metric, Point, Range, Window};
use super::table::{Row, Table};
use crate::profiles::{EngineLimits, Precision};

/// Columns that tell such a table from others.
pub(super) const COLUMNS: [&str; 6] = ["idx", "arrival", "rate_target_rps", "window_s", "in_lo", "out_lo"];

/// What the engines of the reference sweeps were started with (specs of the data).
const LIMITS: EngineLimits = EngineLimits { utilization: 0.9, batched_tokens: 8192, sequences: 1024, block_tokens: 16 };

/// The mean of fewer requests than this says little about the next ones: the lengths alone, uniform
/// between half and one and a half, give it a standard error of 3 %.
const FEWEST: f64 = 100.0;

pub(super) fn points(table: &Table) -> Result<Vec<Point>, ValidateError> {
    table.rows().map(|row| point(&row)).collect()
}

fn point(row: &Row<'_>) -> Result<Point, ValidateError> {
    let range = |low, high| Ok(Range { low: row.count(low)?, high: row.count(high)? });
    let (client, band) = client(row)?;
    let corrupt = row.text("flags").contains("ttft_mean_corrupt");
    let mut measured = Vec::new();
    for (metric, column) in [
        (Metric::E2eMean, "e2e_ms_mean"),
        (Metric::E2eP99, "e2e_ms_p99"),
        (Metric::ItlMean, "itl_ms_mean"),
        (Metric::TtftMean, "ttft_ms_mean"),
        (Metric::TtftP99, "ttft_ms_p99"),
        (Metric::RequestsPerS, "achieved_rps"),
    ] {
        // Zero timestamps in some recordings pull the mean far below zero.
        if let Some(value) = row.number(column)?.filter(|value| *value > 0.0)
            && !(corrupt && metric == Metric::TtftMean)
        {
            measured.push((metric, value));
        }
    }
    let few = row.number("n_ok")?.is_some_and(|n| n < FEWEST);
    Ok(Point {
        id: row.text("point_id").to_owned(),
        model: row.text("model").to_owned(),
        gpu: row.text("gpu").to_owned(),
        gpus: row.count("tp")?,
        precision: Precision::Bf16,
        band,
        client,
        window: Window::Seconds(row.positive("window_s")?),
        prompt: range("in_lo", "in_hi")?,
        output: range("out_lo", "out_hi")?,
        limits: LIMITS,
        measured,
        unjudged: few.then_some("fewer than 100 requests"),
    })
}

/// The eight rates of a shape rise to the measured saturation: rows 2 to 7 are up to 76 % of it.
fn client(row: &Row<'_>) -> Result<(Client, Band), ValidateError> {
    Ok(match row.text("arrival") {
        "synchronous" => (Client::Closed { users: 1 }, Band::Sync),
        "closed" => (Client::Closed { users: row.count("max_concurrency")? }, Band::Closed),
        arrival @ ("constant" | "poisson") => {
            let rate = row.positive("rate_target_rps")?;
            let band = match row.number("idx")?.map_or(-1, |idx| idx as i64) {
                2..=7 => Band::UpTo76,
                8 => Band::At88,
                9 => Band::At100,
                _ => Band::Unrated,
            };
            (if arrival == "poisson" { Client::Poisson { rate } } else { Client::Constant { rate } }, band)
        }
        other => {
            return Err(
                row.error(format!("column `arrival` is `{other}`: expected synchronous, closed, constant or poisson"))
            );
        }
    })
}
