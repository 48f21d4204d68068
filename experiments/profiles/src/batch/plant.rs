//! A batching server under closed-loop clients, as a world of the engine.

use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{CacheSizes, PoolConfig, Reclaim};
use flashcrowd_core::ledger::RequestRecord;
use flashcrowd_core::ports::Maker;
use flashcrowd_core::serving::{BatchConfig, Discipline, ServiceConfig, ServiceTime};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Outcome, RetryPolicy, Traffic};
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};
use flashcrowd_core::{SimDuration, SimTime, Simulation};
use flashcrowd_policies::placement::Pack;
use flashcrowd_policies::routers::replicas::RoundRobin;

/// What was seen after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Requests per second.
    pub requests_per_s: f64,
    /// Mean latency in ms.
    pub latency_ms: f64,
    /// Mean time in the batcher's queue and in formed batches, in ms.
    pub queue_ms: f64,
}

/// Plays `users` without think time, a quarter of the time to warm up. `None` if fewer than two
/// batches ended after it.
pub fn play(config: &BatchConfig, users: u32) -> Option<Seen> {
    const REQUESTS_PER_USER: f64 = 40.0;
    const MORE_REQUESTS: f64 = 400.0;
    let requests = REQUESTS_PER_USER * f64::from(users) + MORE_REQUESTS;
    let span_s = requests / fastest_per_s(config, users);
    let span = SimDuration::from_s_f64(span_s);
    let record = Simulation::new(world(config, users, span)).run().ok()?;
    let warm = SimTime::ZERO + SimDuration::from_s_f64(span_s / 4.0);
    let done = record.requests.iter().filter(|request| request.outcome == Outcome::Completed && request.ended >= warm);
    seen(&done.collect::<Vec<_>>())
}

/// More requests per second than the server can serve, though not many more.
fn fastest_per_s(config: &BatchConfig, users: u32) -> f64 {
    let time_s = |requests: u32| config.time.of(requests.saturating_mul(config.items_per_request)).as_s_f64();
    let stretch = (f64::from(config.sharing_ppm) / 1e6).min(1.0);
    let most = config.requests_per_batch().min(users);
    let sizes = (0..32).map(|power| 1_u32 << power).take_while(|&size| size < most).chain([most]);
    let gpu = sizes.map(|size| f64::from(size) / (time_s(size) * stretch)).fold(0.0, f64::max);
    let in_turn = f64::from(users) / (config.overhead.as_s_f64() + time_s(1) * stretch);
    let host = 1.0 / (config.host_per_item.as_s_f64() * f64::from(config.items_per_request));
    gpu.min(host).min(in_turn.max(f64::MIN_POSITIVE))
}

/// Between the first and the last batch that ended: both ends of the window fall on batches, so
/// that none is counted in part.
fn seen(done: &[&RequestRecord]) -> Option<Seen> {
    let first = done.iter().map(|request| request.ended).min()?;
    let last = done.iter().map(|request| request.ended).max()?;
    let counted: Vec<_> = done.iter().filter(|request| request.ended > first).collect();
    let count = counted.len() as f64;
    let mean_ms = |part: &dyn Fn(&RequestRecord) -> SimDuration| {
        counted.iter().map(|request| part(request).as_s_f64()).sum::<f64>() * 1e3 / count
    };
    (!counted.is_empty()).then(|| Seen {
        requests_per_s: count / last.since(first).as_s_f64(),
        latency_ms: mean_ms(&|request| request.ended.since(request.arrived)),
        queue_ms: mean_ms(&|request| request.parts.map_or(SimDuration::ZERO, |parts| parts.queue)),
    })
}

fn world(config: &BatchConfig, users: u32, span: SimDuration) -> World {
    World {
        pools: vec![pool()],
        services: vec![service(config)],
        clients: vec![client(users)],
        node_scan_period: SimDuration::MAX,
        request_sample: 1,
        ..World::small(Seed::new(1), SimTime::ZERO + span, Box::new(Pack))
    }
}

fn service(config: &BatchConfig) -> ServiceConfig {
    let router = Maker::of("round robin", RoundRobin::default());
    ServiceConfig {
        service_time: ServiceTime::Drawn(Distribution::Constant(0.0)),
        memory_per_gpu: Bytes(0),
        drain_timeout: SimDuration::MAX,
        ..ServiceConfig::plain("model", Discipline::DynamicBatch(config.clone()), router)
    }
}

fn client(users: u32) -> ClientConfig {
    let none = Distribution::Constant(0.0);
    ClientConfig {
        name: "clients".into(),
        service: 0,
        traffic: Traffic::Closed { users, think: none.clone(), prompt_tokens: none.clone(), output_tokens: none },
        timeout: SimDuration::MAX,
        attempt_timeout: SimDuration::MAX,
        cancel_on_timeout: true,
        retries: RetryPolicy::none(),
        propagates_deadline: false,
        max_in_flight: u32::MAX,
        place: None,
    }
}

fn pool() -> PoolConfig {
    PoolConfig {
        name: "gpu".into(),
        region: 0,
        zones: vec![0],
        gpu: "any".into(),
        gpus_per_node: 1,
        memory_per_gpu: Bytes::gib(80),
        cache: CacheSizes::default(),
        price: PicoUsdPerHour::from_usd(0.0),
        market: Market::OnDemand,
        min_nodes: 0,
        max_nodes: 1,
        provisioning: Distribution::Constant(0.0),
        idle_timeout: SimDuration::MAX,
        minimum_charge: SimDuration::ZERO,
        reclaim: Reclaim::default(),
        committed: 0,
    }
}
