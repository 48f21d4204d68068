//! What a run is made of.

use crate::clock::{Seed, SimDuration, SimTime};
use crate::fleet::{PoolConfig, Region};
use crate::network::{Geography, RouteConfig};
use crate::ports::{Controller, FaultSource, NodeAutoscaler, Placement};
use crate::serving::ServiceConfig;
use crate::traffic::ClientConfig;

/// Everything a run is made of. The caller sorts names: positions are identities.
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
    /// Services. A target's id is the position of its service.
    pub services: Vec<ServiceConfig>,
    /// Clients.
    pub clients: Vec<ClientConfig>,
    /// Controllers: what each declares, and its policy.
    pub controllers: Vec<Controller>,
    /// Distances between regions.
    pub geography: Geography,
    /// Routes: one name in front of services in several regions.
    pub routes: Vec<RouteConfig>,
    /// Sources of faults: capacity, prices, outages, node failures, bad links.
    pub faults: Vec<Box<dyn FaultSource>>,
    /// Chooses nodes.
    pub placement: Box<dyn Placement>,
    /// Period at which the plain node autoscaler looks for replicas without a node.
    pub node_scan_period: SimDuration,
    /// Decides which nodes there are; `None` for the plain one.
    pub node_autoscaler: Option<Box<dyn NodeAutoscaler>>,
    /// Whether a node is drained when the notice of its reclaim comes, without an action of the
    /// node autoscaler.
    pub drains_on_notice: bool,
    /// Period of the series.
    pub series_period: SimDuration,
    /// What may not be exceeded.
    pub limits: Limits,
    /// Keeps the time spent at each number of requests present, up to this number; 0 keeps none.
    pub occupancy_levels: u32,
    /// Whether the whole history is kept, to find where two runs first differ.
    pub keep_history: bool,
    /// Keeps a record of every n-th request of each client; 0 keeps none.
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

/// The settings of a [`World`] that do not change during the run.
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

impl Settings {
    pub(super) fn of(world: &World) -> Self {
        Settings {
            seed: world.seed,
            horizon: world.horizon,
            warmup: world.warmup,
            node_scan_period: world.node_scan_period,
            drains_on_notice: world.drains_on_notice,
            series_period: world.series_period,
            limits: world.limits,
            request_sample: world.request_sample,
        }
    }
}
