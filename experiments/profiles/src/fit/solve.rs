//! The fit: which coefficients make the predicted latencies of a sweep those that were measured.

use super::least_squares::{minimise, non_negative, normal};
use super::row::{Band, Row, bands};
use super::steady::{Load, Steady, idle, self_consistent, steady};
use crate::{Coefficients, Residual};
use std::fmt;

/// Which look-ahead a fit assumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookahead {
    /// Whichever explains the times to first token better.
    #[default]
    Better,
    /// This many steps: 0 or 1.
    Steps(u32),
}

/// Settings of a fit.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Tokens of an iteration of the engine that was measured (`max_num_batched_tokens`).
    pub batched_tokens: u32,
    /// Which look-ahead.
    pub lookahead: Lookahead,
    /// Coefficients to lean on where the rows decide nothing, and to start from.
    pub prior: Option<Coefficients>,
}

/// A fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The coefficients, rounded to six digits.
    pub coefficients: Coefficients,
    /// The look-ahead.
    pub lookahead: u32,
    /// Sum of weighted squares with look-ahead 0 and 1, where both were tried.
    pub costs: [Option<f64>; 2],
    /// Distance to the rows by band.
    pub residuals: Vec<Residual>,
    /// Rows that were used.
    pub used: usize,
    /// Rows without a steady state, which were not.
    pub truncated: usize,
    /// Most sequences running at once in the rows up to 82 % load, and most context tokens.
    pub largest: (f64, f64),
}

/// Why there is no fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitError {
    /// Too few rows hold a steady state.
    TooFew {
        /// Rows that hold a steady state.
        usable: usize,
        /// Rows that are needed.
        needed: usize,
        /// Rows that were cut off by their window.
        truncated: usize,
    },
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FitError::TooFew { usable, needed, truncated } = self;
        write!(f, "{usable} runs can be used and {needed} are needed")?;
        if *truncated > 0 {
            write!(f, "; {truncated} more were cut off by their window before a steady state")?;
        }
        Ok(())
    }
}

impl std::error::Error for FitError {}

/// Weight of a squared residual of the time to first token beside one of the inter-token latency.
const TTFT_WEIGHT: f64 = 0.5;
/// Weight of a squared relative distance to the prior: it decides only what the rows leave open.
const PRIOR_WEIGHT: f64 = 1e-4;
/// Rows that determine the law without a prior: as many as there are coefficients.
const ROWS_WITHOUT_PRIOR: usize = 7;

/// A row that is fitted, with its band.
struct Point {
    row: Row,
    band: Band,
    share: f64,
}

/// Fits the law to the rows of one engine.
///
/// # Errors
/// If too few rows hold a steady state.
pub fn fit(rows: &[Row], settings: &Settings) -> Result<Fit, FitError> {
    let all = bands(rows);
    let points: Vec<Point> = rows
        .iter()
        .zip(&all)
        .filter(|(row, _)| !row.truncated)
        .map(|(row, (band, share))| Point { row: row.clone(), band: *band, share: *share })
        .collect();
    let truncated = rows.len() - points.len();
    let needed = if settings.prior.is_some() { 1 } else { ROWS_WITHOUT_PRIOR };
    if points.len() < needed {
        return Err(FitError::TooFew { usable: points.len(), needed, truncated });
    }
    let tried: &[u32] = match settings.lookahead {
        Lookahead::Better => &[0, 1],
        Lookahead::Steps(0) => &[0],
        Lookahead::Steps(_) => &[1],
    };
    let mut costs = [None, None];
    let mut best: Option<(Coefficients, u32, f64)> = None;
    for &lookahead in tried {
        let (law, cost) = with_lookahead(&points, settings, lookahead);
        costs[lookahead as usize] = Some(cost);
        if best.as_ref().is_none_or(|best| cost < best.2) {
            best = Some((law, lookahead, cost));
        }
    }
    let (law, lookahead, _) = best.unwrap_or_default();
    let coefficients = Coefficients::from_values(law.values().map(six_digits));
    let residuals = residuals_by_band(&points, &coefficients, settings, lookahead);
    let largest = largest(&points);
    Ok(Fit { coefficients, lookahead, costs, residuals, used: points.len(), truncated, largest })
}

/// Fits with a known look-ahead: from the linear law and from the prior; the better end counts.
fn with_lookahead(points: &[Point], settings: &Settings, lookahead: u32) -> (Coefficients, f64) {
    let starts = [settings.prior, Some(linear(points))];
    let mut best: Option<(Coefficients, f64)> = None;
    for start in starts.into_iter().flatten() {
        let scale = settings.prior.unwrap_or(start).values().map(|value| value.max(1e-9));
        let law = |x: &[f64]| Coefficients::from_values(std::array::from_fn(|i| x[i] * scale[i]));
        let residuals = |x: &[f64]| {
            let law = law(x);
            let mut all: Vec<f64> =
                points.iter().flat_map(|point| residuals(point, &law, settings, lookahead)).collect();
            if settings.prior.is_some() {
                all.extend(x.iter().map(|x| PRIOR_WEIGHT.sqrt() * (x - 1.0)));
            }
            all
        };
        let from: Vec<f64> = start.values().iter().zip(scale).map(|(value, scale)| value / scale).collect();
        let (x, cost) = minimise(&from, &residuals);
        if best.as_ref().is_none_or(|best| cost < best.1) {
            best = Some((law(&x), cost));
        }
    }
    best.unwrap_or_default()
}

/// The linear law `ITL = a + b * prefill per iteration + c * N + d * KV`, of which `a` is then
/// shared between `o` and `w`.
fn linear(points: &[Point]) -> Coefficients {
    let rows: Vec<(Vec<f64>, f64)> = points
        .iter()
        .map(|Point { row, .. }| {
            let rate = row.rate / 1e3;
            let running = running(row);
            let prefill = rate * row.input.mean * row.itl_ms;
            let context = running * (row.input.mean + row.output.running());
            let line = [1.0, prefill / 1e2, running / 1e2, context / 1e5];
            (line.iter().map(|x| x / row.itl_ms).collect(), 1.0)
        })
        .collect();
    let (left, right) = normal(&rows, 4);
    let x = non_negative(&left, &right);
    Coefficients {
        overhead_ms: 0.2 * x[0],
        weights_ms: 0.8 * x[0].max(0.1),
        token_ms: (x[1] / 1e2).max(1e-3),
        sequence_ms: (x[2] / 1e2).max(1e-3),
        context_ms: (x[3] / 1e5).max(1e-6),
        attention_ms: 1e-6,
        front_end_ms: 7.0,
    }
}

/// Sequences in decode, by Little's law.
fn running(row: &Row) -> f64 {
    row.rate / 1e3 * (row.output.mean - 1.0).max(0.0) * row.itl_ms
}

fn predict(point: &Point, law: &Coefficients, settings: &Settings, lookahead: u32) -> Steady {
    let load = Load::of(&point.row, f64::from(settings.batched_tokens), f64::from(lookahead));
    let running = running(&point.row);
    match point.band {
        Band::Idle => idle(law, &load),
        Band::Light | Band::Heavy => self_consistent(law, &load, running, 4.0 * running + 16.0),
        // At saturation the measured batch is better evidence than the one at which the law would
        // settle.
        Band::Full | Band::Closed => steady(law, &load, running),
    }
}

/// Whether the time to first token of a row is that of the engine, not of a queue before it.
const fn ttft_counts(band: Band) -> bool {
    matches!(band, Band::Idle | Band::Light | Band::Heavy)
}

/// Weighted log ratios of what is predicted and what was measured.
fn residuals(point: &Point, law: &Coefficients, settings: &Settings, lookahead: u32) -> [f64; 2] {
    let predicted = predict(point, law, settings, lookahead);
    let ratio = |predicted: f64, measured: f64| (predicted / measured).max(1e-6).ln();
    let itl = ratio(predicted.itl_ms, point.row.itl_ms);
    let ttft = point.row.ttft_ms.filter(|_| ttft_counts(point.band));
    let ttft = ttft.map_or(0.0, |measured| ratio(predicted.ttft_ms, measured));
    [point.band.weight().sqrt() * itl, (TTFT_WEIGHT * point.band.weight()).sqrt() * ttft]
}

fn residuals_by_band(points: &[Point], law: &Coefficients, settings: &Settings, lookahead: u32) -> Vec<Residual> {
    let percent = |predicted: f64, measured: f64| 100.0 * (predicted / measured - 1.0).abs();
    let mean = |values: &[f64]| (values.iter().sum::<f64>() / values.len() as f64 * 10.0).round() / 10.0;
    Band::ALL
        .into_iter()
        .filter_map(|band| {
            let (mut itl, mut ttft) = (Vec::new(), Vec::new());
            for point in points.iter().filter(|point| point.band == band) {
                let predicted = predict(point, law, settings, lookahead);
                itl.push(percent(predicted.itl_ms, point.row.itl_ms));
                let measured = point.row.ttft_ms.filter(|_| ttft_counts(band));
                ttft.extend(measured.map(|measured| percent(predicted.ttft_ms, measured)));
            }
            (!itl.is_empty()).then(|| Residual {
                band: band.name().to_owned(),
                rows: itl.len() as u32,
                itl_percent: mean(&itl),
                ttft_percent: (!ttft.is_empty()).then(|| mean(&ttft)),
            })
        })
        .collect()
}

/// The largest batch and context among light loads.
fn largest(points: &[Point]) -> (f64, f64) {
    let light = points.iter().filter(|point| point.share <= 0.82 && point.band != Band::Closed);
    light.fold((0.0, 0.0), |(batch, context): (f64, f64), point| {
        let running = running(&point.row).ceil();
        let held = running * (point.row.input.mean + point.row.output.running()).ceil();
        (batch.max(running), context.max(held))
    })
}

/// Rounded to six digits, so that a fit reads the same on every machine.
fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
