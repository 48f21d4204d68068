//! Load sweeps: one shape of requests at ten loads, as guidellm records them.

use super::names;
use super::point::{Band, Client, Length, Metric, Point, Setup, Source, Window, most};
use super::table::{Row, Unread};
use flashcrowd_profiles::{EngineLimits, Precision};

/// Columns that such a table must have.
pub(super) const COLUMNS: [&str; 8] = ["model", "gpu", "arrival", "window_s", "in_lo", "in_hi", "out_lo", "out_hi"];

/// What the engines of the reference sweeps were started with (specs of the data).
const LIMITS: EngineLimits = EngineLimits { utilization: 0.9, batched_tokens: 8192, sequences: 1024, block_tokens: 16 };

/// The mean of fewer requests than this says little about the next ones: the lengths alone, uniform
/// between half and one and a half, give it a standard error of 3 %.
const FEWEST: f64 = 100.0;

/// With a larger share of failures a row does not show what the engine can do.
const MOST_FAILED: f64 = 0.1;

pub(super) fn point(row: &Row<'_>) -> Result<Point, Unread> {
    let model = names::model(row.word("model")?)?;
    let gpu = names::gpu(row.word("gpu")?)?;
    let (client, band) = client(row)?;
    let window_s = row.positive("window_s", most::SECONDS)?;
    if let Client::Constant { rate } | Client::Poisson { rate } = client
        && rate * window_s > most::REQUESTS
    {
        return Err(row.error(format!("{rate} requests/s in {window_s} s are more than {}", most::REQUESTS)).into());
    }
    Ok(Point {
        id: match row.text("point_id") {
            "" => format!("line {}", row.line()),
            id => id.to_owned(),
        },
        line: row.line(),
        source: Source::Sweep,
        model: model.name.clone(),
        shaped: None,
        gpu,
        gpus: row.count_or("tp", most::GPUS, 1)?,
        precision: Precision::from_name(row.text("precision")).unwrap_or(Precision::Bf16),
        band,
        client,
        window: Window::Seconds(window_s),
        prompt: range(row, "in_lo", "in_hi")?,
        output: range(row, "out_lo", "out_hi")?,
        limits: LIMITS,
        setup: Setup::default(),
        measured: measured(row)?,
        unjudged: unjudged(row)?,
    })
}

/// Why a row is replayed and not judged, if so.
fn unjudged(row: &Row<'_>) -> Result<Option<&'static str>, Unread> {
    let ok = row.number("n_ok")?.unwrap_or(FEWEST);
    let failed = row.number("n_err")?.unwrap_or(0.0);
    Ok(if failed > MOST_FAILED * (ok + failed) {
        // Work on requests that fail is not counted, but takes its share of the engine.
        Some("over a tenth of the requests failed")
    } else if ok < FEWEST {
        Some("fewer than 100 requests")
    } else {
        None
    })
}

fn range(row: &Row<'_>, low: &str, high: &str) -> Result<Length, Unread> {
    let (from, to) = (row.count(low, most::TOKENS)?, row.count(high, most::TOKENS)?);
    if from > to {
        return Err(row.error(format!("`{low}` is {from} and `{high}` is {to}: expected a range")).into());
    }
    Ok(Length::Between(from, to))
}

fn measured(row: &Row<'_>) -> Result<Vec<(Metric, f64)>, Unread> {
    // Zero timestamps in some recordings pull the mean far below zero: then the median is used.
    let corrupt = row.text("flags").contains("ttft_mean_corrupt")
        || row.number("ttft_ms_mean")?.is_some_and(|value| value <= 0.0);
    let ttft = if corrupt { (Metric::TtftP50, "ttft_ms_p50") } else { (Metric::TtftMean, "ttft_ms_mean") };
    let columns = [
        (Metric::E2eMean, "e2e_ms_mean"),
        (Metric::E2eP99, "e2e_ms_p99"),
        (Metric::ItlMean, "itl_ms_mean"),
        ttft,
        (Metric::TtftP99, "ttft_ms_p99"),
        (Metric::RequestsPerS, "achieved_rps"),
    ];
    numbers(row, &columns)
}

/// The values above 0 of these columns; a row without any is left out.
pub(super) fn numbers(row: &Row<'_>, columns: &[(Metric, &str)]) -> Result<Vec<(Metric, f64)>, Unread> {
    let mut measured = Vec::new();
    for &(metric, column) in columns {
        match row.number(column)? {
            Some(value) if value > most::VALUE => {
                return Err(row
                    .error(format!("column `{column}` is {value}: expected at most {}", most::VALUE))
                    .into());
            }
            Some(value) if value > 0.0 => measured.push((metric, value)),
            _ => {}
        }
    }
    if measured.is_empty() {
        return Err(Unread::LeftOut("nothing was measured".to_owned()));
    }
    Ok(measured)
}

/// The eight rates of a shape rise to the measured saturation: rows 2 to 7 are up to 76 % of it.
fn client(row: &Row<'_>) -> Result<(Client, Band), Unread> {
    Ok(match row.one_of("arrival", &["synchronous", "closed", "constant", "poisson"])? {
        "synchronous" => (Client::Closed { users: 1 }, Band::Sync),
        "closed" => (Client::Closed { users: row.count("max_concurrency", most::USERS)? }, Band::Closed),
        arrival => {
            let rate = row.positive("rate_target_rps", most::RATE)?;
            let band = match row.number("idx")?.map_or(-1, |idx| idx as i64) {
                2..=7 => Band::UpTo76,
                8 => Band::At88,
                9 => Band::At100,
                _ => Band::Unrated,
            };
            (if arrival == "poisson" { Client::Poisson { rate } } else { Client::Constant { rate } }, band)
        }
    })
}
