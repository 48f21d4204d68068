//! Servers without limit: M/G/inf.
//!
//! Source: L. Takacs, "Introduction to the Theory of Queues", 1962, chapter 3: the number present
//! is Poisson at every instant, with the mean `rate * integral of P(S > u)`.

use std::f64::consts::PI;

/// Probability of `n` for a Poisson distribution of this mean.
pub fn poisson(mean: f64, n: u32) -> f64 {
    if mean <= 0.0 {
        return if n == 0 { 1.0 } else { 0.0 };
    }
    (f64::from(n) * mean.ln() - mean - ln_factorial(n)).exp()
}

/// Probability of at least `n` for a Poisson distribution of this mean.
pub fn poisson_at_least(mean: f64, n: u32) -> f64 {
    let below: f64 = (0..n).map(|k| poisson(mean, k)).sum();
    (1.0 - below).max(0.0)
}

fn ln_factorial(n: u32) -> f64 {
    if n < 32 {
        return (2..=n).fold(1.0, |product, k| product * f64::from(k)).ln();
    }
    // Stirling's series; the first term left out is below 1e-14 here.
    let x = f64::from(n);
    let series = 1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1_260.0 * x * x)) / (x * x);
    x * x.ln() - x + 0.5 * (2.0 * PI * x).ln() + series / x
}

/// Mean number present after `t` when it started empty, exponential service (M/M/inf).
pub fn mean_after(arrival_rate: f64, service_rate: f64, t: f64) -> f64 {
    -arrival_rate / service_rate * f64::exp_m1(-service_rate * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_sums_to_one_and_has_its_mean() {
        for mean in [0.0, 0.3, 20.0, 500.0] {
            let sum: f64 = (0..2_000).map(|n| poisson(mean, n)).sum();
            let first: f64 = (0..2_000).map(|n| f64::from(n) * poisson(mean, n)).sum();
            assert!((sum - 1.0).abs() < 1e-10 && (first - mean).abs() < 1e-8, "{mean}: {sum} {first}");
        }
        assert!((poisson(20.0, 0) - 2.061_153_622_438_558e-9).abs() < 1e-20);
        assert!((poisson_at_least(20.0, 1) - 0.999_999_997_938_846_4).abs() < 1e-12);
    }

    #[test]
    fn an_empty_start_fills_up() {
        assert!((mean_after(5.0, 0.25, 3.0) - 10.552_668_945_179_706).abs() < 1e-12);
        assert!((mean_after(5.0, 0.25, 1e9) - 20.0).abs() < 1e-12);
        assert_eq!(mean_after(5.0, 0.25, 0.0), 0.0);
    }
}
