//! A mean with control variates, and its confidence half-width.

use super::replicates::Estimate;
use flashcrowd_results::statistics::t_975;

/// The value less what the controls explain of it. `spread` holds each replicate's deviation from
/// `value`; the controls' true means are zero. Without controls it is the plain estimate.
pub(super) fn controlled(value: f64, spread: &[f64], controls: &[[f64; 2]]) -> Estimate {
    let n = spread.len() as f64;
    let centre = |column: Vec<f64>| {
        let mean = column.iter().sum::<f64>() / n;
        (mean, column.into_iter().map(|x| x - mean).collect::<Vec<f64>>())
    };
    let (_, z) = centre(spread.to_vec());
    let own: Vec<_> = (0..2).map(|i| centre(controls.iter().map(|row| row[i]).collect())).collect();
    let used = usable(&own, spread.len());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (slopes, leverage) = match used {
        0 => ([0.0; 2], 0.0),
        1 => {
            let (mean, x) = &own[0];
            let xx = dot(x, x);
            ([dot(x, &z) / xx, 0.0], mean * mean / xx)
        }
        _ => {
            let [(mx, x), (my, y)] = [&own[0], &own[1]];
            let (xx, yy, xy) = (dot(x, x), dot(y, y), dot(x, y));
            let determinant = xx * yy - xy * xy;
            let (xz, yz) = (dot(x, &z), dot(y, &z));
            let slopes = [(xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant];
            (slopes, (mx * mx * yy - 2.0 * mx * my * xy + my * my * xx) / determinant)
        }
    };
    let explained = |i: usize| own[..used].iter().zip(slopes).map(|((_, x), slope)| x[i] * slope).sum::<f64>();
    let left: f64 = z.iter().enumerate().map(|(i, z)| (z - explained(i)).powi(2)).sum();
    let freedom = n - 1.0 - used as f64;
    let variance = left / freedom * (1.0 / n + leverage);
    let shift: f64 = own[..used].iter().zip(slopes).map(|((mean, _), slope)| mean * slope).sum();
    Estimate { value: value - shift, half_width: t_975(freedom) * variance.sqrt() }
}

/// How many controls vary, and vary on their own. Constant service times have no second one.
fn usable(own: &[(f64, Vec<f64>)], replicates: usize) -> usize {
    const NOTHING: f64 = 1e-20;
    let square = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>() / replicates as f64;
    let [(_, x), (_, y)] = own else { return 0 };
    if x.len() != replicates || square(x) < NOTHING {
        return 0;
    }
    let xy = x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / replicates as f64;
    let alone = square(y) - xy * xy / square(x);
    if alone < NOTHING.max(1e-6 * square(y)) { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_controls_it_is_the_plain_interval() {
        let found = controlled(10.0, &[-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0], &[]);
        assert_eq!(found.value, 10.0);
        assert!((found.half_width - 2.228_139 / 11.0_f64.sqrt()).abs() < 1e-4);
    }

    #[test]
    fn controls_take_out_what_they_explain() {
        let mut state = 1_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX) - 0.5
        };
        let controls: Vec<[f64; 2]> = (0..50).map(|_| [draw(), draw()]).collect();
        let noise: Vec<f64> = (0..50).map(|_| 0.01 * draw()).collect();
        let raw: Vec<f64> = controls.iter().zip(&noise).map(|(c, e)| 7.0 + 3.0 * c[0] - 2.0 * c[1] + e).collect();
        let mean = raw.iter().sum::<f64>() / 50.0;
        let spread: Vec<f64> = raw.iter().map(|x| x - mean).collect();
        let found = controlled(mean, &spread, &controls);
        assert!((found.value - 7.0).abs() < 0.002 && found.half_width < 0.002, "{found:?}");
        // A second control that adds no information is left out.
        let single: Vec<[f64; 2]> = controls.iter().map(|c| [c[0], 0.0]).collect();
        assert!(controlled(mean, &spread, &single).half_width > 0.05);
    }
}
