//! A world around the world: regions behind one route, spot capacity that fails, an outage.

use crate::worlds::Model;
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{PoolConfig, Reclaim, Region};
use flashcrowd_core::network::Geography;
use flashcrowd_core::network::{ClientPlace, HealthConfig, RouteConfig};
use flashcrowd_core::ports::{Area, CapacityPolicy, FaultSource, Maker};
use flashcrowd_core::serving::ServiceConfig;
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Traffic};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::capacity::{Order, SpotHedge};
use flashcrowd_policies::routers::regions::SpillOver;
use flashcrowd_workloads::faults::capacity::{MarketCapacity, Place};
use flashcrowd_workloads::faults::outages::{Kind, Outage, listed};
use flashcrowd_workloads::markets::generated::measured_market;
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};

/// Replicas of one region.
const REPLICAS: u32 = 250;
const GPUS_PER_NODE: u32 = 8;

/// This many regions of 250 replicas each.
#[derive(Clone, Copy, Debug)]
pub struct Regions {
    /// Regions, at most as many as the measured market has zones.
    pub regions: u32,
    /// Requests that arrive, of all regions together.
    pub requests: u64,
}

impl Regions {
    /// One region's part, as the row `cluster` has it.
    fn cell(self) -> Model {
        Model::cluster(REPLICAS, self.requests / u64::from(self.regions))
    }

    /// How long requests arrive, in seconds.
    fn span_s(self) -> f64 {
        let cell = self.cell();
        cell.requests as f64 / cell.rate()
    }

    /// The world: each region has spot nodes, some of which fail, and on-demand nodes for what is
    /// missing; the first is lost for a tenth of the time.
    ///
    /// # Panics
    /// Never: the laws are valid.
    pub fn world(self) -> World {
        let cell = self.cell();
        let plain = cell.world(false);
        let names: Vec<String> = (0..self.regions).map(|at| format!("region-{at}")).collect();
        World {
            horizon: SimTime::ZERO + SimDuration::from_s_f64(self.span_s() * 1.02 + 60.0),
            regions: names.iter().map(|name| region(name)).collect(),
            pools: (0..self.regions).flat_map(|at| pools(at, &plain.pools[0])).collect(),
            services: (0..self.regions).map(|at| service(at, &cell)).collect(),
            clients: (0..self.regions).map(|at| self.client(at, &cell)).collect(),
            geography: geography(self.regions),
            routes: vec![RouteConfig {
                name: "everywhere".into(),
                cells: (0..self.regions).collect(),
                router: Box::new(SpillOver::new(1.5)),
                health: Some(health()),
                connect_timeout: SimDuration::from_ms(200),
                retries_elsewhere: true,
            }],
            faults: self.faults(),
            ..plain
        }
    }

    fn client(self, at: u32, cell: &Model) -> ClientConfig {
        let label = format!("client-{at}");
        let until = Until { count: cell.requests, ..Until::default() };
        let laws = RequestDistributions::default();
        let source = Poisson::new(cell.rate(), &laws, until, cell.seed, &label).expect("a valid rate");
        ClientConfig {
            name: label.as_str().into(),
            traffic: Traffic::Open(Box::new(source)),
            place: Some(ClientPlace {
                origin: at,
                allowed: (0..self.regions).collect(),
                route: Some(0),
                round_trips: 1,
                response_bytes: [1_000, 0],
            }),
            ..cell.client()
        }
    }

    fn faults(self) -> Vec<Box<dyn FaultSource>> {
        let mut law = measured_market(REPLICAS.div_ceil(GPUS_PER_NODE));
        // Runs of hours become runs of minutes, so that a short run sees some.
        law.step = SimDuration::from_s(5);
        for zone in &mut law.zones {
            zone.mean_up = SimDuration::from_s_f64(zone.mean_up.as_s_f64() / 30.0);
            zone.mean_down = SimDuration::from_s_f64(zone.mean_down.as_s_f64() / 30.0);
        }
        for stress in &mut law.stresses {
            stress.mean = SimDuration::from_s_f64(stress.mean.as_s_f64() / 30.0);
        }
        let places = (0..law.zones.len() as u32)
            .map(|zone| if zone < self.regions { vec![Place { pool: 2 * zone, zone: 0 }] } else { Vec::new() });
        let market = MarketCapacity::new(&law, places.collect(), Seed::new(1), "spot").expect("a valid market");
        let span = SimDuration::from_s_f64(self.span_s() * 0.1);
        let outage = Outage {
            at: SimTime::ZERO + SimDuration::from_s_f64(self.span_s() * 0.4),
            lasts: span.max(SimDuration::from_s(1)),
            area: Area { region: 0, zone: None },
            kind: Kind::Total,
        };
        vec![Box::new(market), Box::new(listed(&[outage]).expect("a valid outage"))]
    }
}

fn region(name: &str) -> Region {
    Region { name: name.into(), jurisdiction: "".into(), zones: vec!["a".into()] }
}

/// Spot nodes and on-demand nodes of a region.
fn pools(at: u32, plain: &PoolConfig) -> [PoolConfig; 2] {
    let pool = |what: &str, market| PoolConfig {
        name: format!("{what}-{at}").into(),
        region: at,
        gpus_per_node: GPUS_PER_NODE,
        market,
        max_nodes: 1_000,
        provisioning: Distribution::Constant(20.0),
        idle_timeout: SimDuration::from_s(60),
        reclaim: Reclaim { notice: SimDuration::from_s(10), missed_ppm: 100_000 },
        ..plain.clone()
    };
    [pool("spot", Market::Spot), pool("on-demand", Market::OnDemand)]
}

fn service(at: u32, cell: &Model) -> ServiceConfig {
    ServiceConfig {
        name: format!("cell-{at}").into(),
        pools: vec![2 * at, 2 * at + 1],
        drain_timeout: SimDuration::from_s(30),
        requeues: 1,
        capacity: Some(Maker::new("spot hedge", || -> Box<dyn CapacityPolicy> {
            Box::new(SpotHedge::new(Order::FewestOwn, 8, true, SimDuration::from_s(20)))
        })),
        ..cell.service()
    }
}

/// Distances of neighbours on a ring, 30 ms from one to the next.
fn geography(regions: u32) -> Geography {
    let steps = |from: u32, to: u32| from.abs_diff(to).min(regions - from.abs_diff(to));
    let row = |from| (0..regions).map(|to| SimDuration::from_ms(30) * u64::from(steps(from, to))).collect();
    let egress = vec![vec![20; regions as usize]; regions as usize];
    Geography { round_trips: (0..regions).map(row).collect(), egress_pico_usd_per_byte: egress }
}

fn health() -> HealthConfig {
    HealthConfig {
        interval: SimDuration::from_s(2),
        timeout: SimDuration::from_s(1),
        failures: 3,
        successes: 2,
        hold: SimDuration::ZERO,
        time_to_live: SimDuration::from_s(10),
        needs_ready: true,
    }
}
