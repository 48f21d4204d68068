//! How long a batch takes by its size.

use crate::clock::SimDuration;

/// The time of a batch by its size. Between known sizes it follows straight lines; beyond the last
/// one it goes on at the slope of the last two; below the first one it equals the first.
///
/// Measured curves are not affine: `TensorRT` builds other kernels for a batch of one, and in
/// `PyTorch` the launch of kernels hides the time of small batches. Lines between measured sizes
/// keep both effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchTime(Vec<(u32, SimDuration)>);

impl BatchTime {
    /// The time model `fixed + per_item * size`.
    pub fn affine(fixed: SimDuration, per_item: SimDuration) -> Self {
        BatchTime(vec![(0, fixed), (1, fixed + per_item)])
    }

    /// From known sizes in items. `None` if there are none, or if they do not ascend.
    pub fn through(known: Vec<(u32, SimDuration)>) -> Option<Self> {
        let ascends = known.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (!known.is_empty() && ascends).then_some(BatchTime(known))
    }

    /// The time of a batch of `size` items, rounded down to picoseconds.
    ///
    /// ```
    /// use flashcrowd_core::SimDuration;
    /// use flashcrowd_core::serving::BatchTime;
    /// let ms = SimDuration::from_ms;
    /// let time = BatchTime::through(vec![(1, ms(4)), (2, ms(10)), (4, ms(12))]).unwrap();
    /// assert_eq!([1, 3, 8].map(|size| time.of(size)), [ms(4), ms(11), ms(16)]);
    /// ```
    pub fn of(&self, size: u32) -> SimDuration {
        let right = self.0.partition_point(|&(known, _)| known < size).min(self.0.len() - 1);
        let ((low, start), (high, end)) = (self.0[right.saturating_sub(1)], self.0[right]);
        if size <= low || low == high {
            return start;
        }
        // By noise a larger batch may measure faster; beyond the known sizes the time falls no
        // further.
        if end < start && size > high {
            return end;
        }
        let part = |change: SimDuration| {
            let change = u128::from(change.as_ps()) * u128::from(size - low) / u128::from(high - low);
            SimDuration::from_ps(u64::try_from(change).unwrap_or(u64::MAX))
        };
        if end >= start { start + part(end - start) } else { start - part(start - end) }
    }

    /// Whether no batch takes any time.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|(_, time)| time.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(ms: u64) -> SimDuration {
        SimDuration::from_ms(ms)
    }

    #[test]
    fn one_known_size_holds_for_all_and_none_is_refused() {
        let one = BatchTime::through(vec![(8, ms(5))]).unwrap();
        assert_eq!([1, 8, 90].map(|size| one.of(size)), [ms(5); 3]);
        assert_eq!(BatchTime::through(Vec::new()), None);
        assert_eq!(BatchTime::through(vec![(2, ms(5)), (2, ms(6))]), None);
    }

    #[test]
    fn a_fall_is_followed_but_not_continued() {
        let falls = BatchTime::through(vec![(1, ms(9)), (3, ms(7))]).unwrap();
        assert_eq!([1, 2, 3, 100].map(|size| falls.of(size)), [ms(9), ms(8), ms(7), ms(7)]);
    }

    proptest! {
        #[test]
        fn affine_times_are_exact(fixed in 0_u64..1 << 50, per_item in 0_u64..1 << 40, size in 1_u32..5_000) {
            let (fixed, per_item) = (SimDuration::from_ps(fixed), SimDuration::from_ps(per_item));
            prop_assert_eq!(BatchTime::affine(fixed, per_item).of(size), fixed + per_item * u64::from(size));
        }
    }
}
