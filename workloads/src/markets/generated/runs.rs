//! Alternating runs on a grid of steps: on and off by turns, each run a step or more, in a state
//! that has been going on for ever when it starts.

use flashcrowd_core::clock::Stream;
use rand::RngExt;
use rand_distr::{Distribution as _, StandardNormal};

/// Longest run, in steps: further than any horizon.
const LONGEST: f64 = 1e15;

/// The length of a run in steps: one, and a lognormal rest of any mean, rounded at random up or down
/// so that the mean is exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RunLaw {
    /// Mean of the whole run; at least 1.
    pub(super) mean: f64,
    /// Standard deviation of the logarithm of the rest.
    pub(super) sigma: f64,
}

impl RunLaw {
    /// Draws the rest; `tilt` 0 for its own law, 1 for the law weighted by its length.
    fn rest(self, tilt: f64, stream: &mut Stream) -> f64 {
        let normal: f64 = StandardNormal.sample(stream);
        let log_mean = (self.mean - 1.0).ln() - self.sigma * self.sigma / 2.0;
        (log_mean + tilt * self.sigma * self.sigma + self.sigma * normal).exp().min(LONGEST)
    }

    /// A run.
    fn sample(self, stream: &mut Stream) -> u64 {
        if self.mean <= 1.0 {
            return 1;
        }
        1 + (self.rest(0.0, stream) + stream.random::<f64>()) as u64
    }

    /// What is left of a run that one meets at any time: 1 up to its length, weighted by length.
    fn sample_left(self, stream: &mut Stream) -> u64 {
        let of_one_step = stream.random::<f64>() * self.mean < 1.0;
        let length = if of_one_step || self.mean <= 1.0 {
            self.sample(stream)
        } else {
            let rest = self.rest(1.0, stream);
            let up = stream.random::<f64>() * rest < rest.fract() * rest.ceil();
            1 + if up { rest.ceil() } else { rest.floor() } as u64
        };
        1 + ((stream.random::<f64>() * length as f64) as u64).min(length - 1)
    }
}

/// A process that is on and off by turns.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    on: bool,
    until: u64,
    on_law: RunLaw,
    off_law: RunLaw,
    stream: Stream,
}

impl Runs {
    /// In its stationary state at step 0.
    pub(super) fn new(on_law: RunLaw, off_law: RunLaw, mut stream: Stream) -> Self {
        let on = stream.random::<f64>() * (on_law.mean + off_law.mean) < on_law.mean;
        let until = if on { on_law } else { off_law }.sample_left(&mut stream);
        Runs { on, until, on_law, off_law, stream }
    }

    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    /// The step at which it changes next.
    pub(super) fn until(&self) -> u64 {
        self.until
    }

    /// Goes over to the next run.
    pub(super) fn switch(&mut self) {
        self.on = !self.on;
        let law = if self.on { self.on_law } else { self.off_law };
        self.until = self.until.saturating_add(law.sample(&mut self.stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::clock::Seed;

    /// Over many starts, the state at any step is that of the long run, and runs have their means.
    #[test]
    fn starts_in_the_long_run() {
        let (on_law, off_law) = (RunLaw { mean: 3.5, sigma: 1.0 }, RunLaw { mean: 7.25, sigma: 0.5 });
        let (starts, look) = (200_000, [0, 1, 5, 30]);
        let mut on = [0_u32; 4];
        for n in 0..starts {
            let mut runs = Runs::new(on_law, off_law, Seed::new(3).keyed("runs", n, 0));
            for (count, step) in on.iter_mut().zip(look) {
                while runs.until() <= step {
                    runs.switch();
                }
                *count += u32::from(runs.is_on());
            }
        }
        for count in on {
            assert!((f64::from(count) / starts as f64 - 3.5 / 10.75).abs() < 0.004, "{on:?}");
        }
        let mut stream = Seed::new(4).stream("lengths");
        let mean = (0..starts).map(|_| on_law.sample(&mut stream) as f64).sum::<f64>() / starts as f64;
        assert!((mean - 3.5).abs() < 0.03, "{mean}");
    }
}
