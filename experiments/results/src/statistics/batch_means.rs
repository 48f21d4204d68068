//! The mean of one long run, whose values depend on each other, by the means of batches.

use super::interval::Interval;

/// Fewest batches: with fewer the interval is mostly Student's t (Schmeiser 1982, "Batch size effects in
/// the analysis of simulation output").
const FEWEST: usize = 10;

/// Most batches: more make the interval hardly narrower, and longer batches depend less on each other.
const MOST: usize = 30;

/// The 0.9 quantile of the normal law: how far the test lets neighbours go together.
const TOGETHER: f64 = 1.281_551_565_544_6;

/// The mean of a run by the means of its batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    /// The mean of the batches, and its interval; its count is the number of batches.
    pub interval: Interval,
    /// How many values each batch holds.
    pub size: usize,
}

/// The mean of a series of measurements at even distances, without its warm-up, and its interval at a level
/// of confidence within (0, 1).
///
/// The size of batches doubles until the test of von Neumann (1941) finds no more that neighbours go
/// together (one-sided, at 10 %), as Fishman (1978, "Grouping observations in digital simulation") has it;
/// then they grow further until there are no more than 30. Values that fill no batch are left out at the
/// beginning. `None` if that leaves fewer than 10 batches, as of a run that is too short; if one of the values
/// is no number; or for a level that is none.
pub fn batch_means(series: &[f64], level: f64) -> Option<BatchMeans> {
    if !series.iter().sum::<f64>().is_finite() {
        return None;
    }
    let size = independent_size(series)?.max(series.len().div_ceil(MOST));
    let whole = series.get(series.len() % size..)?;
    let means: Vec<f64> = whole.chunks(size).map(|batch| batch.iter().sum::<f64>() / size as f64).collect();
    let interval = Interval::at(&means, level);
    (means.len() >= FEWEST && interval.half_width.is_some()).then_some(BatchMeans { interval, size })
}

/// The first power of two of which batches, at least ten of them, seem not to depend on each other.
fn independent_size(series: &[f64]) -> Option<usize> {
    let (mut means, mut size) = (series.to_vec(), 1);
    while means.len() >= FEWEST {
        if neighbours(&means) <= TOGETHER {
            return Some(size);
        }
        // Pairs end with the series.
        means = means[means.len() % 2..].chunks(2).map(|pair| pair.iter().sum::<f64>() / 2.0).collect();
        size *= 2;
    }
    None
}

/// How strongly neighbours go together: the ratio of von Neumann, in standard deviations of independent
/// values. Zero where nothing varies.
fn neighbours(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let (mut squares, mut steps) = (0.0, 0.0);
    let mut before = values.first().copied().unwrap_or_default();
    for value in values {
        let (off, step) = (value - mean, value - before);
        squares += off * off;
        steps += step * step;
        before = *value;
    }
    if squares == 0.0 {
        return 0.0;
    }
    (1.0 - steps / (2.0 * squares)) / ((n - 2.0) / (n * n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::clock::Seed;
    use rand::Rng;

    /// Values of 0 to 999 999, each one by itself.
    fn independent(count: usize) -> Vec<f64> {
        let mut stream = Seed::new(1).stream("batches");
        (0..count).map(|_| (stream.next_u64() % 1_000_000) as f64).collect()
    }

    /// 1, 2, 3, 4: squares 5, steps 3, so 1 - 3/10 over the root of 2/15.
    #[test]
    fn the_ratio_is_that_of_the_hand() {
        assert!((neighbours(&[1.0, 2.0, 3.0, 4.0]) - 0.7 / f64::sqrt(2.0 / 15.0)).abs() < 1e-12);
        assert!(neighbours(&[1.0, -1.0].repeat(20)) < -5.0);
        assert_eq!(neighbours(&[2.0; 9]), 0.0);
    }

    #[test]
    fn no_more_than_thirty_batches_and_the_rest_is_left_out_at_the_beginning() {
        let series = independent(101);
        let found = batch_means(&series, 0.95).unwrap();
        assert_eq!((found.size, found.interval.count), (4, 25));
        let mean = series[1..].iter().sum::<f64>() / 100.0;
        assert!((found.interval.mean - mean).abs() < 1e-6, "{found:?} {mean}");
        assert_eq!(batch_means(&independent(30), 0.95).unwrap().size, 1);
    }

    #[test]
    fn batches_grow_until_they_do_not_depend_on_each_other() {
        // Each value stays for 500.
        let slow: Vec<f64> = independent(40).into_iter().flat_map(|value| [value; 500]).collect();
        let found = batch_means(&slow, 0.95).unwrap();
        assert!(found.size >= 500 && found.interval.count >= FEWEST, "{found:?}");
        // A series that only rises has no such size.
        let rising: Vec<f64> = (0..5_000).map(f64::from).collect();
        assert_eq!(batch_means(&rising, 0.95), None);
    }

    #[test]
    fn too_few_and_what_is_no_number_have_none() {
        assert_eq!(batch_means(&[], 0.95), None);
        assert_eq!(batch_means(&independent(9), 0.95), None);
        assert_eq!(batch_means(&[f64::NAN; 100], 0.95), None);
        assert_eq!(batch_means(&independent(100), 1.0), None);
        assert_eq!(batch_means(&[4.0; 100], 0.95).unwrap().interval.half_width, Some(0.0));
    }
}
