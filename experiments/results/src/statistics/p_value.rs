//! The paired t test.

use super::differences::paired;
use super::interval::Interval;
use statrs::function::beta::checked_beta_reg;

/// How likely a difference at least as far from zero is, if `own` and `base` have the same mean: two-sided
/// t test of paired values (Student 1908), within `0..=1`. Differences that are all equal decide without
/// chance. `None` unless there are two pairs or more, of numbers.
///
/// ```
/// use flashcrowd_results::statistics::p_value;
/// assert!((p_value(&[1.0, 2.0, 3.0], &[0.0; 3]).unwrap() - 0.0742).abs() < 1e-4);
/// ```
pub fn p_value(own: &[f64], base: &[f64]) -> Option<f64> {
    chance_of(&paired(own, base, 0.95)?)
}

/// How likely a mean at least as far from zero is, if the true one is zero: the two-sided tail of Student's t beyond
/// the mean of an interval. `None` without an interval.
pub fn chance_of(interval: &Interval) -> Option<f64> {
    let (error, freedom) = (interval.standard_error()?, interval.freedom);
    if error == 0.0 {
        return Some(if interval.mean == 0.0 { 1.0 } else { 0.0 });
    }
    let square = (interval.mean / error).powi(2);
    checked_beta_reg(freedom / 2.0, 0.5, freedom / (freedom + square)).ok().filter(|p| p.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// With one and two degrees of freedom the tail has a closed form: 1 - 2/pi atan(t), and
    /// 1 - t / root(2 + t²).
    #[test]
    fn few_pairs_have_the_tail_of_the_closed_form() {
        // Mean 2, standard error 1.
        let one = p_value(&[1.0, 3.0], &[0.0; 2]).unwrap();
        assert!((one - (1.0 - std::f64::consts::FRAC_2_PI * f64::atan(2.0))).abs() < 1e-9, "{one}");
        // Mean 2, standard error root(1/3).
        let t = 2.0 * f64::sqrt(3.0);
        let two = p_value(&[1.0, 2.0, 3.0], &[0.0; 3]).unwrap();
        assert!((two - (1.0 - t / (2.0 + t * t).sqrt())).abs() < 1e-9, "{two}");
    }

    /// Student (1908), additional hours of sleep gained by two drugs: t = 4.0621, p = 0.00283.
    #[test]
    fn the_first_paired_test_comes_out() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        assert!((p_value(&second, &first).unwrap() - 0.002_833).abs() < 1e-6);
        assert_eq!(p_value(&second, &first), p_value(&first, &second));
    }

    /// Of very many pairs the tail is that of the normal law: 0.05 at 1.959964 standard errors.
    #[test]
    fn many_pairs_have_the_tail_of_the_normal_law() {
        let count = 1_000_000;
        let interval = Interval { count, ..Interval::default() }.with(1.0, count as f64 - 1.0);
        let p = chance_of(&Interval { mean: 1.959_964, ..interval }).unwrap();
        assert!((p - 0.05).abs() < 1e-6, "{p}");
    }

    #[test]
    fn equal_differences_decide_and_too_few_do_not() {
        assert_eq!(p_value(&[2.0; 4], &[2.0; 4]), Some(1.0));
        assert_eq!(p_value(&[3.0; 4], &[2.0; 4]), Some(0.0));
        let none: [(&[f64], &[f64]); 4] =
            [(&[], &[]), (&[1.0], &[2.0]), (&[1.0, 2.0], &[1.0]), (&[1.0, 2.0], &[f64::NAN, 0.0])];
        assert!(none.iter().all(|(own, base)| p_value(own, base).is_none()));
    }

    proptest! {
        #[test]
        fn it_is_below_five_percent_where_the_interval_leaves_zero_out(own in prop::collection::vec(-3.0_f64..5.0, 2..30)) {
            let (base, interval) = (vec![0.0; own.len()], Interval::of(&own));
            let p = p_value(&own, &base).unwrap();
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(interval.differs_from_zero() == (p < 0.05) || (p - 0.05).abs() < 1e-6);
        }
    }
}
