//! The unit-rate Poisson process that all synthetic arrivals are rescaled from.
//!
//! The gaps of a Poisson process of rate 1, stretched by the inverse of the integrated rate, are
//! the arrivals of a process of any rate. Thinning would use a number of draws that depends on
//! the rate; this uses one per arrival, so that the n-th arrival of two rates is the same draw.

use flashcrowd_core::clock::{Seed, Stream};
use rand_distr::{Distribution as _, Exp1};

/// Picoseconds in a second.
pub(crate) const PS_PER_S: f64 = 1e12;

/// Draws how much integrated rate passes until the next arrival.
#[derive(Clone, Debug)]
pub(crate) struct Hazard {
    stream: Stream,
}

impl Hazard {
    pub(crate) fn new(seed: Seed, label: &str) -> Self {
        Hazard { stream: seed.stream(&format!("{label}/arrivals")) }
    }

    #[inline]
    pub(crate) fn next_gap(&mut self) -> f64 {
        Exp1.sample(&mut self.stream)
    }
}
