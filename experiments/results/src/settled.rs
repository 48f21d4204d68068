//! Whether a run has settled: how long its start shows, and how much one long run says of its mean.
//!
//! Both look at the requests in flight at the end of each period of the series, and only where traffic is steady: a load
//! that changes all day has no start that ends.

use crate::statistics::{batch_means, warm_up};
use flashcrowd_core::SimTime;
use flashcrowd_core::ledger::SeriesRow;

/// How much of the run each part of it has, to see whether traffic is steady.
const PARTS: usize = 10;

/// By how much the traffic of a part may be off the mean's.
const STEADY: std::ops::RangeInclusive<f64> = 0.9..=1.1;

/// By how much the mean of the start must be off to say so, as a share of the rest's and of how well that is known:
/// MSER-5 cuts something off any series.
const OFF: f64 = 0.2;
const CHANCE: f64 = 2.0;

/// When the start of a run ends by MSER-5, if that is after its warm-up and the start is far off what follows.
pub(crate) fn start_shows_until(rows: &[&SeriesRow], warmup: SimTime) -> Option<SimTime> {
    if !is_steady(rows) {
        return None;
    }
    let series = in_flight(rows);
    let end = warm_up(&series).filter(|end| end.settled)?.values;
    let measured = rows.partition_point(|row| row.at <= warmup);
    if end <= measured {
        return None;
    }
    let (start, rest) = (mean(&series[measured..end]), batch_means(&series[end..], 0.95)?.interval);
    let far = (start - rest.mean).abs();
    (far > OFF * rest.mean && far > CHANCE * rest.half_width?).then(|| rows[end - 1].at)
}

/// How much one run says of a mean: the half-width of the 95 % interval as a share of it, and by how many batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneRun {
    /// Half-width of the 95 % interval of requests in flight by batch means, as a share of their mean: by Little's law
    /// that of the mean end-to-end time at the same traffic.
    pub share: f64,
    /// Batches.
    pub batches: usize,
    /// Length of each, seconds.
    pub batch_s: f64,
}

/// What the measured part of one run says; `None` where traffic is not steady, or the run is too short for batches that
/// do not depend on each other.
pub(crate) fn one_run(rows: &[&SeriesRow], warmup: SimTime) -> Option<OneRun> {
    let measured = &rows[rows.partition_point(|row| row.at <= warmup)..];
    if !is_steady(measured) {
        return None;
    }
    let found = batch_means(&in_flight(measured), 0.95)?;
    let period_s = measured.last()?.at.since(measured.first()?.at).as_s_f64() / (measured.len() - 1) as f64;
    let share = found.interval.half_width? / found.interval.mean;
    (found.interval.mean >= 1.0).then_some(OneRun {
        share,
        batches: found.interval.count,
        batch_s: found.size as f64 * period_s,
    })
}

fn in_flight(rows: &[&SeriesRow]) -> Vec<f64> {
    rows.iter().map(|row| f64::from(row.waiting) + f64::from(row.running)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Whether each tenth of a run has about the same traffic.
fn is_steady(rows: &[&SeriesRow]) -> bool {
    let part = rows.len() / PARTS;
    if part < 4 {
        return false;
    }
    let arrived = |rows: &[&SeriesRow]| rows.iter().map(|row| row.arrived as f64).sum::<f64>() / rows.len() as f64;
    let all = arrived(rows);
    all > 0.0 && rows.chunks_exact(part).all(|own| STEADY.contains(&(arrived(own) / all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::SimDuration;

    fn rows(arrived: impl Fn(u64) -> u64, in_flight: impl Fn(u64) -> u32) -> Vec<SeriesRow> {
        let row = |i: u64| SeriesRow {
            at: SimTime::from_s((i + 1) * 15),
            service: 0,
            spec: 1,
            ready: 1,
            pending: 0,
            starting: 0,
            draining: 0,
            waiting: 0,
            running: in_flight(i),
            arrived: arrived(i),
            completed: 100,
            late: 0,
            p50: SimDuration::ZERO,
            p99: SimDuration::ZERO,
            utilization: 0.5,
        };
        (0..400).map(row).collect()
    }

    /// Whole numbers of 30 to 49 that seem not to depend on each other.
    fn busy(i: u64) -> u32 {
        30 + (i * 7_919 % 10_007 % 20) as u32
    }

    fn until(rows: &[SeriesRow], warmup_s: u64) -> Option<u64> {
        let end = start_shows_until(&rows.iter().collect::<Vec<_>>(), SimTime::from_s(warmup_s));
        end.map(|at| at.as_s_f64() as u64)
    }

    #[test]
    fn an_empty_start_shows_until_it_is_full_or_the_warm_up_is_over() {
        let filling = rows(|_| 100, |i| if i < 60 { (i / 2) as u32 } else { busy(i) });
        let end = until(&filling, 0).unwrap();
        assert!((700..=1_000).contains(&end), "{end}");
        assert_eq!(until(&filling, 1_000), None);
        assert_eq!(until(&rows(|_| 100, busy), 0), None);
        // What the traffic does is not the start's.
        assert_eq!(until(&rows(|i| if i < 60 { 50 } else { 100 }, |i| if i < 60 { 5 } else { busy(i) }), 0), None);
    }

    #[test]
    fn one_long_run_says_its_mean_and_a_changing_one_does_not() {
        let said = |rows: &[SeriesRow]| one_run(&rows.iter().collect::<Vec<_>>(), SimTime::from_s(300));
        let steady = said(&rows(|_| 100, busy)).unwrap();
        assert!((0.005..0.05).contains(&steady.share) && (10..=30).contains(&steady.batches), "{steady:?}");
        assert!((steady.batch_s * steady.batches as f64 - 5_700.0).abs() <= 2.0 * steady.batch_s, "{steady:?}");
        assert_eq!(said(&rows(|_| 100, |i| i as u32)), None, "it never settles");
        assert_eq!(said(&rows(|i| 50 + i, busy)), None, "traffic grows");
        assert_eq!(said(&rows(|_| 100, busy)[..30]), None, "too short");
    }
}
