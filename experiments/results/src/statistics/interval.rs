//! A mean of independent values and its interval by Student's t.

use super::bounds::Bounds;
use super::student::reach;

/// The level of [`Interval::of`].
const USUAL_LEVEL: f64 = 0.95;

/// A mean over replicates, or a difference of two means, and how far the true one may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean, in the unit of the values; zero where there are none.
    pub mean: f64,
    /// Half-width of the interval by Student's t, in the unit of the values; `None` with fewer than two
    /// values, or where one of them is no number.
    pub half_width: Option<f64>,
    /// How many values; of two samples, how many the smaller one has.
    pub count: usize,
    /// The share of such intervals that contain the true mean: 0.95.
    pub level: f64,
    /// Degrees of freedom of Student's t; zero without an interval.
    pub freedom: f64,
}

impl Default for Interval {
    fn default() -> Self {
        Interval { mean: 0.0, half_width: None, count: 0, level: USUAL_LEVEL, freedom: 0.0 }
    }
}

impl Interval {
    /// The 95 % interval of the mean of independent values.
    ///
    /// ```
    /// use flashcrowd_results::statistics::Interval;
    /// let estimate = Interval::of(&[1.0, 2.0, 3.0]);
    /// assert_eq!(estimate.mean, 2.0);
    /// assert!((estimate.half_width.unwrap() - 2.484).abs() < 0.001);
    /// ```
    pub fn of(values: &[f64]) -> Self {
        Interval::at(values, USUAL_LEVEL)
    }

    /// The interval of the mean of independent values at a level of confidence within (0, 1); of another
    /// level there is no half-width (Student 1908).
    pub fn at(values: &[f64], level: f64) -> Self {
        let Some((mean, square)) = mean_and_square_error(values) else {
            return Interval { level, ..Interval::default() };
        };
        let alone = Interval { mean, half_width: None, count: values.len(), level, freedom: 0.0 };
        square.map_or(alone, |square| alone.with(square, (values.len() - 1) as f64))
    }

    /// This mean with the interval that its squared standard error and degrees of freedom give.
    pub(super) fn with(self, square: f64, freedom: f64) -> Self {
        let half_width = reach(self.level, freedom).map(|reach| reach * square.sqrt()).filter(|half| half.is_finite());
        Interval { half_width, freedom: if half_width.is_some() { freedom } else { 0.0 }, ..self }
    }

    /// Its two ends; `None` without a half-width.
    pub fn bounds(&self) -> Option<Bounds> {
        self.half_width.map(|half| Bounds { low: self.mean - half, high: self.mean + half })
    }

    /// The standard error of the mean, in the unit of the values; `None` without a half-width.
    pub fn standard_error(&self) -> Option<f64> {
        Some(self.half_width? / reach(self.level, self.freedom)?)
    }

    /// Whether zero lies outside the interval. Values that are all equal decide without chance.
    pub fn differs_from_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

/// The mean and, of two values or more, its squared standard error. `None` without values.
pub(super) fn mean_and_square_error(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = || values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (!values.is_empty()).then(|| (mean, (values.len() > 1).then(|| squares() / (count - 1.0) / count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_have_no_width() {
        let zero = Interval::of(&[0.0; 5]);
        assert_eq!((zero.half_width, zero.differs_from_zero()), (Some(0.0), false));
        assert!(Interval::of(&[1.0; 5]).differs_from_zero());
        assert!(!Interval::of(&[1.0]).differs_from_zero());
    }

    /// 4, 6, 8, 10, 12: mean 8, variance 10, standard error the root of 2; times the table's quantile of
    /// four degrees of freedom.
    #[test]
    fn half_widths_are_those_of_the_hand() {
        let values = [4.0, 6.0, 8.0, 10.0, 12.0];
        for (level, t) in [(0.9, 2.131_847), (0.95, 2.776_445), (0.99, 4.604_095)] {
            let interval = Interval::at(&values, level);
            assert!((interval.half_width.unwrap() - t * f64::sqrt(2.0)).abs() < 1e-5, "{interval:?}");
            assert!((interval.standard_error().unwrap() - f64::sqrt(2.0)).abs() < 1e-12);
            assert_eq!((interval.mean, interval.count, interval.freedom), (8.0, 5, 4.0));
        }
        assert_eq!(Interval::of(&values), Interval::at(&values, 0.95));
    }

    #[test]
    fn without_enough_there_is_no_width() {
        let none: [&[f64]; 5] = [&[], &[1.0], &[1.0, f64::NAN], &[1.0, f64::INFINITY], &[f64::MAX, f64::MIN]];
        assert!(none.iter().all(|values| Interval::of(values).bounds().is_none()));
        assert!([0.0, 1.0, f64::NAN].iter().all(|level| Interval::at(&[1.0, 2.0], *level).half_width.is_none()));
        assert_eq!(Interval::of(&[]), Interval::default());
        assert_eq!(Interval::of(&[7.0]), Interval { mean: 7.0, count: 1, ..Interval::default() });
    }

    proptest! {
        #[test]
        fn higher_levels_are_wider(values in prop::collection::vec(-1e6_f64..1e6, 2..30), low in 0.01_f64..0.99, more in 0.0_f64..1.0) {
            let high = low + (0.999 - low) * more;
            let [narrow, wide] = [low, high].map(|level| Interval::at(&values, level).bounds().unwrap());
            prop_assert!(narrow.low >= wide.low - 1e-6 && narrow.high <= wide.high + 1e-6);
        }
    }
}
