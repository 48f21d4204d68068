//! One signal's way from the world to an observation.
//!
//! Each stage has its own period, and its own phase from a named stream: the exporter collects,
//! Prometheus scrapes, a rule or adapter evaluates, the controller asks.

use super::buckets::LatencyBuckets;
use super::history::History;
use crate::clock::{Seed, SimDuration, SimTime, Stream};
use crate::ports::{
    Adapter, Attribution, Batch, LatencyPart, MissingAs, ReplicaId, Sample, Sampler, Scope, SignalRequest,
    SignalSource, Stamp, Transform,
};
use crate::serving::Leap;
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The true value of one replica (or of the service, under [`SERVICE`]) at an instant: a gauge, or
/// the running total of a counter or integral.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    pub(crate) replica: u32,
    pub(crate) node: u32,
    pub(crate) value: f64,
}

/// The key of the service's own series.
pub(crate) const SERVICE: u32 = u32::MAX;

/// Most scrapes that wait to be handed over: one a second for an hour.
const MAX_PUSHED: usize = 3_600;

/// An answer of the metrics API: a batch, or an error.
pub(crate) type Reading = Option<Batch>;

/// The adapter's list of metric names, and when it is renewed.
#[derive(Debug)]
struct Relist {
    period: SimDuration,
    next: SimTime,
    listed: bool,
    data_since: bool,
}

impl Relist {
    fn advance(&mut self, now: SimTime) {
        while self.next <= now {
            self.listed = std::mem::take(&mut self.data_since);
            self.next += self.period;
        }
    }
}

/// One signal at work.
#[derive(Debug)]
pub(crate) struct SignalState {
    pub(crate) request: SignalRequest,
    /// The service it is about.
    pub(crate) service: u32,
    failures: Stream,
    /// Integrals at the time when the sampling window opened.
    opened: BTreeMap<u32, f64>,
    /// When it opened: a window is cut to the period before it, if it is longer.
    opened_at: SimTime,
    /// The latest values that the exporter holds.
    collected: BTreeMap<u32, f64>,
    histories: BTreeMap<u32, History>,
    nodes: BTreeMap<u32, u32>,
    /// Latency observations since the start, by replica or service.
    observed: BTreeMap<u32, LatencyBuckets>,
    /// Scraped copies of `observed` within the window.
    scraped: VecDeque<(SimTime, BTreeMap<u32, LatencyBuckets>)>,
    cached: Option<(SimTime, Reading)>,
    /// Whether the last scrape found no pod that exports what only pods do.
    without_pods: bool,
    /// Pushed scrapes that were not handed over yet, oldest first.
    pushed: VecDeque<Batch>,
    relist: Option<Relist>,
    /// The first collection, scrape and evaluation.
    pub(crate) phases: [SimTime; 3],
}

impl SignalState {
    pub(crate) fn new(request: SignalRequest, service: u32, label: &str, seed: Seed) -> Self {
        let mut stream = seed.stream(&format!("signal/{label}"));
        let mut phase = |period: SimDuration| match period.as_ps() {
            0 => SimTime::ZERO,
            ps => SimTime::from_ps(stream.random_range(0..ps)),
        };
        let pipeline = &request.pipeline;
        let evaluation = evaluation_period(&request);
        let relist_first = pipeline.relist_period.map(&mut phase);
        let phases = [
            phase(pipeline.collect_period.unwrap_or(SimDuration::ZERO)),
            phase(pipeline.scrape_period),
            phase(evaluation.unwrap_or(SimDuration::ZERO)),
        ];
        let relist = pipeline.relist_period.zip(relist_first).map(|(period, next)| Relist {
            period,
            next,
            listed: true,
            data_since: true,
        });
        SignalState {
            service,
            failures: seed.stream(&format!("scrape-failures/{label}")),
            opened: BTreeMap::new(),
            opened_at: SimTime::ZERO,
            collected: BTreeMap::new(),
            histories: BTreeMap::new(),
            nodes: BTreeMap::new(),
            observed: BTreeMap::new(),
            scraped: VecDeque::new(),
            cached: None,
            without_pods: false,
            pushed: VecDeque::new(),
            relist,
            phases,
            request,
        }
    }

    /// The span before a collection over which the true value is averaged.
    pub(crate) fn sampling_window(&self) -> Option<SimDuration> {
        match self.request.pipeline.sampler {
            Sampler::Instant => None,
            Sampler::WindowMean(window) | Sampler::Nvml(window) => Some(window),
        }
    }

    /// Period of the recording rule or of the adapter's cache, if there is one.
    pub(crate) fn evaluation_period(&self) -> Option<SimDuration> {
        evaluation_period(&self.request)
    }

    /// The part of the latency that it wants of completed requests.
    pub(crate) fn latency_part(&self) -> Option<LatencyPart> {
        match self.request.source {
            SignalSource::LatencyQuantile { part, .. } => Some(part),
            _ => None,
        }
    }

    /// Takes the latency of a request that completed at `replica`.
    pub(crate) fn observe(&mut self, replica: u32, latency: SimDuration) {
        self.buckets(replica).record(latency);
    }

    /// Takes the gaps of a leap at `replica`: `decodes` sequences had a token in each iteration.
    pub(crate) fn observe_gaps(&mut self, replica: u32, leap: &Leap, decodes: u64) {
        self.buckets(replica).record_leap(leap, decodes);
    }

    /// The counters of a replica, or of the service if the signal has one value for the service.
    fn buckets(&mut self, replica: u32) -> &mut LatencyBuckets {
        let key = if self.request.scope == Scope::Replica { replica } else { SERVICE };
        let empty = self.no_observations();
        self.observed.entry(key).or_insert(empty)
    }

    fn no_observations(&self) -> LatencyBuckets {
        LatencyBuckets::of(self.latency_part().unwrap_or(LatencyPart::EndToEnd))
    }

    /// Opens the sampling window.
    pub(crate) fn open_window(&mut self, now: SimTime, truth: &[Truth]) {
        self.opened_at = now;
        self.opened = truth.iter().map(|row| (row.replica, row.value)).collect();
    }

    /// Refreshes the exporter's values.
    pub(crate) fn collect(&mut self, now: SimTime, truth: &[Truth]) {
        self.collected = truth.iter().map(|row| (row.replica, self.sample(now, row))).collect();
    }

    fn sample(&self, now: SimTime, row: &Truth) -> f64 {
        let share = || {
            let before = self.opened.get(&row.replica).copied().unwrap_or(row.value);
            let window = now.since(self.opened_at);
            if window.is_zero() { 0.0 } else { (row.value - before) / window.as_s_f64() }
        };
        match self.request.pipeline.sampler {
            Sampler::Instant => row.value,
            Sampler::WindowMean(_) => share() * self.percent(),
            // The billionth makes up for the rounding down of the integral: a full window is 100,
            // not 99.
            Sampler::Nvml(_) => (share().min(1.0) * self.percent() + 1e-9).floor(),
        }
    }

    fn is_difference(&self) -> bool {
        self.request.source == SignalSource::CpuCores && self.sampling_window().is_some()
    }

    /// The time between two samples of the true value.
    fn sample_period(&self) -> SimDuration {
        self.request.pipeline.collect_period.unwrap_or(self.request.pipeline.scrape_period)
    }

    fn percent(&self) -> f64 {
        if self.request.source.is_share() { 100.0 } else { 1.0 }
    }

    /// Scrapes the exporter, as Prometheus does.
    pub(crate) fn scrape(&mut self, now: SimTime, truth: &[Truth]) {
        if self.latency_part().is_some() {
            return self.scrape_buckets(now, truth);
        }
        if matches!(self.request.pipeline.adapter, Adapter::Pushed { .. }) {
            return self.push(now, truth);
        }
        let keep = self.keep();
        self.without_pods = truth.is_empty() && self.request.scope == Scope::Pods;
        for (key, history) in &mut self.histories {
            history.stale |= !has(truth, *key);
        }
        for row in truth {
            if self.scrape_fails() {
                // A failed scrape counts as empty: its series become stale.
                if let Some(history) = self.histories.get_mut(&row.replica) {
                    history.stale = true;
                }
                continue;
            }
            let value = match self.request.pipeline.collect_period {
                Some(_) => self.collected.get(&row.replica).copied(),
                // A difference needs two points: before that, metrics-server does not show the pod.
                None if self.is_difference() && !self.opened.contains_key(&row.replica) => None,
                None => Some(self.sample(now, row)),
            };
            if let Some(value) = value {
                self.histories.entry(row.replica).or_default().push(now, value, keep);
                self.nodes.insert(row.replica, row.node);
                self.note_data(now);
            }
        }
        self.forget(now, keep);
    }

    /// A scrape whose samples are handed over unchanged.
    fn push(&mut self, now: SimTime, truth: &[Truth]) {
        let mut samples = Vec::with_capacity(truth.len());
        for row in truth {
            if !self.scrape_fails() {
                samples.push(Sample { replica: name(row.replica), at: now, value: self.sample(now, row) });
            }
        }
        let window = self.sampling_window().unwrap_or(SimDuration::ZERO).min(self.sample_period());
        self.pushed.push_back(Batch { at: now, window, samples });
        // Old scrapes are dropped: no policy reads so rarely, and memory stays limited.
        if self.pushed.len() > MAX_PUSHED {
            self.pushed.pop_front();
        }
    }

    /// The pushes since the last call, up to the last multiple of the period before now, counted
    /// from the first scrape.
    fn take_pushed(&mut self, now: SimTime, period: SimDuration) -> Vec<Batch> {
        let first = self.phases[1];
        let visible = match period.as_ps() {
            0 => now,
            ps => first + SimDuration::from_ps(now.since(first).as_ps() / ps * ps),
        };
        let count = self.pushed.partition_point(|batch| batch.at <= visible);
        self.pushed.drain(..count).collect()
    }

    fn scrape_fails(&mut self) -> bool {
        let probability = self.request.pipeline.scrape_failure;
        probability > 0.0 && self.failures.random::<f64>() < probability
    }

    fn note_data(&mut self, now: SimTime) {
        if let Some(relist) = &mut self.relist {
            relist.advance(now);
            relist.data_since = true;
        }
    }

    /// Drops series of replicas that are gone, once no range reaches them.
    fn forget(&mut self, now: SimTime, keep: SimDuration) {
        self.histories.retain(|_, history| !history.stale || history.average(now, keep).is_some());
        let histories = &self.histories;
        self.nodes.retain(|key, _| histories.contains_key(key));
    }

    fn scrape_buckets(&mut self, now: SimTime, truth: &[Truth]) {
        if self.request.scope == Scope::Replica {
            for row in truth {
                self.buckets(row.replica);
            }
            self.observed.retain(|key, _| has(truth, *key));
        } else {
            self.buckets(SERVICE);
        }
        if self.scrape_fails() {
            return;
        }
        self.scraped.push_back((now, self.observed.clone()));
        let keep = self.keep();
        while self.scraped.front().is_some_and(|&(at, _)| now.since(at) > keep) {
            self.scraped.pop_front();
        }
        self.note_data(now);
    }

    fn keep(&self) -> SimDuration {
        let transform = match self.request.pipeline.transform {
            Transform::Rate(window) | Transform::AvgOver(window) | Transform::MaxOver(window) => window,
            Transform::None => SimDuration::ZERO,
        };
        let latency = match self.request.source {
            SignalSource::LatencyQuantile { window, .. } => window,
            _ => SimDuration::ZERO,
        };
        transform.max(latency).max(self.request.pipeline.scrape_period * 2)
    }

    /// Evaluates the rule or refreshes the cache.
    pub(crate) fn evaluate(&mut self, now: SimTime) {
        self.cached = Some((now, self.query(now)));
    }

    /// What the controller gets at `now`, oldest first; `expected` are the replicas that it looks
    /// for.
    pub(crate) fn read(&mut self, now: SimTime, expected: &[u32]) -> Option<Vec<Batch>> {
        match self.request.pipeline.adapter {
            Adapter::Pushed { period } => Some(self.take_pushed(now, period)),
            Adapter::Live | Adapter::Cached { .. } => self.answer(now, expected).map(|batch| vec![batch]),
        }
    }

    /// The answer of a metrics API.
    fn answer(&mut self, now: SimTime, expected: &[u32]) -> Reading {
        if let Some(relist) = &mut self.relist {
            relist.advance(now);
            if !relist.listed {
                return None;
            }
        }
        let ttl = match self.request.pipeline.adapter {
            Adapter::Live | Adapter::Pushed { .. } => SimDuration::MAX,
            Adapter::Cached { ttl, .. } => ttl,
        };
        let mut reading = match (&self.cached, self.evaluation_period()) {
            (Some((at, cached)), Some(_)) if now.since(*at) <= ttl => cached.clone(),
            (_, Some(_)) => None,
            (_, None) => self.query(now),
        };
        if self.request.pipeline.missing == MissingAs::Zero {
            reading = Some(match self.request.scope {
                Scope::Replica => fill_zeros(reading, now, expected),
                Scope::Service | Scope::Pods => {
                    reading.filter(|batch| !batch.samples.is_empty()).unwrap_or_else(|| zero(now))
                }
            });
        }
        if self.request.pipeline.stamp == Stamp::Now
            && let Some(batch) = &mut reading
        {
            batch.samples.iter_mut().for_each(|sample| sample.at = now);
        }
        reading
    }

    fn query(&self, now: SimTime) -> Reading {
        if self.request.pipeline.attribution == Attribution::Exporter && self.request.scope == Scope::Replica {
            return None;
        }
        let (mut samples, window) = match self.request.source {
            SignalSource::LatencyQuantile { quantile, window, .. } => (self.quantiles(now, quantile, window), window),
            _ => self.values(now),
        };
        if self.request.pipeline.attribution == Attribution::Node {
            self.spread_over_nodes(&mut samples);
        }
        // Integrals are sampled for each replica, even if the service has the signal, and combined
        // when the signal is asked for, as `avg(...)` and `sum(...)` do: a stored sum would jump
        // when a replica comes or goes.
        if self.request.scope != Scope::Replica && self.request.source.is_integral() {
            samples = self.combine(&samples);
        }
        // Without a pod the answer is that there is no series; a scrape that fails has no answer.
        let answers = !samples.is_empty() || self.without_pods;
        answers.then_some(Batch { at: now, window, samples })
    }

    fn values(&self, now: SimTime) -> (Vec<Sample>, SimDuration) {
        // The window that a sample averages over: a pod's CPU counts only a whole window after it
        // became ready.
        let mut window = match self.request.pipeline.sampler {
            Sampler::WindowMean(window) => window.min(self.sample_period()),
            Sampler::Instant | Sampler::Nvml(_) => SimDuration::ZERO,
        };
        let mut samples = Vec::with_capacity(self.histories.len());
        for (&key, history) in &self.histories {
            let newest = history.newest(now);
            let (at, value) = match self.request.pipeline.transform {
                Transform::None => (newest.map(|found| found.0), newest.map(|found| found.1)),
                Transform::Rate(range) => (Some(now), history.rate(now, range)),
                Transform::AvgOver(range) => (Some(now), history.average(now, range)),
                Transform::MaxOver(range) => (Some(now), history.max(now, range)),
            };
            if let (Some(at), Some(value)) = (at, value) {
                samples.push(Sample { replica: name(key), at, value });
            }
        }
        if let Transform::Rate(range) | Transform::AvgOver(range) | Transform::MaxOver(range) =
            self.request.pipeline.transform
        {
            window = range;
        }
        (samples, window)
    }

    fn quantiles(&self, now: SimTime, quantile: f64, window: SimDuration) -> Vec<Sample> {
        let Some((at, newest)) = self.scraped.back() else { return Vec::new() };
        // Like `rate`: from the first scrape in the range to the last; a single scrape has no rate.
        let mut earliest: BTreeMap<u32, &LatencyBuckets> = BTreeMap::new();
        for (scraped_at, buckets) in &self.scraped {
            if now.since(*scraped_at) <= window && scraped_at < at {
                for (&key, buckets) in buckets {
                    earliest.entry(key).or_insert(buckets);
                }
            }
        }
        let of = |(&key, buckets): (&u32, &LatencyBuckets)| {
            let value = buckets.quantile_since(earliest.get(&key)?, quantile);
            // prometheus-adapter turns the NaN of "no observations" into 0.
            Some(Sample { replica: name(key), at: *at, value: value.unwrap_or(0.0) })
        };
        newest.iter().filter_map(of).collect()
    }

    /// The service's own sample: the mean for a share, else the sum over replicas.
    fn combine(&self, samples: &[Sample]) -> Vec<Sample> {
        let Some(at) = samples.iter().map(|sample| sample.at).max() else { return Vec::new() };
        let sum: f64 = samples.iter().map(|sample| sample.value).sum();
        let mean = self.request.source.is_share();
        let value = if mean { sum / samples.len() as f64 } else { sum };
        vec![Sample { replica: None, at, value }]
    }

    fn spread_over_nodes(&self, samples: &mut [Sample]) {
        let node_of = |sample: &Sample| sample.replica.and_then(|id| self.nodes.get(&id.0)).copied();
        let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        for sample in samples.iter() {
            if let Some(node) = node_of(sample) {
                let sum = sums.entry(node).or_default();
                *sum = (sum.0 + sample.value, sum.1 + 1.0);
            }
        }
        for sample in samples {
            if let Some(sum) = node_of(sample).and_then(|node| sums.get(&node)) {
                sample.value = sum.0 / sum.1;
            }
        }
    }
}

fn evaluation_period(request: &SignalRequest) -> Option<SimDuration> {
    match request.pipeline.adapter {
        Adapter::Cached { period, .. } => Some(period),
        Adapter::Live => request.pipeline.rule_period,
        Adapter::Pushed { .. } => None,
    }
}

fn name(key: u32) -> Option<ReplicaId> {
    (key != SERVICE).then_some(ReplicaId(key))
}

/// Whether a replica is among the rows, which are in the order of replicas (or the service's one
/// row).
fn has(truth: &[Truth], replica: u32) -> bool {
    truth.binary_search_by_key(&replica, |row| row.replica).is_ok()
}

/// What `... or vector(0)` answers for a service without a series.
fn zero(now: SimTime) -> Batch {
    Batch { at: now, window: SimDuration::ZERO, samples: vec![Sample { replica: None, at: now, value: 0.0 }] }
}

fn fill_zeros(reading: Reading, now: SimTime, expected: &[u32]) -> Batch {
    let mut batch = reading.unwrap_or(Batch { at: now, window: SimDuration::ZERO, samples: Vec::new() });
    let shown: BTreeSet<Option<ReplicaId>> = batch.samples.iter().map(|sample| sample.replica).collect();
    for &id in expected {
        if !shown.contains(&Some(ReplicaId(id))) {
            batch.samples.push(Sample { replica: Some(ReplicaId(id)), at: now, value: 0.0 });
        }
    }
    batch.samples.sort_by_key(|sample| sample.replica);
    batch
}
