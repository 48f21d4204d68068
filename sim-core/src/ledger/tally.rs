//! Counts by logarithmic bucket: what a histogram costs in the hot path, and no more.
//!
//! Every request enters several of these, so that recording is a few instructions that are always
//! inlined. Buckets are those of `HdrHistogram`, into which a tally is emptied when somebody asks.

use hdrhistogram::Histogram;

/// Counts of microseconds. Values below `2^(BITS + 1)` have buckets of their own; from there bucket
/// `e * 2^BITS + (us >> e)` holds what agrees in its first `BITS + 1` bits: a bucket is narrower
/// than `2^-BITS` of its value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally<const BITS: u32> {
    counts: Vec<u64>,
    total: u64,
}

/// Three digits, as all histograms of a run have.
pub(crate) type Digits3 = Tally<10>;

#[inline]
fn exponent<const BITS: u32>(us: u64) -> u32 {
    (us | ((2 << BITS) - 1)).ilog2() - BITS
}

#[inline]
fn bucket<const BITS: u32>(us: u64) -> usize {
    let exponent = exponent::<BITS>(us);
    ((u64::from(exponent) << BITS) + (us >> exponent)) as usize
}

/// The largest value of a bucket.
fn highest<const BITS: u32>(bucket: usize) -> u64 {
    let exponent = (bucket as u64 >> BITS).saturating_sub(1);
    let digits = bucket as u64 - (exponent << BITS);
    ((digits + 1) << exponent) - 1
}

impl<const BITS: u32> Tally<BITS> {
    #[inline]
    pub(crate) fn record(&mut self, us: u64) {
        self.record_n(us, 1);
    }

    #[inline]
    pub(crate) fn record_n(&mut self, us: u64, n: u64) {
        let bucket = bucket::<BITS>(us);
        if bucket >= self.counts.len() {
            self.grow(bucket);
        }
        self.counts[bucket] += n;
        self.total += n;
    }

    #[cold]
    fn grow(&mut self, bucket: usize) {
        self.counts.resize(bucket + 1, 0);
    }

    /// The smallest value above `us` that is in another bucket.
    #[inline]
    pub(crate) fn next_bucket(us: u64) -> u64 {
        let exponent = exponent::<BITS>(us);
        ((us >> exponent) + 1) << exponent
    }

    /// The value at a rank, as the largest one of its bucket; 0 if there is none.
    pub(crate) fn quantile_us(&self, quantile: f64) -> u64 {
        let rank = ((quantile * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return highest::<BITS>(bucket);
            }
        }
        0
    }

    /// What was counted, as a histogram of two digits that grows as it must.
    pub(crate) fn histogram(&self) -> Histogram<u64> {
        // Two digits are a valid precision.
        let mut histogram = Histogram::new(2).expect("valid histogram precision");
        for (bucket, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // An automatic histogram takes every value.
            let _ = histogram.record_n(highest::<BITS>(bucket), count);
        }
        histogram
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
    }
}

impl Digits3 {
    /// Brings everything into each of some histograms of three digits, and forgets it; what is
    /// beyond their range counts as their longest.
    pub(crate) fn empty_into(&mut self, histograms: &mut [&mut Histogram<u64>]) {
        for (bucket, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            for histogram in &mut *histograms {
                histogram.saturating_record_n(highest::<10>(bucket), count);
            }
        }
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_within_its_width(us in 0_u64..1 << 50) {
            let top = highest::<7>(bucket::<7>(us));
            prop_assert!(top >= us && (top - us) as f64 <= us as f64 * 0.01);
            prop_assert_eq!(bucket::<7>(top), bucket::<7>(us));
            prop_assert_eq!(bucket::<7>(top + 1), bucket::<7>(us) + 1);
            prop_assert_eq!(Tally::<7>::next_bucket(us), top + 1);
        }

        #[test]
        fn three_digits_are_those_of_hdr_histograms(us in prop::collection::vec(0_u64..1 << 33, 0..50), n in 1_u64..9) {
            let mut plain = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
            let (mut emptied, mut tally) = (plain.clone(), Digits3::default());
            for us in us {
                plain.saturating_record_n(us, n);
                tally.record_n(us, n);
                prop_assert_eq!(Digits3::next_bucket(us), plain.next_non_equivalent(us).max(1));
            }
            tally.empty_into(&mut [&mut emptied]);
            prop_assert_eq!(&plain, &emptied);
            prop_assert_eq!(plain.max(), emptied.max());
            prop_assert_eq!(plain.min(), emptied.min());
            prop_assert_eq!(plain.value_at_quantile(0.99), emptied.value_at_quantile(0.99));
            prop_assert_eq!(tally.quantile_us(0.5), 0);
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(mut us in prop::collection::vec(0_u64..10_000_000, 1..300)) {
            let mut tally = Tally::<7>::default();
            for &us in &us {
                tally.record(us);
            }
            us.sort_unstable();
            for q in [0.5, 0.99_f64] {
                let exact = us[(q * us.len() as f64).ceil() as usize - 1];
                let found = tally.quantile_us(q);
                prop_assert!(found >= exact && found - exact <= exact / 100 + 1);
            }
            tally.clear();
            prop_assert_eq!(tally.quantile_us(0.99), 0);
        }
    }
}
