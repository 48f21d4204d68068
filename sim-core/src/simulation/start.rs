//! The state before the first event, and what the run starts with.

use super::error::RunError;
use super::progress::Progress;
use super::service::Service;
use super::world::{Settings, World};
use super::{Event, Simulation};
use crate::agenda::Agenda;
use crate::clock::{Class, Entity, SimTime};
use crate::control::{Control, NodeControl, NodeScaler};
use crate::fleet::{Demand, Faults, Fleet, Life, Node, NodeLife, Shape};
use crate::id::{DemandId, NodeId, PoolId, ServiceId, ZoneId};
use crate::journal::Journal;
use crate::ledger::{Bill, Books, WorkRecord};
use crate::network::Network;
use crate::queueing::Brokers;
use crate::serving::Serving;
use crate::traffic::{Traffic, TrafficState};
use crate::units::Bytes;

impl Simulation {
    /// The world before its first event.
    pub fn new(world: World) -> Self {
        let seed = world.seed;
        let settings = Settings::of(&world);
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
            progress: Progress::default(),
            work: WorkRecord::default(),
            world: settings,
        };
        simulation.add_residents();
        simulation.add_demands();
        simulation.add_routes(world.routes);
        simulation.add_capacity_policies();
        simulation
    }

    /// Tells each service which other services have pods on the same GPUs as its own.
    fn add_residents(&mut self) {
        for resident in self.services.ids() {
            if let Some(owner) = self.services[resident].sharing.owner {
                self.services[owner].sharing.residents.push(resident);
            }
        }
    }

    /// Computes what the pods of each service ask for: memory for all services that share their
    /// GPUs.
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

    /// Starts with a running cluster at t = 0: minimum nodes and initial replicas are ready.
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
        if self.services[service].capacity.is_some() {
            return self.start_capacity(service);
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

    /// Creates a replica that is ready at once. If no node has room, a node is added whose caches
    /// already hold what the replica needs. If the pools' limits forbid that, the replica starts
    /// like any other.
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
            let server = self.fleet.pod(pod).server;
            self.serving.servers[server].warm();
            self.fleet.pod_mut(pod).life = Life::Starting { stage: u32::MAX };
            self.become_ready(pod);
        }
    }

    /// Adds a booting node to a pool, in a zone.
    pub(super) fn new_node(&mut self, pool: PoolId, zone: ZoneId) -> NodeId {
        self.settle_commitment(pool);
        let (config, stock) = self.fleet.pool_and_stock(pool);
        // Committed nodes are used first, at the price that was agreed.
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
