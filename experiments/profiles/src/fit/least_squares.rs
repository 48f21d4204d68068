//! Least squares whose unknowns are not negative: linear by Lawson and Hanson's active set, other
//! by Levenberg and Marquardt, each step of which is such a linear problem. A handful of unknowns.

/// Solves the symmetric positive definite system over the chosen unknowns by Cholesky; others are 0.
fn solve(normal: &[Vec<f64>], right: &[f64], chosen: &[usize]) -> Option<Vec<f64>> {
    let n = chosen.len();
    let mut lower = vec![vec![0.0; n]; n];
    for row in 0..n {
        for column in 0..=row {
            let dot: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let rest = normal[chosen[row]][chosen[column]] - dot;
            lower[row][column] = if row == column {
                if rest <= 1e-14 * normal[chosen[row]][chosen[row]] {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / lower[column][column]
            };
        }
    }
    let mut forward = vec![0.0; n];
    for row in 0..n {
        let dot: f64 = (0..row).map(|k| lower[row][k] * forward[k]).sum();
        forward[row] = (right[chosen[row]] - dot) / lower[row][row];
    }
    let mut solution = vec![0.0; right.len()];
    for row in (0..n).rev() {
        let dot: f64 = (row + 1..n).map(|k| lower[k][row] * solution[chosen[k]]).sum();
        solution[chosen[row]] = (forward[row] - dot) / lower[row][row];
    }
    Some(solution)
}

/// The x >= 0 that minimises `x' N x / 2 - r' x`, which is least squares with `N = A'A`, `r = A'y`.
pub(super) fn non_negative(normal: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let unknowns = right.len();
    let mut x = vec![0.0; unknowns];
    let mut free: Vec<usize> = Vec::new();
    for _ in 0..10 * unknowns {
        let slope = |i: usize| right[i] - (0..unknowns).map(|k| normal[i][k] * x[k]).sum::<f64>();
        let bound = (0..unknowns).filter(|i| !free.contains(i) && normal[*i][*i] > 0.0);
        let Some(enter) = bound.max_by(|a, b| slope(*a).total_cmp(&slope(*b))) else { break };
        if slope(enter) <= 1e-12 * (1.0 + right[enter].abs()) {
            break;
        }
        free.push(enter);
        loop {
            let Some(target) = solve(normal, right, &free) else {
                free.pop();
                return x;
            };
            let negative = free.iter().copied().filter(|i| target[*i] <= 0.0);
            let step = negative.map(|i| x[i] / (x[i] - target[i]).max(f64::MIN_POSITIVE)).fold(1.0, f64::min);
            for i in 0..unknowns {
                x[i] += step * (target[i] - x[i]);
            }
            let before = free.len();
            free.retain(|i| target[*i] > 0.0 || x[*i] > 1e-15);
            if free.len() == before || free.is_empty() {
                break;
            }
        }
    }
    x.into_iter().map(|value| value.max(0.0)).collect()
}

/// `A'A` and `A'y`.
pub(super) fn normal(rows: &[(Vec<f64>, f64)], unknowns: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut normal = vec![vec![0.0; unknowns]; unknowns];
    let mut right = vec![0.0; unknowns];
    for (row, y) in rows {
        for i in 0..unknowns {
            right[i] += row[i] * y;
            for k in 0..unknowns {
                normal[i][k] += row[i] * row[k];
            }
        }
    }
    (normal, right)
}

/// The x >= 0 near `start` at which the sum of squared residuals is least, and that sum. Unknowns
/// should be scaled to about 1.
pub(super) fn minimise(start: &[f64], residuals: &dyn Fn(&[f64]) -> Vec<f64>) -> (Vec<f64>, f64) {
    const STEP: f64 = 1e-5;
    let cost = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let (mut x, mut damping) = (start.to_vec(), 1e-3);
    let mut at = residuals(&x);
    for _ in 0..100 {
        let mut columns = Vec::new();
        for i in 0..x.len() {
            let mut moved = x.clone();
            moved[i] += STEP;
            columns.push(residuals(&moved));
        }
        // The step is solved for the new point itself, which is what must not be negative.
        let rows: Vec<(Vec<f64>, f64)> = at
            .iter()
            .enumerate()
            .map(|(row, now)| {
                let slopes: Vec<f64> = columns.iter().map(|column| (column[row] - now) / STEP).collect();
                let y = slopes.iter().zip(&x).map(|(slope, x)| slope * x).sum::<f64>() - now;
                (slopes, y)
            })
            .collect();
        let (plain, right) = normal(&rows, x.len());
        let before = cost(&at);
        let mut better = None;
        while damping < 1e9 && better.is_none() {
            let (mut damped, mut pulled) = (plain.clone(), right.clone());
            for i in 0..x.len() {
                let weight = damping * (plain[i][i] + 1e-12);
                damped[i][i] += weight;
                pulled[i] += weight * x[i];
            }
            let candidate = non_negative(&damped, &pulled);
            let there = residuals(&candidate);
            if cost(&there) < before {
                better = Some((candidate, there));
                damping = (damping / 5.0).max(1e-9);
            } else {
                damping *= 4.0;
            }
        }
        let Some((candidate, there)) = better else { break };
        let gain = before - cost(&there);
        (x, at) = (candidate, there);
        if gain < 1e-10 * before {
            break;
        }
    }
    let least = cost(&at);
    (x, least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_kept_from_below_zero() {
        let rows = |slope: f64| -> Vec<(Vec<f64>, f64)> {
            (1..9).map(|x| (vec![1.0, f64::from(x)], 3.0 + slope * f64::from(x))).collect()
        };
        let (n, r) = normal(&rows(2.0), 2);
        let x = non_negative(&n, &r);
        assert!((x[0] - 3.0).abs() < 1e-9 && (x[1] - 2.0).abs() < 1e-9, "{x:?}");
        let (n, r) = normal(&rows(-0.1), 2);
        let x = non_negative(&n, &r);
        assert!(x[1] == 0.0 && (x[0] - 2.55).abs() < 1e-9, "{x:?}");
    }

    #[test]
    fn a_curve_is_found_from_afar() {
        let residuals = |x: &[f64]| -> Vec<f64> {
            (0..20).map(|t| x[0].hypot(x[1] * f64::from(t)) - 2f64.hypot(0.3 * f64::from(t))).collect()
        };
        let (x, cost) = minimise(&[1.0, 1.0], &residuals);
        assert!((x[0] - 2.0).abs() < 1e-5 && (x[1] - 0.3).abs() < 1e-5 && cost < 1e-9, "{x:?} {cost}");
    }
}
