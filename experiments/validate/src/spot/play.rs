//! One policy on one recorded market, as a world of the engine: a pool of one-GPU spot nodes in each
//! zone, one of on-demand nodes, and a service without traffic.

use super::document::{Case, Market, Set};
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{CacheSizes, PoolConfig, Reclaim, Region, StageKind, StageWork, Startup, StartupStage};
use flashcrowd_core::ledger::{BillLine, GpuState, RunRecord};
use flashcrowd_core::ports::Maker;
use flashcrowd_core::serving::{Discipline, QueueMode, ServiceConfig};
use flashcrowd_core::simulation::{RunError, World};
use flashcrowd_core::units::Market as Bought;
use flashcrowd_core::units::{Bytes, PicoUsdPerHour};
use flashcrowd_core::{SimDuration, SimTime, Simulation};
use flashcrowd_policies::placement::Pack;
use flashcrowd_policies::routers::replicas::RoundRobin;
use flashcrowd_workloads::faults::capacity::{Place, recorded};
use flashcrowd_workloads::markets::CapacitySeries;

/// What came of it, by the reference's names.
pub(super) struct Found(Vec<(&'static str, f64)>);

impl Found {
    pub(super) fn get(&self, key: &str) -> Option<f64> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
}

/// Plays a policy.
pub(super) fn play(set: &Set, case: &Case, market: &Market) -> Result<Found, RunError> {
    let record = Simulation::new(world(set, case, market)).run()?;
    Ok(found(&record, set, market))
}

fn found(record: &RunRecord, set: &Set, market: &Market) -> Found {
    let service = &record.services[0];
    let (ticks, gap) = (market.ticks as f64, f64::from(set.gap_s));
    let (span_s, target) = (ticks * gap, f64::from(set.target));
    let on_demand_pool = market.zones.len() as u32;
    let gpu_s = |of: &dyn Fn(&BillLine) -> bool| record.bill.gpu_hours(of) * 3_600.0;
    // A tick of spot costs 1, one of on-demand the ratio.
    let spot = gpu_s(&|line| line.pool != on_demand_pool && line.state != GpuState::Minimum) / gap;
    let on_demand = gpu_s(&|line| line.pool == on_demand_pool && line.state != GpuState::Minimum) / gap * set.ratio;
    let total = spot + on_demand;
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Found(vec![
        ("avail", 1.0 - service.short.as_s_f64() / span_s),
        ("unserved_frac", share(service.short_replica_s, span_s * target)),
        ("mean_ready", service.ready_replica_s / span_s),
        ("cost_vs_od", share(total, target * set.ratio * ticks)),
        ("od_share_of_cost", share(on_demand, total)),
        ("preemptions", service.capacity.preempted as f64),
        ("attempts", service.capacity.attempts as f64),
        ("failed_attempts", service.capacity.refused as f64),
        ("ticks", ticks),
    ])
}

fn world(set: &Set, case: &Case, market: &Market) -> World {
    let gap = SimDuration::from_s(u64::from(set.gap_s));
    let ticks = market.ticks as u64;
    let mut pools: Vec<PoolConfig> =
        (0..market.zones.len()).map(|zone| pool(&set.zones[zone], zone as u32, Bought::Spot)).collect();
    pools.push(pool("on-demand", 0, Bought::OnDemand));
    let place = |(zone, series)| (Place { pool: zone, zone }, series);
    let zones: Vec<(Place, &CapacitySeries)> = (0..).zip(&market.zones).map(place).collect();
    World {
        regions: vec![Region {
            name: "recorded".into(),
            jurisdiction: "".into(),
            zones: set.zones.iter().map(|zone| zone.as_str().into()).collect(),
        }],
        pools,
        services: vec![service(set, case, gap)],
        faults: vec![Box::new(recorded(&zones))],
        node_scan_period: gap,
        ..World::small(Seed::new(1), SimTime::ZERO + gap * ticks, Box::new(Pack))
    }
}

fn pool(name: &str, zone: u32, market: Bought) -> PoolConfig {
    PoolConfig {
        name: name.into(),
        region: 0,
        zones: vec![zone],
        gpu: "V100".into(),
        gpus_per_node: 1,
        memory_per_gpu: Bytes::gib(16),
        price: PicoUsdPerHour::from_usd(1.0),
        market,
        min_nodes: 0,
        max_nodes: u32::MAX,
        provisioning: Distribution::Constant(0.0),
        idle_timeout: SimDuration::ZERO,
        minimum_charge: SimDuration::ZERO,
        reclaim: Reclaim::default(),
        committed: 0,
        cache: CacheSizes::default(),
    }
}

fn service(set: &Set, case: &Case, gap: SimDuration) -> ServiceConfig {
    let cold_s = gap.as_s_f64() * f64::from(case.policy.cold_ticks);
    let cold = StageWork::Drawn(Distribution::Constant(cold_s));
    let router = Maker::of("round robin", RoundRobin::default());
    let policy = case.policy;
    ServiceConfig {
        queue: QueueMode::PerReplica { capacity: 0, gateway: 0 },
        initial_replicas: set.target,
        memory_per_gpu: Bytes(0),
        pools: (0..=set.zones.len() as u32).collect(),
        startup: Startup {
            stages: vec![StartupStage { kind: StageKind::EngineStart, cold, cached: None, peers: None }],
            probe: flashcrowd_core::fleet::Probe {
                initial_delay: SimDuration::ZERO,
                period: SimDuration::ZERO,
                threshold: 1,
            },
        },
        drain_timeout: SimDuration::ZERO,
        starts_cold: true,
        capacity: Some(Maker::new("of the case", move || policy.make(gap))),
        ..ServiceConfig::plain("replicas", Discipline::Slots { concurrency: 1 }, router)
    }
}
