//! Latencies and SLO counts of one service.

use super::parts::{LateBecause, Parts};
use super::tally::Digits3;
use super::tokens::TokenLatency;
use crate::clock::SimDuration;
use crate::ports::LatencyPart;
use crate::serving::Slo;
use hdrhistogram::Histogram;
use std::borrow::Cow;

/// How often one SLO was met.
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

/// Counts of one part of the latency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Non-empty buckets of three digits, ascending: the largest value of each in microseconds, and
    /// its count.
    pub buckets: Vec<(u64, u64)>,
    /// All counts.
    pub total: u64,
    /// The highest value, exact.
    pub max_us: u64,
}

/// Latency of one service over the measured part of a run.
///
/// Counts are kept to three digits, sums and maxima exactly. Memory grows with the latencies that
/// occurred; a histogram is made when one is asked for.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// By SLO, in the order of the configuration.
    pub slos: Vec<SloCount>,
    /// Requests that missed any SLO on requests, by [`LateBecause`].
    pub late: [u64; LateBecause::ALL.len()],
    /// Answered requests that met all SLOs.
    pub(crate) good: u64,
    /// Token latencies, if the service has tokens.
    pub(crate) tokens: Option<Box<TokenLatency>>,
    tallies: Box<Tallies>,
}

/// Parts of the time of a request; the other parts are of its tokens.
const TIMED: usize = 7;

#[derive(Clone, Debug, Default)]
struct Tallies {
    e2e: Digits3,
    service: Digits3,
    /// Parts that are often zero are recorded only when they are not; zeros are added when they are
    /// read.
    queue: Digits3,
    cold_start: Digits3,
    no_capacity: Digits3,
    retries: Digits3,
    network: Digits3,
    /// A run of equal values of `network` that is not recorded yet: in most services all hops are
    /// equal.
    network_run: (u64, u64),
    /// Latencies of requests that did not wait at all, so that all their time is service; and the
    /// exact sum.
    at_once: Digits3,
    at_once_ps: u128,
    /// Exact sums of the other requests, by [`place`].
    sums_ps: [u128; TIMED],
}

/// Where the exact sum of a part is kept; `None` for parts of tokens.
fn place(part: LatencyPart) -> Option<usize> {
    match part {
        LatencyPart::EndToEnd => Some(0),
        LatencyPart::Queue => Some(1),
        LatencyPart::Service => Some(2),
        LatencyPart::ColdStart => Some(3),
        LatencyPart::NoCapacity => Some(4),
        LatencyPart::Retries => Some(5),
        LatencyPart::Network => Some(6),
        LatencyPart::TimeToFirstToken | LatencyPart::TimePerOutputToken | LatencyPart::InterToken => None,
    }
}

impl Tallies {
    #[inline]
    fn record(&mut self, parts: &Parts) {
        let of = &parts.of;
        self.sums_ps[0] += u128::from(parts.e2e.as_ps());
        self.sums_ps[2] += u128::from(of.service.as_ps());
        self.e2e.record(parts.e2e.as_us());
        self.service.record(of.service.as_us());
        if !of.queue.is_zero() {
            self.sums_ps[1] += u128::from(of.queue.as_ps());
            self.queue.record(of.queue.as_us());
        }
        if of.cold_start.as_ps() | of.no_capacity.as_ps() | of.retries.as_ps() != 0 {
            self.record_rare([of.cold_start, of.no_capacity, of.retries]);
        }
        if !of.network.is_zero() {
            self.sums_ps[6] += u128::from(of.network.as_ps());
            let us = of.network.as_us();
            if us == self.network_run.0 {
                self.network_run.1 += 1;
            } else {
                self.end_run();
                self.network_run = (us, 1);
            }
        }
    }

    /// Records cold starts, full pools and retries, which are rare.
    #[inline(never)]
    fn record_rare(&mut self, rare: [SimDuration; 3]) {
        let tallies = [&mut self.cold_start, &mut self.no_capacity, &mut self.retries];
        for ((tally, span), sum) in tallies.into_iter().zip(rare).zip(&mut self.sums_ps[3..6]) {
            if !span.is_zero() {
                tally.record(span.as_us());
                *sum += u128::from(span.as_ps());
            }
        }
    }

    #[inline(never)]
    fn end_run(&mut self) {
        let (us, n) = std::mem::take(&mut self.network_run);
        if n > 0 {
            self.network.record_n(us, n);
            self.network.reach(us);
        }
    }

    /// All completed requests.
    fn completed(&self) -> u64 {
        self.e2e.total() + self.at_once.total()
    }

    /// All tallies, so that no loop misses one.
    fn all(&mut self) -> [&mut Digits3; 8] {
        let Tallies { e2e, queue, service, cold_start, no_capacity, retries, network, at_once, .. } = self;
        [e2e, queue, service, cold_start, no_capacity, retries, network, at_once]
    }

    /// What was recorded of a part, without the zeros that were left out.
    fn counted(&self, part: LatencyPart) -> Option<Cow<'_, Digits3>> {
        let with_at_once = |tally: &Digits3| {
            let mut tally = tally.clone();
            tally.add(&self.at_once);
            Cow::Owned(tally)
        };
        Some(match part {
            LatencyPart::EndToEnd => with_at_once(&self.e2e),
            LatencyPart::Service => with_at_once(&self.service),
            LatencyPart::Queue => Cow::Borrowed(&self.queue),
            LatencyPart::ColdStart => Cow::Borrowed(&self.cold_start),
            LatencyPart::NoCapacity => Cow::Borrowed(&self.no_capacity),
            LatencyPart::Retries => Cow::Borrowed(&self.retries),
            LatencyPart::Network => Cow::Borrowed(&self.network),
            LatencyPart::TimeToFirstToken | LatencyPart::TimePerOutputToken | LatencyPart::InterToken => return None,
        })
    }
}

impl Latency {
    /// Latencies of a service before its first request.
    pub(crate) fn new(slos: usize, tokens: bool) -> Self {
        Latency { slos: vec![SloCount::default(); slos], tokens: tokens.then(Box::default), ..Latency::default() }
    }

    /// What was recorded of a part, zeros included; `None` if nothing was recorded.
    fn tally(&self, part: LatencyPart) -> Option<Cow<'_, Digits3>> {
        let Some(counted) = self.tallies.counted(part) else {
            let tally = self.tokens.as_ref()?.tally(part)?;
            return (tally.total() > 0).then_some(Cow::Borrowed(tally));
        };
        let zeros = self.tallies.completed() - counted.total();
        let seldom = matches!(part, LatencyPart::Retries | LatencyPart::Network | LatencyPart::NoCapacity);
        if self.tallies.completed() == 0 || seldom && counted.total() == 0 {
            return None;
        }
        let mut counted = counted;
        if zeros > 0 {
            counted.to_mut().record_n(0, zeros);
        }
        Some(counted)
    }

    /// The histogram of a part in microseconds, made for this call. `None` if nothing was recorded:
    /// tokens of a service without tokens, or retries, network and full pools that no request met.
    pub fn part(&self, part: LatencyPart) -> Option<Histogram<u64>> {
        self.tally(part).map(|tally| tally.histogram())
    }

    /// The counts of a part, and its highest value; `None` as for [`Latency::part`].
    pub fn counts(&self, part: LatencyPart) -> Option<Counts> {
        let tally = self.tally(part)?;
        let buckets: Vec<(u64, u64)> = tally.tops().collect();
        let total = buckets.iter().map(|bucket| bucket.1).sum();
        Some(Counts { buckets, total, max_us: tally.max_us() })
    }

    /// How many values of a part were recorded; 0 where [`Latency::part`] is `None`.
    pub fn count(&self, part: LatencyPart) -> u64 {
        self.tally(part).map_or(0, |tally| tally.total())
    }

    /// The largest value of a part in whole microseconds, exact.
    pub fn max_us(&self, part: LatencyPart) -> Option<u64> {
        self.tally(part).map(|tally| tally.max_us())
    }

    /// A quantile of a part in microseconds, to three digits and never above the largest value.
    pub fn quantile_us(&self, part: LatencyPart, quantile: f64) -> Option<u64> {
        self.tally(part).map(|tally| tally.quantile_us(quantile))
    }

    /// The exact sum of a part in picoseconds. The sums of retries, network, queue, cold start, no
    /// capacity and service add up to that of end to end.
    pub fn sum_ps(&self, part: LatencyPart) -> u128 {
        let Some(place) = place(part) else { return self.tokens.as_ref().map_or(0, |tokens| tokens.sum_ps(part)) };
        let whole = matches!(part, LatencyPart::EndToEnd | LatencyPart::Service);
        self.tallies.sums_ps[place] + if whole { self.tallies.at_once_ps } else { 0 }
    }

    /// Exact mean of a part in seconds; 0 if nothing was recorded.
    pub fn mean_s(&self, part: LatencyPart) -> f64 {
        let count = self.count(part);
        let sum_ps = match (&self.tokens, part) {
            (Some(tokens), LatencyPart::InterToken) => tokens.gaps_ps(),
            _ => self.sum_ps(part) as f64,
        };
        if count == 0 { 0.0 } else { sum_ps / count as f64 / 1e12 }
    }

    /// Records a completed request. True if it was late.
    #[inline]
    pub(crate) fn record(&mut self, parts: &Parts, slos: &[Slo]) -> bool {
        if parts.e2e == parts.of.service {
            // Most requests do not wait at all: one tally holds them.
            self.tallies.at_once_ps += u128::from(parts.e2e.as_ps());
            self.tallies.at_once.record(parts.e2e.as_us());
        } else {
            self.tallies.record(parts);
        }
        if let (Some(tokens), Some(ttft)) = (&mut self.tokens, parts.ttft) {
            tokens.record(ttft, parts.tpot);
        }
        let mut broken = None;
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            // SLOs on gaps between tokens are counted by gap: see `settle`.
            if slo.part != LatencyPart::InterToken {
                let good = parts.get(slo.part) <= slo.limit;
                count.good += u64::from(good);
                count.bad += u64::from(!good);
                broken = if good { broken } else { broken.or(Some(slo.part)) };
            }
        }
        match broken {
            Some(part) => self.late[parts.because(part) as usize] += 1,
            None => self.good += 1,
        }
        broken.is_some()
    }

    /// Counts SLOs on gaps between tokens, and frees unused memory; called once, at the end of a
    /// run.
    pub(crate) fn settle(&mut self, slos: &[Slo]) {
        self.tallies.end_run();
        self.tallies.all().into_iter().for_each(Digits3::shrink);
        let Some(tokens) = &mut self.tokens else { return };
        tokens.settle();
        let Some(gaps) = tokens.tally(LatencyPart::InterToken) else { return };
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            if slo.part == LatencyPart::InterToken {
                count.good = gaps.count_up_to(slo.limit.as_us());
                count.bad = gaps.total() - count.good;
            }
        }
    }

    /// Adds what another run of the same service has measured: counts and sums add up exactly. SLO
    /// counts are not added, since two services may have different SLOs.
    pub fn merge(&mut self, other: &Latency) {
        let mut others = other.tallies.clone();
        others.end_run();
        self.tallies.end_run();
        for (sum, tally) in self.tallies.all().into_iter().zip(others.all()) {
            sum.add(tally);
        }
        for (sum, add) in self.tallies.sums_ps.iter_mut().zip(others.sums_ps) {
            *sum += add;
        }
        self.tallies.at_once_ps += others.at_once_ps;
        self.good += other.good;
        for (sum, late) in self.late.iter_mut().zip(other.late) {
            *sum += late;
        }
        if let (Some(tokens), Some(other)) = (&mut self.tokens, &other.tokens) {
            tokens.merge(other);
        }
    }

    /// Records a request that has no answer when the run ends: it has missed each SLO whose limit
    /// its age exceeds. `ttft` is its time to first token, if that came. True if it was late.
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

    /// Records a request that was never answered: it misses every SLO on requests. True if there is
    /// one.
    pub(crate) fn record_unserved(&mut self, slos: &[Slo]) -> bool {
        let mut missed = false;
        for (count, slo) in self.slos.iter_mut().zip(slos) {
            let bad = slo.part != LatencyPart::InterToken;
            count.bad += u64::from(bad);
            missed |= bad;
        }
        self.late[LateBecause::NotServed as usize] += u64::from(missed);
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RequestParts;
    use proptest::prelude::*;

    const PARTS: [LatencyPart; 6] = [
        LatencyPart::Retries,
        LatencyPart::Network,
        LatencyPart::Queue,
        LatencyPart::ColdStart,
        LatencyPart::NoCapacity,
        LatencyPart::Service,
    ];

    fn record(latency: &mut Latency, spans: [u64; 6]) {
        let [retries, network, queue, cold_start, no_capacity, service] = spans.map(SimDuration::from_ps);
        let of = RequestParts { retries, network, queue, cold_start, no_capacity, service };
        latency.record(&Parts { e2e: of.sum(), of, ttft: None, tpot: None }, &[]);
    }

    proptest! {
        #[test]
        fn sums_add_up_maxima_are_exact_and_no_quantile_passes_them(
            rows in prop::collection::vec(
                prop::array::uniform6(prop_oneof![Just(0_u64), Just(5_000_000_000), 1_u64..1 << 45]), 1..40),
            cut in 0_usize..40,
        ) {
            let (mut whole, mut other) = (Latency::new(0, false), Latency::new(0, false));
            for (at, row) in rows.iter().enumerate() {
                record(if at < cut { &mut whole } else { &mut other }, *row);
            }
            whole.merge(&other);
            let e2e = whole.sum_ps(LatencyPart::EndToEnd);
            prop_assert_eq!(PARTS.iter().map(|&part| whole.sum_ps(part)).sum::<u128>(), e2e);
            for (part, at) in PARTS.into_iter().zip(0..) {
                let longest = rows.iter().map(|row| row[at] / 1_000_000).max().unwrap_or(0);
                let Some(found) = whole.max_us(part) else {
                    prop_assert!(rows.iter().all(|row| row[at] == 0));
                    continue;
                };
                prop_assert_eq!((found, whole.count(part)), (longest, rows.len() as u64));
                prop_assert!(whole.quantile_us(part, 1.0).unwrap() == longest);
                prop_assert_eq!(whole.part(part).unwrap().len(), rows.len() as u64);
            }
        }
    }

    #[test]
    fn what_was_not_recorded_has_no_histogram() {
        let mut latency = Latency::new(0, false);
        assert!(latency.part(LatencyPart::EndToEnd).is_none() && latency.max_us(LatencyPart::Queue).is_none());
        record(&mut latency, [0, 0, 0, 0, 0, 7_000_000]);
        assert_eq!(latency.max_us(LatencyPart::Service), Some(7));
        assert_eq!(latency.max_us(LatencyPart::ColdStart), Some(0));
        assert!(latency.part(LatencyPart::Retries).is_none() && latency.part(LatencyPart::InterToken).is_none());
    }
}
