//! The fleet against cases worked by hand: cold starts, nodes that come and go, victims, drains,
//! and what a minimum charge adds.

use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{PoolConfig, StageKind};
use flashcrowd_core::ledger::{GpuState, RunRecord};
use flashcrowd_core::ports::{Action, Decision, Fault, ReplicaId, TargetId, TimedFault};
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::units::PicoUsdPerHour;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{End, Script, at_ms, client, ends, listed, pool, run, service, startup, steps, world};
use flashcrowd_workloads::faults::Listed;

const ONE_SLOT: Discipline = Discipline::Slots { concurrency: 1 };

/// A service that starts without replicas and takes `stages` to start one.
fn empty(stages: &[(StageKind, f64, Option<f64>)]) -> ServiceConfig {
    ServiceConfig { initial_replicas: 0, startup: startup(stages), ..service("service", ONE_SLOT) }
}

fn play(service: ServiceConfig, pool: PoolConfig, plan: &[(u64, u32)], requests: &[(u64, u64)]) -> RunRecord {
    run(World {
        services: vec![service],
        pools: vec![pool],
        clients: vec![client("client", listed(requests))],
        controllers: vec![steps(plan)],
        ..world(600)
    })
}

fn one_node() -> PoolConfig {
    PoolConfig { min_nodes: 1, max_nodes: 1, ..pool() }
}

fn ready_s(record: &RunRecord) -> Vec<Option<f64>> {
    record.replicas.iter().map(|replica| replica.ready.map(SimTime::as_s_f64)).collect()
}

const STAGES: [(StageKind, f64, Option<f64>); 3] = [
    (StageKind::ImagePull, 10.0, Some(1.0)),
    (StageKind::WeightsLoad, 20.0, Some(2.0)),
    (StageKind::EngineStart, 5.0, None),
];

#[test]
fn the_second_replica_on_a_node_starts_faster() {
    let record = play(empty(&STAGES), one_node(), &[(1, 1), (100, 2)], &[]);
    assert_eq!(ready_s(&record), [Some(36.0), Some(108.0)]);
    assert_eq!(record.replicas[0].stage_ends, [at_ms(11_000), at_ms(31_000), at_ms(36_000)]);
    // Two at once both find a cold node; what one has fetched meanwhile helps the other's next stage
    // only if it began later.
    let together = play(empty(&STAGES), one_node(), &[(1, 2)], &[]);
    assert_eq!(ready_s(&together), [Some(36.0), Some(36.0)]);
    let staggered = play(empty(&STAGES), one_node(), &[(1, 1), (20, 2)], &[]);
    // Pulled at 21 s from the cache; the weights are on the node only at 31 s: loaded cold to 41 s.
    assert_eq!(ready_s(&staggered), [Some(36.0), Some(46.0)]);
}

#[test]
fn a_probe_and_another_node_cost_their_time() {
    let mut slow = empty(&STAGES);
    slow.gpus_per_group = 8;
    slow.startup.probe.period = SimDuration::from_s(4);
    let two_nodes = PoolConfig { min_nodes: 2, ..pool() };
    let record = play(slow, two_nodes, &[(1, 1), (100, 2)], &[]);
    // The process starts at 11 s, its engine is up at 36 s; the probe at 39 s finds it. The second
    // replica has another node, which knows nothing.
    assert_eq!(ready_s(&record), [Some(39.0), Some(138.0)]);
}

#[test]
fn nodes_come_at_a_scan_and_leave_when_idle() {
    let pool = PoolConfig { idle_timeout: SimDuration::from_s(60), ..pool() };
    let record = play(empty(&[]), pool, &[(3, 1), (200, 0)], &[]);
    let [node] = record.nodes[..] else { panic!("one node: {:?}", record.nodes) };
    assert_eq!((node.ordered, node.ready, node.gone), (at_ms(10_000), Some(at_ms(110_000)), Some(at_ms(260_000))));
    assert_eq!(record.replicas[0].placed, Some(at_ms(110_000)));
    // At a multiple of the period the scan sees what was asked for at that very instant.
    let on_time = play(empty(&[]), self::pool_of(8, 100), &[(20, 1)], &[]);
    assert_eq!(on_time.nodes[0].ordered, at_ms(20_000));
}

fn pool_of(gpus_per_node: u32, max_nodes: u32) -> PoolConfig {
    PoolConfig { gpus_per_node, max_nodes, ..pool() }
}

#[test]
fn one_node_is_ordered_for_all_that_fit_on_it() {
    let record = play(empty(&[]), pool_of(4, 100), &[(1, 6)], &[]);
    assert_eq!(record.nodes.len(), 2);
    let full = play(empty(&[]), pool_of(4, 1), &[(1, 6)], &[]);
    assert_eq!(full.nodes.len(), 1);
    assert_eq!(full.series.last().map(|row| (row.ready, row.pending)), Some((4, 2)));
}

#[test]
fn what_never_fits_stays_pending_and_orders_nothing() {
    let large = ServiceConfig { gpus_per_group: 9, ..empty(&[]) };
    let record = play(large, pool(), &[(1, 2)], &[]);
    assert!(record.nodes.is_empty());
    assert!(record.replicas.iter().all(|replica| replica.placed.is_none()));
    assert_eq!(record.series.last().map(|row| row.pending), Some(2));
}

fn deleted(record: &RunRecord) -> Vec<usize> {
    (0..record.replicas.len()).filter(|&id| record.replicas[id].deleted.is_some()).collect()
}

#[test]
fn pending_replicas_go_before_starting_and_starting_before_ready() {
    // Two GPUs: the third replica waits for a node that never comes.
    let small = PoolConfig { gpus_per_node: 2, ..one_node() };
    let pending = play(empty(&STAGES), small.clone(), &[(1, 3), (200, 2)], &[]);
    assert_eq!(deleted(&pending), [2]);
    let starting = play(empty(&STAGES), small, &[(1, 1), (100, 2), (101, 1)], &[]);
    assert_eq!(deleted(&starting), [1]);
    assert_eq!(starting.replicas[1].gone, Some(at_ms(101_000)));
}

#[test]
fn the_younger_goes_first_and_a_crowded_node_before_a_quiet_one() {
    let young = play(empty(&[]), one_node(), &[(1, 1), (300, 2), (310, 1)], &[]);
    assert_eq!(deleted(&young), [1]);
    // The first two share a node, the third has one of its own and is the youngest.
    let two_nodes = PoolConfig { gpus_per_node: 2, min_nodes: 2, max_nodes: 2, ..pool() };
    let crowded = play(empty(&[]), two_nodes, &[(1, 2), (300, 3), (310, 2)], &[]);
    let nodes: Vec<Option<u32>> = crowded.replicas.iter().map(|replica| replica.node).collect();
    assert_eq!(nodes, [Some(0), Some(0), Some(1)]);
    assert_ne!(deleted(&crowded), [2]);
}

#[test]
fn a_drain_finishes_its_work_or_is_killed_when_its_time_is_up() {
    let draining =
        |timeout| ServiceConfig { initial_replicas: 1, drain_timeout: SimDuration::from_s(timeout), ..empty(&[]) };
    let patient = play(draining(30), pool(), &[(2, 0)], &[(0, 10_000)]);
    assert_eq!(ends(&patient), [Some((End::Completed, at_ms(10_000)))]);
    let replica = &patient.replicas[0];
    assert_eq!((replica.deleted, replica.gone, replica.killed), (Some(at_ms(2_000)), Some(at_ms(10_000)), false));
    let killed = play(draining(3), pool(), &[(2, 0)], &[(0, 10_000)]);
    assert_eq!(ends(&killed), [Some((End::Failed, at_ms(5_000)))]);
    let replica = &killed.replicas[0];
    assert_eq!((replica.gone, replica.killed, replica.busy), (Some(at_ms(5_000)), true, SimDuration::from_s(5)));
    let billed = |record: &RunRecord, state| record.bill.gpu_hours(|line| line.state == state) * 3_600.0;
    assert!((billed(&patient, GpuState::Serving) - 2.0).abs() < 1e-9);
    assert!((billed(&patient, GpuState::Draining) - 8.0).abs() < 1e-9);
    assert!((billed(&killed, GpuState::Draining) - 3.0).abs() < 1e-9);
}

#[test]
fn a_minimum_charge_adds_what_is_missing() {
    let short = PoolConfig {
        gpus_per_node: 4,
        provisioning: Distribution::Constant(5.0),
        idle_timeout: SimDuration::from_s(1),
        minimum_charge: SimDuration::from_s(60),
        ..pool()
    };
    // Ordered at 10 s, ready at 15 s, empty from 20 s, gone at 21 s: 49 s of four GPUs are missing.
    let record = play(empty(&[]), short, &[(3, 1), (20, 0)], &[]);
    let of =
        |state| record.bill.lines().filter(|(line, _)| line.state == state).map(|(_, gpu_ps)| gpu_ps).sum::<u128>();
    let gpu_s = |s: u128| s * 1_000_000_000_000;
    assert_eq!(of(GpuState::Minimum), gpu_s(4 * 49));
    assert_eq!(of(GpuState::Starting), gpu_s(4 * 5));
    assert_eq!(of(GpuState::Idle), gpu_s(4 * 6));
}

#[test]
fn a_commitment_is_paid_for_while_no_node_stands_for_it() {
    let reserved = PoolConfig {
        gpus_per_node: 4,
        max_nodes: 3,
        committed: 3,
        provisioning: Distribution::Constant(5.0),
        idle_timeout: SimDuration::from_s(1),
        ..pool()
    };
    // As above: one node from 10 s to 21 s; at all other times of 600 s none stands for the three.
    let record = play(empty(&[]), reserved, &[(3, 1), (20, 0)], &[]);
    let unused = record.bill.lines().filter(|(line, _)| line.state == GpuState::Unused).map(|(_, gpu_ps)| gpu_ps);
    assert_eq!(unused.sum::<u128>(), 4 * (3 * 600 - 11) * 1_000_000_000_000);
    let all: u128 = record.bill.lines().map(|(_, gpu_ps)| gpu_ps).sum();
    assert_eq!(all, 4 * 3 * 600 * 1_000_000_000_000, "never less than the commitment");
}

/// What is committed to costs what was agreed, whatever the market asks, and whichever nodes live.
#[test]
fn a_commitment_keeps_its_price_when_prices_change() {
    let reserved = PoolConfig { gpus_per_node: 1, min_nodes: 3, max_nodes: 3, committed: 2, ..pool() };
    let double = Fault::Price { pool: 0, zone: 0, price: PicoUsdPerHour::from_usd(16.0) };
    let lose = Fault::Node { pool: 0 };
    let faults = vec![
        TimedFault { at: SimTime::from_s(600), fault: double },
        TimedFault { at: SimTime::from_s(1_200), fault: lose },
    ];
    let world = World {
        pools: vec![PoolConfig { provisioning: Distribution::Constant(0.0), ..reserved }],
        faults: vec![Box::new(Listed::new(faults))],
        ..world(1_800)
    };
    let record = run(world);
    // Two at 8 dollars all the time, the third at 8 for ten minutes and at 16 for twenty: the one that
    // takes the place of a lost one does so at once, with what it costs.
    let usd = record.bill.usd(|_| true);
    assert!((usd - (2.0 * 4.0 + 8.0 / 6.0 + 16.0 / 3.0)).abs() < 1e-9, "{usd}");
}

#[test]
fn a_replica_named_twice_is_refused() {
    let target = TargetId(0);
    let twice = Action::RemoveReplicas { target, replicas: vec![ReplicaId(0), ReplicaId(0)] };
    let mut actions = vec![twice];
    let policy = Script::every(5, Vec::new(), move |_| Decision {
        actions: std::mem::take(&mut actions),
        ..Decision::default()
    });
    let services = vec![ServiceConfig { initial_replicas: 3, ..empty(&[]) }];
    let record = run(World { services, controllers: vec![policy], ..world(60) });
    assert_eq!(record.decisions[0].refused.len(), 1);
    assert_eq!(record.series.last().map(|row| (row.spec, row.ready)), Some((3, 3)));
}

/// The busy time of a fleet adds up to more than a span of time can hold.
#[test]
fn utilization_stands_after_more_than_213_replica_days() {
    let day_ms = 86_400_000;
    let replicas: u64 = 300;
    let requests: Vec<(u64, u64)> = (0..replicas).map(|_| (0, day_ms)).collect();
    let record = run(World {
        services: vec![ServiceConfig { initial_replicas: replicas as u32, ..empty(&[]) }],
        clients: vec![client("client", listed(&requests))],
        series_period: SimDuration::from_s(3_600),
        ..world(86_400)
    });
    assert_eq!(record.series.len(), 24);
    assert!(record.series.iter().all(|row| row.utilization == 1.0));
}
