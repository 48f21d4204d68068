//! Profiles from tables.
//!
//! **Offline.** With one request at a time, `latency = overhead + time(client batch)`. The overhead
//! is the least that any row spends outside its compute columns (0 where there are none); `time`
//! goes through the latencies less the overhead, with straight lines between client batches.
//!
//! **Online.** By Little's law an instance that is always busy holds `n = items/s * compute /
//! instances` items, and the server spends `compute / instances` on each such batch. The median of
//! that over `time(n)` is `sharing`. Whether batches are formed ahead and how long the host stage
//! takes is what makes the simulator's throughput err least, out of a fixed grid.
//!
//! **Halves.** [`Half`] says which rows a fit may see, so that others can be predicted.

use super::plant;
use super::profile::{BatchProfile, Online};
use super::rows::{Curve, Row, curves};

/// Fewest offline rows from which a profile is made.
const FEWEST_ROWS: usize = 3;
/// Online rows on which the grid is tried, spread evenly.
const GRID_ROWS: usize = 5;
/// No batch takes no time.
const SHORTEST_MS: f64 = 1e-4;
/// No item is longer in the host stage.
const LONGEST_HOST_US: f64 = 1e9;
/// Host time of a request, as a share of the time between requests at the highest throughput.
const HOST_SHARES: [f64; 7] = [0.0, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1];
/// Batches formed ahead for each instance: none, as in Triton before it prefetched, or two, as since
/// (triton-inference-server/core `src/rate_limiter.cc`).
const FORMED_AHEAD: [u32; 2] = [0, 2];

/// Which rows of a curve a fit sees. The ends are in both halves: nothing is extrapolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// All rows.
    All,
    /// The first, third, ... and the last.
    Even,
    /// The second, fourth, ... and both ends.
    Odd,
}

impl Half {
    /// Whether a fit sees row `index` of `count`.
    pub fn sees(self, index: usize, count: usize) -> bool {
        let end = index == 0 || index + 1 == count;
        match self {
            Half::All => true,
            Half::Even => end || index.is_multiple_of(2),
            Half::Odd => end || !index.is_multiple_of(2),
        }
    }

    fn of<'a>(self, rows: &[&'a Row]) -> Vec<&'a Row> {
        let seen = rows.iter().enumerate().filter(|&(index, _)| self.sees(index, rows.len()));
        seen.map(|(_, &row)| row).collect()
    }
}

/// The profiles of all curves of a table with three or more offline rows: the offline part from
/// all of them, the online part from every other row.
pub fn fit(rows: &[Row]) -> Vec<BatchProfile> {
    let curves = curves(rows);
    let mut profiles: Vec<BatchProfile> = curves
        .iter()
        .filter(|curve| curve.offline.len() >= FEWEST_ROWS)
        .filter_map(|curve| {
            let profile = offline(curve, Half::All)?;
            Some(BatchProfile { online: online(&profile, curve, Half::Even), ..profile })
        })
        .collect();
    profiles.sort_by(|a, b| a.name.cmp(&b.name));
    profiles
}

/// The offline part of a curve's profile; `None` without rows.
pub fn offline(curve: &Curve<'_>, half: Half) -> Option<BatchProfile> {
    let rows = half.of(&curve.offline);
    let first = rows.first()?;
    let outside = |row: &&Row| row.compute_ms.map_or(0.0, |compute| row.latency_ms - compute);
    let overhead = rows.iter().map(outside).fold(f64::INFINITY, f64::min);
    let shortest = rows.iter().map(|row| row.latency_ms).fold(f64::INFINITY, f64::min);
    let overhead_ms = rounded(overhead.clamp(0.0, shortest / 2.0));
    let time_ms = rows.iter().map(|row| (row.client_batch, rounded(row.latency_ms - overhead_ms).max(SHORTEST_MS)));
    Some(BatchProfile {
        name: super::name::of(curve.key),
        key: curve.key.clone(),
        source: first.source.clone(),
        max_batch: first.max_batch.max(rows.iter().map(|row| row.client_batch).max().unwrap_or(1)),
        overhead_ms,
        time_ms: time_ms.collect(),
        online: None,
    })
}

/// The online part; `None` where the table does not say how long requests are computed.
pub fn online(profile: &BatchProfile, curve: &Curve<'_>, half: Half) -> Option<Online> {
    let rows = half.of(&curve.online);
    let sharing = median(rows.iter().filter_map(|row| sharing(profile, row)).collect())?;
    let sharing = rounded(sharing.clamp(0.001, 1e3));
    let tried: Vec<&Row> = spread(&rows, GRID_ROWS);
    let fastest = rows.iter().map(|row| row.items_per_s).fold(0.0, f64::max);
    let instances = rows.first()?.instances;
    let mut best: Option<(f64, Online)> = None;
    for formed_ahead in FORMED_AHEAD {
        for share in HOST_SHARES {
            let host_per_item_us = rounded((share * 1e6 / fastest).min(LONGEST_HOST_US));
            let online = Online { instances, formed_ahead, sharing, host_per_item_us };
            let error = throughput_error(profile, Some(&online), &tried)?;
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, online));
            }
        }
    }
    best.map(|(_, online)| online)
}

/// Mean relative error of simulated throughput; `None` without rows.
pub(super) fn throughput_error(profile: &BatchProfile, online: Option<&Online>, rows: &[&Row]) -> Option<f64> {
    use rayon::prelude::*;
    let errors: Option<Vec<f64>> = rows
        .par_iter()
        .map(|row| {
            let seen = plant::play(&profile.config_for(online, row), row.concurrency)?;
            let items_per_s = seen.requests_per_s * f64::from(row.client_batch);
            Some((items_per_s / row.items_per_s - 1.0).abs())
        })
        .collect();
    errors.filter(|errors| !errors.is_empty()).map(|errors| errors.iter().sum::<f64>() / errors.len() as f64)
}

/// What the server spends on the batches of a row, over what they take alone.
fn sharing(profile: &BatchProfile, row: &Row) -> Option<f64> {
    let each_ms = row.compute_ms.filter(|&ms| ms > 0.0)? / f64::from(row.instances);
    let items = (row.items_per_s * each_ms / 1e3).max(1.0);
    Some(each_ms / profile.alone_ms(items))
}

fn spread<'a>(rows: &[&'a Row], most: usize) -> Vec<&'a Row> {
    let count = rows.len().min(most);
    (0..count).map(|i| rows[i * (rows.len() - 1) / (count - 1).max(1)]).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], upper) } else { upper })
}

/// To four decimals: a tenth of a microsecond, where it is milliseconds.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
