//! How many servers a waiting probability asks for.
//!
//! Source: S. Halfin and W. Whitt, "Heavy-traffic limits for queues with many exponential
//! servers", Operations Research 29, 1981: `c = a + beta sqrt(a)` and
//! `P(wait) = 1 / (1 + beta Phi(beta) / phi(beta))`.

use super::erlang::waiting_from_blocking;
use super::md1::bisect;
use std::f64::consts::PI;

/// Fewest servers with which a request waits with probability at most `target` (Erlang C), and
/// that probability. `None` for a target that is not above 0, or a load that is no number.
pub fn servers_for(load: f64, target: f64) -> Option<(u64, f64)> {
    // Beyond this the search would take seconds; no planner asks for it.
    const MOST: u64 = 100_000_000;
    if !(target > 0.0 && load >= 0.0 && load < MOST as f64) {
        return None;
    }
    let mut blocking = 1.0;
    for servers in 1..=MOST {
        blocking = load * blocking / (servers as f64 + load * blocking);
        let waiting = waiting_from_blocking(servers, load, blocking);
        if load < servers as f64 && waiting <= target {
            return Some((servers, waiting));
        }
    }
    None
}

/// The spare servers in units of `sqrt(load)` with which a request waits with probability
/// `target` in the limit of many servers. `None` for a target outside (0, 1).
pub fn halfin_whitt_beta(target: f64) -> Option<f64> {
    if !(target > 0.0 && target < 1.0) {
        return None;
    }
    let mut high = 1.0;
    while high < 30.0 && halfin_whitt_waiting(high) > target {
        high *= 2.0;
    }
    Some(bisect(0.0, high, |beta| halfin_whitt_waiting(beta) > target))
}

/// Probability of waiting with `beta sqrt(load)` spare servers, in the limit of many.
pub fn halfin_whitt_waiting(beta: f64) -> f64 {
    if beta <= 0.0 { 1.0 } else { 1.0 / (1.0 + beta * normal_mills(beta)) }
}

/// Servers by the square-root rule. `None` as [`halfin_whitt_beta`].
pub fn square_root_staffing(load: f64, target: f64) -> Option<f64> {
    halfin_whitt_beta(target).map(|beta| (load + beta * load.sqrt()).ceil())
}

/// `Phi(x) / phi(x)` of the standard normal distribution for `x >= 0`, by a series of positive terms:
/// `Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3*5) + ...)`.
fn normal_mills(x: f64) -> f64 {
    let half_over_density = 0.5 * (2.0 * PI).sqrt() * (x * x / 2.0).exp();
    let (mut term, mut sum, mut odd) = (x, 0.0, 1.0);
    while term > sum * 1e-17 {
        sum += term;
        odd += 2.0;
        term *= x * x / odd;
    }
    half_over_density + sum
}

#[cfg(test)]
mod tests {
    use super::super::erlang::erlang_c;
    use super::*;

    #[test]
    fn the_rule_is_within_a_server_of_the_exact_number() {
        for load in [10.0, 100.0, 1_000.0] {
            for target in [0.01, 0.2, 0.5, 0.9] {
                let (exact, waiting) = servers_for(load, target).unwrap();
                assert!((square_root_staffing(load, target).unwrap() - exact as f64).abs() <= 1.0, "{load} {target}");
                assert!(waiting <= target && erlang_c(exact - 1, load) > target);
                assert!((waiting - erlang_c(exact, load)).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn beta_solves_its_equation() {
        assert!((halfin_whitt_beta(0.2).unwrap() - 1.061_516_275_418_717_5).abs() < 1e-12);
        for target in [1e-9, 0.3, 0.999] {
            let beta = halfin_whitt_beta(target).unwrap();
            assert!((halfin_whitt_waiting(beta) / target - 1.0).abs() < 1e-9);
        }
        // Phi(1.96) = 0.975002 and phi(1.96) = 0.058441.
        assert!((normal_mills(1.96) - 0.975_002_1 / 0.058_440_9).abs() < 1e-4);
    }

    #[test]
    fn impossible_targets_have_no_answer() {
        for target in [0.0, -1.0, f64::NAN] {
            assert!(servers_for(10.0, target).is_none() && halfin_whitt_beta(target).is_none());
        }
        assert!(servers_for(f64::NAN, 0.5).is_none() && halfin_whitt_beta(1.0).is_none());
    }
}
