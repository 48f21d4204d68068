//! Single nodes that fail, at exponential gaps.

use crate::ParameterError;
use flashcrowd_core::clock::{Distribution, Seed, SimDuration, SimTime, Stream};
use flashcrowd_core::ports::{Fault, FaultSource, SourceError, TimedFault};

/// Failures of the nodes of a pool. Stream: `<label>/failures`.
#[derive(Clone, Debug)]
pub struct NodeFailures {
    pool: u32,
    gap: Distribution,
    now: SimTime,
    stream: Stream,
}

impl NodeFailures {
    /// One node of the pool fails so often on average, whatever its size: for `n` nodes of a mean
    /// time between failures each, give a `n`-th of it.
    ///
    /// # Errors
    /// A mean below a millisecond.
    pub fn new(pool: u32, mean_gap: SimDuration, seed: Seed, label: &str) -> Result<Self, ParameterError> {
        if mean_gap < SimDuration::from_ms(1) {
            return Err(ParameterError::new("the mean time between node failures", "at least 1ms"));
        }
        let gap = Distribution::Exponential { mean: mean_gap.as_s_f64() };
        Ok(NodeFailures { pool, gap, now: SimTime::ZERO, stream: seed.stream(&format!("{label}/failures")) })
    }
}

impl FaultSource for NodeFailures {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        self.now += self.gap.sample_duration(&mut self.stream);
        let fault = TimedFault { at: self.now, fault: Fault::Node { pool: self.pool } };
        Ok((self.now < SimTime::MAX).then_some(fault))
    }
}
