//! Node autoscalers of the port: laws in random fleets, and hand-worked cases of both.

use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{PoolConfig, Reclaim};
use flashcrowd_core::ledger::{GpuState, NodeRecord, RunRecord};
use flashcrowd_core::ports::{Area, Fault, FaultSource, NodeAutoscaler, SourceError, TimedFault};
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::nodes::{
    Budget, ClusterAutoscaler, ClusterAutoscalerConfig, Consolidation, Expander, Karpenter, KarpenterConfig,
};
use flashcrowd_tests::kit::{at_ms, client, listed, pool, run, service, startup, steps, world};
use proptest::prelude::*;
use std::collections::VecDeque;

struct Faults(VecDeque<TimedFault>);

impl FaultSource for Faults {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        Ok(self.0.pop_front())
    }
}

fn faults(list: &[(u64, Fault)]) -> Vec<Box<dyn FaultSource>> {
    let timed = list.iter().map(|&(at_s, fault)| TimedFault { at: SimTime::from_s(at_s), fault });
    vec![Box::new(Faults(timed.collect()))]
}

fn capacity(pool: u32, zone: u32, nodes: u32) -> Fault {
    Fault::Capacity { pool, zone, nodes }
}

/// A service of `gpus` on pools in order, with no replica at the start and ten seconds to start.
fn asleep(gpus: u32, pools: &[u32]) -> ServiceConfig {
    ServiceConfig {
        initial_replicas: 0,
        gpus_per_group: gpus,
        pools: pools.to_vec(),
        startup: startup(&[(flashcrowd_core::fleet::StageKind::ImagePull, 10.0, None)]),
        ..service("service", Discipline::Slots { concurrency: 1 })
    }
}

fn named(name: &str, usd: f64, max_nodes: u32) -> PoolConfig {
    PoolConfig { name: name.into(), price: PicoUsdPerHour::from_usd(usd), max_nodes, ..pool() }
}

fn cluster_autoscaler(config: ClusterAutoscalerConfig) -> Box<dyn NodeAutoscaler> {
    Box::new(ClusterAutoscaler::new(config, Seed::new(1).stream("node-autoscaler")))
}

fn by_price() -> Box<dyn NodeAutoscaler> {
    cluster_autoscaler(ClusterAutoscalerConfig { expanders: vec![Expander::Price], ..Default::default() })
}

fn karpenter() -> Box<dyn NodeAutoscaler> {
    Box::new(Karpenter::new(KarpenterConfig::default()))
}

/// Nodes as `(pool, ordered, ready, gone)` in seconds; -1 for never.
fn lives(record: &RunRecord) -> Vec<(u32, f64, f64, f64)> {
    let s = |at: Option<SimTime>| at.map_or(-1.0, SimTime::as_s_f64);
    record.nodes.iter().map(|node| (node.pool, node.ordered.as_s_f64(), s(node.ready), s(node.gone))).collect()
}

#[test]
fn a_stock_out_is_learnt_at_the_time_out_by_one_and_at_once_by_the_other() {
    let play = |policy: Box<dyn NodeAutoscaler>, horizon_s| {
        run(World {
            pools: vec![named("cheap", 1.0, 10), named("dear", 2.0, 10)],
            services: vec![asleep(8, &[0, 1])],
            controllers: vec![steps(&[(3, 1)])],
            faults: faults(&[(0, capacity(0, 0, 0))]),
            node_autoscaler: Some(policy),
            ..world(horizon_s)
        })
    };
    // Asked for at 10 s, given up at 910 s, and the dear one boots for 100 s.
    let slow = play(by_price(), 1_500);
    assert_eq!(lives(&slow), [(1, 910.0, 1_010.0, -1.0)]);
    assert_eq!(slow.replicas[0].ready, Some(at_ms(1_020_000)));
    // A second of quiet, and the next offer is tried in the same breath.
    let quick = play(karpenter(), 180);
    assert_eq!(lives(&quick), [(1, 4.0, 104.0, -1.0)]);
    assert_eq!(quick.replicas[0].ready, Some(at_ms(114_000)));
    let record = quick.node_autoscaler.expect("a record");
    assert_eq!((record.orders, record.granted, record.refusals), (1, 1, 1));
}

#[test]
fn an_open_order_is_granted_when_capacity_comes_back() {
    let record = run(World {
        services: vec![asleep(8, &[0])],
        controllers: vec![steps(&[(3, 1)])],
        faults: faults(&[(0, capacity(0, 0, 0)), (333, capacity(0, 0, 1))]),
        node_autoscaler: Some(by_price()),
        ..world(1_000)
    });
    assert_eq!(lives(&record), [(0, 333.0, 433.0, -1.0)]);
}

#[test]
fn an_empty_node_goes_when_its_autoscaler_says_so_not_after_the_idle_time_of_its_pool() {
    let play = |policy: Box<dyn NodeAutoscaler>| {
        let idle_timeout = SimDuration::from_s(5);
        let record = run(World {
            pools: vec![PoolConfig { idle_timeout, ..named("pool", 8.0, 10) }],
            services: vec![asleep(8, &[0])],
            controllers: vec![steps(&[(3, 1), (200, 0)])],
            node_autoscaler: Some(policy),
            ..world(2_000)
        });
        lives(&record)[0].3
    };
    // Empty from 200 s on; tainted ten minutes later; gone after five seconds.
    assert_eq!(play(cluster_autoscaler(ClusterAutoscalerConfig::default())), 805.0);
    // Seen at the poll of 200 s, looked at again after 15 s.
    assert_eq!(play(karpenter()), 215.0);
}

#[test]
fn two_half_empty_nodes_become_one_without_a_preemption() {
    let play = |policy: Box<dyn NodeAutoscaler>, horizon| {
        run(World {
            services: vec![asleep(3, &[0])],
            // Four take two nodes; the two that stay stand on one each or both on one.
            controllers: vec![steps(&[(3, 4), (300, 2)])],
            node_autoscaler: Some(policy),
            ..world(horizon)
        })
    };
    for (policy, horizon) in [(karpenter(), 1_000), (cluster_autoscaler(ClusterAutoscalerConfig::default()), 3_000)] {
        let record = play(policy, horizon);
        let live = record.nodes.iter().filter(|node| node.gone.is_none()).count();
        assert_eq!((record.nodes.len(), live, record.services[0].capacity.preempted), (2, 1, 0));
        assert_eq!(record.series.last().map(|row| (row.ready, row.pending)), Some((2, 0)));
    }
}

#[test]
fn a_cheaper_node_takes_over_when_it_can_be_had() {
    let record = run(World {
        pools: vec![named("cheap", 1.0, 10), named("dear", 2.0, 10)],
        services: vec![asleep(8, &[0, 1])],
        controllers: vec![steps(&[(3, 1)])],
        faults: faults(&[(0, capacity(0, 0, 0)), (150, capacity(0, 0, 1))]),
        node_autoscaler: Some(karpenter()),
        ..world(1_000)
    });
    // The search of 110 s finds nothing, as the cheap offer is left alone; the fleet is quiet, so that the
    // next is five minutes later. Its plan is carried out at 425 s; the old node is drained as the new
    // one has booted.
    assert_eq!(lives(&record), [(1, 4.0, 104.0, 525.0), (0, 425.0, 525.0, -1.0)]);
}

fn spot(notice_s: u64) -> PoolConfig {
    let reclaim = Reclaim { notice: SimDuration::from_s(notice_s), missed_ppm: 0 };
    PoolConfig { market: Market::Spot, reclaim, ..named("spot", 1.0, 10) }
}

#[test]
fn whether_a_notice_drains_depends_on_who_hears_it() {
    let lost = KarpenterConfig { interruption_queue: false, ..Default::default() };
    // Who orders nodes, whether somebody else drains at notices, and when the replica is deleted.
    let cases = [
        (None, true, 500),
        (None, false, 620),
        (Some(by_price()), false, 620),
        (Some(by_price()), true, 500),
        (Some(karpenter()), false, 500),
        (Some(Box::new(Karpenter::new(lost))), false, 620),
    ];
    for (at, (node_autoscaler, drains_on_notice, deleted_s)) in cases.into_iter().enumerate() {
        let record = run(World {
            pools: vec![spot(120), named("on-demand", 2.0, 10)],
            services: vec![asleep(8, &[0, 1])],
            controllers: vec![steps(&[(3, 1)])],
            clients: vec![client("client", listed(&[(490_000, 60_000)]))],
            faults: faults(&[(500, capacity(0, 0, 0))]),
            node_autoscaler,
            drains_on_notice,
            ..world(2_000)
        });
        let replica = &record.replicas[0];
        assert_eq!(replica.deleted, Some(SimTime::from_s(deleted_s)), "case {at}");
        // It had work until 550 s or lost it at 620 s; another stands in the other pool in the end.
        assert_eq!(record.services[0].capacity.preempted, 1, "case {at}");
        let pools: Vec<u32> = record.nodes.iter().map(|node| node.pool).collect();
        assert_eq!(pools, [0, 1], "case {at}");
        assert_eq!(record.series.last().map(|row| row.ready), Some(1), "case {at}");
    }
}

#[test]
fn a_pool_keeps_its_minimum_through_losses_and_outages() {
    let area = Area { region: 0, zone: Some(0) };
    for policy in [by_price(), karpenter()] {
        let record = run(World {
            pools: vec![PoolConfig { min_nodes: 2, ..named("pool", 1.0, 4) }],
            services: vec![asleep(8, &[0])],
            controllers: vec![steps(&[(3, 0)])],
            faults: faults(&[
                (1_000, Fault::Block { area, begins: true }),
                (1_000, Fault::Lose { area, share_ppm: 500_000 }),
                (1_234, Fault::Block { area, begins: false }),
            ]),
            node_autoscaler: Some(policy),
            ..world(2_000)
        });
        assert_eq!(lives(&record)[1..].iter().map(|life| life.1).collect::<Vec<_>>(), [0.0, 1_234.0]);
        assert_eq!(record.node_autoscaler.map(|record| record.impossible), Some(0));
    }
}

/// A random fleet under one of the two.
#[derive(Clone, Debug)]
struct Spec {
    /// GPUs of a node, price, minimum, maximum, zones, spot.
    pools: Vec<(u32, u32, u32, u32, u32, bool)>,
    /// GPUs of a replica, and the pools that may host it, by bits.
    services: Vec<(u32, u32)>,
    /// What is wanted of the first service, by second.
    writes: Vec<(u64, u32)>,
    /// Second, pool, zone, and capacity, or a block that begins or ends.
    faults: Vec<(u64, u32, u32, Result<u32, bool>)>,
    boot_s: f64,
    notice_s: u64,
    policy: Policy,
}

#[derive(Clone, Debug)]
enum Policy {
    Karpenter(KarpenterConfig),
    Cluster(ClusterAutoscalerConfig),
}

/// Everything is granted again from here on.
const CALM_S: u64 = 3_000;
const HORIZON_S: u64 = 9_000;

fn policy() -> impl Strategy<Value = Policy> {
    let karpenter = (any::<[bool; 3]>(), 1_u32..100, 0_u64..300).prop_map(|(flags, percent, after)| {
        Policy::Karpenter(KarpenterConfig {
            consolidation: if flags[0] { Consolidation::WhenEmpty } else { Consolidation::WhenEmptyOrUnderutilized },
            spot_to_spot: flags[1],
            spot_to_spot_types: 1,
            interruption_queue: flags[2],
            budget: Budget::Percent(percent),
            consolidate_after: SimDuration::from_s(after),
            ..Default::default()
        })
    });
    let expander = prop::sample::select(vec![
        Expander::Random,
        Expander::MostPods,
        Expander::LeastWaste,
        Expander::Price,
        Expander::Priority,
    ]);
    let cluster = (expander, any::<bool>(), 0_u64..300, 0_u64..40, 1_u32..5).prop_map(
        |(expander, group_spans_zones, unneeded, taint, drains)| {
            Policy::Cluster(ClusterAutoscalerConfig {
                expanders: vec![expander],
                group_spans_zones,
                scale_down_unneeded_time: SimDuration::from_s(unneeded),
                scale_down_delay_after_add: SimDuration::from_s(unneeded / 2),
                delete_delay_after_taint: SimDuration::from_s(taint),
                max_drain_parallelism: drains,
                ..Default::default()
            })
        },
    );
    prop_oneof![karpenter, cluster]
}

prop_compose! {
    fn spec()(
        pools in prop::collection::vec((1_u32..=8, 1_u32..10, 0_u32..2, 1_u32..5, 1_u32..=2, any::<bool>()), 1..4),
        services in prop::collection::vec((1_u32..=8, 1_u32..8), 1..3),
        writes in prop::collection::vec((0_u64..CALM_S, 0_u32..9), 1..6),
        faults in prop::collection::vec(
            (0_u64..CALM_S, 0_u32..3, 0_u32..2, prop_oneof![(0_u32..4).prop_map(Ok), any::<bool>().prop_map(Err)]),
            0..8,
        ),
        boot_s in prop_oneof![Just(0.0), 1.0..400.0],
        notice_s in prop_oneof![Just(0_u64), Just(30_u64), Just(120_u64)],
        policy in policy(),
    ) -> Spec {
        Spec { pools, services, writes, faults, boot_s, notice_s, policy }
    }
}

impl Spec {
    fn pool(&self, at: usize) -> PoolConfig {
        let (gpus, price, min, max, zones, is_spot) = self.pools[at];
        PoolConfig {
            gpus_per_node: gpus,
            min_nodes: min.min(max),
            zones: (0..zones).collect(),
            market: if is_spot { Market::Spot } else { Market::OnDemand },
            provisioning: Distribution::Constant(self.boot_s),
            reclaim: Reclaim { notice: SimDuration::from_s(self.notice_s), missed_ppm: 300_000 },
            minimum_charge: SimDuration::from_s(60),
            ..named(&format!("pool-{at}"), f64::from(price), max)
        }
    }

    fn service(&self, at: usize) -> ServiceConfig {
        let (gpus, bits) = self.services[at];
        let count = self.pools.len() as u32;
        let mut pools: Vec<u32> = (0..count).filter(|pool| bits >> pool & 1 == 1).collect();
        if pools.is_empty() {
            pools = (0..count).collect();
        }
        // The second service has a constant replica, which is in the way of scale-down.
        let config = asleep(gpus, &pools);
        ServiceConfig { name: format!("service-{at}").as_str().into(), initial_replicas: at as u32, ..config }
    }

    fn timed(&self) -> Vec<(u64, Fault)> {
        let area = |zone| Area { region: 0, zone: Some(zone) };
        let count = self.pools.len() as u32;
        let mut blocks = [0_i32; 2];
        let mut sorted = self.faults.clone();
        sorted.sort_by_key(|fault| fault.0);
        let mut list = Vec::new();
        for (at, pool, zone, what) in sorted {
            let pool = pool % count;
            match what {
                Ok(nodes) if zone < self.pools[pool as usize].4 => list.push((at, capacity(pool, zone, nodes))),
                Err(begins) if begins || blocks[zone as usize] > 0 => {
                    blocks[zone as usize] += if begins { 1 } else { -1 };
                    list.push((at, Fault::Block { area: area(zone), begins }));
                }
                _ => {}
            }
        }
        for zone in 0..2 {
            let left = usize::try_from(blocks[zone as usize]).unwrap_or(0);
            list.extend((0..left).map(|_| (CALM_S, Fault::Block { area: area(zone), begins: false })));
            let pools = (0..count).filter(|&pool| zone < self.pools[pool as usize].4);
            list.extend(pools.map(|pool| (CALM_S, capacity(pool, zone, 1_000))));
        }
        list
    }

    fn play(&self) -> RunRecord {
        let mut writes = self.writes.clone();
        writes.sort_unstable();
        let node_autoscaler: Box<dyn NodeAutoscaler> = match &self.policy {
            Policy::Karpenter(config) => Box::new(Karpenter::new(config.clone())),
            Policy::Cluster(config) => cluster_autoscaler(config.clone()),
        };
        run(World {
            pools: (0..self.pools.len()).map(|at| self.pool(at)).collect(),
            services: (0..self.services.len()).map(|at| self.service(at)).collect(),
            controllers: vec![steps(&writes)],
            faults: faults(&self.timed()),
            node_autoscaler: Some(node_autoscaler),
            drains_on_notice: false,
            ..world(HORIZON_S)
        })
    }
}

/// Instants at which a node counts: from its order to its end, or to the notice of its reclaim.
fn counts(node: &NodeRecord, at: SimTime, notice: SimDuration) -> bool {
    let noticed = node.reclaimed.map(|lost| lost.back(notice));
    node.ordered <= at && noticed.or(node.gone).is_none_or(|end| end > at)
}

fn never_above_a_maximum(spec: &Spec, record: &RunRecord) -> Result<(), TestCaseError> {
    for pool in 0..spec.pools.len() as u32 {
        let own: Vec<&NodeRecord> = record.nodes.iter().filter(|node| node.pool == pool).collect();
        for node in &own {
            let live =
                |other: &&&NodeRecord| other.ordered <= node.ordered && other.gone.is_none_or(|at| at > node.ordered);
            prop_assert!(own.iter().filter(live).count() as u32 <= spec.pools[pool as usize].3);
        }
    }
    Ok(())
}

/// Nodes are ordered only where the market has them and nothing is blocked.
fn only_where_there_is_capacity(spec: &Spec, record: &RunRecord) -> Result<(), TestCaseError> {
    let notice = SimDuration::from_s(spec.notice_s);
    let list = spec.timed();
    for node in record.nodes.iter().filter(|node| node.ordered > SimTime::ZERO) {
        let (mut room, mut blocks) = (u32::MAX, 0);
        for (at_s, fault) in &list {
            match *fault {
                _ if SimTime::from_s(*at_s) > node.ordered => {}
                Fault::Capacity { pool, zone, nodes } if (pool, zone) == (node.pool, node.zone) => room = nodes,
                Fault::Block { area, begins } if area.zone == Some(node.zone) => blocks += if begins { 1 } else { -1 },
                _ => {}
            }
        }
        prop_assert_eq!(blocks, 0, "ordered in a blocked zone: {:?}", node);
        let there = |other: &&NodeRecord| {
            (other.pool, other.zone) == (node.pool, node.zone) && counts(other, node.ordered, notice)
        };
        prop_assert!(record.nodes.iter().filter(there).count() as u32 <= room, "more than there are: {:?}", node);
    }
    Ok(())
}

/// Who stands on a node that is given back was deleted before, unless the market took it.
fn busy_nodes_are_drained(record: &RunRecord) -> Result<(), TestCaseError> {
    for replica in &record.replicas {
        let Some(node) = replica.node.map(|node| &record.nodes[node as usize]) else { continue };
        let Some(gone) = node.gone else { continue };
        prop_assert!(replica.deleted.is_some() && replica.gone.is_some_and(|at| at <= gone), "{:?}", replica);
        prop_assert!(!replica.killed || node.reclaimed.is_some(), "{:?} on {:?}", replica, node);
    }
    Ok(())
}

fn the_bill_is_its_intervals(spec: &Spec, record: &RunRecord) -> Result<(), TestCaseError> {
    for pool in 0..spec.pools.len() as u32 {
        let own = record.nodes.iter().filter(|node| node.pool == pool);
        let life = |node: &NodeRecord| node.gone.unwrap_or(record.ended).since(node.ordered);
        let gpus = u128::from(spec.pools[pool as usize].0);
        let lived: u128 = own.clone().map(|node| u128::from(life(node).as_ps()) * gpus).sum();
        let missing = |node: &NodeRecord| SimDuration::from_s(60).saturating_sub(life(node));
        let added: u128 = own.map(|node| u128::from(missing(node).as_ps()) * gpus).sum();
        let lines = record.bill.lines().filter(|(line, _)| line.pool == pool);
        let (minimum, rest): (Vec<_>, Vec<_>) = lines.partition(|(line, _)| line.state == GpuState::Minimum);
        prop_assert_eq!(rest.iter().map(|(_, gpu_ps)| gpu_ps).sum::<u128>(), lived);
        prop_assert_eq!(minimum.iter().map(|(_, gpu_ps)| gpu_ps).sum::<u128>(), added);
    }
    Ok(())
}

/// In the end nobody waits who fits on a node that could be had.
fn nobody_waits_in_vain(spec: &Spec, record: &RunRecord) -> Result<(), TestCaseError> {
    for replica in record.replicas.iter().filter(|replica| replica.gone.is_none() && replica.placed.is_none()) {
        let service = spec.service(replica.service as usize);
        for &pool in &service.pools {
            let config = spec.pool(pool as usize);
            let live = record.nodes.iter().filter(|node| node.pool == pool && node.gone.is_none()).count() as u32;
            let fits = config.gpus_per_node >= service.gpus_per_group && config.memory_per_gpu >= Bytes::gib(20);
            prop_assert!(!fits || live >= config.max_nodes, "{:?} could stand in pool {}", replica, pool);
        }
    }
    Ok(())
}

const CASES: u32 = if cfg!(debug_assertions) { 96 } else { 2_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_in_every_fleet(spec in spec()) {
        let record = spec.play();
        never_above_a_maximum(&spec, &record)?;
        only_where_there_is_capacity(&spec, &record)?;
        busy_nodes_are_drained(&record)?;
        the_bill_is_its_intervals(&spec, &record)?;
        nobody_waits_in_vain(&spec, &record)?;
        prop_assert_eq!(&record.digest, &spec.play().digest);
    }
}
