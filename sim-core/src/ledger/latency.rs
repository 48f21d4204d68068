//! Latency histograms and SLO counts of one service.

use crate::clock::SimDuration;
use crate::ports::LatencyPart;
use crate::serving::Slo;
use hdrhistogram::Histogram;

/// Why a late request was late: the largest part of its latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LateBecause {
    /// It waited while replicas were starting.
    ColdStart = 0,
    /// It waited in a queue.
    Queue = 1,
    /// Its service took long.
    Service = 2,
    /// It was rejected, expired, failed, or had no answer at the end and was late already.
    NotServed = 3,
    /// Earlier attempts and back-off.
    Retries = 4,
}

/// The parts of one completed request's latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) e2e: SimDuration,
    pub(crate) queue: SimDuration,
    pub(crate) cold_start: SimDuration,
    pub(crate) service: SimDuration,
}

impl Parts {
    pub(crate) fn get(&self, part: LatencyPart) -> SimDuration {
        match part {
            LatencyPart::EndToEnd => self.e2e,
            LatencyPart::Queue => self.queue,
            LatencyPart::ColdStart => self.cold_start,
            LatencyPart::Service => self.service,
        }
    }

    fn because(&self) -> LateBecause {
        let parts = self.queue + self.cold_start + self.service;
        let causes = [
            (self.cold_start, LateBecause::ColdStart),
            (self.queue, LateBecause::Queue),
            (self.service, LateBecause::Service),
            (self.e2e.saturating_sub(parts), LateBecause::Retries),
        ];
        let mut largest = causes[0];
        for cause in causes {
            if cause.0 > largest.0 {
                largest = cause;
            }
        }
        largest.1
    }
}

/// How one promise was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SloCount {
    /// Requests within the limit.
    pub good: u64,
    /// Requests beyond it, and those never answered.
    pub bad: u64,
}

impl SloCount {
    /// Share of requests within the limit; 1 if there was none.
    pub fn attainment(&self) -> f64 {
        let total = self.good + self.bad;
        if total == 0 { 1.0 } else { self.good as f64 / total as f64 }
    }
}

/// Latency of one service over the measured part of a run. Histograms are in microseconds.
#[derive(Clone, Debug)]
pub struct Latency {
    /// End to end, by the client's clock.
    pub e2e: Histogram<u64>,
    /// Waiting that no cold start explains.
    pub queue: Histogram<u64>,
    /// Waiting while replicas were starting.
    pub cold_start: Histogram<u64>,
    /// In service.
    pub service: Histogram<u64>,
    /// Exact sums in microseconds of the four, for means.
    pub sums_us: [u128; 4],
    /// By promise, in the order of the configuration.
    pub slos: Vec<SloCount>,
    /// Requests that broke any promise, by [`LateBecause`].
    pub late: [u64; 5],
    /// Latencies of requests that waited for nothing, which are all service, and their exact sum.
    at_once: Histogram<u64>,
    at_once_us: u128,
    /// Requests that waited, and for no cold start.
    no_cold_start: u64,
}

impl Latency {
    /// Empty, for latencies of up to `longest` (longer ones count as that long).
    pub(crate) fn new(longest: SimDuration, slos: usize) -> Self {
        let longest_us = longest.as_us().max(1_000_000);
        // Bounds above are valid by construction: 1 <= 2 * 1 <= longest, 3 digits.
        let histogram = || Histogram::new_with_bounds(1, longest_us, 3).expect("valid histogram bounds");
        Latency {
            e2e: histogram(),
            queue: histogram(),
            cold_start: histogram(),
            service: histogram(),
            sums_us: [0; 4],
            slos: vec![SloCount::default(); slos],
            late: [0; 5],
            at_once: histogram(),
            at_once_us: 0,
            no_cold_start: 0,
        }
    }

    /// The histogram of a part.
    pub fn part(&self, part: LatencyPart) -> &Histogram<u64> {
        match part {
            LatencyPart::EndToEnd => &self.e2e,
            LatencyPart::Queue => &self.queue,
            LatencyPart::ColdStart => &self.cold_start,
            LatencyPart::Service => &self.service,
        }
    }

    /// Exact mean of a part in seconds.
    pub fn mean_s(&self, part: LatencyPart) -> f64 {
        let sum = self.sums_us[part as usize] as f64;
        let count = self.part(part).len();
        if count == 0 { 0.0 } else { sum / count as f64 / 1e6 }
    }

    /// A completed request. True if it was late.
    #[inline]
    pub(crate) fn record(&mut self, parts: &Parts, slos: &[Slo]) -> bool {
        if parts.e2e == parts.service {
            // Most requests wait for nothing: one histogram takes those, `settle` brings them to all.
            let us = parts.e2e.as_us();
            self.at_once_us += u128::from(us);
            self.at_once.saturating_record(us);
        } else {
            self.record_parts(parts);
        }
        let mut late = false;
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            let good = parts.get(slo.part) <= slo.limit;
            count.good += u64::from(good);
            count.bad += u64::from(!good);
            late |= !good;
        }
        if late {
            self.late[parts.because() as usize] += 1;
        }
        late
    }

    #[inline]
    fn record_parts(&mut self, parts: &Parts) {
        // Sums are exact; a histogram counts what is beyond its range as its longest.
        let us = [parts.e2e, parts.queue, parts.cold_start, parts.service].map(SimDuration::as_us);
        for (sum, us) in self.sums_us.iter_mut().zip(us) {
            *sum += u128::from(us);
        }
        self.e2e.saturating_record(us[0]);
        self.queue.saturating_record(us[1]);
        self.service.saturating_record(us[3]);
        // Cold starts are rare: waits without one are counted and recorded together.
        match us[2] {
            0 => self.no_cold_start += 1,
            wait => self.cold_start.saturating_record(wait),
        }
    }

    /// Brings what was kept apart into the histograms and sums; called once, at the end of a run.
    pub(crate) fn settle(&mut self) {
        let at_once = self.at_once.len();
        for histogram in [&mut self.e2e, &mut self.service] {
            // All have the same bounds, so this cannot fail.
            let _ = histogram.add(&self.at_once);
        }
        self.at_once.reset();
        let sum = std::mem::take(&mut self.at_once_us);
        self.sums_us[LatencyPart::EndToEnd as usize] += sum;
        self.sums_us[LatencyPart::Service as usize] += sum;
        self.queue.saturating_record_n(0, at_once);
        self.cold_start.saturating_record_n(0, at_once + std::mem::take(&mut self.no_cold_start));
    }

    /// A request of that age has no answer when the run ends: it has broken what it is too old for.
    pub(crate) fn record_live(&mut self, age: SimDuration, slos: &[Slo]) {
        let mut late = false;
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            if slo.part == LatencyPart::EndToEnd && age > slo.limit {
                count.bad += 1;
                late = true;
            }
        }
        self.late[LateBecause::NotServed as usize] += u64::from(late);
    }

    /// A request that was never answered breaks every promise.
    pub(crate) fn record_unserved(&mut self) {
        for count in &mut self.slos {
            count.bad += 1;
        }
        self.late[LateBecause::NotServed as usize] += u64::from(!self.slos.is_empty());
    }
}
