//! Averages of a metric over a window of one-second buckets, linear or weighted.
//!
//! Follows `pkg/autoscaler/aggregation/bucketing.go` of `knative/serving` @ 98e5ef90.

/// How the seconds of a window count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// All alike.
    #[default]
    Linear,
    /// The newer the more, falling by a constant factor.
    WeightedExponential,
}

impl Aggregation {
    /// What an annotation's text selects; anything but the weighted one is linear.
    pub fn from_text(text: &str) -> Self {
        if text == "weighted-exponential" { Aggregation::WeightedExponential } else { Aggregation::Linear }
    }
}

/// The weights of a whole window add up to at least this.
const WEIGHT_PRECISION: f64 = 0.9999;
/// The newest second never counts less than this.
const LEAST_WEIGHT: f64 = 0.2;

/// Longest window; Knative's own limit is an hour.
const MOST_SECONDS: u32 = 86_400;

/// A ring of one-second sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    ring: Vec<f64>,
    total: f64,
    first_write_s: i64,
    last_write_s: Option<i64>,
    aggregation: Aggregation,
    /// Weight of the newest second.
    smoothing: f64,
}

impl Buckets {
    /// An empty window of `window_s` seconds: at least 1, at most a day.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::knative::{Aggregation, Buckets};
    /// let mut window = Buckets::new(60, Aggregation::Linear);
    /// window.record(0, 10.0);
    /// window.record(1, 20.0);
    /// assert_eq!(window.average(1), 15.0);
    /// assert!(window.is_empty(62));
    /// ```
    pub fn new(window_s: u32, aggregation: Aggregation) -> Self {
        let buckets = window_s.clamp(1, MOST_SECONDS);
        let smoothing = LEAST_WEIGHT.max(1.0 - (1.0 - WEIGHT_PRECISION).powf(1.0 / f64::from(buckets)));
        let ring = vec![0.0; buckets as usize];
        Buckets { ring, total: 0.0, first_write_s: 0, last_write_s: None, aggregation, smoothing }
    }

    fn window_s(&self) -> i64 {
        self.ring.len() as i64
    }

    fn slot(&self, second: i64) -> usize {
        second.rem_euclid(self.window_s()) as usize
    }

    /// Adds `value` to the bucket of `second`; what is older than the window is dropped.
    pub fn record(&mut self, second: i64, value: f64) {
        match self.last_write_s {
            None => (self.first_write_s, self.last_write_s) = (second, Some(second)),
            Some(last) if second > last => self.advance(last, second),
            Some(last) if last.saturating_sub(second) >= self.window_s() => return,
            Some(_) => self.first_write_s = self.first_write_s.min(second),
        }
        let slot = self.slot(second);
        self.ring[slot] += value;
        self.total += value;
    }

    fn advance(&mut self, last: i64, second: i64) {
        self.last_write_s = Some(second);
        if second.saturating_sub(last) >= self.window_s() {
            self.ring.fill(0.0);
            (self.total, self.first_write_s) = (0.0, second);
            return;
        }
        for gone in last + 1..=second {
            let slot = self.slot(gone);
            self.total -= self.ring[slot];
            self.ring[slot] = 0.0;
        }
    }

    /// Whether nothing was written within the window; the edge of the window still counts.
    pub fn is_empty(&self, now_s: i64) -> bool {
        self.last_write_s.is_none_or(|last| now_s.saturating_sub(last) > self.window_s())
    }

    /// The average as seen in second `now_s`, in the metric's unit; 0 if there is nothing.
    pub fn average(&self, now_s: i64) -> f64 {
        let Some(last) = self.last_write_s.filter(|_| !self.is_empty(now_s)) else { return 0.0 };
        match self.aggregation {
            Aggregation::Linear => self.linear(now_s.saturating_sub(last), last),
            Aggregation::WeightedExponential => self.weighted(now_s.saturating_sub(last).max(0), last),
        }
    }

    /// `silent_s` seconds after the last write, at `last`.
    fn linear(&self, silent_s: i64, last: i64) -> f64 {
        let written_s = last - self.first_write_s + 1;
        if silent_s <= 0 {
            return six_digits(self.total / written_s.min(self.window_s()) as f64);
        }
        if silent_s >= self.window_s() {
            return 0.0;
        }
        // Buckets that have fallen out since the last write are still in the ring.
        let gone: f64 = (1..=silent_s).map(|step| self.ring[self.slot(last + step)]).sum();
        six_digits((self.total - gone) / written_s.min(self.window_s() - silent_s) as f64)
    }

    fn weighted(&self, silent_s: i64, last: i64) -> f64 {
        let keep = 1.0 - self.smoothing;
        let mut weight = self.smoothing;
        if silent_s > 0 {
            weight *= keep.powf(silent_s as f64);
        }
        let mut average = 0.0;
        for age in 0..self.window_s() - silent_s {
            average += self.ring[self.slot(last - age)] * weight;
            weight *= keep;
        }
        average
    }
}

/// Rounded half away from zero to six digits after the point.
fn six_digits(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_does_not_dilute_until_it_exceeds_the_window() {
        let mut window = Buckets::new(10, Aggregation::Linear);
        for second in 0..10 {
            window.record(second, 5.0);
        }
        assert_eq!(window.average(14), 5.0);
        assert_eq!((window.average(19), window.is_empty(19), window.is_empty(20)), (0.0, false, true));
        window.record(30, 7.0);
        assert_eq!(window.average(30), 7.0);
    }

    #[test]
    fn late_reports_count_and_too_late_ones_do_not() {
        let mut window = Buckets::new(5, Aggregation::Linear);
        window.record(10, 4.0);
        window.record(8, 2.0);
        assert_eq!(window.average(10), 2.0);
        window.record(5, 100.0);
        assert_eq!(window.average(10), 2.0);
    }

    #[test]
    fn weights_fall_with_age() {
        let mut window = Buckets::new(60, Aggregation::WeightedExponential);
        window.record(0, 10.0);
        assert_eq!(window.average(0), 2.0);
        assert!((window.average(1) - 1.6).abs() < 1e-12);
        assert!((window.average(2) - 1.28).abs() < 1e-12);
    }
}
