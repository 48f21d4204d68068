//! Small worlds: parts with the plainest settings, of which a test changes what it is about.

use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{
    CacheKey, CacheSizes, CachedStage, PoolConfig, Probe, Reclaim, Region, StageKind, StageWork, Startup, StartupStage,
};
use flashcrowd_core::journal::Mark;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{
    Arrival, ArrivalSource, Autoscaler, Controller, Decision, Maker, Observation, Schedule, SignalRequest, SourceError,
    TargetId,
};
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, RetryPolicy, Traffic};
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};
use flashcrowd_core::{SimDuration, SimTime, Simulation};
use flashcrowd_policies::placement::Pack;
use flashcrowd_policies::routers::replicas::LeastOutstanding;
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Shorthand for a span of milliseconds.
pub const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_ms(ms)
}

/// Shorthand for an instant in milliseconds.
pub const fn at_ms(ms: u64) -> SimTime {
    SimTime::from_ps(ms * 1_000_000_000)
}

/// A world of one region and one pool of eight-GPU nodes, without services and clients.
pub fn world(horizon_s: u64) -> World {
    World {
        regions: vec![Region { name: "here".into(), jurisdiction: "".into(), zones: vec!["a".into(), "b".into()] }],
        pools: vec![pool()],
        series_period: SimDuration::from_s(10),
        keep_history: true,
        ..World::small(Seed::new(1), SimTime::from_s(horizon_s), Box::new(Pack))
    }
}

/// Up to 100 nodes of eight GPUs at eight dollars an hour, which boot in 100 s and stay for ever.
pub fn pool() -> PoolConfig {
    PoolConfig {
        name: "pool".into(),
        region: 0,
        zones: vec![0],
        gpu: "H100".into(),
        gpus_per_node: 8,
        memory_per_gpu: Bytes::gib(80),
        cache: CacheSizes::default(),
        price: PicoUsdPerHour::from_usd(8.0),
        market: Market::OnDemand,
        min_nodes: 0,
        max_nodes: 100,
        provisioning: Distribution::Constant(100.0),
        idle_timeout: SimDuration::MAX,
        minimum_charge: SimDuration::ZERO,
        reclaim: Reclaim::default(),
        committed: 0,
    }
}

/// One replica of one GPU that is ready as soon as it is placed; unbounded queues.
pub fn service(name: &str, discipline: Discipline) -> ServiceConfig {
    let router = Maker::of("least outstanding", LeastOutstanding::default());
    ServiceConfig::plain(name, discipline, router)
}

/// A start-up of stages `(kind, cold seconds, cached seconds)`, ready when the last one ends. What
/// has a cached time is remembered by its node.
pub fn startup(stages: &[(StageKind, f64, Option<f64>)]) -> Startup {
    let work = |s| StageWork::Drawn(Distribution::Constant(s));
    let stage = |&(kind, cold, cached): &(StageKind, f64, Option<f64>)| StartupStage {
        kind,
        cold: work(cold),
        cached: cached.map(|s| CachedStage {
            key: CacheKey::from(kind.name()),
            bytes: 0,
            pinned: false,
            memory: work(s),
            disk: work(s),
        }),
        peers: None,
    };
    Startup {
        stages: stages.iter().map(stage).collect(),
        probe: Probe { initial_delay: SimDuration::ZERO, period: SimDuration::ZERO, threshold: 1 },
    }
}

/// A client of service 0 that waits for ever and never tries again.
pub fn client(name: &str, traffic: Traffic) -> ClientConfig {
    ClientConfig {
        name: name.into(),
        service: 0,
        traffic,
        timeout: SimDuration::MAX,
        attempt_timeout: SimDuration::MAX,
        cancel_on_timeout: true,
        retries: RetryPolicy::none(),
        propagates_deadline: false,
        max_in_flight: u32::MAX,
        place: None,
    }
}

/// Poisson traffic of `rate` per second.
///
/// # Panics
/// If the rate is not one.
pub fn poisson(rate: f64, seed: Seed, label: &str) -> Traffic {
    let traffic = Poisson::new(rate, &RequestDistributions::default(), Until::default(), seed, label);
    Traffic::Open(Box::new(traffic.expect("a valid rate")))
}

/// Arrivals from a list of `(instant in ms, service time in ms)`.
pub fn listed(requests: &[(u64, u64)]) -> Traffic {
    let arrival = |&(at, service)| Arrival { at: at_ms(at), service_time: Some(ms(service)), ..Arrival::default() };
    Traffic::Open(Box::new(Listed(requests.iter().map(arrival).collect())))
}

/// A source that sends what it is given.
#[derive(Debug)]
pub struct Listed(pub VecDeque<Arrival>);

impl ArrivalSource for Listed {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        Ok(self.0.pop_front())
    }
}

/// A policy that decides by a closure.
pub struct Script<F>(F);

impl<F: FnMut(&Observation) -> Decision + Send + 'static> Script<F> {
    /// A controller of target 0 that runs every `period_s` seconds from 0 on.
    pub fn every(period_s: u64, signals: Vec<SignalRequest>, decide: F) -> Controller {
        let schedule = Schedule::every(SimDuration::from_s(period_s)).first_at(SimDuration::ZERO);
        Script::of(schedule, TargetId(0), signals, decide)
    }

    /// A controller of one target.
    pub fn of(schedule: Schedule, target: TargetId, signals: Vec<SignalRequest>, decide: F) -> Controller {
        Controller::of("script", schedule, target, Script(decide)).reading(signals).boxed()
    }
}

impl<F: FnMut(&Observation) -> Decision + Send> Autoscaler for Script<F> {
    fn decide(&mut self, seen: &Observation) -> Decision {
        (self.0)(seen)
    }
}

/// A controller that sets target 0 to each count at its second, in order.
pub fn steps(plan: &[(u64, u32)]) -> Controller {
    let mut plan: VecDeque<(u64, u32)> = plan.iter().copied().collect();
    Script::every(1, Vec::new(), move |seen| match plan.front() {
        Some(&(at_s, replicas)) if seen.now >= SimTime::from_s(at_s) => {
            plan.pop_front();
            Decision::set_replicas(TargetId(0), replicas)
        }
        _ => Decision::hold(),
    })
}

/// What a [`watcher`] saw.
pub type Seen = Arc<Mutex<Vec<Observation>>>;

/// A controller that changes nothing and notes all that it is shown, every second.
///
/// # Panics
/// Never: nobody else holds the notes while the run lasts.
pub fn watcher(signals: Vec<SignalRequest>) -> (Controller, Seen) {
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let policy = Script::every(1, signals, move |now: &Observation| {
        notes.lock().expect("one thread").push(now.clone());
        Decision::hold()
    });
    (policy, seen)
}

/// Plays a world.
///
/// # Panics
/// If the run exceeds a limit.
pub fn run(world: World) -> RunRecord {
    Simulation::new(world).run().expect("within the limits")
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In time.
    Completed,
    /// By a full queue.
    Rejected,
    /// By its client.
    Expired,
    /// With its worker.
    Failed,
}

/// The ends of client 0's requests in the order of their numbers; `None` for those still live.
///
/// # Panics
/// If the history holds an outcome that is none.
pub fn ends(record: &RunRecord) -> Vec<Option<(End, SimTime)>> {
    let mut ends = vec![None; record.clients[0].requests.arrived as usize];
    // The digest puts the client above bit 44.
    for line in record.history.iter().filter(|line| line.mark == Mark::Outcome && line.who >> 44 == 0) {
        let end = [End::Completed, End::Rejected, End::Expired, End::Failed][line.what as usize - 1];
        ends[line.who as usize] = Some((end, line.at));
    }
    ends
}
