//! Many tests at once: the step-down adjustment of Holm.

/// Adjusted p-values in the order of the given ones: whoever calls those below 0.05 a difference is wrong
/// about even one of them in at most 5 % of cases, however the tests depend on each other (Holm 1979, "A
/// simple sequentially rejective multiple test procedure"). `None` if one of them is no share.
///
/// ```
/// use flashcrowd_results::statistics::holm;
/// assert_eq!(holm(&[0.25, 0.125]).unwrap(), [0.25, 0.25]);
/// ```
pub fn holm(p_values: &[f64]) -> Option<Vec<f64>> {
    if !p_values.iter().all(|p| (0.0..=1.0).contains(p)) {
        return None;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut highest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        // The smallest counts for all, the next for all but one.
        highest = highest.max(p_values[at] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[at] = highest;
    }
    Some(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By hand: 4 · 0.005 = 0.02; 3 · 0.01 = 0.03; 2 · 0.03 = 0.06; 0.04 is raised to 0.06.
    #[test]
    fn four_tests_come_out_as_by_hand() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]).unwrap();
        for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.6, 0.9]).unwrap(), [1.0, 1.0]);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        assert_eq!(holm(&[]), Some(vec![]));
        assert!([f64::NAN, -0.1, 1.1].iter().all(|p| holm(&[0.5, *p]).is_none()));
    }

    proptest! {
        #[test]
        fn order_is_kept_and_none_falls(p_values in prop::collection::vec(0.0_f64..=1.0, 0..20)) {
            let adjusted = holm(&p_values).unwrap();
            prop_assert_eq!(adjusted.len(), p_values.len());
            for (p, own) in p_values.iter().zip(&adjusted) {
                prop_assert!(p <= own && *own <= 1.0);
                prop_assert!(p_values.iter().zip(&adjusted).all(|(q, other)| p > q || own <= other));
            }
        }

        #[test]
        fn one_more_test_makes_none_easier(p_values in prop::collection::vec(0.0_f64..=1.0, 1..20), one in 0.0_f64..=1.0) {
            let before = holm(&p_values).unwrap();
            let after = holm(&[p_values, vec![one]].concat()).unwrap();
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
        }
    }
}
