//! How many more replicates an answer takes, if they spread as those that there are.

use super::interval::Interval;
use super::student::{reach, t_quantile};

/// Most replicates more that are named.
pub const MOST_MORE: u32 = 10_000;

/// How likely the replicates that are named will tell, if the true mean is the one that was seen.
pub const POWER: f64 = 0.8;

/// How narrow an interval is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width {
    /// A half-width in the unit of the values.
    Absolute(f64),
    /// A half-width as a share of the mean's amount: 0.05 is +-5 %.
    Relative(f64),
}

/// How many replicates more (of two samples, of each in proportion) make the half-width no wider than
/// `wanted`: zero if it is not. `None` without an interval, if more than [`MOST_MORE`] would be needed, or
/// if the wanted width is not above zero.
///
/// The half-width falls with the root of the number and with its quantile of Student's t, for the spread as
/// it was measured (Law, *Simulation Modeling and Analysis*, 2015, 9.4.1).
pub fn more_for_width(interval: &Interval, wanted: Width) -> Option<u32> {
    let wanted = match wanted {
        Width::Absolute(half) => half,
        Width::Relative(share) => share * interval.mean.abs(),
    };
    let half = interval.half_width?;
    if half <= wanted {
        return Some(0);
    }
    fewest_more(interval, wanted, |freedom| reach(interval.level, freedom))
}

/// How many replicates more (of two samples, of each in proportion) would put `limit` outside of the
/// interval with a probability of [`POWER`], if the true mean is the one that was seen: zero if it is
/// outside. With a limit of zero: how many tell a difference from none. `None` without an interval, if more
/// than [`MOST_MORE`] would be needed, or if the mean is the limit.
///
/// The distance must be that many standard errors for which Student's t leaves the limit out, and those that
/// the mean may come nearer by chance (Lehr 1992 has both for the normal law). What was seen is uncertain
/// itself: the number says how far the end is, and no more.
pub fn more_to_tell(interval: &Interval, limit: f64) -> Option<u32> {
    let distance = (interval.mean - limit).abs();
    if distance > interval.half_width? {
        return Some(0);
    }
    fewest_more(interval, distance, |freedom| Some(reach(interval.level, freedom)? + t_quantile(POWER, freedom)?))
}

/// The fewest replicates more, at least one, with which `errors` standard errors (by degrees of freedom) are
/// no more than `wanted`.
fn fewest_more(interval: &Interval, wanted: f64, errors: impl Fn(f64) -> Option<f64>) -> Option<u32> {
    let (now, error) = (interval.count as f64, interval.standard_error()?);
    let suffices = |more: u32| {
        let count = now + f64::from(more);
        let freedom = interval.freedom * (count - 1.0) / (now - 1.0);
        errors(freedom).is_some_and(|errors| errors * error * (now / count).sqrt() <= wanted)
    };
    if wanted.is_nan() || wanted <= 0.0 || !suffices(MOST_MORE) {
        return None;
    }
    let (mut too_few, mut enough) = (0, MOST_MORE);
    while enough - too_few > 1 {
        let middle = u32::midpoint(too_few, enough);
        if suffices(middle) { enough = middle } else { too_few = middle }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::super::differences::welch;
    use super::*;
    use proptest::prelude::*;

    /// -1 and 1, five times each: mean 0, variance 10/9, standard error 1/3.
    fn ten(shift: f64) -> Vec<f64> {
        [-1.0, 1.0].repeat(5).iter().map(|value| value + shift).collect()
    }

    /// With 0.5: of 19 values 2.100922 · root(10/9/19) = 0.508, of 20 values 2.093024 · root(10/9/20) = 0.493.
    #[test]
    fn a_width_takes_as_many_as_by_hand() {
        let interval = Interval::of(&ten(5.0));
        assert_eq!(more_for_width(&interval, Width::Absolute(0.5)), Some(10));
        assert_eq!(more_for_width(&interval, Width::Relative(0.1)), Some(10));
        assert_eq!(more_for_width(&interval, Width::Absolute(0.8)), Some(0));
        assert_eq!(more_for_width(&interval, Width::Absolute(1e-3)), None);
    }

    /// With 0.5, by (t(0.975) + t(0.8)) · root(10/9/n): of 36 values (2.030108 + 0.851570) · 0.175682 =
    /// 0.506, of 37 values (2.028094 + 0.851418) · 0.173292 = 0.499.
    #[test]
    fn telling_takes_more_than_the_bare_width() {
        assert_eq!(more_to_tell(&Interval::of(&ten(0.5)), 0.0), Some(27));
        assert_eq!(more_to_tell(&Interval::of(&ten(7.5)), 7.0), Some(27));
        assert_eq!(more_to_tell(&Interval::of(&ten(2.0)), 0.0), Some(0));
        assert_eq!(more_to_tell(&Interval::of(&ten(0.0)), 0.0), None);
        assert_eq!(more_to_tell(&Interval::of(&ten(0.001)), 0.0), None);
    }

    #[test]
    fn what_has_no_interval_has_no_number() {
        for values in [&[][..], &[1.0], &[1.0, f64::NAN]] {
            let interval = Interval::of(values);
            assert_eq!((more_for_width(&interval, Width::Absolute(1.0)), more_to_tell(&interval, 0.0)), (None, None));
        }
        let interval = Interval::of(&ten(0.5));
        let none = [0.0, -1.0, f64::NAN].map(|half| more_for_width(&interval, Width::Absolute(half)));
        assert_eq!((none, more_to_tell(&interval, f64::NAN)), ([None; 3], None));
        assert_eq!(more_for_width(&Interval::of(&[3.0; 4]), Width::Absolute(0.0)), Some(0));
    }

    /// Two samples of ten of the same variance: as one of ten with twice the variance and 18 degrees of freedom.
    #[test]
    fn two_samples_grow_together() {
        let interval = welch(&ten(3.0), &ten(0.0), 0.95).unwrap();
        let more = more_for_width(&interval, Width::Absolute(0.5)).unwrap();
        let half = |more: u32| {
            let count = f64::from(10 + more);
            t_quantile(0.975, 2.0 * (count - 1.0)).unwrap() * (2.0 * 10.0 / 9.0 / count).sqrt()
        };
        assert!(half(more) <= 0.5 && half(more - 1) > 0.5, "{more}");
    }

    proptest! {
        #[test]
        fn it_is_the_first_that_suffices(values in prop::collection::vec(-10.0_f64..10.0, 2..20), share in 0.1_f64..0.99) {
            let interval = Interval::of(&values);
            let (half, error) = (interval.half_width.unwrap(), interval.standard_error().unwrap());
            if let Some(more) = more_for_width(&interval, Width::Absolute(half * share)) {
                let with = |more: u32| {
                    let (now, count) = (values.len() as f64, values.len() as f64 + f64::from(more));
                    t_quantile(0.975, count - 1.0).unwrap() * error * (now / count).sqrt()
                };
                prop_assert!(with(more) <= half * share * (1.0 + 1e-9));
                prop_assert!(more == 0 || with(more - 1) >= half * share * (1.0 - 1e-9));
            }
        }
    }
}
