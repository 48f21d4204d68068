//! Latency histograms as an exporter keeps them: cumulative counters by bucket, and the quantile
//! that `histogram_quantile(q, rate(..._bucket[w]))` computes from two scrapes of them.
//!
//! Bucket bounds are those of vLLM's `e2e_request_latency_seconds` (vllm `v1/metrics`), with finer
//! ones below 0.3 s for models that answer in milliseconds. Within a bucket Prometheus interpolates
//! linearly, so a quantile is off by up to its bucket's width.

use crate::clock::SimDuration;

/// Upper bounds in seconds; the last bucket is unbounded.
pub(crate) const BOUNDS_S: [f64; 28] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0,
    40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1_920.0,
];

/// Buckets, the unbounded one included.
pub(crate) const BUCKETS: usize = BOUNDS_S.len() + 1;

/// Counters of one replica (or service) and latency part: observations by bucket, not cumulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatencyBuckets(pub(crate) [u64; BUCKETS]);

impl Default for LatencyBuckets {
    fn default() -> Self {
        LatencyBuckets([0; BUCKETS])
    }
}

impl LatencyBuckets {
    #[inline]
    pub(crate) fn record(&mut self, latency: SimDuration) {
        let s = latency.as_s_f64();
        self.0[BOUNDS_S.partition_point(|&bound| bound < s)] += 1;
    }

    /// What was observed since `earlier`; a counter that fell was reset and counts from zero.
    fn since(&self, earlier: &LatencyBuckets) -> [u64; BUCKETS] {
        std::array::from_fn(|i| if self.0[i] >= earlier.0[i] { self.0[i] - earlier.0[i] } else { self.0[i] })
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
                let Some(&upper) = BOUNDS_S.get(i) else { break };
                let lower = if i == 0 { 0.0 } else { BOUNDS_S[i - 1] };
                return Some(lower + (upper - lower) * (rank - below as f64) / count as f64);
            }
            below += count;
        }
        BOUNDS_S.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_interpolated_as_prometheus_does() {
        let (earlier, mut now) = (LatencyBuckets::default(), LatencyBuckets::default());
        assert_eq!(now.quantile_since(&earlier, 0.5), None);
        for _ in 0..10 {
            now.record(SimDuration::from_ms(1_200)); // in (1.0, 1.5]
        }
        assert!((now.quantile_since(&earlier, 0.5).unwrap() - 1.25).abs() < 1e-9);
        now.record(SimDuration::from_s(10_000));
        assert_eq!(now.quantile_since(&earlier, 0.99), Some(1_920.0));
        assert_eq!(now.quantile_since(&now.clone(), 0.5), None);
    }
}
