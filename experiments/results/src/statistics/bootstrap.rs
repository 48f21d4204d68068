//! The interval of a mean of few and skewed values, by resampling.
//!
//! Studentised (bootstrap-t): each resample says how many of its own standard errors its mean is off, and
//! the quantiles of that take the place of those of Student's t (Efron 1981; Hall 1988 shows that the
//! error of its claim falls with 1/n on each side, where that of Student's t falls with the root of n).

use super::bounds::Bounds;
use super::differences::differences;
use super::interval::mean_and_square_error;
use super::student::is_share;
use flashcrowd_core::clock::{Seed, Stream};
use rand::Rng;

/// Resamples: with them the ends of a 90, 95 and 99 % interval fall on one of them each.
const RESAMPLES: usize = 1999;

/// The stream that draws resamples.
const STREAM: &str = "statistics/bootstrap";

/// A spread below this part of that of all values is rounding.
const ROUNDING: f64 = 1e-9;

/// Resampled means of a sample, sorted. Several intervals can be read from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// The mean of the sample.
    mean: f64,
    /// Its standard error.
    error: f64,
    /// By resample: how far off its mean is, in its own standard errors. Ascending.
    off: Vec<f64>,
}

impl Bootstrap {
    /// Resamples independent values, `resamples` times. `None` with fewer than two values, where one of
    /// them is no number, or without resamples.
    pub fn of(values: &[f64], resamples: usize, stream: &mut Stream) -> Option<Self> {
        let (mean, square) = mean_and_square_error(values)?;
        let error = square?.sqrt();
        if resamples == 0 || !mean.is_finite() || !error.is_finite() {
            return None;
        }
        let mut drawn = vec![0.0; values.len()];
        let mut off: Vec<f64> = (0..resamples)
            .map(|_| {
                drawn.fill_with(|| values[below(values.len(), stream)]);
                distance(&drawn, mean, error)
            })
            .collect();
        off.sort_by(f64::total_cmp);
        Some(Bootstrap { mean, error, off })
    }

    /// The interval of the mean at a level of confidence within (0, 1). `None` if it would need more
    /// resamples, or so few values vary that too many resamples have no spread.
    pub fn interval(&self, level: f64) -> Option<Bounds> {
        // The bit more keeps a whole number from falling below itself.
        let rank = ((self.off.len() + 1) as f64 * (1.0 - level) / 2.0 + 1e-9) as usize;
        if !is_share(level) || rank == 0 || rank > self.off.len() {
            return None;
        }
        let (least, most) = (self.off[rank - 1], self.off[self.off.len() - rank]);
        // A resample that is too high is one by how much the mean may be too high.
        let bounds = Bounds { low: self.mean - most * self.error, high: self.mean - least * self.error };
        (bounds.low.is_finite() && bounds.high.is_finite()).then_some(bounds)
    }
}

/// The studentised bootstrap interval of the mean of `own - base`, paired by replicate. The same seed
/// gives the same interval. `None` if they have not the same number of values, there are fewer than two
/// pairs, one of the values is no number, or the level is too high for 1,999 resamples (above 0.999) or
/// for the few differences that vary.
///
/// ```
/// use flashcrowd_core::clock::Seed;
/// use flashcrowd_results::statistics::bootstrap;
/// let (own, base) = ([3.6, 4.0, 5.2, 7.1, 3.5, 4.9], [3.0, 3.0, 4.0, 5.0, 3.0, 4.0]);
/// let bounds = bootstrap(&own, &base, 0.95, Seed::new(1)).unwrap();
/// assert!(bounds.contains(1.0) && !bounds.contains(0.0));
/// ```
pub fn bootstrap(own: &[f64], base: &[f64], level: f64, seed: Seed) -> Option<Bounds> {
    Bootstrap::of(&differences(own, base)?, RESAMPLES, &mut seed.stream(STREAM))?.interval(level)
}

/// How far the mean of a resample is off, in its own standard errors; without a spread, infinitely far.
fn distance(drawn: &[f64], mean: f64, error: f64) -> f64 {
    let (own, square) = mean_and_square_error(drawn).unwrap_or_default();
    let (off, own_error) = (own - mean, square.unwrap_or_default().sqrt());
    match own_error > ROUNDING * error {
        _ if off.abs() <= ROUNDING * error => 0.0,
        true => off / own_error,
        false => f64::INFINITY.copysign(off),
    }
}

/// An index below `count`; its shares are even to within `count / 2^64`.
fn below(count: usize, stream: &mut Stream) -> usize {
    ((u128::from(stream.next_u64()) * count as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SKEWED: [f64; 10] = [0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.7, 1.1, 1.9, 4.6];

    /// If this fails, printed intervals change: say so in the CHANGELOG.
    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let of = |seed| bootstrap(&SKEWED, &[0.0; 10], 0.95, Seed::new(seed)).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let pinned = of(1);
        assert_eq!(format!("{:.6} {:.6}", pinned.low, pinned.high), PINNED);
    }

    const PINNED: &str = "0.346161 4.301558";

    /// The long tail is above: there the mean may be further off than Student's t says, which is even.
    #[test]
    fn it_leans_to_where_the_tail_is() {
        let even = super::super::Interval::of(&SKEWED).bounds().unwrap();
        let skewed = bootstrap(&SKEWED, &[0.0; 10], 0.95, Seed::new(3)).unwrap();
        assert!(skewed.high > even.high && skewed.low > even.low, "{skewed:?} {even:?}");
    }

    /// Of values 0 and 1 half of the resamples have no spread; the other half have the sample's mean.
    #[test]
    fn values_without_spread_have_no_width_and_too_few_no_interval() {
        let equal = bootstrap(&[0.1; 3], &[0.0; 3], 0.95, Seed::new(1)).unwrap();
        assert_eq!((equal.width(), (equal.low - 0.1).abs() < 1e-12), (0.0, true));
        let zero = [0.0; 2];
        assert_eq!(bootstrap(&[0.0, 1.0], &zero, 0.95, Seed::new(1)), None);
        assert_eq!(bootstrap(&[0.0, f64::NAN], &zero, 0.95, Seed::new(1)), None);
        assert_eq!(bootstrap(&[0.0], &zero, 0.95, Seed::new(1)), None);
        assert_eq!(bootstrap(&[1.0], &[0.0], 0.95, Seed::new(1)), None);
        let levels = [0.0, 0.9999, 1.0, f64::NAN];
        assert!(levels.iter().all(|level| bootstrap(&SKEWED, &[0.0; 10], *level, Seed::new(1)).is_none()));
    }

    proptest! {
        #[test]
        fn higher_levels_are_wider(values in prop::collection::vec(-1e3_f64..1e3, 4..12), seed in any::<u64>()) {
            let resamples = Bootstrap::of(&values, 199, &mut Seed::new(seed).stream("test")).unwrap();
            if let (Some(wide), Some(narrow)) = (resamples.interval(0.95), resamples.interval(0.8)) {
                prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
            }
        }
    }
}
