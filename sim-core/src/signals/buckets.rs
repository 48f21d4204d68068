//! Latency histograms as an exporter keeps them: cumulative counters by bucket, and the quantile
//! that `histogram_quantile(q, rate(..._bucket[w]))` computes from two scrapes of them.
//!
//! Bucket bounds are vLLM's (`vllm/v1/metrics/loggers.py`, 0.11): those of
//! `time_to_first_token_seconds`, those of `inter_token_latency_seconds`, and for all other parts
//! those of `e2e_request_latency_seconds`, with finer ones below 0.3 s for models that answer in
//! milliseconds. Within a bucket Prometheus interpolates linearly, so a quantile is off by up to
//! its bucket's width: a gap of 7 ms lies somewhere in the first 10 ms.

use crate::clock::SimDuration;
use crate::ports::LatencyPart;
use crate::serving::{FRACTION_BITS, Leap};

/// Upper bounds in seconds, by part; after the last one comes an unbounded bucket.
const REQUEST_S: [f64; 28] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0,
    40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1_920.0,
];
const FIRST_TOKEN_S: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2_560.0,
];
const TOKEN_S: [f64; 19] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];

/// The largest number of buckets of a part, including the unbounded one.
const BUCKETS: usize = REQUEST_S.len() + 1;

/// Counters of one latency part of one replica (or service): observations by bucket, not
/// cumulative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatencyBuckets {
    bounds_s: &'static [f64],
    counts: [u64; BUCKETS],
}

impl LatencyBuckets {
    /// Empty counters with the bounds of a part.
    pub(crate) fn of(part: LatencyPart) -> Self {
        let bounds_s: &[f64] = match part {
            LatencyPart::TimeToFirstToken => &FIRST_TOKEN_S,
            LatencyPart::TimePerOutputToken | LatencyPart::InterToken => &TOKEN_S,
            _ => &REQUEST_S,
        };
        LatencyBuckets { bounds_s, counts: [0; BUCKETS] }
    }

    #[inline]
    pub(crate) fn record(&mut self, latency: SimDuration) {
        let s = latency.as_s_f64();
        self.counts[self.bounds_s.partition_point(|&bound| bound < s)] += 1;
    }

    /// Counts `decodes` gaps in each iteration of a leap, whose iterations never get shorter.
    pub(crate) fn record_leap(&mut self, leap: &Leap, decodes: u64) {
        let mut counted = 0;
        for (i, &bound_s) in self.bounds_s.iter().enumerate() {
            let within = iterations_within(leap, bound_s);
            self.counts[i] += (within - counted) * decodes;
            counted = within;
            if counted == leap.len {
                return;
            }
        }
        self.counts[self.bounds_s.len()] += (leap.len - counted) * decodes;
    }

    /// What was observed since `earlier`; a counter that has fallen was reset, and counts from
    /// zero.
    fn since(&self, earlier: &LatencyBuckets) -> [u64; BUCKETS] {
        let (now, before) = (&self.counts, &earlier.counts);
        std::array::from_fn(|i| if now[i] >= before[i] { now[i] - before[i] } else { now[i] })
    }

    /// The quantile in seconds of what was observed since `earlier`; `None` (NaN in Prometheus) if
    /// nothing was. In the unbounded bucket it is the highest bound.
    pub(crate) fn quantile_since(&self, earlier: &LatencyBuckets, quantile: f64) -> Option<f64> {
        let counts = self.since(earlier);
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = quantile * total as f64;
        let mut below = 0_u64;
        for (i, &count) in counts.iter().enumerate() {
            if (below + count) as f64 >= rank && count > 0 {
                let Some(&upper) = self.bounds_s.get(i) else { break };
                let lower = if i == 0 { 0.0 } else { self.bounds_s[i - 1] };
                return Some(lower + (upper - lower) * (rank - below as f64) / count as f64);
            }
            below += count;
        }
        self.bounds_s.last().copied()
    }
}

/// How many iterations of a leap take at most `bound_s`.
fn iterations_within(leap: &Leap, bound_s: f64) -> u64 {
    let bound = SimDuration::from_s_f64(bound_s).as_ps();
    let Some(room) = (u128::from(bound) << FRACTION_BITS).checked_sub(u128::from(leap.first)) else { return 0 };
    match room.checked_div(u128::from(leap.growth)) {
        Some(more) => (more + 1).min(u128::from(leap.len)) as u64,
        None => leap.len,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quantile_is_interpolated_as_prometheus_does() {
        let empty = LatencyBuckets::of(LatencyPart::EndToEnd);
        let (earlier, mut now) = (empty, empty);
        assert_eq!(now.quantile_since(&earlier, 0.5), None);
        for _ in 0..10 {
            now.record(SimDuration::from_ms(1_200)); // in (1.0, 1.5]
        }
        assert!((now.quantile_since(&earlier, 0.5).unwrap() - 1.25).abs() < 1e-9);
        now.record(SimDuration::from_s(10_000));
        assert_eq!(now.quantile_since(&earlier, 0.99), Some(1_920.0));
        assert_eq!(now.quantile_since(&now.clone(), 0.5), None);
    }

    #[test]
    fn a_gap_of_7_ms_is_somewhere_in_the_first_10() {
        let empty = LatencyBuckets::of(LatencyPart::InterToken);
        let mut now = empty;
        now.record_leap(&Leap { len: 1_000, first: 7_000_000_000 << FRACTION_BITS, growth: 0 }, 12);
        assert!((now.quantile_since(&empty, 0.95).unwrap() - 0.0095).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn a_leap_counts_as_its_gaps(len in 1_u64..300, first in 0_u64..200_000, growth in 0_u64..3_000) {
            // Whole microseconds, as units.
            let scale = 1_000_000 << FRACTION_BITS;
            let leap = Leap { len, first: first * scale, growth: growth * scale };
            let (mut at_once, mut one_by_one) =
                (LatencyBuckets::of(LatencyPart::InterToken), LatencyBuckets::of(LatencyPart::InterToken));
            at_once.record_leap(&leap, 3);
            for i in 0..len {
                for _ in 0..3 {
                    one_by_one.record(SimDuration::from_us(first + i * growth));
                }
            }
            prop_assert_eq!(at_once.counts, one_by_one.counts);
        }
    }
}
