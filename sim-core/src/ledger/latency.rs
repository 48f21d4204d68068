//! Latency histograms and SLO counts of one service.

use super::tally::Digits3;
use super::tokens::TokenLatency;
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
    /// Its prompt took long to compute, its own or those it shared iterations with.
    Prefill = 5,
}

/// The parts of one completed request's latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) e2e: SimDuration,
    pub(crate) queue: SimDuration,
    pub(crate) cold_start: SimDuration,
    pub(crate) service: SimDuration,
    /// To the first token, where the service has tokens.
    pub(crate) ttft: Option<SimDuration>,
    /// Mean gap between tokens, where there are two.
    pub(crate) tpot: Option<SimDuration>,
}

impl Parts {
    pub(crate) fn get(&self, part: LatencyPart) -> SimDuration {
        match part {
            LatencyPart::EndToEnd => self.e2e,
            LatencyPart::Queue => self.queue,
            LatencyPart::ColdStart => self.cold_start,
            LatencyPart::Service => self.service,
            LatencyPart::TimeToFirstToken => self.ttft.unwrap_or(self.e2e),
            LatencyPart::TimePerOutputToken | LatencyPart::InterToken => self.tpot.unwrap_or(SimDuration::ZERO),
        }
    }

    /// Why it was late, if what it is late for is `broken`.
    fn because(&self, broken: LatencyPart) -> LateBecause {
        let before = self.e2e.saturating_sub(self.service);
        // What came after the first token does not explain why that was late.
        let (whole, own) = match (broken, self.ttft) {
            (LatencyPart::TimeToFirstToken, Some(ttft)) => (ttft, (ttft.saturating_sub(before), LateBecause::Prefill)),
            _ => (self.e2e, (self.service, LateBecause::Service)),
        };
        let parts = self.queue + self.cold_start + own.0;
        let causes = [
            (self.cold_start, LateBecause::ColdStart),
            (self.queue, LateBecause::Queue),
            own,
            (whole.saturating_sub(parts), LateBecause::Retries),
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
    pub late: [u64; 6],
    /// Token latencies, where the service has tokens.
    pub tokens: Option<Box<TokenLatency>>,
    tallies: Box<Tallies>,
}

/// What is recorded while the run goes on: [`Latency::settle`] brings it into the histograms.
#[derive(Clone, Debug, Default)]
struct Tallies {
    e2e: Digits3,
    queue: Digits3,
    cold_start: Digits3,
    service: Digits3,
    /// Latencies of requests that waited for nothing, which are all service, and their exact sum.
    at_once: Digits3,
    at_once_us: u128,
    /// Requests that waited, and for no cold start.
    no_cold_start: u64,
}

impl Latency {
    /// Empty, for latencies of up to `longest` (longer ones count as that long).
    pub(crate) fn new(longest: SimDuration, slos: usize, tokens: bool) -> Self {
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
            late: [0; 6],
            tokens: tokens.then(|| Box::new(TokenLatency::new(longest_us))),
            tallies: Box::default(),
        }
    }

    /// The histogram of a part; `None` for a part of the tokens of a service that has none.
    pub fn part(&self, part: LatencyPart) -> Option<&Histogram<u64>> {
        let tokens = self.tokens.as_ref();
        match part {
            LatencyPart::EndToEnd => Some(&self.e2e),
            LatencyPart::Queue => Some(&self.queue),
            LatencyPart::ColdStart => Some(&self.cold_start),
            LatencyPart::Service => Some(&self.service),
            LatencyPart::TimeToFirstToken => tokens.map(|tokens| &tokens.ttft),
            LatencyPart::TimePerOutputToken => tokens.map(|tokens| &tokens.tpot),
            LatencyPart::InterToken => tokens.map(|tokens| &tokens.itl),
        }
    }

    /// Exact mean of a part in seconds.
    pub fn mean_s(&self, part: LatencyPart) -> f64 {
        if let Some(&sum) = self.sums_us.get(part as usize) {
            let count = self.part(part).map_or(0, Histogram::len);
            return if count == 0 { 0.0 } else { sum as f64 / count as f64 / 1e6 };
        }
        let [ttft, tpot, itl] = self.tokens.as_ref().map_or([0.0; 3], |tokens| tokens.means_s());
        match part {
            LatencyPart::TimeToFirstToken => ttft,
            LatencyPart::TimePerOutputToken => tpot,
            _ => itl,
        }
    }

    /// Exact sum of a part in microseconds, and the count below it: a mean is their quotient.
    pub fn mean_us(&self, part: LatencyPart) -> (i128, i128) {
        if let Some(&sum) = self.sums_us.get(part as usize) {
            return (sum as i128, self.part(part).map_or(0, |all| i128::from(all.len())));
        }
        self.tokens.as_ref().map_or((0, 0), |tokens| tokens.mean_us(part))
    }

    /// STAND-IN until the exact one is merged.
    pub fn max_us(&self, part: LatencyPart) -> Option<u64> {
        self.part(part).filter(|all| !all.is_empty()).map(Histogram::max)
    }

    /// A completed request. True if it was late.
    #[inline]
    pub(crate) fn record(&mut self, parts: &Parts, slos: &[Slo]) -> bool {
        if parts.e2e == parts.service {
            // Most requests wait for nothing: one tally takes those, `settle` brings them to all.
            let us = parts.e2e.as_us();
            self.tallies.at_once_us += u128::from(us);
            self.tallies.at_once.record(us);
        } else {
            self.record_parts(parts);
        }
        if let (Some(tokens), Some(ttft)) = (&mut self.tokens, parts.ttft) {
            tokens.record(ttft, parts.tpot);
        }
        let mut broken = None;
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            // Promises on gaps are counted by gap: see `settle`.
            if slo.part != LatencyPart::InterToken {
                let good = parts.get(slo.part) <= slo.limit;
                count.good += u64::from(good);
                count.bad += u64::from(!good);
                broken = if good { broken } else { broken.or(Some(slo.part)) };
            }
        }
        if let Some(part) = broken {
            self.late[parts.because(part) as usize] += 1;
        }
        broken.is_some()
    }

    #[inline]
    fn record_parts(&mut self, parts: &Parts) {
        // Sums are exact; a histogram counts what is beyond its range as its longest.
        let us = [parts.e2e, parts.queue, parts.cold_start, parts.service].map(SimDuration::as_us);
        for (sum, us) in self.sums_us.iter_mut().zip(us) {
            *sum += u128::from(us);
        }
        let tallies = &mut *self.tallies;
        tallies.e2e.record(us[0]);
        tallies.queue.record(us[1]);
        tallies.service.record(us[3]);
        // Cold starts are rare: waits without one are counted and recorded together.
        match us[2] {
            0 => tallies.no_cold_start += 1,
            wait => tallies.cold_start.record(wait),
        }
    }

    /// Brings what was kept apart into the histograms and sums; called once, at the end of a run.
    pub(crate) fn settle(&mut self, slos: &[Slo]) {
        if let Some(tokens) = &mut self.tokens {
            tokens.settle();
            for (count, slo) in self.slos.iter_mut().zip(slos) {
                if slo.part == LatencyPart::InterToken {
                    count.good = tokens.itl.count_between(0, slo.limit.as_us());
                    count.bad = tokens.itl.len() - count.good;
                }
            }
        }
        let tallies = std::mem::take(&mut *self.tallies);
        let (mut at_once, no_cold_start) = (tallies.at_once, tallies.no_cold_start);
        at_once.empty_into(&mut [&mut self.e2e, &mut self.service]);
        let all = self.e2e.len();
        for (mut tally, histogram) in [
            (tallies.e2e, &mut self.e2e),
            (tallies.queue, &mut self.queue),
            (tallies.cold_start, &mut self.cold_start),
            (tallies.service, &mut self.service),
        ] {
            tally.empty_into(&mut [histogram]);
        }
        self.sums_us[LatencyPart::EndToEnd as usize] += tallies.at_once_us;
        self.sums_us[LatencyPart::Service as usize] += tallies.at_once_us;
        self.queue.saturating_record_n(0, all);
        self.cold_start.saturating_record_n(0, all + no_cold_start);
    }

    /// Adds what another run of the same service has measured: counts and sums add up exactly.
    pub fn merge(&mut self, other: &Latency) {
        let pairs = [
            (&mut self.e2e, &other.e2e),
            (&mut self.queue, &other.queue),
            (&mut self.cold_start, &other.cold_start),
            (&mut self.service, &other.service),
        ];
        for (sum, histogram) in pairs {
            // Runs of one service have the same bounds, so this cannot fail.
            let _ = sum.add(histogram);
        }
        for (sum, add) in self.sums_us.iter_mut().zip(other.sums_us) {
            *sum += add;
        }
        if let (Some(tokens), Some(other)) = (&mut self.tokens, &other.tokens) {
            tokens.merge(other);
        }
    }

    /// A request of that age has no answer when the run ends: it has broken what it is too old for.
    /// `ttft` is its time to first token, if that came. True if it was late.
    pub(crate) fn record_live(&mut self, age: SimDuration, ttft: Option<SimDuration>, slos: &[Slo]) -> bool {
        let mut late = false;
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            let age = match slo.part {
                LatencyPart::EndToEnd => age,
                LatencyPart::TimeToFirstToken => ttft.unwrap_or(age),
                _ => continue,
            };
            if age > slo.limit {
                count.bad += 1;
                late = true;
            }
        }
        self.late[LateBecause::NotServed as usize] += u64::from(late);
        late
    }

    /// A request that was never answered breaks every promise.
    pub(crate) fn record_unserved(&mut self, slos: &[Slo]) {
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            count.bad += u64::from(slo.part != LatencyPart::InterToken);
        }
        self.late[LateBecause::NotServed as usize] += u64::from(!self.slos.is_empty());
    }
}
