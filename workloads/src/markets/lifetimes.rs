//! Lifetimes of single nodes: exponential, or the bathtub of preemptible machines with a 24 h cap.
//! Nodes with such lifetimes fail independently; real markets do not ([`crate::markets::generated`]).

use crate::ParameterError;
use flashcrowd_core::clock::{Distribution, SimDuration, Stream};
use rand::RngExt;

/// How long a node lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lifetime {
    /// Memoryless.
    Exponential {
        /// Mean time to preemption.
        mean: SimDuration,
    },
    /// Early and late deaths, and none after the cap.
    Bathtub(Bathtub),
}

/// `F(t) = A (1 - exp(-t/tau1) + exp((t-b)/tau2))` up to the cap, where all that are left end. The form
/// is that published for GCP preemptible machines (HPDC 2020); its parameters are from memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bathtub {
    /// `A`.
    pub scale: f64,
    /// `tau1`, in hours: how fast early deaths die out.
    pub early_h: f64,
    /// `tau2`, in hours: how fast late deaths set in.
    pub late_h: f64,
    /// `b`, in hours: around when late deaths come.
    pub wall_h: f64,
    /// No node lives longer, in hours.
    pub cap_h: f64,
}

impl Default for Bathtub {
    fn default() -> Self {
        Bathtub { scale: 0.45, early_h: 1.0, late_h: 0.8, wall_h: 24.0, cap_h: 24.0 }
    }
}

impl Bathtub {
    /// The probability of a life of at most `h` hours.
    pub fn cdf(&self, h: f64) -> f64 {
        if h >= self.cap_h {
            return 1.0;
        }
        if h <= 0.0 {
            return 0.0;
        }
        let early = -(-h / self.early_h).exp_m1();
        (self.scale * (early + ((h - self.wall_h) / self.late_h).exp())).min(1.0)
    }

    /// The life, in hours, that a share `u` does not pass.
    pub fn quantile(&self, u: f64) -> f64 {
        let (mut low, mut high) = (0.0, self.cap_h);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.cdf(middle) < u { low = middle } else { high = middle }
        }
        high
    }
}

impl Lifetime {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Names the parameter and what it should have been.
    pub fn check(&self) -> Result<(), ParameterError> {
        match self {
            Lifetime::Exponential { mean } if mean.is_zero() => {
                Err(ParameterError::new("the mean lifetime", "above 0"))
            }
            Lifetime::Exponential { .. } => Ok(()),
            Lifetime::Bathtub(law) => {
                let times = [law.early_h, law.late_h, law.wall_h, law.cap_h];
                if times.iter().all(|h| (1e-3..=1e5).contains(h)) && law.scale > 0.0 && law.scale <= 1.0 {
                    Ok(())
                } else {
                    let expected = "of times from 0.001 to 1e5 hours and a scale above 0 and at most 1";
                    Err(ParameterError::new("a bathtub lifetime", expected))
                }
            }
        }
    }

    /// Draws a life.
    pub fn sample(&self, stream: &mut Stream) -> SimDuration {
        match self {
            Lifetime::Exponential { mean } => {
                Distribution::Exponential { mean: mean.as_s_f64() }.sample_duration(stream)
            }
            Lifetime::Bathtub(law) => SimDuration::from_s_f64(3_600.0 * law.quantile(stream.random())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::clock::Seed;

    /// The largest distance of drawn lives from their own law, up to the cap.
    #[test]
    fn bathtub_lives_have_their_law() {
        let law = Bathtub::default();
        let mut stream = Seed::new(1).stream("lives");
        let n = 100_000;
        let mut lives: Vec<f64> =
            (0..n).map(|_| Lifetime::Bathtub(law).sample(&mut stream).as_s_f64() / 3_600.0).collect();
        lives.sort_by(f64::total_cmp);
        let below_cap = lives.iter().enumerate().filter(|life| *life.1 < 23.999_999);
        let ks = below_cap.map(|(i, life)| (law.cdf(*life) - i as f64 / f64::from(n)).abs()).fold(0.0, f64::max);
        assert!(ks < 0.01, "{ks}");
        assert!(lives[n as usize - 1] <= 24.0 + 1e-9 && law.cdf(24.0) == 1.0);
        // A tenth is cut at the cap, and the first hour takes 0.45 (1 - 1/e).
        let cut = lives.iter().filter(|life| **life > 23.999).count() as f64 / f64::from(n);
        assert!((cut - 0.1).abs() < 0.01 && (law.cdf(1.0) - 0.284_5).abs() < 1e-3, "{cut}");
    }

    #[test]
    fn what_is_no_lifetime_is_refused() {
        assert!(Lifetime::Exponential { mean: SimDuration::ZERO }.check().is_err());
        for bad in [Bathtub { scale: f64::NAN, ..Bathtub::default() }, Bathtub { late_h: 0.0, ..Bathtub::default() }] {
            assert!(Lifetime::Bathtub(bad).check().is_err());
        }
        assert!(Lifetime::Bathtub(Bathtub::default()).check().is_ok());
    }
}
