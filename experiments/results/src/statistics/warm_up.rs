//! How much of the beginning of a series to leave out: MSER-5.

/// Values that are averaged into one before the rule is applied.
const BATCH: usize = 5;

/// Fewest batches of which anything is said.
const FEWEST_BATCHES: usize = 10;

/// Where the warm-up of a series ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp {
    /// How many values to leave out at the beginning: a multiple of five, and no more than half of them.
    pub values: usize,
    /// Whether the rule found an end within the first half. If not, the series was still on its way there,
    /// and is too short to say how long its warm-up is.
    pub settled: bool,
}

/// Where to cut the beginning off a series of measurements at even distances: where the means of five of
/// the rest have the least squared standard error (White 1997, "An effective truncation heuristic for bias
/// reduction in simulation output"; in batches of five White, Cobb and Spratt 2000; Franklin and White 2008
/// show why). Only a cut in the first half counts. Values that do not fill a batch of five at the end are
/// not looked at. `None` with fewer than 50 values, or if one of them is no number.
///
/// ```
/// use flashcrowd_results::statistics::warm_up;
/// let series: Vec<f64> = (0..200).map(|at| if at < 20 { 9.0 } else { f64::from(at % 7) }).collect();
/// assert_eq!(warm_up(&series).unwrap().values, 20);
/// ```
pub fn warm_up(series: &[f64]) -> Option<WarmUp> {
    let batches = batches(series).filter(|batches| batches.len() >= FEWEST_BATCHES)?;
    let half = batches.len() / 2;
    // The first of the least: of a series that does not vary, nothing is left out.
    let errors = square_errors(&batches);
    let least = |least: usize, at: usize| if errors[at] < errors[least] { at } else { least };
    let cut = (1..=half).fold(0, least);
    Some(WarmUp { values: cut * BATCH, settled: cut < half })
}

/// The means of five values each; `None` if one of them is no number.
fn batches(series: &[f64]) -> Option<Vec<f64>> {
    let means: Vec<f64> = series.chunks_exact(BATCH).map(|five| five.iter().sum::<f64>() / BATCH as f64).collect();
    means.iter().all(|mean| mean.is_finite()).then_some(means)
}

/// By number of batches that are left out, the squared standard error of the mean of the rest; from the end
/// on, one batch at a time (Welford 1962).
fn square_errors(batches: &[f64]) -> Vec<f64> {
    let (mut mean, mut squares) = (0.0, 0.0);
    let mut errors: Vec<f64> = batches
        .iter()
        .rev()
        .zip(1_u32..)
        .map(|(batch, count)| {
            let count = f64::from(count);
            let off = batch - mean;
            mean += off / count;
            squares += off * (batch - mean);
            squares / (count * count)
        })
        .collect();
    errors.reverse();
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each of 12 batches has five equal values. By hand: of 9, 9 and ten of 1 and 2 in turn, without the two
    /// the rest have squares 10/4, so 2.5/100; without one, (2.5 + 10/11 · 7.5²)/121.
    #[test]
    fn the_errors_are_those_of_the_hand() {
        let means: Vec<f64> = [9.0, 9.0].into_iter().chain([1.0, 2.0].into_iter().cycle().take(10)).collect();
        let errors = square_errors(&means);
        assert!((errors[2] - 0.025).abs() < 1e-12, "{errors:?}");
        assert!((errors[1] - (2.5 + 10.0 / 11.0 * 7.5 * 7.5) / 121.0).abs() < 1e-12);
        let series: Vec<f64> = means.iter().flat_map(|mean| [*mean; BATCH]).collect();
        assert_eq!(warm_up(&series), Some(WarmUp { values: 10, settled: true }));
    }

    #[test]
    fn a_series_on_its_way_has_not_settled() {
        let falling: Vec<f64> = (0..100).map(|at| 1e3 - f64::from(at)).collect();
        assert_eq!(warm_up(&falling), Some(WarmUp { values: 50, settled: false }));
    }

    #[test]
    fn a_series_that_does_not_vary_loses_nothing_and_a_short_one_says_nothing() {
        assert_eq!(warm_up(&[3.5; 60]), Some(WarmUp { values: 0, settled: true }));
        assert_eq!(warm_up(&[3.5; 49]), None);
        assert_eq!(warm_up(&[]), None);
        assert_eq!(warm_up(&[f64::NAN; 60]), None);
        assert_eq!(warm_up(&[f64::INFINITY; 60]), None);
    }

    proptest! {
        #[test]
        fn neither_the_unit_nor_the_zero_matters(
            series in prop::collection::vec(-100.0_f64..100.0, 50..300), shift in -1e3_f64..1e3, scale in 0.01_f64..100.0,
        ) {
            let found = warm_up(&series).unwrap();
            prop_assert!(found.values <= series.len() / 2 && found.values.is_multiple_of(BATCH));
            let other: Vec<f64> = series.iter().map(|value| (value + shift) * scale).collect();
            prop_assert_eq!(warm_up(&other), Some(found));
        }
    }
}
