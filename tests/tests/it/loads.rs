//! Cold starts that meet: links shared by concurrent loads, caches that are full, weights from
//! peers; against cases worked by hand.

use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{
    CacheSizes, CachedStage, Link, LinkScope, PeerFetch, PoolConfig, StageKind, StageWork, StartupStage, Transfer,
};
use flashcrowd_core::ledger::{ReplicaRecord, RunRecord};
use flashcrowd_core::ports::{Action, Controller, Decision, Observation, ReplicaId, Schedule, TargetId};
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::units::Bytes;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{Script, at_ms, client, listed, pool, run, service, startup, steps, world};
use proptest::prelude::*;
use std::sync::Arc;

const GB: u64 = 1_000_000_000;

fn link(name: &str, gb_per_s: u64, scope: LinkScope) -> Arc<Link> {
    Arc::new(Link { name: name.into(), bytes_per_s: gb_per_s * GB, scope })
}

/// A transfer of so many GB at most at so many GB/s.
fn transfer(gb: u64, gb_per_s: f64, via: &[Arc<Link>]) -> StageWork {
    let transfer = Transfer {
        bytes: gb * GB,
        tier_bytes_per_s: gb_per_s * 1e9,
        loader_bytes_per_s: f64::INFINITY,
        streams: 1,
        per_stream_bytes_per_s: f64::INFINITY,
        via: via.to_vec(),
    };
    StageWork::Transfer(transfer, Distribution::Constant(1.0))
}

fn takes(s: f64) -> StageWork {
    StageWork::Drawn(Distribution::Constant(s))
}

fn loading(cold: StageWork) -> StartupStage {
    StartupStage::plain(StageKind::WeightsLoad, cold)
}

/// A service without replicas at the start, whose replicas have one GPU.
fn empty(name: &str, stages: Vec<StartupStage>) -> ServiceConfig {
    let mut service = ServiceConfig {
        initial_replicas: 0,
        gpus_per_group: 1,
        memory_per_gpu: Bytes::gib(20),
        startup: startup(&[]),
        ..service(name, Discipline::Slots { concurrency: 1 })
    };
    service.startup.stages = stages;
    service
}

/// So many ready nodes of so many GPUs.
fn nodes(count: u32, gpus_per_node: u32) -> PoolConfig {
    PoolConfig { min_nodes: count, max_nodes: count, gpus_per_node, ..pool() }
}

fn play(service: ServiceConfig, pool: PoolConfig, plan: &[(u64, u32)]) -> RunRecord {
    run(World {
        services: vec![service],
        pools: vec![pool],
        clients: vec![client("client", listed(&[]))],
        controllers: vec![steps(plan)],
        ..world(600)
    })
}

fn ready_ms(record: &RunRecord) -> Vec<Option<u64>> {
    record.replicas.iter().map(|replica| replica.ready.map(|at| at.as_ps() / 1_000_000_000)).collect()
}

#[test]
fn loads_at_once_share_the_bucket() {
    let bucket = link("bucket", 25, LinkScope::Fleet);
    let service = || empty("service", vec![loading(transfer(16, 12.0, std::slice::from_ref(&bucket)))]);
    let four = play(service(), nodes(1, 8), &[(0, 4)]);
    assert_eq!(ready_ms(&four), [Some(2_560); 4]);
    // 16 GB at 12 GB/s until the second comes, then 12 each still: the link has 25.
    let two = play(service(), nodes(1, 8), &[(0, 1), (1, 2)]);
    assert_eq!(two.replicas[0].ready.unwrap().as_ps(), 1_333_333_333_333);
    assert_eq!(two.replicas[1].ready.unwrap().as_ps(), 2_333_333_333_333);
}

#[test]
fn a_link_that_never_binds_changes_nothing() {
    let wide = link("wide", 1_000, LinkScope::Fleet);
    let with = play(empty("service", vec![loading(transfer(7, 3.0, &[wide]))]), nodes(2, 8), &[(0, 3), (1, 9)]);
    let without = play(empty("service", vec![loading(transfer(7, 3.0, &[]))]), nodes(2, 8), &[(0, 3), (1, 9)]);
    assert_eq!(ready_ms(&with), ready_ms(&without));
    assert_eq!(with.digest, without.digest);
}

#[test]
fn a_deleted_load_frees_its_share() {
    let bucket = link("bucket", 10, LinkScope::Fleet);
    let service = empty("service", vec![loading(transfer(100, 10.0, &[bucket]))]);
    // Two at 5 GB/s for 4 s: 80 GB left; the survivor then has 10 GB/s.
    let record = play(service, nodes(1, 8), &[(0, 2), (4, 1)]);
    let mut ready = ready_ms(&record);
    ready.sort_unstable();
    assert_eq!(ready, [None, Some(12_000)]);
}

#[test]
fn a_nodes_card_is_shared_by_its_replicas_only() {
    let card = link("card", 10, LinkScope::Node);
    let service = || empty("service", vec![loading(transfer(10, 100.0, std::slice::from_ref(&card)))]);
    assert_eq!(ready_ms(&play(service(), nodes(1, 2), &[(0, 2)])), [Some(2_000); 2]);
    assert_eq!(ready_ms(&play(service(), nodes(2, 1), &[(0, 2)])), [Some(1_000); 2]);
    // Through a store of 5 GB/s as well, the store is what binds.
    let store = link("store", 5, LinkScope::Region);
    let both = empty("service", vec![loading(transfer(10, 100.0, &[card, store]))]);
    assert_eq!(ready_ms(&play(both, nodes(2, 1), &[(0, 2)])), [Some(4_000); 2]);
}

/// A service that fetches 10 GB in 100 s from its store, in 1 s from a peer with so many uploads.
fn with_peers(uploads: u32, initial: u32, via: &[Arc<Link>]) -> ServiceConfig {
    let peers = Some(PeerFetch { work: transfer(10, 10.0, via), uploads });
    let stage = StartupStage { peers, ..loading(transfer(10, 0.1, &[])) };
    ServiceConfig { initial_replicas: initial, ..empty("service", vec![stage]) }
}

#[test]
fn k_replicas_have_the_weights_after_log2_of_k_plus_1_rounds() {
    for k in [1_u32, 2, 3, 4, 7, 8, 15, 16, 40] {
        let record = play(with_peers(1, 1, &[]), nodes(k + 1, 1), &[(0, 1), (10, k + 1)]);
        let rounds = u64::from(u32::BITS - k.leading_zeros());
        assert_eq!(rounds, f64::from(k + 1).log2().ceil() as u64);
        let last = record.replicas.iter().map(|replica| replica.ready.expect("it starts")).max();
        assert_eq!(last, Some(at_ms(10_000 + rounds * 1_000)), "{k} replicas");
    }
    // Two uploads each triple what there is: 1, 3, 9.
    let record = play(with_peers(2, 1, &[]), nodes(9, 1), &[(0, 1), (10, 9)]);
    assert_eq!(ready_ms(&record).into_iter().max(), Some(Some(12_000)));
}

#[test]
fn uploads_cross_the_cards_of_both_ends() {
    // The source's card is what two uploads at once share: 10 GB each at 5 GB/s.
    let card = link("card", 10, LinkScope::Node);
    let record = play(with_peers(2, 1, &[card]), nodes(3, 1), &[(0, 1), (10, 3)]);
    assert_eq!(ready_ms(&record)[1..], [Some(12_000); 2]);
}

#[test]
fn without_a_peer_the_store_serves_and_a_lost_peer_is_replaced() {
    assert_eq!(ready_ms(&play(with_peers(1, 0, &[]), nodes(2, 1), &[(0, 2)])), [Some(100_000); 2]);
    // The source goes half way through its upload, and nobody else has the weights.
    let swap = play(with_peers(1, 1, &[]), nodes(2, 1), &[(0, 1), (10, 2), (11, 2)]);
    assert_eq!(ready_ms(&swap)[1], Some(11_000));
    let slow = |uploads| {
        let mut service = with_peers(uploads, 1, &[]);
        service.startup.stages[0].peers = Some(PeerFetch { work: takes(20.0), uploads });
        service
    };
    let script = |service| {
        let target = TargetId(0);
        let controller = Script::every(1, Vec::new(), move |seen| match seen.now.as_ps() / 1_000_000_000_000 {
            10 => Decision::set_replicas(target, 3),
            15 => Decision {
                actions: vec![Action::RemoveReplicas { target, replicas: vec![ReplicaId(0)] }],
                ..Decision::default()
            },
            _ => Decision::hold(),
        });
        run(World {
            services: vec![service],
            pools: vec![nodes(4, 1)],
            clients: vec![client("client", listed(&[]))],
            controllers: vec![controller],
            ..world(600)
        })
    };
    // At 15 s the only source goes: who fetched and who waited turn to the store, which takes 100 s.
    let record = script(slow(1));
    assert_eq!(ready_ms(&record)[1..3], [Some(115_000), Some(115_000)]);
}

/// Weights of 10 GB: 10 s from the store, 4 s from the disk, 1 s from memory.
fn cached(name: &str, pinned: bool) -> StartupStage {
    let cached = CachedStage { key: name.into(), bytes: 10 * GB, pinned, memory: takes(1.0), disk: takes(4.0) };
    StartupStage { cached: Some(cached), ..loading(takes(10.0)) }
}

/// Two services of that size come and go on one node, one after the other: how long their four starts took.
fn alternate(memory: Option<u64>, disk: Option<u64>, pinned: bool) -> Vec<f64> {
    let script = |on: [u64; 2], target: TargetId| -> Controller {
        let schedule = Schedule::every(SimDuration::from_s(1)).first_at(SimDuration::ZERO);
        let decide = move |seen: &Observation| {
            let now = seen.now.as_ps() / 1_000_000_000_000;
            Decision::set_replicas(target, u32::from(on.iter().any(|&from| (from..from + 20).contains(&now))))
        };
        Script::of(schedule, target, Vec::new(), decide)
    };
    let record = run(World {
        services: vec![empty("a", vec![cached("a", pinned)]), empty("b", vec![cached("b", false)])],
        pools: vec![PoolConfig { cache: CacheSizes { memory, disk }, ..nodes(1, 1) }],
        clients: vec![client("client", listed(&[]))],
        controllers: vec![script([0, 60], TargetId(0)), script([30, 90], TargetId(1))],
        ..world(600)
    });
    let took = |replica: &ReplicaRecord| replica.ready.unwrap().since(replica.placed.unwrap()).as_s_f64();
    record.replicas.iter().map(took).collect()
}

#[test]
fn a_full_cache_forgets_the_longest_unused() {
    assert_eq!(alternate(None, None, false), [10.0, 10.0, 1.0, 1.0]);
    assert_eq!(alternate(Some(20 * GB), Some(0), false), [10.0, 10.0, 1.0, 1.0]);
    // Room for one: each start finds the other's weights in memory, and its own on the disk, if there is one.
    assert_eq!(alternate(Some(19 * GB), None, false), [10.0, 10.0, 4.0, 4.0]);
    assert_eq!(alternate(Some(19 * GB), Some(0), false), [10.0; 4]);
    // What is pinned stays; the other is never kept.
    assert_eq!(alternate(Some(19 * GB), Some(0), true), [10.0, 10.0, 1.0, 10.0]);
}

#[test]
fn compile_and_graph_caches_are_keys_of_their_own() {
    // tensorfuse, Llama-3.1-8B on L40S: 294 s, with caches 82 s.
    let stage = |kind: StageKind, key: &str, cold: f64, warm: f64| {
        let cached = CachedStage { key: key.into(), bytes: 0, pinned: false, memory: takes(warm), disk: takes(warm) };
        StartupStage { cached: Some(cached), ..StartupStage::plain(kind, takes(cold)) }
    };
    let stages = vec![
        stage(StageKind::ImagePull, "download", 61.0, 0.0),
        stage(StageKind::WeightsLoad, "weights", 33.0, 18.0),
        stage(StageKind::EngineStart, "imports", 94.0 + 10.0, 34.0 + 10.0),
        stage(StageKind::Compile, "compile", 42.0, 13.0),
        stage(StageKind::GraphCapture, "graphs", 54.0, 7.0),
    ];
    let record = play(empty("service", stages), nodes(1, 8), &[(0, 1), (300, 2)]);
    assert_eq!(ready_ms(&record), [Some(294_000), Some(382_000)]);
}

#[test]
fn many_loads_over_many_cards_stay_quick() {
    let store = link("store", 100, LinkScope::Fleet);
    let card = link("card", 10, LinkScope::Node);
    let service = empty("service", vec![loading(transfer(16, 7.0, &[store, card]))]);
    let record = play(service, nodes(250, 4), &[(0, 500), (3, 1_000)]);
    assert!(record.replicas.iter().all(|replica| replica.ready.is_some()));
    // 16 TB over 100 GB/s: the store never rests.
    let last = record.replicas.iter().filter_map(|replica| replica.ready).max().unwrap();
    assert!((last.as_s_f64() - 160.0).abs() < 1e-6, "{last}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes and goes, nobody waits for a peer for ever.
    #[test]
    fn all_that_stay_become_ready(
        plan in prop::collection::vec((0_u64..200, 0_u32..30), 1..12),
        uploads in 1_u32..3,
        initial in 0_u32..3,
        shared in any::<bool>(),
    ) {
        let mut plan = plan;
        plan.sort_by_key(|step| step.0);
        let via = if shared { vec![link("card", 7, LinkScope::Node)] } else { Vec::new() };
        let record = play(with_peers(uploads, initial, &via), nodes(8, 4), &plan);
        for replica in record.replicas.iter().filter(|replica| replica.deleted.is_none()) {
            let ready = replica.ready.map(SimTime::as_s_f64);
            prop_assert!(ready.is_some_and(|at| at < 500.0), "{replica:?}");
        }
    }
}
