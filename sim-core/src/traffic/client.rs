//! Clients at work: random streams, deadlines, retry budgets.

use super::config::{ClientConfig, RetryBudget, Traffic};
use super::request::Outcome;
use crate::clock::{Distribution, Seed, SimDuration, SimTime, Stream, keyed, number_of_name};
use crate::id::{AttemptSlot, CellId, Id, PrefixSlot, RegionId, RequestSlot, RouteId, ServiceId, Table};
use crate::ledger::Tally;
use crate::ports::Arrival;
use rand::RngExt;
use std::collections::VecDeque;

/// Deadlines of one client. They are in order, since each is the same span after its start. One
/// event stands for the earliest deadline; when it comes, deadlines of ended records are skipped.
/// So a deadline costs no queue operation of its own.
#[derive(Debug)]
pub(crate) struct Deadlines<I> {
    lane: VecDeque<(SimTime, I, u64)>,
    armed: bool,
}

impl<I> Default for Deadlines<I> {
    fn default() -> Self {
        Deadlines { lane: VecDeque::new(), armed: false }
    }
}

impl<I: Id> Deadlines<I> {
    /// Adds the deadline of a record: its slot, and the `id` that tells it from later records
    /// there. True if an event must be scheduled.
    #[inline]
    pub(crate) fn add(&mut self, at: SimTime, slot: I, id: u64) -> bool {
        self.lane.push_back((at, slot, id));
        !std::mem::replace(&mut self.armed, true)
    }

    /// Takes the next deadline that is due; `None` if there is none.
    pub(crate) fn due(&mut self, now: SimTime) -> Option<(I, u64)> {
        let &(at, index, id) = self.lane.front()?;
        (at <= now).then(|| {
            self.lane.pop_front();
            (index, id)
        })
    }

    /// Drops deadlines of records that are no longer live, and returns when the next event is
    /// needed.
    pub(crate) fn next(&mut self, live: impl Fn(I, u64) -> bool) -> Option<SimTime> {
        while let Some(&(at, index, id)) = self.lane.front() {
            if live(index, id) {
                return Some(at);
            }
            self.lane.pop_front();
        }
        self.armed = false;
        None
    }

    /// Drops deadlines of ended records once there are many: memory grows with the number of live
    /// ones.
    #[inline]
    pub(crate) fn sweep(&mut self, live_records: usize, live: impl Fn(I, u64) -> bool) {
        if self.lane.len() > 4 * live_records + 4_096 {
            // The front stays, since its event is scheduled.
            let mut first = true;
            self.lane.retain(|&(_, index, id)| std::mem::take(&mut first) || live(index, id));
        }
    }
}

/// Tokens of a retry budget, in millionths.
#[derive(Debug)]
struct Bucket {
    tokens: u64,
    refilled: SimTime,
}

const TOKEN: f64 = 1e6;

/// A cell that a client may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) cell: CellId,
    pub(crate) service: ServiceId,
    pub(crate) region: RegionId,
}

/// What a cell did for a client's requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(crate) attempts: u64,
    pub(crate) completed: u64,
    /// End-to-end latencies and times to first token of the measured part, and the sum of the
    /// latencies.
    pub(crate) e2e: Tally<7>,
    pub(crate) ttft: Tally<7>,
    pub(crate) e2e_sum_us: u128,
}

/// A client at work.
pub(crate) struct ClientState {
    pub(crate) config: ClientConfig,
    /// The number of its name; digests number its requests from there.
    pub(crate) key: u64,
    /// Requests made so far.
    pub(crate) made: u64,
    /// Ended requests by outcome, in the order of [`Outcome`].
    pub(crate) ended: [u64; 4],
    /// The values of `made` and `ended` for requests that arrived during the warm-up.
    pub(crate) early: (u64, [u64; 4]),
    pub(crate) attempts: u64,
    /// Arrivals read from the source.
    pub(crate) pulled: u64,
    /// Arrivals that wait until others have ended, in order.
    pub(crate) held: VecDeque<(Arrival, PrefixSlot)>,
    /// Requests made by each closed-loop user.
    pub(crate) users: Vec<u32>,
    pub(crate) deadlines: Deadlines<RequestSlot>,
    pub(crate) attempt_deadlines: Deadlines<AttemptSlot>,
    pub(crate) sizes: Stream,
    /// The cells that it may reach, nearest first, and what each did for it.
    pub(crate) reach: Vec<Reach>,
    pub(crate) served: Vec<Served>,
    /// Bytes of responses by the region that sent them, for clients with a place.
    pub(crate) egress_bytes: Table<RegionId, u64>,
    /// Key of the instants at which its users renew their DNS answers.
    pub(crate) phase_key: u64,
    size_key: u64,
    network: Stream,
    network_key: u64,
    jitter_key: u64,
    think_key: u64,
    token_key: u64,
    bucket: Bucket,
}

impl ClientState {
    pub(crate) fn new(config: ClientConfig, seed: Seed) -> Self {
        let label = |what: &str| format!("{what}/{}", config.name);
        let full = config.retries.budget.as_ref().map_or(0.0, |budget| budget.bucket);
        ClientState {
            key: number_of_name(&config.name),
            made: 0,
            ended: [0; 4],
            early: (0, [0; 4]),
            attempts: 0,
            pulled: 0,
            held: VecDeque::new(),
            users: Vec::new(),
            deadlines: Deadlines::default(),
            attempt_deadlines: Deadlines::default(),
            sizes: seed.stream(&label("service-time")),
            reach: Vec::new(),
            served: Vec::new(),
            egress_bytes: Table::default(),
            phase_key: seed.key(&label("name-service")),
            size_key: seed.key(&label("service-time-retry")),
            network: seed.stream(&label("network")),
            network_key: seed.key(&label("network-retry")),
            jitter_key: seed.key(&label("backoff")),
            think_key: seed.key(&label("think")),
            token_key: seed.key(&label("tokens")),
            bucket: Bucket { tokens: (full * TOKEN) as u64, refilled: SimTime::ZERO },
            config,
        }
    }

    /// Whether it may send another request.
    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        self.config.max_in_flight == u32::MAX || self.live() < u64::from(self.config.max_in_flight)
    }

    /// Requests that have not ended.
    pub(crate) fn live(&self) -> u64 {
        self.made - self.ended.iter().sum::<u64>()
    }

    /// The route that it calls, if it does not call a service directly.
    #[inline]
    pub(crate) fn route(&self) -> Option<RouteId> {
        self.config.place.as_ref().and_then(|place| place.route).map(RouteId::new)
    }

    /// Counts a request that has ended.
    #[inline]
    pub(crate) fn count(&mut self, outcome: Outcome, measured: bool) {
        self.ended[outcome as usize - 1] += 1;
        if !measured {
            self.early.1[outcome as usize - 1] += 1;
        }
    }

    /// The stream of the network delay of try `k` of request `number`. First tries share one
    /// stream, since they come in the order of their numbers; each retry has its own.
    pub(crate) fn network(&mut self, number: u64, k: u32) -> NetworkStream<'_> {
        if k == 0 {
            NetworkStream::First(&mut self.network)
        } else {
            NetworkStream::Retry(keyed(self.network_key, number, u64::from(k)))
        }
    }

    /// What a cell did for this client.
    #[inline]
    pub(crate) fn served_by(&mut self, service: ServiceId) -> Option<&mut Served> {
        let at = self.reach.iter().position(|reach| reach.service == service)?;
        self.served.get_mut(at)
    }

    /// The service time of try `k` of request `number`, for services that draw it anew for each
    /// try.
    pub(crate) fn redraw(&self, distribution: &Distribution, number: u64, k: u32) -> SimDuration {
        distribution.sample_duration(&mut keyed(self.size_key, number, u64::from(k)))
    }

    /// The think time of a closed-loop user before its `n`-th request.
    pub(crate) fn think(&self, user: u32, n: u64) -> SimDuration {
        match &self.config.traffic {
            Traffic::Closed { think, .. } => think.sample_duration(&mut keyed(self.think_key, u64::from(user), n)),
            Traffic::Open(_) => SimDuration::ZERO,
        }
    }

    /// Prompt and output tokens of a closed-loop request.
    pub(crate) fn tokens(&self, number: u64) -> (u32, u32) {
        match &self.config.traffic {
            Traffic::Closed { prompt_tokens, output_tokens, .. } => {
                let mut stream = keyed(self.token_key, number, 0);
                (prompt_tokens.sample(&mut stream) as u32, output_tokens.sample(&mut stream) as u32)
            }
            Traffic::Open(_) => (0, 0),
        }
    }

    /// A new request adds its share to the retry budget.
    #[inline]
    pub(crate) fn deposit(&mut self) {
        if let Some(RetryBudget { ratio, bucket, .. }) = self.config.retries.budget {
            self.bucket.tokens = (self.bucket.tokens + (ratio * TOKEN) as u64).min((bucket * TOKEN) as u64);
        }
    }

    /// The wait before retry `k` (from 0) of request `number`; `None` if no retry is allowed.
    pub(crate) fn retry(&mut self, number: u64, k: u32, now: SimTime) -> Option<SimDuration> {
        if k >= self.config.retries.max_retries {
            return None;
        }
        if let Some(RetryBudget { per_s, bucket, .. }) = self.config.retries.budget {
            let gained = now.since(self.bucket.refilled).as_s_f64() * per_s * TOKEN;
            self.bucket.refilled = now;
            let tokens = self.bucket.tokens.saturating_add(gained as u64).min((bucket * TOKEN) as u64);
            self.bucket.tokens = tokens.checked_sub(TOKEN as u64).or_else(|| {
                self.bucket.tokens = tokens;
                None
            })?;
        }
        let backoff = &self.config.retries.backoff;
        let growth = u64::from(backoff.factor).saturating_pow(k);
        let wait = (backoff.base * growth).as_ps().min(backoff.cap.as_ps());
        let wait = if backoff.full_jitter && wait > 0 {
            keyed(self.jitter_key, number, u64::from(k)).random_range(0..=wait)
        } else {
            wait
        };
        Some(SimDuration::from_ps(wait))
    }
}

/// The stream that a network delay is drawn from.
pub(crate) enum NetworkStream<'a> {
    First(&'a mut Stream),
    Retry(Stream),
}

impl NetworkStream<'_> {
    pub(crate) fn get(&mut self) -> &mut Stream {
        match self {
            NetworkStream::First(stream) => stream,
            NetworkStream::Retry(stream) => stream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_once_each_in_order_and_met_ones_cost_no_event() {
        let mut lane = Deadlines::default();
        let (s, slot) = (SimTime::from_s, AttemptSlot::new);
        assert!(lane.add(s(10), slot(0), 100));
        assert!(!lane.add(s(11), slot(1), 101));
        assert!(!lane.add(s(12), slot(2), 102));
        // The first deadline was met: at its event nothing live is due, and the next one is
        // returned.
        assert_eq!(lane.due(s(10)), Some((slot(0), 100)));
        assert_eq!(lane.due(s(10)), None);
        assert_eq!(lane.next(|index, _| index == slot(2)), Some(s(12)));
        assert_eq!(lane.due(s(12)), Some((slot(2), 102)));
        assert_eq!(lane.next(|_, _| true), None);
        assert!(lane.add(s(20), slot(3), 103), "an empty lane needs a new event");
    }

    #[test]
    fn sweeping_keeps_the_front_and_all_that_is_live() {
        let mut lane = Deadlines::default();
        for i in 0..10_000 {
            lane.add(SimTime::from_s(u64::from(i)), AttemptSlot::new(i), 0);
        }
        lane.sweep(10, |index, _| index.get() >= 9_990);
        assert_eq!(lane.lane.len(), 11);
        assert_eq!(lane.lane.front().map(|entry| entry.1), Some(AttemptSlot::new(0)));
    }
}
