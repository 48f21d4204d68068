//! A queueing system as a world of the engine: one service on one pool, one client.
//!
//! Time is scaled so that the mean service time is one second: latencies are kept in whole
//! microseconds, which then is a millionth of it.

use super::error::CaseError;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::{Distribution, Seed, SimTime};
use flashcrowd_core::fleet::{CacheSizes, PoolConfig, Reclaim};
use flashcrowd_core::ports::{Arrival, ArrivalSource, Maker, Router, SourceError};
use flashcrowd_core::serving::{Discipline, QueueMode, ServiceConfig, ServiceTime};
use flashcrowd_core::simulation::{Limits, World};
use flashcrowd_core::traffic::{ClientConfig, RetryPolicy, Traffic};
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};
use flashcrowd_policies::placement::Pack;
use flashcrowd_policies::routers::replicas::{PowerOfChoices, Random, RoundRobin};
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use std::sync::{Arc, Mutex, PoisonError};

/// A queueing system; times in mean service times.
#[derive(Clone, Debug)]
pub(super) struct Plant {
    /// Names its random streams.
    pub(super) label: String,
    /// Where requests come from.
    pub(super) source: Source,
    /// Service times, of mean 1.
    pub(super) service: Distribution,
    /// How a server works.
    pub(super) discipline: Discipline,
    /// Where requests wait.
    pub(super) queue: QueueMode,
    /// How a server is chosen.
    pub(super) routing: Routing,
    /// Servers, each of that discipline.
    pub(super) replicas: u32,
    /// Requests served at once, in all.
    pub(super) servers: f64,
    /// Levels of the number present that are told apart; 0 if no value needs them.
    pub(super) levels: u32,
    /// Time to the stationary state.
    pub(super) warm: f64,
    /// Time that is measured.
    pub(super) span: f64,
    /// Time after the last arrival in which what is left may end.
    pub(super) drain: f64,
    /// The test's unit of time in mean service times: its mean service time.
    pub(super) unit: f64,
}

/// Where requests come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Poisson arrivals of this rate.
    Poisson(f64),
    /// This many users, each with its think time.
    Users(u32, Distribution),
}

/// Who chooses the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routing {
    /// There is nothing to choose.
    Any,
    /// At random.
    Random,
    /// The less loaded of two at random.
    TwoChoices,
}

/// Longest time for which a run is possible, in seconds.
const LONGEST_RUN: f64 = 1.5e7;

impl Plant {
    /// Poisson arrivals at `servers` slots with one endless queue.
    pub(super) fn open(label: String, rate: f64, service: Distribution, servers: u32, unit: f64) -> Self {
        Plant {
            label,
            source: Source::Poisson(rate),
            service,
            discipline: Discipline::Slots { concurrency: servers },
            queue: QueueMode::PerReplica { capacity: u32::MAX, gateway: u32::MAX },
            routing: Routing::Any,
            replicas: 1,
            servers: f64::from(servers),
            levels: 0,
            warm: 0.0,
            span: 0.0,
            drain: 0.0,
            unit,
        }
    }

    /// Sets warm-up and measured time from the time in which the system forgets its state.
    pub(super) fn relaxing(mut self, relaxation: f64) -> Self {
        // e^-10 of the start is left after the warm-up, which is then a fortieth of the run.
        const WARM: f64 = 10.0;
        const SPAN: f64 = 40.0;
        // Short runs have skewed means: stopping at the first narrow interval would then bias the
        // estimate downwards.
        const FEWEST_REQUESTS: f64 = 20_000.0;
        self.warm = WARM * relaxation;
        self.span = (SPAN * self.warm).max(FEWEST_REQUESTS / self.rate());
        self
    }

    /// Requests per mean service time, about.
    pub(super) fn rate(&self) -> f64 {
        match &self.source {
            Source::Poisson(rate) => *rate,
            Source::Users(users, think) => (f64::from(*users) / (think.mean() + 1.0)).min(self.servers),
        }
    }

    /// Expected requests of one replicate; those of the warm-up are played a second time in a run
    /// of their own.
    pub(super) fn requests(&self) -> f64 {
        self.rate() * (self.warm + self.span)
    }

    /// The plant with a run of at most `requests` requests, no longer than simulated time lasts.
    /// `None` if less time were left to measure than to warm up: the start must not be cut short.
    pub(super) fn within(mut self, requests: f64) -> Option<Self> {
        let longest = (requests / self.rate()).min(LONGEST_RUN / 2.0);
        self.span = self.span.min(longest - self.warm);
        self.drain = self.drain.min(LONGEST_RUN / 2.0);
        (self.span > 0.0 && self.span >= self.warm).then_some(self)
    }

    fn seconds(time: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_s_f64(time)
    }

    /// The world of one replicate, up to the end of the warm-up or to the end.
    ///
    /// The engine's integrals and counts begin at the start of a run. A run that ends with the
    /// warm-up has the same history up to there, so the difference of the two is what was measured.
    pub(super) fn world(&self, replicate: u32, only_warm: bool) -> Result<(World, Tally), CaseError> {
        let seed = Seed { seed: 1, replicate };
        let last = self.warm + self.span;
        let end = if only_warm { self.warm } else { last + self.drain };
        let tally = Tally::default();
        let traffic = self.traffic(seed, Self::seconds(last), &tally)?;
        let world = World {
            warmup: Self::seconds(self.warm),
            pools: vec![pool(self.replicas)],
            services: vec![self.service_config()],
            clients: vec![ClientConfig {
                name: self.label.as_str().into(),
                service: 0,
                traffic,
                timeout: SimDuration::MAX,
                attempt_timeout: SimDuration::MAX,
                cancel_on_timeout: true,
                retries: RetryPolicy::none(),
                propagates_deadline: false,
                max_in_flight: u32::MAX,
                place: None,
            }],
            limits: Limits { live_requests: 10_000_000, ..Limits::default() },
            occupancy_levels: self.levels,
            ..World::small(seed, Self::seconds(end), Box::new(Pack))
        };
        Ok((world, tally))
    }

    fn traffic(&self, seed: Seed, last: SimTime, tally: &Tally) -> Result<Traffic, CaseError> {
        match &self.source {
            Source::Poisson(rate) => {
                let laws =
                    RequestDistributions { service: Some(self.service.clone()), ..RequestDistributions::default() };
                let until = Until { until: last, ..Until::default() };
                let inner = Poisson::new(*rate, &laws, until, seed, &self.label)?;
                let from = Self::seconds(self.warm);
                Ok(Traffic::Open(Box::new(Tallied { inner, from, tally: tally.clone() })))
            }
            Source::Users(users, think) => {
                let none = Distribution::Constant(0.0);
                let (prompt_tokens, output_tokens) = (none.clone(), none);
                Ok(Traffic::Closed { users: *users, think: think.clone(), prompt_tokens, output_tokens })
            }
        }
    }

    fn service_config(&self) -> ServiceConfig {
        ServiceConfig {
            service_time: ServiceTime::Drawn(self.service.clone()),
            queue: self.queue,
            initial_replicas: self.replicas,
            memory_per_gpu: Bytes(0),
            drain_timeout: SimDuration::MAX,
            ..ServiceConfig::plain("queue", self.discipline.clone(), self.routing.router())
        }
    }
}

impl Routing {
    fn router(self) -> Maker<dyn Router> {
        match self {
            Routing::Any => Maker::of("any", RoundRobin::default()),
            Routing::Random => Maker::of("random", Random),
            Routing::TwoChoices => Maker::of("two choices", PowerOfChoices::new(2)),
        }
    }
}

/// A pool with a GPU for each of `replicas` replicas.
pub(crate) fn pool(replicas: u32) -> PoolConfig {
    const GPUS: u32 = 64;
    PoolConfig {
        name: "pool".into(),
        region: 0,
        zones: vec![0],
        gpu: "H100".into(),
        gpus_per_node: GPUS,
        memory_per_gpu: Bytes::gib(80),
        cache: CacheSizes::default(),
        price: PicoUsdPerHour::from_usd(0.0),
        market: Market::OnDemand,
        min_nodes: 0,
        max_nodes: replicas.div_ceil(GPUS).max(1),
        provisioning: Distribution::Constant(0.0),
        idle_timeout: SimDuration::MAX,
        minimum_charge: SimDuration::ZERO,
        reclaim: Reclaim::default(),
        committed: 0,
    }
}

/// Arrivals of the measured part and the work that they brought, in picoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<(u64, u128)>>);

impl Tally {
    fn add(&self, work: SimDuration) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tally.0 += 1;
        tally.1 += u128::from(work.as_ps());
    }

    /// Arrivals, and their work in mean service times.
    pub(super) fn read(&self) -> (f64, f64) {
        let tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (tally.0 as f64, tally.1 as f64 / 1e12)
    }
}

/// A source that notes what it sends.
struct Tallied {
    inner: Poisson,
    from: SimTime,
    tally: Tally,
}

impl ArrivalSource for Tallied {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        let next = self.inner.next_arrival()?;
        if let Some(arrival) = next.filter(|arrival| arrival.at >= self.from) {
            self.tally.add(arrival.service_time.unwrap_or(SimDuration::ZERO));
        }
        Ok(next)
    }
}
