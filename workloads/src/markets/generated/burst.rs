//! How many nodes of a zone go at a preemption.

use crate::ParameterError;
use rand::RngExt;

/// Weights of losing 1, 2, ... of a pool; the last is all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct BurstLaw {
    weights: Vec<f64>,
}

/// Shares of the drops of pools of four nodes that lose 1, 2, 3 and 4 (skypilot-org/spot-traces).
pub const OF_FOUR: [f64; 4] = [0.61, 0.22, 0.125, 0.04];
/// Share of the drops of pools of sixteen that lose one node, and that lose all (same source).
pub const OF_SIXTEEN: (f64, f64) = (0.121, 0.317);
/// From which pool on the shares of sixteen are nearer than those of four.
const LARGE: u32 = 10;

impl BurstLaw {
    /// `weights[k]` for losing `k + 1` nodes of a pool of so many; need not add up to 1.
    pub fn from_weights(weights: Vec<f64>) -> Self {
        BurstLaw { weights }
    }

    /// All at once.
    pub fn whole(nodes: u32) -> Self {
        let mut weights = vec![0.0; nodes as usize];
        if let Some(last) = weights.last_mut() {
            *last = 1.0;
        }
        BurstLaw { weights }
    }

    /// The measured shares, by share of the pool: those of pools of four below ten nodes, those of
    /// sixteen from there on. Between one and all of sixteen, weights fall geometrically.
    pub fn measured(nodes: u32) -> Self {
        let measured = if nodes < LARGE { OF_FOUR.to_vec() } else { of_sixteen() };
        let mut weights = vec![0.0; nodes as usize];
        for (index, weight) in measured.iter().enumerate() {
            let lost = (u64::from(nodes) * (index as u64 + 1)).div_ceil(measured.len() as u64);
            if let Some(slot) = (lost as usize).checked_sub(1).and_then(|slot| weights.get_mut(slot)) {
                *slot += weight;
            }
        }
        BurstLaw { weights }
    }

    /// Checks that the weights are a law for a pool of this many nodes.
    ///
    /// # Errors
    /// Says what the weights should have been.
    pub fn check(&self, nodes: u32) -> Result<(), ParameterError> {
        let total: f64 = self.weights.iter().sum();
        let are_weights = self.weights.iter().all(|weight| *weight >= 0.0) && total > 0.0 && total.is_finite();
        if nodes == 0 || self.weights.len() != nodes as usize || !are_weights {
            let expected = format!("{} numbers of at least 0, not all 0", nodes.max(1));
            return Err(ParameterError::new("the burst weights", expected));
        }
        Ok(())
    }

    /// Draws how many go.
    pub(super) fn sample(&self, stream: &mut impl rand::Rng) -> u32 {
        let mut left = stream.random::<f64>() * self.weights.iter().sum::<f64>();
        let found = self.weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        found.unwrap_or(self.weights.len() - 1) as u32 + 1
    }
}

/// One, all, and what is left over the fourteen between: a geometric tail with the ratio that makes
/// the sum 1.
fn of_sixteen() -> Vec<f64> {
    const RATIO: f64 = 0.835_4;
    let (one, all) = OF_SIXTEEN;
    let mut weights: Vec<f64> = (0..15).map(|k| one * RATIO.powi(k)).collect();
    let scale = (1.0 - one - all) / weights[1..].iter().sum::<f64>();
    weights[1..].iter_mut().for_each(|weight| *weight *= scale);
    weights.push(all);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::clock::Seed;

    #[test]
    fn measured_shares_come_out() {
        let mut stream = Seed::new(1).stream("burst");
        for (nodes, lost, share) in [(16, 1, 0.121), (16, 16, 0.317), (4, 1, 0.613), (4, 2, 0.221), (4, 4, 0.0402)] {
            let law = BurstLaw::measured(nodes);
            law.check(nodes).unwrap();
            let hits = (0..200_000).filter(|_| law.sample(&mut stream) == lost).count();
            let found = hits as f64 / 200_000.0;
            assert!((found - share).abs() < 0.004, "{lost} of {nodes}: {found}");
        }
        let tail = of_sixteen();
        assert!((tail.iter().sum::<f64>() - 1.0).abs() < 1e-12 && (tail[1] / tail[0] - 0.8354).abs() < 0.01);
        assert_eq!(BurstLaw::measured(1), BurstLaw::from_weights(vec![OF_FOUR.iter().sum()]));
    }

    #[test]
    fn what_is_no_law_is_refused() {
        for bad in [vec![], vec![1.0], vec![0.0, 0.0], vec![-1.0, 2.0], vec![f64::NAN, 1.0]] {
            assert!(BurstLaw::from_weights(bad).check(2).is_err());
        }
        assert!(BurstLaw::measured(0).check(0).is_err() && BurstLaw::whole(3).check(3).is_ok());
    }
}
