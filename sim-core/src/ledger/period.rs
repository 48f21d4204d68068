//! A small latency histogram of one period of the series, emptied after each. Every request enters
//! it, so recording is a few instructions; two digits are enough for a series.

use crate::clock::SimDuration;

/// Each power of two of microseconds has this many buckets (as a power of two): a bucket is
/// narrower than 1 % of its value.
const DIGIT_BITS: u32 = 7;
const DIGITS: u64 = 1 << DIGIT_BITS;

/// Counts by bucket. Values below 128 us have buckets of their own; from there bucket
/// `e * 128 + (us >> e)` holds what agrees in its first eight bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeriodHistogram {
    counts: Vec<u32>,
    total: u64,
}

#[inline]
fn bucket(us: u64) -> usize {
    let exponent = (us | (2 * DIGITS - 1)).ilog2() - DIGIT_BITS;
    (u64::from(exponent) * DIGITS + (us >> exponent)) as usize
}

/// The largest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let exponent = (bucket as u64 / DIGITS).saturating_sub(1);
    let digits = bucket as u64 - exponent * DIGITS;
    ((digits + 1) << exponent) - 1
}

impl PeriodHistogram {
    #[inline]
    pub(crate) fn record(&mut self, latency: SimDuration) {
        let bucket = bucket(latency.as_us());
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// Median and 99th percentile; forgets everything.
    pub(crate) fn take(&mut self) -> [SimDuration; 2] {
        let quantiles = [0.5, 0.99].map(|quantile| self.quantile(quantile));
        self.counts.fill(0);
        self.total = 0;
        quantiles
    }

    fn quantile(&self, quantile: f64) -> SimDuration {
        let rank = ((quantile * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if seen >= rank {
                return SimDuration::from_us(highest(bucket));
            }
        }
        SimDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_within_one_percent(us in 0_u64..1 << 50) {
            let top = highest(bucket(us));
            prop_assert!(top >= us && (top - us) as f64 <= us as f64 * 0.01);
            prop_assert_eq!(bucket(top), bucket(us));
            prop_assert!(bucket(top + 1) == bucket(us) + 1);
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(mut us in prop::collection::vec(0_u64..10_000_000, 1..300)) {
            let mut histogram = PeriodHistogram::default();
            for &us in &us {
                histogram.record(SimDuration::from_us(us));
            }
            us.sort_unstable();
            let exact = [0.5, 0.99].map(|q: f64| us[(q * us.len() as f64).ceil() as usize - 1]);
            for (found, exact) in histogram.take().into_iter().zip(exact) {
                prop_assert!(found.as_us() >= exact && found.as_us() - exact <= exact / 100 + 1);
            }
            prop_assert_eq!(histogram.take(), [SimDuration::ZERO; 2]);
        }
    }
}
