//! Token latencies of one service: time to first token, time per output token, inter-token latency.

use super::tally::Digits3;
use crate::clock::SimDuration;
use crate::ports::LatencyPart;
use crate::serving::{FRACTION_BITS, Leap};
use hdrhistogram::Histogram;

const UNITS_PER_US: u64 = 1_000_000 << FRACTION_BITS;

/// Places of the tallies.
const TTFT: usize = 0;
const TPOT: usize = 1;
const ITL: usize = 2;

/// Token latencies over the measured part of a run. Histograms are in microseconds.
#[derive(Clone, Debug)]
pub struct TokenLatency {
    /// From the client's send to the first token, by request.
    pub ttft: Histogram<u64>,
    /// Mean gap between the tokens of a request, by request of two tokens or more.
    pub tpot: Histogram<u64>,
    /// Every gap between two tokens of a sequence.
    pub itl: Histogram<u64>,
    ttft_us: u128,
    tpot_us: u128,
    itl_units: u128,
    /// The three, while the run goes on.
    tallies: [Digits3; 3],
}

impl TokenLatency {
    /// Empty, for latencies of up to `longest_us`.
    pub(super) fn new(longest_us: u64) -> Self {
        // Bounds are valid by construction: see `Latency::new`.
        let histogram = || Histogram::new_with_bounds(1, longest_us, 3).expect("valid histogram bounds");
        TokenLatency {
            ttft: histogram(),
            tpot: histogram(),
            itl: histogram(),
            ttft_us: 0,
            tpot_us: 0,
            itl_units: 0,
            tallies: Default::default(),
        }
    }

    /// Brings what was recorded into the histograms.
    pub(super) fn settle(&mut self) {
        for (tally, histogram) in self.tallies.iter_mut().zip([&mut self.ttft, &mut self.tpot, &mut self.itl]) {
            tally.empty_into(&mut [histogram]);
        }
    }

    /// Exact means in seconds: time to first token, time per output token, inter-token latency.
    pub fn means_s(&self) -> [f64; 3] {
        let mean = |sum: f64, count: u64| if count == 0 { 0.0 } else { sum / count as f64 / 1e6 };
        [
            mean(self.ttft_us as f64, self.ttft.len()),
            mean(self.tpot_us as f64, self.tpot.len()),
            mean(self.itl_units as f64 / UNITS_PER_US as f64, self.itl.len()),
        ]
    }

    /// Exact sum in microseconds and the count below it, both times what makes them whole.
    pub(super) fn mean_us(&self, part: LatencyPart) -> (i128, i128) {
        let of = |sum: u128, count: u64| (sum as i128, i128::from(count));
        match part {
            LatencyPart::TimeToFirstToken => of(self.ttft_us, self.ttft.len()),
            LatencyPart::TimePerOutputToken => of(self.tpot_us, self.tpot.len()),
            _ => (self.itl_units as i128, i128::from(self.itl.len()) * i128::from(UNITS_PER_US)),
        }
    }

    /// Adds what another run of the same service has measured.
    pub(super) fn merge(&mut self, other: &TokenLatency) {
        for (sum, histogram) in
            [(&mut self.ttft, &other.ttft), (&mut self.tpot, &other.tpot), (&mut self.itl, &other.itl)]
        {
            let _ = sum.add(histogram);
        }
        self.ttft_us += other.ttft_us;
        self.tpot_us += other.tpot_us;
        self.itl_units += other.itl_units;
    }

    /// A completed request.
    #[inline]
    pub(super) fn record(&mut self, ttft: SimDuration, tpot: Option<SimDuration>) {
        let us = ttft.as_us();
        self.ttft_us += u128::from(us);
        self.tallies[TTFT].record(us);
        if let Some(tpot) = tpot {
            let us = tpot.as_us();
            self.tpot_us += u128::from(us);
            self.tallies[TPOT].record(us);
        }
    }

    /// `decodes` gaps in each iteration of a leap, which takes `total` units.
    #[inline]
    pub(crate) fn record_leap(&mut self, leap: &Leap, total: u128, decodes: u64) {
        self.itl_units += total * u128::from(decodes);
        let (mut units, mut left) = (leap.first, leap.len);
        while left > 0 {
            let us = units / UNITS_PER_US;
            // Gaps of a leap grow slowly: those of one bucket are counted at once, which are nearly
            // always all that are left.
            let beyond = Digits3::next_bucket(us) * UNITS_PER_US - units;
            let all = u128::from(leap.growth) * u128::from(left - 1) < u128::from(beyond);
            let alike = if all { left } else { beyond.div_ceil(leap.growth).min(left) };
            self.tallies[ITL].record_n(us, alike * decodes);
            units += leap.growth * alike;
            left -= alike;
        }
    }

    /// One gap that was no iteration's.
    pub(crate) fn record_gap(&mut self, gap: SimDuration) {
        self.itl_units += u128::from(gap.as_ps()) << FRACTION_BITS;
        self.tallies[ITL].record(gap.as_us());
    }
}
