//! The series of one replica or service as Prometheus stores it: samples within the longest range
//! that is asked for, and the functions over them.

use crate::clock::{SimDuration, SimTime};
use std::collections::VecDeque;

/// How far back an instant query looks for a sample (Prometheus' default lookback).
pub(crate) const LOOKBACK: SimDuration = SimDuration::from_s(300);

/// A stored series.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<(SimTime, f64)>,
    /// Whether the target has gone away: instant queries no longer see the series, ranges do.
    pub(crate) stale: bool,
}

impl History {
    /// Stores a scrape, and drops samples that no range of `keep` needs.
    pub(crate) fn push(&mut self, at: SimTime, value: f64, keep: SimDuration) {
        self.stale = false;
        self.samples.push_back((at, value));
        let horizon = at.back(keep);
        while self.samples.len() > 2 && self.samples[1].0 <= horizon {
            self.samples.pop_front();
        }
    }

    /// The newest sample that is not older than the lookback.
    pub(crate) fn newest(&self, now: SimTime) -> Option<(SimTime, f64)> {
        let &(at, value) = self.samples.back()?;
        (!self.stale && now.since(at) <= LOOKBACK).then_some((at, value))
    }

    fn range(&self, now: SimTime, window: SimDuration) -> impl Iterator<Item = (SimTime, f64)> + '_ {
        self.samples.iter().copied().filter(move |&(at, _)| now.since(at) <= window && at <= now)
    }

    /// `avg_over_time`.
    pub(crate) fn average(&self, now: SimTime, window: SimDuration) -> Option<f64> {
        let (sum, count) = self.range(now, window).fold((0.0, 0_u32), |(sum, n), (_, value)| (sum + value, n + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// `max_over_time`.
    pub(crate) fn max(&self, now: SimTime, window: SimDuration) -> Option<f64> {
        self.range(now, window).map(|(_, value)| value).reduce(f64::max)
    }

    /// `rate`: the increase over the window, counting resets, and extrapolated to the edges of the
    /// window as Prometheus does (`promql/functions.go`, `extrapolatedRate`). It needs two samples.
    pub(crate) fn rate(&self, now: SimTime, window: SimDuration) -> Option<f64> {
        let samples: Vec<(SimTime, f64)> = self.range(now, window).collect();
        let (&(first_at, first), &(last_at, last)) = (samples.first()?, samples.last()?);
        if samples.len() < 2 || window.is_zero() {
            return None;
        }
        let resets: f64 = samples.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1).sum();
        let increase = last - first + resets;
        let sampled_s = last_at.since(first_at).as_s_f64();
        let between_s = sampled_s / (samples.len() - 1) as f64;
        let mut to_start_s = first_at.since(now.back(window)).as_s_f64();
        let mut to_end_s = now.since(last_at).as_s_f64();
        let threshold_s = between_s * 1.1;
        if to_start_s >= threshold_s {
            to_start_s = between_s / 2.0;
        }
        // A counter cannot have been below zero.
        if increase > 0.0 && first >= 0.0 {
            to_start_s = to_start_s.min(sampled_s * (first / increase));
        }
        if to_end_s >= threshold_s {
            to_end_s = between_s / 2.0;
        }
        let factor = (sampled_s + to_start_s + to_end_s) / sampled_s;
        Some(increase * factor / window.as_s_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(values: &[(u64, f64)]) -> History {
        let mut history = History::default();
        for &(at_s, value) in values {
            history.push(SimTime::from_s(at_s), value, SimDuration::from_s(60));
        }
        history
    }

    #[test]
    fn rate_needs_two_samples_and_survives_a_reset() {
        let window = SimDuration::from_s(60);
        assert_eq!(counter(&[(15, 5.0)]).rate(SimTime::from_s(16), window), None);
        let steady = counter(&[(0, 0.0), (15, 30.0), (30, 60.0), (45, 90.0), (60, 120.0)]);
        assert!((steady.rate(SimTime::from_s(60), window).unwrap() - 2.0).abs() < 1e-9);
        let reset = counter(&[(15, 100.0), (30, 130.0), (45, 30.0), (60, 60.0)]);
        let rate = reset.rate(SimTime::from_s(60), window).unwrap();
        assert!((rate - 2.0).abs() < 0.01, "{rate}");
    }

    #[test]
    fn a_stale_series_is_gone_for_instant_queries_only() {
        let mut history = counter(&[(0, 1.0), (15, 3.0)]);
        let now = SimTime::from_s(20);
        assert_eq!(history.newest(now), Some((SimTime::from_s(15), 3.0)));
        history.stale = true;
        assert_eq!(history.newest(now), None);
        assert_eq!(history.average(now, SimDuration::from_s(60)), Some(2.0));
        assert_eq!(history.max(now, SimDuration::from_s(60)), Some(3.0));
    }
}
