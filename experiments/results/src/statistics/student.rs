//! Quantiles of Student's t.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// From so many degrees of freedom on the expansion around the normal law is used: it errs by less than
/// 1e-9 there, and the search of `statrs` comes to no end at 10^9.
const EXPANDED: f64 = 1_000.0;

/// The quantile of Student's t with `freedom` degrees of freedom: half of the law lies below
/// `t_quantile(0.5, freedom)`, which is zero. `None` unless the probability is within (0, 1) and there is
/// at least one degree of freedom. Good to six digits for probabilities of 10^-6 and more on either side.
///
/// ```
/// use flashcrowd_results::statistics::t_quantile;
/// assert!((t_quantile(0.95, 4.0).unwrap() - 2.131_847).abs() < 1e-6);
/// ```
pub fn t_quantile(probability: f64, freedom: f64) -> Option<f64> {
    let known = is_share(probability) && freedom >= 1.0 && freedom.is_finite();
    let t = match known {
        false => return None,
        true if freedom >= EXPANDED => expanded(Normal::standard().inverse_cdf(probability), freedom),
        true => StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(probability),
    };
    t.is_finite().then_some(t)
}

/// The quantile of t from that of the normal law: three terms of the expansion of Cornish and Fisher
/// (Abramowitz and Stegun 1964, 26.7.5).
fn expanded(z: f64, freedom: f64) -> f64 {
    let square = z * z;
    let first = z * (square + 1.0) / 4.0;
    let second = z * ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    let third = z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
    z + (first + (second + third / freedom) / freedom) / freedom
}

/// The 0.975 quantile of Student's t; infinite below one degree of freedom.
pub fn t_975(freedom: f64) -> f64 {
    t_quantile(0.975, freedom).unwrap_or(f64::INFINITY)
}

/// How many standard errors an interval reaches to either side of a mean. `None` as for [`t_quantile`].
pub(super) fn reach(level: f64, freedom: f64) -> Option<f64> {
    // Written so that 0.95 gives 0.975 to the last bit.
    is_share(level).then(|| t_quantile(0.5 + level / 2.0, freedom)).flatten()
}

/// Whether it is within (0, 1), as the level of an interval is.
pub(super) fn is_share(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, and more digits where they are known
    /// in closed form (one and two degrees of freedom).
    #[test]
    fn quantiles_of_t_are_those_of_the_tables() {
        let table = [
            (0.975, 1.0, 12.706_205),
            (0.975, 2.0, 4.302_653),
            (0.975, 9.0, 2.262_157),
            (0.975, 10.0, 2.228_139),
            (0.975, 20.0, 2.085_963),
            (0.975, 30.0, 2.042_272),
            (0.95, 1.0, 6.313_752),
            (0.95, 19.0, 1.729_133),
            (0.995, 3.0, 5.840_909),
            (0.995, 19.0, 2.860_935),
            (0.995, 100.0, 2.625_891),
        ];
        for (probability, freedom, value) in table {
            let t = t_quantile(probability, freedom).unwrap();
            assert!((t - value).abs() < 1e-5, "{probability} {freedom}: {t}");
        }
    }

    #[test]
    fn quantiles_fall_to_those_of_the_normal_law() {
        assert!((1..200).all(|n| t_975(f64::from(n)) >= t_975(f64::from(n + 1))));
        for (probability, normal) in [(0.95, 1.644_854), (0.975, 1.959_964), (0.995, 2.575_829)] {
            assert!((t_quantile(probability, 1e12).unwrap() - normal).abs() < 1e-6);
            // Both ways to the quantile meet.
            let both = [EXPANDED - 1e-6, EXPANDED].map(|freedom| t_quantile(probability, freedom).unwrap());
            assert!((both[0] - both[1]).abs() < 1e-9, "{both:?}");
        }
    }

    #[test]
    fn what_has_no_quantile_has_none() {
        let none = [(0.0, 3.0), (1.0, 3.0), (f64::NAN, 3.0), (0.5, 0.9), (0.5, f64::NAN), (0.5, f64::INFINITY)];
        assert!(none.iter().all(|(probability, freedom)| t_quantile(*probability, *freedom).is_none()));
        assert_eq!(t_975(0.5), f64::INFINITY);
        assert_eq!([0.0, 1.0, -0.5, f64::NAN].map(|level| reach(level, 3.0)), [None; 4]);
        assert_eq!(reach(0.95, 7.0), Some(t_975(7.0)));
    }
}
