//! Random small worlds: a plain description that proptest can shrink, and the world built from it.

use super::outside::{Outside, outside};
use flashcrowd_core::clock::{Distribution, Seed, Stream};
use flashcrowd_core::fleet::{
    CacheSizes, Link, LinkScope, PeerFetch, PoolConfig, StageKind, StageWork, Startup, Transfer,
};
use flashcrowd_core::ports::{
    Action, Adapter, Attribution, Class, Controller, Decision, LatencyPart, Maker, MissingAs, Observation, Pipeline,
    ReplicaId, Router, Sampler, Schedule, Scope, SignalRequest, SignalSource, Stamp, TargetId, Transform,
};
use flashcrowd_core::serving::{
    BatchConfig, BatchTime, Coefficients, Discipline, EngineConfig, Experts, Knee, LawParts, Messages, QueueMode,
    ServiceConfig, Slo, TimeModel, Window,
};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{Backoff, ClientConfig, RetryBudget, RetryPolicy, Traffic};
use flashcrowd_core::units::{Bytes, Market};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::routers::replicas::{LeastOutstanding, PowerOfChoices, Random, RoundRobin};
use flashcrowd_tests::kit::{Script, client, ms, pool, service, startup, world};
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use proptest::prelude::*;
use rand::RngExt;
use std::sync::Arc;

/// The SLO of every service, end to end.
pub(crate) const SLO: SimDuration = SimDuration::from_ms(700);

const HORIZON_S: u64 = 120;

#[derive(Clone, Debug)]
pub(crate) struct PoolSpec {
    pub(crate) gpus: u32,
    nodes: (u32, u32),
    boot_s: f64,
    idle_s: u64,
    pub(crate) minimum_s: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct ServiceSpec {
    pub(crate) discipline: Discipline,
    mean_s: f64,
    pub(crate) queue: QueueMode,
    router: u8,
    pub(crate) hop_s: Option<f64>,
    initial: u32,
    pub(crate) gpus: u32,
    pub(crate) groups: u32,
    cold: bool,
    pub(crate) drain_ms: u64,
    /// Largest count that the random policy asks for.
    most: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct ClientSpec {
    pub(crate) service: usize,
    /// Requests per second, or users with their think time in seconds.
    rate: f64,
    users: Option<(u32, f64)>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) attempt_timeout_ms: Option<u64>,
    pub(crate) cancel: bool,
    pub(crate) retries: u32,
    budget: bool,
    base_ms: u64,
    jitter: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "independent choices of a random world")]
#[derive(Clone, Debug)]
pub(crate) struct WorldSpec {
    pub(crate) seed: u64,
    pub(crate) pools: Vec<PoolSpec>,
    pub(crate) services: Vec<ServiceSpec>,
    pub(crate) clients: Vec<ClientSpec>,
    pub(crate) period_ms: u64,
    pub(crate) scan_ms: u64,
    pub(crate) warmup_s: u64,
    pub(crate) series_period: SimDuration,
    pub(crate) idle_signals: bool,
    /// Whether the policy's actions depend on the last bit of its signals.
    pub(crate) attentive: bool,
    /// Whether the second service is resident on the first, if both serve tokens.
    pub(crate) shared: bool,
    pub(crate) outside: Outside,
    pub(crate) keep_history: bool,
}

/// Zero, often, or so many milliseconds.
fn none_or(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 1..most]
}

fn discipline(laws: Laws) -> impl Strategy<Value = Discipline> {
    let knobs = (1_u32..6, 0_u64..500, any::<bool>(), 1_u32..3, 0_u32..3, 1_u32..3);
    let times = (1_u64..300, 0_u64..100, 500_000_u32..2_000_000, none_or(200), none_or(50));
    let batch = (knobs, times);
    prop_oneof![
        2 => engine(laws).prop_map(Discipline::ContinuousBatch),
        1 => (1_u32..5).prop_map(|concurrency| Discipline::Slots { concurrency }),
        1 => (1_u32..3, 1_u32..8).prop_map(|(processors, limit)| Discipline::Sharing { processors, limit }),
        1 => batch.prop_map(
            |((max_batch, delay, preferred, instances, formed_ahead, items), (a, b, sharing, host, over))| {
                Discipline::DynamicBatch(BatchConfig {
                    max_delay: ms(delay),
                    items_per_request: items,
                    preferred: if preferred { vec![max_batch.div_ceil(2)] } else { Vec::new() },
                    instances,
                    formed_ahead,
                    sharing_ppm: sharing,
                    host_per_item: ms(host),
                    overhead: ms(over),
                    ..BatchConfig::plain(max_batch, BatchTime::affine(ms(a), ms(b)))
                })
            }
        ),
    ]
}

/// A token-level engine, slow and with a small cache, so that small worlds fill it.
fn engine(laws: Laws) -> impl Strategy<Value = EngineConfig> {
    let knobs = (1_u32..8, 1_u32..40, 8_u64..60, none_or(40), any::<[bool; 3]>());
    let times = (0.5..40.0, 0.0..3.0, 0.0..0.05, law_parts(laws));
    (knobs, times).prop_map(|((sequences, budget, blocks, front_end, flags), times)| {
        let (weights_ms, token_ms, context_ms, parts) = times;
        let coefficients = Coefficients { weights_ms, token_ms, context_ms, ..Coefficients::default() };
        let law = TimeModel::with_parts(&coefficients, Knee::Soft, &parts).expect("a valid law");
        EngineConfig {
            front_end: ms(front_end),
            max_sequences: sequences,
            token_budget: sequences + budget,
            block_tokens: 4,
            chunked_prefill: flags[0],
            lookahead: flags[1],
            prefix_caching: flags[2],
            peak_token_s: 1e-4,
            ..EngineConfig::new(law, blocks)
        }
    })
}

/// Which laws engines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Laws {
    /// Six coefficients.
    Plain,
    /// In half of the engines experts, windows, messages or a floor, too.
    Any,
}

fn law_parts(laws: Laws) -> BoxedStrategy<LawParts> {
    if laws == Laws::Plain {
        return Just(LawParts::default()).boxed();
    }
    let experts = (0.0..30.0, 0.01..1.0, 0.0..1.0).prop_map(|(read_ms, chosen_share, skew)| Experts {
        read_ms,
        chosen_share,
        skew,
        token_ms: 0.2,
    });
    let window = (1_u32..60, 0.0..0.05).prop_map(|(tokens, context_ms)| Window {
        tokens,
        context_ms,
        attention_ms: context_ms / 10.0,
    });
    let messages = (0.0..0.5, 0_u32..20, 0.0..0.5);
    let messages = messages.prop_map(|(token_ms, small_tokens, further_token_ms)| Messages {
        token_ms,
        small_tokens,
        further_token_ms,
    });
    let parts = (prop::collection::vec(experts, 0..2), prop::collection::vec(window, 0..3), messages, 0.0..60.0);
    let parts =
        parts.prop_map(|(experts, windows, messages, floor_ms)| LawParts { experts, windows, messages, floor_ms });
    prop_oneof![Just(LawParts::default()), parts].boxed()
}

fn queue() -> impl Strategy<Value = QueueMode> {
    let bound = || prop_oneof![Just(u32::MAX), 0_u32..6];
    prop_oneof![
        (bound(), bound()).prop_map(|(capacity, gateway)| QueueMode::PerReplica { capacity, gateway }),
        bound().prop_map(|capacity| QueueMode::Shared { capacity }),
    ]
}

prop_compose! {
    fn service_spec(laws: Laws)(
        discipline in discipline(laws),
        mean_s in 0.05..1.5,
        queue in queue(),
        router in 0_u8..4,
        hop_s in prop::option::of(0.001..0.5),
        (initial, most) in (0_u32..4, 0_u32..7),
        (gpus, groups) in (1_u32..4, 1_u32..3),
        cold in any::<bool>(),
        drain_ms in prop_oneof![Just(0_u64), 100_u64..3_000, Just(60_000_u64)],
    ) -> ServiceSpec {
        ServiceSpec { discipline, mean_s, queue, router, hop_s, initial, gpus, groups, cold, drain_ms, most }
    }
}

prop_compose! {
    fn client_spec()(
        service in 0_usize..8,
        rate in 0.2..6.0,
        users in prop::option::of((1_u32..6, 0.05..2.0)),
        timeout_ms in prop::option::of(50_u64..8_000),
        attempt_timeout_ms in prop::option::of(50_u64..4_000),
        (cancel, budget, jitter) in any::<(bool, bool, bool)>(),
        retries in 0_u32..4,
        base_ms in prop_oneof![Just(0_u64), 1_u64..2_000],
    ) -> ClientSpec {
        ClientSpec { service, rate, users, timeout_ms, attempt_timeout_ms, cancel, retries, budget, base_ms, jitter }
    }
}

prop_compose! {
    fn pool_spec()(
        gpus in 1_u32..9,
        nodes in (0_u32..2, 1_u32..4),
        boot_s in 0.0..20.0,
        idle_s in 0_u64..30,
        minimum_s in prop_oneof![Just(0_u64), 1_u64..100],
    ) -> PoolSpec {
        PoolSpec { gpus, nodes, boot_s, idle_s, minimum_s }
    }
}

prop_compose! {
    fn world_of(laws: Laws)(
        seed in any::<u64>(),
        pools in prop::collection::vec(pool_spec(), 1..3),
        services in prop::collection::vec(service_spec(laws), 1..3),
        clients in prop::collection::vec(client_spec(), 1..4),
        period_ms in 500_u64..10_000,
        scan_ms in prop_oneof![Just(0_u64), Just(10_000_u64), 1_u64..5_000],
        warmup_s in prop_oneof![Just(0_u64), Just(40_u64)],
        shared in any::<bool>(),
        outside in outside(),
    ) -> WorldSpec {
        let series_period = SimDuration::from_s(5);
        let clients = clients.into_iter().map(|client| ClientSpec { service: client.service % services.len(), ..client });
        let clients = clients.collect();
        let (idle_signals, attentive, keep_history) = (false, false, true);
        WorldSpec {
            seed, pools, services, clients, period_ms, scan_ms, warmup_s, series_period, idle_signals, attentive, shared,
            outside, keep_history,
        }
    }
}

/// Any world.
pub(crate) fn world_spec() -> impl Strategy<Value = WorldSpec> {
    world_of(Laws::Any)
}

/// A world whose engines have no more than six coefficients: those that are pinned.
pub(crate) fn plain_world_spec() -> impl Strategy<Value = WorldSpec> {
    world_of(Laws::Plain)
}

/// Memory that a service needs on each of its GPUs.
pub(crate) const fn needs_gib(service: usize) -> u64 {
    7 + 6 * service as u64
}

prop_compose! {
    /// A world of two token-level services, of which one is resident on the other.
    pub(crate) fn shared_world_spec()(
        spec in world_spec(),
        services in prop::collection::vec(service_spec(Laws::Any), 2..3),
        engines in prop::collection::vec(engine(Laws::Any), 2..3),
    ) -> WorldSpec {
        let services = services.into_iter().zip(engines);
        let services = services.map(|(service, engine)| ServiceSpec {
            discipline: Discipline::ContinuousBatch(engine),
            ..service
        });
        let clients = spec.clients.into_iter().enumerate().map(|(at, client)| ClientSpec { service: at % 2, ..client });
        WorldSpec { services: services.collect(), clients: clients.collect(), shared: true, ..spec }
    }
}

impl WorldSpec {
    /// The service on whose replicas another is resident.
    pub(crate) fn owner(&self, service: usize) -> Option<usize> {
        let token = |service: &ServiceSpec| matches!(service.discipline, Discipline::ContinuousBatch(_));
        (self.shared && service == 1 && self.services.len() == 2 && self.services.iter().all(token)).then_some(0)
    }

    pub(crate) fn build(&self) -> World {
        let seed = Seed::new(self.seed);
        let own = (0..self.services.len()).filter(|&service| self.owner(service).is_none());
        let controllers = own.map(|target| self.random_policy(target as u32)).collect();
        World {
            seed,
            warmup: SimTime::from_s(self.warmup_s),
            regions: self.region_configs(),
            pools: self.pools.iter().enumerate().map(|(i, pool)| self.pool(i, pool)).collect(),
            services: self.services.iter().enumerate().map(|(i, service)| self.service(i, service)).collect(),
            clients: self.clients.iter().enumerate().map(|(i, client)| self.client(i, client, seed)).collect(),
            controllers,
            geography: self.geography(),
            routes: self.routes(),
            faults: self.fault_sources(),
            node_scan_period: ms(self.scan_ms),
            series_period: self.series_period,
            occupancy_levels: 1 << 14,
            keep_history: self.keep_history,
            request_sample: 1,
            ..world(HORIZON_S)
        }
    }

    fn service(&self, i: usize, spec: &ServiceSpec) -> ServiceConfig {
        let stages = [(StageKind::ImagePull, 3.0, Some(0.5)), (StageKind::WeightsLoad, 4.0, Some(1.0))];
        let routers: [Maker<dyn Router>; 4] = [
            Maker::of("round robin", RoundRobin::default()),
            Maker::of("least outstanding", LeastOutstanding::default()),
            Maker::of("power of two choices", PowerOfChoices::new(2)),
            Maker::of("random", Random),
        ];
        let router = routers.into_iter().nth(usize::from(spec.router)).expect("four of them");
        ServiceConfig {
            service_time: self.service_time(spec.mean_s),
            queue: spec.queue,
            router,
            network: spec.hop_s.map(|mean| Distribution::Exponential { mean }),
            initial_replicas: spec.initial,
            resident_on: self.owner(i).map(|owner| owner as u32),
            memory_per_gpu: Bytes::gib(needs_gib(i)),
            gpus_per_group: spec.gpus,
            groups: spec.groups,
            pools: self.pools_of(i),
            startup: if spec.cold { shared_loads(startup(&stages)) } else { startup(&[]) },
            drain_timeout: ms(spec.drain_ms),
            kernel_share: if spec.cold { 0.6 } else { 1.0 },
            slos: vec![Slo { part: LatencyPart::EndToEnd, quantile: 0.9, limit: SLO }],
            requeues: self.outside.requeues,
            starts_cold: self.starts_cold(i),
            capacity: self.capacity(i),
            ..service(&format!("service-{i}"), spec.discipline.clone())
        }
    }

    fn pool(&self, i: usize, spec: &PoolSpec) -> PoolConfig {
        PoolConfig {
            region: self.region_of_pool(i),
            memory_per_gpu: Bytes::gib(self.memory_gib(i)),
            reclaim: self.reclaim(),
            ..spec.build(i)
        }
    }

    fn client(&self, i: usize, spec: &ClientSpec, seed: Seed) -> ClientConfig {
        ClientConfig { place: self.place(i), propagates_deadline: self.propagates(), ..spec.build(i, seed) }
    }

    /// Sets, adds or removes replicas at random; what it asks for may be nonsense.
    fn random_policy(&self, target: u32) -> Controller {
        let most = self.services[target as usize].most;
        let target = TargetId(target);
        let mut stream = Seed::new(self.seed).stream(&format!("policy/{}", target.0));
        let attentive = self.attentive;
        let decide = move |seen: &Observation| {
            if attentive && fingerprint(seen).is_multiple_of(3) {
                return Decision::set_replicas(target, fingerprint(seen) as u32 % (most + 1));
            }
            decide(seen, target, most, &mut stream)
        };
        let schedule = Schedule { period: ms(self.period_ms), phase: None, poked_by_requests: self.seed & 1 == 1 };
        let signals = if self.idle_signals { idle_signals() } else { Vec::new() };
        Script::of(schedule, target, signals, decide)
    }
}

/// A number that changes with any bit of what is seen.
fn fingerprint(seen: &Observation) -> u64 {
    let samples = seen.targets[0].signals.iter().flat_map(|signal| &signal.batches).flatten();
    let values = samples.flat_map(|batch| &batch.samples).map(|sample| sample.value.to_bits());
    let work =
        seen.targets[0].replicas.iter().map(|replica| u64::from(replica.work.waiting * 31 + replica.work.running));
    values.chain(work).fold(7, |sum: u64, bits| (sum ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 3)
}

fn decide(seen: &Observation, target: TargetId, most: u32, stream: &mut Stream) -> Decision {
    match stream.random_range(0..7_u32) {
        0 => Decision::hold(),
        5 => {
            let jobs = Action::CreateJobs { target, jobs: stream.random_range(0..3) };
            Decision { actions: vec![jobs], ..Decision::default() }
        }
        6 => {
            let market = Some([Market::OnDemand, Market::Spot][stream.random_range(0..2_usize)]);
            let class = Class { market, ..Class::default() };
            let set = Action::SetReplicas { target, replicas: stream.random_range(0..=most), class };
            Decision { actions: vec![set], ..Decision::default() }
        }
        1 => {
            let named: Vec<ReplicaId> =
                seen.targets[0].replicas.iter().map(|replica| replica.id).filter(|_| stream.random()).collect();
            Decision { actions: vec![Action::RemoveReplicas { target, replicas: named }], ..Decision::default() }
        }
        2 => {
            // Twice the same, or one that never was.
            let first = seen.targets[0].replicas.first().map_or(ReplicaId(9_999), |replica| replica.id);
            let replicas = vec![first, first];
            let set = Action::SetReplicas { target, replicas: most / 2, class: Class::default() };
            Decision { actions: vec![Action::RemoveReplicas { target, replicas }, set], ..Decision::default() }
        }
        _ => Decision::set_replicas(target, stream.random_range(0..=most)),
    }
}

/// The weights of all services come over one link, and from peers over their nodes' cards.
fn shared_loads(mut startup: Startup) -> Startup {
    let link = |name: &str, bytes_per_s, scope| Arc::new(Link { name: name.into(), bytes_per_s, scope });
    let transfer = |rate: f64, via| {
        let (bytes, streams, other) = (8_000_000_000, 1, f64::INFINITY);
        let (tier_bytes_per_s, loader_bytes_per_s, per_stream_bytes_per_s) = (rate, other, other);
        let transfer = Transfer { bytes, tier_bytes_per_s, loader_bytes_per_s, streams, per_stream_bytes_per_s, via };
        StageWork::Transfer(transfer, Distribution::Uniform { low: 0.5, high: 1.5 })
    };
    let weights = &mut startup.stages[1];
    weights.cold = transfer(2e9, vec![link("store", 3_000_000_000, LinkScope::Fleet)]);
    let work = transfer(5e9, vec![link("card", 6_000_000_000, LinkScope::Node)]);
    weights.peers = Some(PeerFetch { work, uploads: 1 });
    if let Some(cached) = &mut weights.cached {
        cached.bytes = 8_000_000_000;
    }
    startup
}

impl PoolSpec {
    fn build(&self, i: usize) -> PoolConfig {
        PoolConfig {
            name: format!("pool-{i}").into(),
            cache: CacheSizes { memory: Some(8_000_000_000 * i as u64), disk: Some(0) },
            market: if i == 0 { Market::OnDemand } else { Market::Spot },
            zones: vec![0, 1],
            gpus_per_node: self.gpus,
            min_nodes: self.nodes.0,
            max_nodes: self.nodes.1,
            provisioning: Distribution::Exponential { mean: self.boot_s },
            idle_timeout: SimDuration::from_s(self.idle_s),
            minimum_charge: SimDuration::from_s(self.minimum_s),
            ..pool()
        }
    }
}

impl ClientSpec {
    fn build(&self, i: usize, seed: Seed) -> ClientConfig {
        let name = format!("client-{i}");
        let traffic = if let Some((users, think)) = self.users {
            Traffic::Closed {
                users,
                think: Distribution::Exponential { mean: think },
                prompt_tokens: Distribution::Constant(10.0),
                output_tokens: Distribution::Constant(20.0),
            }
        } else {
            let tokens = |mean| Some(Distribution::lognormal_mean_cv2(mean, 1.0));
            let laws = RequestDistributions { prompt: tokens(30.0), output: tokens(15.0), service: None };
            let source = Poisson::new(self.rate, &laws, Until::default(), seed, &name);
            Traffic::Open(Box::new(source.expect("a valid rate")))
        };
        let budget = self.budget.then_some(RetryBudget { ratio: 0.2, per_s: 0.1, bucket: 5.0 });
        let backoff = Backoff { base: ms(self.base_ms), factor: 2, cap: ms(3_000), full_jitter: self.jitter };
        ClientConfig {
            service: self.service as u32,
            timeout: self.timeout_ms.map_or(SimDuration::MAX, ms),
            attempt_timeout: self.attempt_timeout_ms.map_or(SimDuration::MAX, ms),
            cancel_on_timeout: self.cancel,
            retries: RetryPolicy { max_retries: self.retries, backoff, budget },
            ..client(&name, traffic)
        }
    }
}

/// One signal of each kind, through pipelines with every stage.
fn idle_signals() -> Vec<SignalRequest> {
    let window = SimDuration::from_s(20);
    let pipeline = Pipeline {
        sampler: Sampler::Instant,
        collect_period: None,
        scrape_period: SimDuration::from_s(5),
        scrape_failure: 0.2,
        transform: Transform::None,
        rule_period: None,
        adapter: Adapter::Live,
        relist_period: None,
        missing: MissingAs::Drop,
        stamp: Stamp::Now,
        attribution: Attribution::Pod,
    };
    let cached = Adapter::Cached { period: SimDuration::from_s(7), ttl: window };
    let kinds = [
        (
            SignalSource::GpuUtilization,
            Pipeline { sampler: Sampler::Nvml(SimDuration::from_s(1)), collect_period: Some(ms(2_300)), ..pipeline },
        ),
        (SignalSource::WaitingRequests, Pipeline { transform: Transform::MaxOver(window), ..pipeline }),
        (SignalSource::RunningRequests, Pipeline { relist_period: Some(window), missing: MissingAs::Zero, ..pipeline }),
        (SignalSource::InFlightRequests, Pipeline { adapter: cached, stamp: Stamp::Sample, ..pipeline }),
        (SignalSource::RequestsArrived, Pipeline { transform: Transform::Rate(window), ..pipeline }),
        (SignalSource::RequestsCompleted, Pipeline { rule_period: Some(window), ..pipeline }),
        (SignalSource::LatencyQuantile { part: LatencyPart::EndToEnd, quantile: 0.9, window }, pipeline),
        (SignalSource::LatencyQuantile { part: LatencyPart::TimeToFirstToken, quantile: 0.5, window }, pipeline),
        (SignalSource::KvCacheUse, pipeline),
        (SignalSource::SmActive, Pipeline { transform: Transform::Rate(window), ..pipeline }),
        (SignalSource::TensorActive, Pipeline { transform: Transform::Rate(window), ..pipeline }),
        (SignalSource::DramActive, Pipeline { transform: Transform::Rate(window), ..pipeline }),
        (SignalSource::CpuCores, pipeline),
        (SignalSource::MemoryBytes, Pipeline { attribution: Attribution::Node, ..pipeline }),
    ];
    let both = kinds.into_iter().flat_map(|(source, pipeline)| {
        [Scope::Replica, Scope::Service].map(|scope| SignalRequest {
            name: format!("{source:?}/{scope:?}"),
            source,
            scope,
            pipeline,
        })
    });
    both.collect()
}
