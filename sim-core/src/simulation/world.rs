//! What a run is made of, and its state before the first event.

use super::faults::Faults;
use super::node_port::{NodeControl, NodeScaler};
use super::service::Service;
use super::{Event, Simulation};
use crate::agenda::Agenda;
use crate::clock::{Class, Entity, Seed, SimDuration, SimTime};
use crate::control::Control;
use crate::fleet::{Demand, Fleet, Life, Node, NodeLife, PoolConfig, Region, Shape};
use crate::id::{DemandId, NodeId, PoolId, ServiceId, ZoneId};
use crate::journal::Journal;
use crate::ledger::{Bill, Books, WorkRecord};
use crate::network::Geography;
use crate::network::Network;
use crate::network::RouteConfig;
use crate::ports::{Controller, FaultSource, NodeAutoscaler, Placement, SourceError};
use crate::queueing::Brokers;
use crate::serving::{ServiceConfig, Serving};
use crate::traffic::{ClientConfig, Traffic, TrafficState};
use crate::units::Bytes;

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

impl World {
    /// A world of one region `local` with one zone `a`, without pools, services, clients or controllers, whose
    /// series has one row and whose records are not kept.
    pub fn small(seed: Seed, horizon: SimTime, placement: Box<dyn Placement>) -> World {
        World {
            seed,
            horizon,
            warmup: SimTime::ZERO,
            regions: vec![Region { name: "local".into(), jurisdiction: "".into(), zones: vec!["a".into()] }],
            pools: Vec::new(),
            services: Vec::new(),
            clients: Vec::new(),
            controllers: Vec::new(),
            geography: Geography::default(),
            routes: Vec::new(),
            faults: Vec::new(),
            placement,
            node_scan_period: SimDuration::from_s(10),
            node_autoscaler: None,
            drains_on_notice: true,
            series_period: SimDuration::MAX,
            limits: Limits::default(),
            occupancy_levels: 0,
            keep_history: false,
            request_sample: 0,
        }
    }
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
    pub(super) node_scan_period: SimDuration,
    pub(super) drains_on_notice: bool,
    pub(super) series_period: SimDuration,
    pub(super) limits: Limits,
    pub(super) request_sample: u64,
}

impl Simulation {
    /// The world before its first event.
    pub fn new(world: World) -> Self {
        let seed = world.seed;
        let settings = Settings {
            seed,
            horizon: world.horizon,
            warmup: world.warmup,
            node_scan_period: world.node_scan_period,
            drains_on_notice: world.drains_on_notice,
            series_period: world.series_period,
            limits: world.limits,
            request_sample: world.request_sample,
        };
        let names = world.services.iter().map(|config| &*config.name);
        let journal = Journal::new(names, world.pools.iter().map(|pool| &*pool.name), world.keep_history);
        let prices = world.pools.iter().map(|pool| (pool.price, pool.gpus_per_node)).collect();
        let faults = Faults::new(world.faults, world.regions.len());
        let scaler = world.node_autoscaler.map(NodeScaler::new);
        let levels = world.occupancy_levels;
        let mut brokers = Brokers::default();
        let services = world.services.into_iter().map(|config| Service::new(config, seed, levels, &mut brokers));
        let services = services.collect();
        let mut simulation = Simulation {
            agenda: Agenda::default(),
            journal,
            traffic: TrafficState::new(world.clients, seed),
            services,
            brokers,
            serving: Serving::default(),
            fleet: Fleet::new(world.regions, world.pools, world.placement),
            nodes: NodeControl { scaler, scan_planned: false },
            faults,
            network: Network::new(world.geography, seed.key("link")),
            control: Control::new(world.controllers),
            books: Books::new(Bill::new(prices)),
            progress: super::limits::Progress::default(),
            work: WorkRecord::default(),
            world: settings,
        };
        simulation.add_residents();
        simulation.add_demands();
        simulation.add_routes(world.routes);
        simulation.add_buyers();
        simulation
    }

    /// Tells each service whose pods come with its own.
    fn add_residents(&mut self) {
        for resident in self.services.ids() {
            if let Some(owner) = self.services[resident].sharing.owner {
                self.services[owner].sharing.residents.push(resident);
            }
        }
    }

    /// What the pods of each service ask for: memory for all who share their GPUs.
    fn add_demands(&mut self) {
        for service in self.services.ids() {
            let book = &self.services[service];
            let memory = |service: ServiceId| self.services[service].config.memory_per_gpu.0;
            let residents: u64 = book.sharing.residents.iter().map(|&resident| memory(resident)).sum();
            let config = &book.config;
            let demand = Demand {
                groups: config.groups,
                shape: Shape::Whole(config.gpus_per_group),
                bytes: Bytes(memory(service).saturating_add(residents)),
                pools: config.pools.iter().copied().map(PoolId::new).collect(),
                zone: None,
            };
            self.services[service].demand = self.fleet.demands_mut().add(demand);
        }
    }

    /// A running cluster at t = 0: minimum nodes and initial replicas are ready.
    pub(super) fn start(&mut self) -> Result<(), RunError> {
        self.start_faults()?;
        for pool in self.fleet.pool_ids() {
            for _ in 0..self.fleet.pool(pool).min_nodes {
                if let Some(zone) = self.fleet.zone_where(pool, |_| true) {
                    self.add_ready_node(pool, zone);
                }
            }
        }
        for service in self.services.ids() {
            self.start_service(service);
        }
        for node in self.fleet.nodes().ids() {
            self.watch_idle(node);
        }
        self.start_controllers();
        self.start_node_scaler();
        self.start_probes();
        self.start_clients()?;
        if self.world.warmup > SimTime::ZERO {
            self.agenda.schedule(self.world.warmup, Class::Outage, Entity::WarmUp, 0, Event::WarmedUp);
        }
        let first_row = SimTime::ZERO + self.world.series_period;
        self.agenda.schedule(first_row, Class::Housekeeping, Entity::Run, 0, Event::Series);
        Ok(())
    }

    fn start_service(&mut self, service: ServiceId) {
        if self.services[service].buyer.is_some() {
            return self.open_market(service);
        }
        if self.services[service].sharing.owner.is_some() {
            return;
        }
        let (config, demand) = (&self.services[service].config, self.services[service].demand);
        let (count, cold) = (config.initial_replicas, config.starts_cold);
        for _ in 0..count {
            if cold {
                self.create_replica(service, demand);
            } else {
                self.create_ready_replica(service, demand);
            }
        }
    }

    fn start_clients(&mut self) -> Result<(), RunError> {
        for client in self.traffic.clients.ids() {
            if let Traffic::Closed { users, .. } = self.traffic.clients[client].config.traffic {
                self.traffic.clients[client].users = vec![0; users as usize];
                for user in 0..users {
                    self.think(client, user);
                }
            } else {
                self.traffic.open(client)?;
            }
        }
        Ok(())
    }

    fn add_ready_node(&mut self, pool: PoolId, zone: ZoneId) {
        let node = self.new_node(pool, zone);
        self.fleet.node_mut(node).life = NodeLife::Ready;
        self.fleet.node_mut(node).ready_at = Some(SimTime::ZERO);
        self.fleet.note_room(node, self.agenda.now());
    }

    /// Creates a replica that is ready at once, on a node that is added for it if need be and
    /// knows its caches. What does not fit into the pools' limits starts as any other replica.
    pub(super) fn create_ready_replica(&mut self, service: ServiceId, demand: DemandId) {
        let unit = self.new_unit(service, demand);
        let mut placed = self.try_place(unit);
        for pool in self.fleet.demand_of(unit).pools.clone() {
            while !placed && self.fleet.fits_empty_node(self.fleet.demand_of(unit), pool) {
                let demand = self.fleet.demand_of(unit);
                let Some(zone) = self.fleet.zone_where(pool, |zone| demand.suits(zone)) else { break };
                self.add_ready_node(pool, zone);
                placed = self.try_place(unit);
            }
        }
        if !placed {
            return self.wait_for_node(unit);
        }
        for pod in self.fleet.unit(unit).pods.clone() {
            let service = self.fleet.pod(pod).service();
            for stage in 0..self.services[service].config.startup.stages.len() {
                self.remember(pod, stage);
            }
            self.fleet.pod_mut(pod).process = Some(SimTime::ZERO);
            self.fleet.pod_mut(pod).life = Life::Starting { stage: u32::MAX };
            self.become_ready(pod);
        }
    }

    /// A node of a pool in a zone, booting.
    pub(super) fn new_node(&mut self, pool: PoolId, zone: ZoneId) -> NodeId {
        self.settle_commitment(pool);
        let (config, stock) = self.fleet.pool_and_stock(pool);
        // What is committed to is taken first, at the price that was agreed.
        let committed = stock.committed_live < config.committed;
        let (ordinal, rate) = (stock.ever, if committed { pool.get() } else { stock.zones[zone].rate });
        stock.committed_live += u32::from(committed);
        stock.ever += 1;
        stock.live += 1;
        let mut node = Node::new(pool, zone, config.gpus_per_node, self.agenda.now(), config.cache);
        (node.ordinal, node.rate, node.committed) = (ordinal, rate, committed);
        let id = self.fleet.add_node(node);
        self.fleet.note_room(id, self.agenda.now());
        id
    }
}
