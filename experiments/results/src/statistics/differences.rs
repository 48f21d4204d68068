//! The difference of two means: paired by replicate, and of independent runs.

use super::interval::{Interval, mean_and_square_error};

/// The mean of `own - base` by replicate, and its interval: the two played the same worlds in the same
/// order. `None` if they have not the same number of values, or none.
pub fn paired(own: &[f64], base: &[f64], level: f64) -> Option<Interval> {
    differences(own, base).map(|differences| Interval::at(&differences, level))
}

/// `own - base`, one by one; `None` if they have not the same number of values, or none.
pub(super) fn differences(own: &[f64], base: &[f64]) -> Option<Vec<f64>> {
    let same = own.len() == base.len() && !own.is_empty();
    same.then(|| own.iter().zip(base).map(|(own, base)| own - base).collect())
}

/// The difference of the means of two independent samples, `own` less `base`, and its interval, which
/// does not take their variances for equal (Welch 1938, with the degrees of freedom of Satterthwaite
/// 1946). `None` if one of them is empty; without a half-width if one of them has a single value.
pub fn welch(own: &[f64], base: &[f64], level: f64) -> Option<Interval> {
    let ((own_mean, own_square), (base_mean, base_square)) =
        (mean_and_square_error(own)?, mean_and_square_error(base)?);
    let count = own.len().min(base.len());
    let alone = Interval { mean: own_mean - base_mean, count, level, ..Interval::default() };
    let both = own_square.zip(base_square);
    Some(both.map_or(alone, |(a, b)| alone.with(a + b, freedom((a, own.len()), (b, base.len())))))
}

/// Degrees of freedom of a difference, from the squared standard errors of the two means and their counts,
/// each at least two.
fn freedom((a, n): (f64, usize), (b, m): (f64, usize)) -> f64 {
    let (n, m) = (n as f64 - 1.0, m as f64 - 1.0);
    if a + b == 0.0 {
        return n + m;
    }
    // Rounding may not put it below the least that it can be.
    ((a + b).powi(2) / (a.powi(2) / n + b.powi(2) / m)).max(n.min(m))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Differences 1, 2, 3, 4: mean 2.5, variance 5/3, three degrees of freedom.
    #[test]
    fn pairs_are_taken_one_by_one() {
        let (own, base) = ([11.0, 22.0, 33.0, 44.0], [10.0, 20.0, 30.0, 40.0]);
        let interval = paired(&own, &base, 0.95).unwrap();
        assert_eq!((interval.mean, interval.count), (2.5, 4));
        assert!((interval.half_width.unwrap() - 3.182_446 * f64::sqrt(5.0 / 12.0)).abs() < 1e-5);
        assert_eq!(paired(&own, &base[1..], 0.95), None);
        assert_eq!(paired(&[], &[], 0.95), None);
    }

    /// 1, 2, 3 and 2, 4, 6, 8, 10: squared errors of the means 1/3 and 2; 49/9 / (1/9/2 + 4/4) = 98/19
    /// degrees of freedom.
    #[test]
    fn samples_of_unlike_variance_have_the_freedom_of_satterthwaite() {
        let interval = welch(&[2.0, 4.0, 6.0, 8.0, 10.0], &[1.0, 2.0, 3.0], 0.95).unwrap();
        assert_eq!((interval.mean, interval.count), (4.0, 3));
        assert!((interval.freedom - 98.0 / 19.0).abs() < 1e-12, "{interval:?}");
        assert!((interval.standard_error().unwrap() - f64::sqrt(7.0 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn without_enough_there_is_no_interval() {
        assert_eq!(welch(&[], &[1.0, 2.0], 0.95), None);
        assert_eq!(welch(&[1.0], &[1.0, 2.0], 0.95).unwrap().half_width, None);
        assert_eq!(welch(&[1.0, f64::NAN], &[1.0, 2.0], 0.95).unwrap().half_width, None);
        assert_eq!(welch(&[3.0; 2], &[1.0; 2], 0.95).unwrap().half_width, Some(0.0));
        // One that does not vary leaves the freedom of the other.
        assert!(welch(&[1.1, 1.3], &[1.0; 9], 0.95).unwrap().half_width.is_some());
    }

    proptest! {
        #[test]
        fn the_other_way_round_only_the_sign_differs(
            own in prop::collection::vec(-1e3_f64..1e3, 2..12), base in prop::collection::vec(-1e3_f64..1e3, 2..12),
        ) {
            let (there, back) = (welch(&own, &base, 0.9).unwrap(), welch(&base, &own, 0.9).unwrap());
            prop_assert_eq!((there.mean, there.half_width), (-back.mean, back.half_width));
            let (least, most) = (own.len().min(base.len()) - 1, own.len() + base.len() - 2);
            prop_assert!(there.freedom >= least as f64 && there.freedom <= most as f64 + 1e-9);
        }
    }
}
