//! Means over replicates and their 95 % intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean over replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half-width of the 95 % interval by Student's t; `None` with fewer than two values.
    pub half_width: Option<f64>,
    /// How many values.
    pub count: usize,
}

impl Interval {
    /// The estimate from independent values.
    ///
    /// ```
    /// use flashcrowd_results::statistics::Interval;
    /// let estimate = Interval::of(&[1.0, 2.0, 3.0]);
    /// assert_eq!(estimate.mean, 2.0);
    /// assert!((estimate.half_width.unwrap() - 2.484).abs() < 0.001);
    /// ```
    pub fn of(values: &[f64]) -> Self {
        let count = values.len();
        if count == 0 {
            return Interval::default();
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let half_width = (count > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            t_975((count - 1) as f64) * (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Interval { mean, half_width, count }
    }

    /// Whether zero lies outside the interval. Values that are all equal decide without chance.
    pub fn differs_from_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

/// The 0.975 quantile of Student's t; infinite below one degree of freedom.
pub fn t_975(freedom: f64) -> f64 {
    if freedom < 1.0 {
        return f64::INFINITY;
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |law| law.inverse_cdf(0.975))
}

/// Pearson's correlation; `None` if one of the two does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| pairs.iter().map(pick).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mx).powi(2);
        yy += (y - my).powi(2);
        xy += (x - mx) * (y - my);
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_t_are_those_of_the_tables() {
        for (freedom, value) in [(9.0, 2.262), (10.0, 2.228_139), (20.0, 2.085_963), (30.0, 2.042_272), (1e6, 1.96)] {
            assert!((t_975(freedom) - value).abs() < 3e-4, "{freedom}");
        }
        assert!((1..200).all(|n| t_975(f64::from(n)) >= t_975(f64::from(n + 1))));
    }

    #[test]
    fn equal_values_have_no_width() {
        let zero = Interval::of(&[0.0; 5]);
        assert_eq!((zero.half_width, zero.differs_from_zero()), (Some(0.0), false));
        assert!(Interval::of(&[1.0; 5]).differs_from_zero());
        assert!(!Interval::of(&[1.0]).differs_from_zero());
    }

    #[test]
    fn correlation_knows_lines_and_constants() {
        let line: Vec<(f64, f64)> = (0..10).map(|x| (f64::from(x), 3.0 - 2.0 * f64::from(x))).collect();
        assert!((correlation(&line).unwrap() + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
