//! Means over replicates and their 95 % intervals.

/// A mean over replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half-width of the 95 % interval by Student's t; `None` with fewer than two values.
    pub half_width: Option<f64>,
    /// How many values.
    pub count: usize,
}

impl Estimate {
    /// The estimate from independent values.
    ///
    /// ```
    /// use flashcrowd::statistics::Estimate;
    /// let estimate = Estimate::of(&[1.0, 2.0, 3.0]);
    /// assert_eq!(estimate.mean, 2.0);
    /// assert!((estimate.half_width.unwrap() - 2.484).abs() < 0.001);
    /// ```
    pub fn of(values: &[f64]) -> Self {
        let count = values.len();
        if count == 0 {
            return Estimate::default();
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let half_width = (count > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            t_975(count - 1) * (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Estimate { mean, half_width, count }
    }

    /// Whether zero lies outside the interval. Values that are all equal decide without chance.
    pub fn differs_from_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

/// The 0.975 quantile of Student's t: exact for 1 and 2 degrees of freedom, a table up to 30, then
/// the expansion of Cornish and Fisher, whose error is below 0.001 there.
pub fn t_975(degrees: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    match degrees {
        0 => f64::INFINITY,
        n if n <= TABLE.len() => TABLE[n - 1],
        n => {
            const Z: f64 = 1.959_964;
            let n = n as f64;
            Z + (Z.powi(3) + Z) / (4.0 * n) + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * n * n)
        }
    }
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
    fn quantiles_of_t_are_continuous_and_fall_to_the_normal() {
        assert!((t_975(31) - 2.0395).abs() < 1e-3);
        assert!((t_975(1_000_000) - 1.96).abs() < 1e-3);
        assert!((1..200).all(|n| t_975(n) >= t_975(n + 1)));
    }

    #[test]
    fn equal_values_have_no_width() {
        let zero = Estimate::of(&[0.0; 5]);
        assert_eq!((zero.half_width, zero.differs_from_zero()), (Some(0.0), false));
        assert!(Estimate::of(&[1.0; 5]).differs_from_zero());
        assert!(!Estimate::of(&[1.0]).differs_from_zero());
    }

    #[test]
    fn correlation_knows_lines_and_constants() {
        let line: Vec<(f64, f64)> = (0..10).map(|x| (f64::from(x), 3.0 - 2.0 * f64::from(x))).collect();
        assert!((correlation(&line).unwrap() + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
