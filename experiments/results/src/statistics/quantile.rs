//! The interval of a quantile, whatever the law of the values.
//!
//! The number of values below the true quantile has the binomial law: so two of the sorted values have it
//! between them at least as often as asked (Thompson 1936; David and Nagaraja, *Order Statistics*, 2003,
//! 7.1; Hahn and Meeker, *Statistical Intervals*, 1991, 5.2).

use super::bounds::Bounds;
use super::student::is_share;

/// Most values that [`ranks`] is asked of; the time that it takes grows with their root.
const MOST: u64 = 1_000_000_000_000;

/// A probability below this part of the highest counts for nothing.
const NOTHING: f64 = 1e-40;

/// The ranks (the smallest value has rank 1) of the two of `count` sorted independent values between which
/// the quantile `q` lies, ends included, with at least the probability `level`; on either side it lies
/// beyond with at most half of the rest. `None` if there are too few values for that, more than 10^12, or
/// `q` or `level` are not within (0, 1).
///
/// ```
/// use flashcrowd_results::statistics::ranks;
/// assert_eq!(ranks(10, 0.5, 0.95), Some((2, 9)));
/// assert_eq!(ranks(100, 0.99, 0.95), None);
/// ```
pub fn ranks(count: u64, q: f64, level: f64) -> Option<(u64, u64)> {
    if !is_share(level) || !is_share(q) || count == 0 || count > MOST {
        return None;
    }
    let mode = (((count + 1) as f64 * q) as u64).min(count);
    let (below, above) = law(count, q, mode);
    let total = below.iter().chain(&above).sum::<f64>() + 1.0;
    let beyond = (1.0 - level) / 2.0 * total;
    // From the ends inwards: as many as hold no more than the half of the rest.
    let inwards = |side: &[f64]| {
        let held = side.iter().rev().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        held.take_while(|sum| *sum <= beyond).count() as u64
    };
    let low = mode - below.len() as u64 + inwards(&below);
    let high = mode + above.len() as u64 + 1 - inwards(&above);
    // Within the highest probability itself no side ends: each is below a half.
    (low >= 1 && high <= count).then_some((low, high))
}

/// The binomial probabilities below and above the mode, from the mode outwards, in parts of that of the
/// mode.
fn law(count: u64, q: f64, mode: u64) -> (Vec<f64>, Vec<f64>) {
    let n = count as f64;
    let odds = q / (1.0 - q);
    let falling = |ratio: &dyn Fn(f64) -> f64, outwards: &mut dyn Iterator<Item = u64>| {
        let mut weight = 1.0;
        let weights = outwards.map(|k| {
            weight *= ratio(k as f64);
            weight
        });
        weights.take_while(|weight| *weight > NOTHING).collect::<Vec<f64>>()
    };
    let below = falling(&|k| (k + 1.0) / (n - k) / odds, &mut (0..mode).rev());
    let above = falling(&|k| (n - k + 1.0) / k * odds, &mut (mode + 1..=count));
    (below, above)
}

/// The fewest values that have an interval of the quantile `q` at `level`: 6 of the median and 368 of p99
/// at 95 %. `None` if `q` or `level` are not within (0, 1), or more than 10^12 would be needed.
pub fn fewest_values(q: f64, level: f64) -> Option<u64> {
    if !is_share(level) || !is_share(q) {
        return None;
    }
    let fewest = (((1.0 - level) / 2.0).ln() / q.max(1.0 - q).ln()).ceil();
    (fewest <= MOST as f64).then_some(fewest as u64)
}

/// The interval of the quantile `q` of independent values, in their unit and in any order. `None` as for
/// [`ranks`], or if one of the values is NaN.
pub fn quantile(values: &[f64], q: f64, level: f64) -> Option<Bounds> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let (low, high) = ranks(values.len() as u64, q, level)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(Bounds { low: sorted[low as usize - 1], high: sorted[high as usize - 1] })
}

/// The interval of the quantile `q` of a histogram of independent values: `buckets` holds the value of each
/// bucket and how many values are in it, ascending by value. Each end is the value of its bucket, and no
/// more exact than that is wide. `None` as for [`ranks`], or if the buckets do not ascend.
///
/// Latencies of one run depend on each other: of those it says how much chance of the requests themselves
/// leaves open, and other replicates may be further off.
pub fn quantile_of_counts(buckets: &[(f64, u64)], q: f64, level: f64) -> Option<Bounds> {
    let ascends = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0) && buckets.iter().all(|(at, _)| !at.is_nan());
    let count = buckets.iter().try_fold(0_u64, |sum, (_, count)| sum.checked_add(*count));
    let (low, high) = ranks(count.filter(|_| ascends)?, q, level)?;
    let value = |rank: u64| {
        let mut seen = 0;
        buckets.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        })
    };
    Some(Bounds { low: value(low)?.0, high: value(high)?.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    /// Of the median at 95 %: the table of Conover, *Practical Nonparametric Statistics*, and of the sign
    /// test. Of p90 with 50 values by hand: P(B <= 40) = 0.0245, P(B <= 48) = 0.9662, P(B <= 49) = 0.9948.
    #[test]
    fn ranks_are_those_of_the_tables() {
        let medians = [(5, None), (6, Some((1, 6))), (9, Some((2, 8))), (10, Some((2, 9))), (20, Some((6, 15)))];
        for (count, expected) in medians {
            assert_eq!(ranks(count, 0.5, 0.95), expected, "{count}");
        }
        assert_eq!(ranks(100, 0.5, 0.95), Some((40, 61)));
        assert_eq!(ranks(50, 0.9, 0.95), Some((41, 50)));
        assert_eq!([0.9, 0.99].map(|level| ranks(20, 0.5, level)), [Some((6, 15)), Some((4, 17))]);
    }

    #[test]
    fn fewest_values_are_the_first_that_suffice() {
        assert_eq!((fewest_values(0.5, 0.95), fewest_values(0.99, 0.95)), (Some(6), Some(368)));
        for (q, level) in [(0.5, 0.9), (0.5, 0.99), (0.9, 0.95), (0.05, 0.95), (0.99, 0.9), (0.999, 0.99)] {
            let fewest = fewest_values(q, level).unwrap();
            assert!(ranks(fewest, q, level).is_some(), "{q} {level}");
            assert_eq!(ranks(fewest - 1, q, level), None, "{q} {level}");
        }
        assert_eq!((fewest_values(0.0, 0.5), fewest_values(0.5, f64::NAN)), (None, None));
    }

    /// As many as a long run has requests: near what the normal law says.
    #[test]
    fn many_values_have_ranks_too() {
        let (low, high) = ranks(1_000_000_000, 0.99, 0.95).unwrap();
        let spread = 1.959_964 * f64::sqrt(1e9 * 0.99 * 0.01);
        assert!((low as f64 - (990_000_000.0 - spread)).abs() < 5.0, "{low}");
        assert!((high as f64 - (990_000_000.0 + spread)).abs() < 5.0, "{high}");
        assert_eq!(ranks(u64::MAX, 0.5, 0.95), None);
    }

    #[test]
    fn a_histogram_is_asked_by_rank() {
        let buckets = [(1.0, 3), (2.0, 4), (5.0, 0), (9.0, 3)];
        let each = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 9.0, 9.0, 9.0];
        assert_eq!(quantile_of_counts(&buckets, 0.5, 0.95), Some(Bounds { low: 1.0, high: 9.0 }));
        assert_eq!(quantile_of_counts(&buckets, 0.5, 0.6), quantile(&each, 0.5, 0.6));
        let none: [&[(f64, u64)]; 4] = [&[], &[(2.0, 9), (1.0, 9)], &[(f64::NAN, 20)], &[(1.0, u64::MAX), (2.0, 1)]];
        assert!(none.iter().all(|buckets| quantile_of_counts(buckets, 0.5, 0.95).is_none()));
        assert_eq!(quantile(&[f64::NAN; 20], 0.5, 0.95), None);
        assert_eq!(quantile(&[], 0.5, 0.95), None);
    }

    proptest! {
        /// By the exact law: the claim is kept, on each side, and one rank further in it is not.
        #[test]
        fn ranks_are_the_closest_that_keep_the_claim(count in 1_u64..2_000, q in 0.01_f64..0.99, level in 0.5_f64..0.999) {
            let (law, beyond) = (Binomial::new(q, count).unwrap(), (1.0 - level) / 2.0);
            if let Some((low, high)) = ranks(count, q, level) {
                let slack = 1e-9;
                prop_assert!(law.cdf(low - 1) <= beyond + slack && law.cdf(low) > beyond - slack);
                prop_assert!(law.sf(high - 1) <= beyond + slack && law.sf(high - 2) > beyond - slack);
            } else {
                prop_assert!(count < fewest_values(q, level).unwrap());
            }
        }

        #[test]
        fn the_quantile_of_the_sample_is_within_and_higher_levels_are_wider(
            values in prop::collection::vec(-1e3_f64..1e3, 1..200), q in 0.01_f64..0.99,
            low in 0.01_f64..0.999, more in 0.0_f64..1.0,
        ) {
            let high = low + (0.9999 - low) * more;
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let own = sorted[((values.len() as f64 * q).ceil() as usize).clamp(1, values.len()) - 1];
            if let Some(narrow) = quantile(&values, q, low) {
                prop_assert!(narrow.contains(own));
                if let Some(wide) = quantile(&values, q, high) {
                    prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
                }
            } else {
                prop_assert!(quantile(&values, q, high).is_none());
            }
        }
    }
}
