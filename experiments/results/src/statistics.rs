//! Means over replicates and their 95 % intervals.

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

/// The 0.975 quantile of Student's t: a table below ten degrees of freedom, from there the
/// expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5), within 2e-4.
pub fn t_975(freedom: f64) -> f64 {
    const TABLE: [f64; 9] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
    const Z: f64 = 1.959_963_984_540_054;
    if freedom < 1.0 {
        return f64::INFINITY;
    }
    if freedom < 10.0 {
        return TABLE[freedom as usize - 1];
    }
    let powers = [Z.powi(3), Z.powi(5), Z.powi(7)];
    let first = (powers[0] + Z) / 4.0;
    let second = (5.0 * powers[1] + 16.0 * powers[0] + 3.0 * Z) / 96.0;
    let third = (3.0 * powers[2] + 19.0 * powers[1] + 17.0 * powers[0] - 15.0 * Z) / 384.0;
    Z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
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
