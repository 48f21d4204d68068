//! Token latencies of one service: time to first token, time per output token, inter-token latency.

use super::tally::Digits3;
use crate::clock::SimDuration;
use crate::ports::LatencyPart;
use crate::serving::{FRACTION_BITS, Leap};

const UNITS_PER_US: u64 = 1_000_000 << FRACTION_BITS;

/// Positions of the tallies.
const TTFT: usize = 0;
const TPOT: usize = 1;
const ITL: usize = 2;

/// Token latencies over the measured part of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenLatency {
    /// From the client's send to the first token, by request; mean gap between the tokens of a
    /// request with at least two tokens; every gap between two tokens of a sequence.
    tallies: [Digits3; 3],
    ttft_ps: u128,
    tpot_ps: u128,
    itl_units: u128,
}

impl TokenLatency {
    /// The tally of a part; `None` for parts that are not of tokens.
    pub(super) fn tally(&self, part: LatencyPart) -> Option<&Digits3> {
        match part {
            LatencyPart::TimeToFirstToken => Some(&self.tallies[TTFT]),
            LatencyPart::TimePerOutputToken => Some(&self.tallies[TPOT]),
            LatencyPart::InterToken => Some(&self.tallies[ITL]),
            _ => None,
        }
    }

    /// The exact sum of a part in picoseconds; the sum of gaps is rounded down to whole
    /// picoseconds.
    pub(super) fn sum_ps(&self, part: LatencyPart) -> u128 {
        match part {
            LatencyPart::TimeToFirstToken => self.ttft_ps,
            LatencyPart::TimePerOutputToken => self.tpot_ps,
            LatencyPart::InterToken => self.itl_units >> FRACTION_BITS,
            _ => 0,
        }
    }

    /// The sum of all gaps between tokens in picoseconds, with its fraction.
    pub(super) fn gaps_ps(&self) -> f64 {
        self.itl_units as f64 / f64::from(1_u32 << FRACTION_BITS)
    }

    /// Frees unused memory.
    pub(super) fn settle(&mut self) {
        self.tallies.iter_mut().for_each(Digits3::shrink);
    }

    /// Adds what another run of the same service has measured.
    pub(super) fn merge(&mut self, other: &TokenLatency) {
        for (sum, tally) in self.tallies.iter_mut().zip(&other.tallies) {
            sum.add(tally);
        }
        self.ttft_ps += other.ttft_ps;
        self.tpot_ps += other.tpot_ps;
        self.itl_units += other.itl_units;
    }

    /// Records a completed request.
    #[inline]
    pub(super) fn record(&mut self, ttft: SimDuration, tpot: Option<SimDuration>) {
        self.ttft_ps += u128::from(ttft.as_ps());
        self.tallies[TTFT].record(ttft.as_us());
        if let Some(tpot) = tpot {
            self.tpot_ps += u128::from(tpot.as_ps());
            self.tallies[TPOT].record(tpot.as_us());
        }
    }

    /// Records `decodes` gaps in each iteration of a leap, which takes `total` units.
    #[inline]
    pub(crate) fn record_leap(&mut self, leap: Leap, total: u128, decodes: u64) {
        self.itl_units += total * u128::from(decodes);
        if leap.len == 1 {
            let us = leap.first / UNITS_PER_US;
            self.tallies[ITL].record_n(us, decodes);
            // The last gap of a leap is its longest.
            return self.tallies[ITL].reach(if decodes > 0 { us } else { 0 });
        }
        let (mut units, mut left) = (leap.first, leap.len);
        while left > 0 {
            let us = units / UNITS_PER_US;
            // Gaps grow slowly within a leap: those of one bucket are counted at once. Nearly
            // always that is all of them.
            let beyond = Digits3::next_bucket(us) * UNITS_PER_US - units;
            let all = u128::from(leap.growth) * u128::from(left - 1) < u128::from(beyond);
            let alike = if all { left } else { beyond.div_ceil(leap.growth).min(left) };
            self.tallies[ITL].record_n(us, alike * decodes);
            units += leap.growth * alike;
            left -= alike;
        }
        if decodes > 0 && leap.len > 0 {
            self.tallies[ITL].reach((units - leap.growth) / UNITS_PER_US);
        }
    }

    /// Records one gap that is not an iteration's.
    pub(crate) fn record_gap(&mut self, gap: SimDuration) {
        self.itl_units += u128::from(gap.as_ps()) << FRACTION_BITS;
        self.tallies[ITL].record(gap.as_us());
    }
}
