//! What a run is made of, and its state before the first event.

use super::agenda::Agenda;
use super::control::ControllerState;
use super::faults::Faults;
use super::loads::Loads;
use super::market::Buyer;
use super::node_port::NodeScaler;
use super::nodes::Stock;
use super::telemetry::Telemetry;
use super::{Event, Simulation};
use crate::clock::{Class, Digest, Key, Seed, SimDuration, SimTime, number_of_name};
use crate::fleet::{Geography, Life, Node, NodeLife, PoolConfig, Region};
use crate::ledger::{Bill, FailBecause, Latency, MarketRecord, Tally, WorkRecord};
use crate::ports::{Arrival, Controller, FaultSource, Mode, NodeAutoscaler, Placement, SourceError};
use crate::serving::{
    Arena, ClientConfig, ClientState, Discipline, EngineWork, NONE, Prefixes, RouteConfig, ServiceConfig, ServiceState,
    Traffic,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Everything a run is made of. Names are sorted by whoever builds it: positions are identities.
pub struct World {
    /// The root of all randomness.
    pub seed: Seed,
    /// When the run ends.
    pub horizon: SimTime,
    /// Requests that arrive before this are played but not measured.
    pub warmup: SimTime,
    /// Regions.
    pub regions: Vec<Region>,
    /// Node pools.
    pub pools: Vec<PoolConfig>,
    /// Services; the target of that position is its deployment.
    pub services: Vec<ServiceConfig>,
    /// Clients.
    pub clients: Vec<ClientConfig>,
    /// Controllers: what each declares, and its policy.
    pub controllers: Vec<Controller>,
    /// Distances between regions.
    pub geography: Geography,
    /// Routes: one name in front of services in several regions.
    pub routes: Vec<RouteConfig>,
    /// What befalls the fleet.
    pub faults: Vec<Box<dyn FaultSource>>,
    /// Chooses nodes.
    pub placement: Box<dyn Placement>,
    /// Period at which the plain node autoscaler looks for replicas without a node.
    pub node_scan_period: SimDuration,
    /// Decides which nodes there are; `None` for the plain one.
    pub node_autoscaler: Option<Box<dyn NodeAutoscaler>>,
    /// Whether a node is drained at the notice of its reclaim without the node autoscaler's doing.
    pub drains_on_notice: bool,
    /// Period of the series.
    pub series_period: SimDuration,
    /// What may not be exceeded.
    pub limits: Limits,
    /// Whether time at each number of requests present is kept, up to this number; 0 for not.
    pub occupancy_levels: u32,
    /// Whether the whole history is kept, to find a first divergence.
    pub keep_history: bool,
    /// Keeps a record of every so many requests of each client; 0 for none.
    pub request_sample: u64,
}

/// What a run may not exceed; checked while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub requests: u64,
    /// Requests that are live at once.
    pub live_requests: u64,
    /// Events.
    pub events: u64,
    /// Live replicas of one service.
    pub replicas: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { requests: u64::MAX, live_requests: 5_000_000, events: 100_000_000_000, replicas: 100_000 }
    }
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A recorded source refused a row.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A limit was exceeded.
    #[error("at {at} the run exceeded its limit of {limit} {name}")]
    Limit {
        /// Which limit.
        name: &'static str,
        /// Its value.
        limit: u64,
        /// When.
        at: SimTime,
    },
    /// A policy failed.
    #[error("at {at} the policy `{policy}` failed: {message}")]
    Policy {
        /// Its name.
        policy: String,
        /// Why.
        message: String,
        /// When.
        at: SimTime,
    },
    /// Causes follow each other so closely that the run would not end.
    #[error("at {at} simulated time hardly moves: {events} events took {moved} of it")]
    Crawl {
        /// When.
        at: SimTime,
        /// So many events.
        events: u64,
        /// In this time.
        moved: SimDuration,
    },
    /// Causes at one instant never ended, such as closed-loop users who neither think nor wait.
    #[error("simulated time stands still at {at}: each event causes another at the same instant")]
    Livelock {
        /// When.
        at: SimTime,
    },
}

/// The part of a [`World`] that stays as it is.
pub(super) struct Settings {
    pub(super) seed: Seed,
    pub(super) horizon: SimTime,
    pub(super) warmup: SimTime,
    pub(super) regions: Vec<Region>,
    pub(super) pools: Vec<PoolConfig>,
    pub(super) node_scan_period: SimDuration,
    pub(super) drains_on_notice: bool,
    pub(super) series_period: SimDuration,
    pub(super) limits: Limits,
    pub(super) keep_history: bool,
    pub(super) request_sample: u64,
}

/// A service at work, with what is recorded of it.
pub(super) struct ServiceBook {
    pub(super) state: ServiceState,
    /// How requests reach it, as its controller says, and since when.
    pub(super) mode: (Mode, SimTime),
    /// Who buys its capacity, if that is left to a policy.
    pub(super) buyer: Option<Buyer>,
    /// What the market did to it.
    pub(super) market: MarketRecord,
    /// Services that are resident on its replicas, in order.
    pub(super) residents: Vec<u32>,
    pub(super) latency: Latency,
    /// End-to-end latencies of one period of the series; two digits are enough for those.
    pub(super) period: Tally<7>,
    /// In this period of the series: arrived, completed, late.
    pub(super) counts: [u64; 3],
    /// Since the start: arrived, completed.
    pub(super) totals: [u64; 2],
    /// Its history, and whether there is more in it than replicas that nobody asked for.
    pub(super) digest: Digest,
    pub(super) lives: bool,
    pub(super) in_flight: u32,
    /// Attempts present times picoseconds, kept only if a signal wants it, and up to when.
    pub(super) integrates_in_flight: bool,
    in_flight_ps: u128,
    in_flight_since: SimTime,
    pub(super) occupancy: Vec<SimDuration>,
    pub(super) occupancy_since: SimTime,
    pub(super) ready_ps: u128,
    pub(super) ready_since: SimTime,
    /// Integral of the replicas that were missing to `spec.replicas`, and the time in which any was.
    pub(super) short_ps: u128,
    pub(super) short_time: SimDuration,
    pub(super) ready_max: u32,
    pub(super) changes: [u64; 3],
    pub(super) last_direction: i8,
    /// Highest `spec.replicas` so far, time spent there, and since when it has stood there.
    pub(super) at_max: (u32, SimDuration, SimTime),
    /// Busy time and running integral of replicas that are gone.
    pub(super) gone_busy_ps: u128,
    pub(super) gone_running_ps: u128,
    pub(super) gone_engine: EngineWork,
    /// Busy time and ready integral at the last row of the series.
    pub(super) row_busy_ps: u128,
    pub(super) row_ready_ps: u128,
    pub(super) tokens: [u64; 2],
    /// Those of requests that arrived before the end of the warm-up.
    pub(super) early_tokens: [u64; 2],
    /// Completed requests whose output was cut.
    pub(super) cut: u64,
    pub(super) rejected_attempts: u64,
    /// Measured requests that failed, by [`FailBecause`].
    pub(super) failed_because: [u64; FailBecause::ALL.len()],
    /// Late requests whose replica was beyond its validated band.
    pub(super) late_beyond_band: u64,
    /// Signals that must be told of completions.
    pub(super) latency_signals: Vec<u32>,
    /// Signals that must be told of first tokens.
    pub(super) first_token_signals: Vec<u32>,
    /// Signals that must be told of every gap between tokens.
    pub(super) gap_signals: Vec<u32>,
    /// Controllers that want to know when nobody serves.
    pub(super) poked_controllers: Vec<u32>,
}

impl ServiceBook {
    fn new(config: ServiceConfig, world: &Settings, levels: u32) -> Self {
        let tokens = matches!(config.discipline, Discipline::ContinuousBatch(_));
        let latency = Latency::new(config.slos.len(), tokens);
        let spec = config.initial_replicas;
        ServiceBook {
            mode: (Mode::Serve, SimTime::ZERO),
            buyer: None,
            market: MarketRecord::default(),
            residents: Vec::new(),
            latency,
            period: Tally::default(),
            counts: [0; 3],
            totals: [0; 2],
            digest: Digest::new(number_of_name(&config.name)),
            lives: false,
            in_flight: 0,
            integrates_in_flight: false,
            in_flight_ps: 0,
            in_flight_since: SimTime::ZERO,
            occupancy: vec![SimDuration::ZERO; levels as usize],
            occupancy_since: SimTime::ZERO,
            ready_ps: 0,
            ready_since: SimTime::ZERO,
            short_ps: 0,
            short_time: SimDuration::ZERO,
            ready_max: 0,
            changes: [0; 3],
            last_direction: 0,
            at_max: (spec, SimDuration::ZERO, SimTime::ZERO),
            gone_busy_ps: 0,
            gone_running_ps: 0,
            gone_engine: EngineWork::default(),
            row_busy_ps: 0,
            row_ready_ps: 0,
            tokens: [0; 2],
            early_tokens: [0; 2],
            cut: 0,
            rejected_attempts: 0,
            failed_because: [0; FailBecause::ALL.len()],
            late_beyond_band: 0,
            latency_signals: Vec::new(),
            first_token_signals: Vec::new(),
            gap_signals: Vec::new(),
            poked_controllers: Vec::new(),
            state: ServiceState::new(config, world.seed),
        }
    }

    /// Changes the number of requests present by one.
    #[inline]
    pub(super) fn step_in_flight(&mut self, up: bool, now: SimTime) {
        if !self.occupancy.is_empty() {
            self.integrate_occupancy(now);
        }
        if self.integrates_in_flight {
            self.integrate_in_flight(now);
        }
        self.in_flight = if up { self.in_flight + 1 } else { self.in_flight - 1 };
    }

    fn integrate_in_flight(&mut self, now: SimTime) {
        self.in_flight_ps += u128::from(now.since(self.in_flight_since).as_ps()) * u128::from(self.in_flight);
        self.in_flight_since = now;
    }

    /// The integral of the attempts present since the start, in attempt-seconds.
    pub(super) fn concurrency_s(&mut self, now: SimTime) -> f64 {
        self.integrate_in_flight(now);
        self.in_flight_ps as f64 / 1e12
    }

    /// Adds the time since the last change to the present level.
    pub(super) fn integrate_occupancy(&mut self, now: SimTime) {
        if let Some(last) = self.occupancy.len().checked_sub(1) {
            self.occupancy[(self.in_flight as usize).min(last)] += now.since(self.occupancy_since);
            self.occupancy_since = now;
        }
    }

    /// Brings the integral of ready replicas to `now`; call before the list changes.
    pub(super) fn integrate_ready(&mut self, now: SimTime) {
        let ready = self.state.ready.len() as u32;
        let span = now.since(self.ready_since);
        self.ready_ps += u128::from(span.as_ps()) * u128::from(ready);
        let short = self.state.spec.saturating_sub(ready);
        if short > 0 {
            self.short_ps += u128::from(span.as_ps()) * u128::from(short);
            self.short_time += span;
        }
        self.ready_since = now;
    }
}

impl Simulation {
    /// The world before its first event.
    pub fn new(world: World) -> Self {
        let settings = Settings {
            seed: world.seed,
            horizon: world.horizon,
            warmup: world.warmup,
            regions: world.regions,
            pools: world.pools,
            node_scan_period: world.node_scan_period,
            drains_on_notice: world.drains_on_notice,
            series_period: world.series_period,
            limits: world.limits,
            keep_history: world.keep_history,
            request_sample: world.request_sample,
        };
        let seed = settings.seed;
        let mut services: Vec<ServiceBook> = world
            .services
            .into_iter()
            .map(|config| ServiceBook::new(config, &settings, world.occupancy_levels))
            .collect();
        for resident in 0..services.len() {
            if let Some(owner) = services[resident].state.config.resident_on {
                services[owner as usize].residents.push(resident as u32);
            }
        }
        let clients: Vec<ClientState> =
            world.clients.into_iter().map(|config| ClientState::new(config, seed)).collect();
        let prices: Vec<_> = settings.pools.iter().map(|pool| (pool.price, pool.gpus_per_node)).collect();
        let buyers: Vec<_> = services.iter_mut().map(|book| book.state.config.capacity.take()).collect();
        let mut simulation = Simulation {
            agenda: Agenda::default(),
            arrivals: BinaryHeap::new(),
            next_arrival: vec![Arrival::default(); clients.len()],
            next_prefix: vec![NONE; clients.len()],
            requests: Arena::default(),
            attempts: Arena::default(),
            serial: 0,
            clients,
            services,
            replicas: Vec::new(),
            servers: Vec::new(),
            classes: Vec::new(),
            groups: Vec::new(),
            nodes: Vec::new(),
            stock: (0..).zip(&settings.pools).map(|(at, pool)| Stock::new(at, pool, &settings.regions)).collect(),
            faults: Faults::new(world.faults, settings.regions.len()),
            map: super::routes::World::new(world.geography, seed.key("link")),
            pending: Vec::new(),
            loads: Loads::default(),
            scan_scheduled: false,
            node_scaler: world.node_autoscaler.map(NodeScaler::new),
            placement: world.placement,
            controllers: world.controllers.into_iter().map(ControllerState::new).collect(),
            telemetry: Telemetry::default(),
            progress: super::limits::Progress::default(),
            failure: None,
            decisions: Vec::new(),
            series: Vec::new(),
            sampled: Vec::new(),
            fleet: Vec::new(),
            warmup_bill: Bill::new(prices.clone()),
            bill: Bill::new(prices),
            history: Vec::new(),
            work: WorkRecord::default(),
            done: Vec::new(),
            sequences: Vec::new(),
            prefixes: Prefixes::default(),
            first_tokens: Vec::new(),
            gaps: Vec::new(),
            world: settings,
        };
        simulation.add_routes(world.routes);
        for (service, config) in (0..).zip(buyers) {
            if let Some(config) = config {
                simulation.add_buyer(service, config);
            }
        }
        simulation
    }

    /// A running cluster at t = 0: minimum nodes and initial replicas are ready.
    pub(super) fn start(&mut self) -> Result<(), RunError> {
        self.start_faults()?;
        for pool in 0..self.world.pools.len() as u32 {
            for _ in 0..self.world.pools[pool as usize].min_nodes {
                if let Some(zone) = self.any_zone(pool) {
                    self.add_ready_node(pool, zone);
                }
            }
        }
        for service in 0..self.services.len() as u32 {
            let config = &self.services[service as usize].state.config;
            if self.services[service as usize].buyer.is_some() {
                self.open_market(service);
                continue;
            }
            let (count, cold) = (config.initial_replicas, config.starts_cold);
            for _ in 0..if config.resident_on.is_none() { count } else { 0 } {
                if cold {
                    self.create_replica(service, None);
                } else {
                    self.create_ready_replica(service, None);
                }
            }
        }
        for node in 0..self.nodes.len() as u32 {
            self.watch_idle(node);
        }
        self.start_controllers();
        self.start_node_scaler();
        self.start_probes();
        self.start_clients()?;
        if self.world.warmup > SimTime::ZERO {
            self.agenda.schedule(self.world.warmup, Class::Outage, u32::MAX, 0, Event::WarmedUp);
        }
        self.agenda.schedule(SimTime::ZERO + self.world.series_period, Class::Housekeeping, 0, 0, Event::Series);
        Ok(())
    }

    fn start_clients(&mut self) -> Result<(), RunError> {
        for client in 0..self.clients.len() as u32 {
            if let Traffic::Closed { users, .. } = self.clients[client as usize].config.traffic {
                self.clients[client as usize].users = vec![0; users as usize];
                for user in 0..users {
                    self.think(client, user);
                }
            } else if let Some(key) = self.pull(client)? {
                self.arrivals.push(Reverse((key, client)));
            }
        }
        Ok(())
    }

    /// Pulls a client's next arrival, one ahead, and says where it stands in the order of events.
    #[inline]
    pub(super) fn pull(&mut self, client: u32) -> Result<Option<Key>, RunError> {
        let state = &mut self.clients[client as usize];
        let Traffic::Open(source) = &mut state.config.traffic else { return Ok(None) };
        let Some(arrival) = source.next_arrival()? else { return Ok(None) };
        state.pulled += 1;
        self.next_arrival[client as usize] = arrival;
        self.next_prefix[client as usize] = self.prefixes.insert(source.prefix(), state.key);
        Ok(Some(Key::new(arrival.at, 0, Class::Arrival, client, state.pulled)))
    }

    fn add_ready_node(&mut self, pool: u32, zone: u32) -> u32 {
        let node = self.new_node(pool, zone);
        self.nodes[node as usize].life = NodeLife::Ready;
        self.nodes[node as usize].ready_at = Some(SimTime::ZERO);
        self.note_room(node);
        node
    }

    /// Creates a replica that is ready at once, on a node that is added for it if need be and
    /// knows its caches. What does not fit into the pools' limits starts as any other replica.
    pub(super) fn create_ready_replica(&mut self, service: u32, class: Option<u32>) {
        let replica = self.new_replica(service);
        self.replicas[replica as usize].class = class;
        self.add_residents(replica);
        let mut placed = self.try_place(replica);
        for pool in self.pools_for(replica).to_vec() {
            while !placed && self.fits_empty_node(service, pool) {
                let Some(zone) = self.next_zone(pool, replica) else { break };
                self.add_ready_node(pool, zone);
                placed = self.try_place(replica);
            }
        }
        if !placed {
            self.wait_for_node(replica);
            return;
        }
        for member in self.members_of(replica) {
            let service = self.replicas[member as usize].service;
            for stage in 0..self.services[service as usize].state.config.startup.stages.len() {
                self.remember(member, stage);
            }
            self.replicas[member as usize].process = Some(SimTime::ZERO);
            self.replicas[member as usize].life = Life::Starting { stage: u32::MAX };
            self.become_ready(member);
        }
    }

    /// A node of a pool in a zone, booting.
    pub(super) fn new_node(&mut self, pool: u32, zone: u32) -> u32 {
        self.settle_commitment(pool);
        let config = &self.world.pools[pool as usize];
        let stock = &mut self.stock[pool as usize];
        let place = &mut stock.zones[zone as usize];
        let id = self.nodes.len() as u32;
        place.nodes.insert(id);
        // What is committed to is taken first, at the price that was agreed.
        let committed = stock.committed_live < config.committed;
        let (ordinal, rate) = (stock.ever, if committed { pool } else { place.rate });
        stock.committed_live += u32::from(committed);
        stock.ever += 1;
        stock.live += 1;
        let node = Node::new(pool, zone, config.gpus_per_node, self.agenda.now(), config.cache);
        self.nodes.push(Node { ordinal, rate, committed, ..node });
        self.note_room(id);
        id
    }
}
