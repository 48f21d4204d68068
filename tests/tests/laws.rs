//! Laws that hold in every world: random small worlds with all disciplines, queues, time-outs,
//! retries and a fleet that changes at random.

#[path = "laws/books.rs"]
mod books;
#[path = "laws/gate.rs"]
mod gate;
#[path = "laws/idle.rs"]
mod idle;
#[path = "laws/outside.rs"]
mod outside;
#[path = "laws/outside_books.rs"]
mod outside_books;
#[path = "laws/worlds.rs"]
mod worlds;

use books::{Violation, check, gpu_time_by_pool};
use flashcrowd_core::ledger::{Bill, GpuState, Latency, RunRecord};
use flashcrowd_core::ports::{Fault, LatencyPart};
use flashcrowd_core::serving::{Discipline, QueueMode};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::run;
use idle::{with_idle, without_positions};
use outside_books::check_outside;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use worlds::{WorldSpec, plain_world_spec, shared_world_spec, world_spec};

fn play(spec: &WorldSpec) -> RunRecord {
    run(spec.build())
}

fn some_worlds(count: usize) -> Vec<WorldSpec> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| plain_world_spec().new_tree(&mut runner).expect("a world").current()).collect()
}

const CASES: u32 = if cfg!(debug_assertions) { 96 } else { 1_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_in_every_world(spec in world_spec()) {
        let record = play(&spec);
        prop_assert_eq!(check(&spec, &record), Ok(()));
        prop_assert_eq!(check_outside(&spec, &record), Ok(()));
    }

    #[test]
    fn looking_changes_nothing_and_equal_worlds_play_equally(spec in world_spec()) {
        let first = play(&spec);
        let again = play(&spec);
        prop_assert_eq!(&first.digest, &again.digest);
        prop_assert_eq!(&first.clients, &again.clients);
        let looked = WorldSpec { series_period: SimDuration::from_ms(700), idle_signals: true, keep_history: false, ..spec };
        prop_assert_eq!(&first.digest, &play(&looked).digest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    /// Iterations that are no events change nothing that anybody can see, whoever looks and when.
    #[test]
    fn leaps_change_nothing_in_any_world(spec in world_spec()) {
        prop_assume!(spec.services.iter().any(|service| matches!(service.discipline, Discipline::ContinuousBatch(_))));
        leaps_change_nothing(spec)?;
    }

    /// The same where engines take turns, which is rare in a random world.
    #[test]
    fn leaps_change_nothing_where_engines_share_gpus(spec in shared_world_spec()) {
        leaps_change_nothing(spec)?;
    }
}

fn leaps_change_nothing(spec: WorldSpec) -> Result<(), TestCaseError> {
    let leaping = WorldSpec { idle_signals: true, attentive: true, ..spec };
    let mut stepping = leaping.clone();
    for service in &mut stepping.services {
        if let Discipline::ContinuousBatch(engine) = &mut service.discipline {
            engine.leaps = false;
        }
    }
    let (leaping, stepping) = (play(&leaping), play(&stepping));
    prop_assert_eq!(&leaping.digest, &stepping.digest);
    prop_assert_eq!(&leaping.series, &stepping.series);
    prop_assert!(leaping.bill.lines().eq(stepping.bill.lines()), "the bills differ");
    for (leaping, stepping) in leaping.services.iter().zip(&stepping.services) {
        prop_assert_eq!(leaping.engine, stepping.engine);
        prop_assert_eq!(leaping.latency.late, stepping.latency.late);
        prop_assert_eq!(&leaping.latency.slos, &stepping.latency.slos);
        for part in PARTS {
            prop_assert_eq!(leaping.latency.sum_ps(part), stepping.latency.sum_ps(part), "{:?}", part);
            prop_assert_eq!(leaping.latency.max_us(part), stepping.latency.max_us(part), "{:?}", part);
            prop_assert_eq!(leaping.latency.part(part), stepping.latency.part(part), "{:?}", part);
            prop_assert_eq!(leaping.latency.mean_s(part).to_bits(), stepping.latency.mean_s(part).to_bits());
        }
    }
    Ok(())
}

const PARTS: [LatencyPart; 10] = [
    LatencyPart::EndToEnd,
    LatencyPart::Queue,
    LatencyPart::ColdStart,
    LatencyPart::Service,
    LatencyPart::TimeToFirstToken,
    LatencyPart::TimePerOutputToken,
    LatencyPart::InterToken,
    LatencyPart::Retries,
    LatencyPart::Network,
    LatencyPart::NoCapacity,
];

/// The laws can fail: a record with one change is caught.
#[test]
fn a_false_record_is_caught() {
    use Violation::{Gpus, Histograms, Little, Measured, Parts, Requests};
    let mut caught = Vec::new();
    for spec in some_worlds(8) {
        let honest = play(&spec);
        assert_eq!(check(&spec, &honest), Ok(()));
        for falsify in FALSIFIERS {
            let mut record = honest.clone();
            falsify(&mut record);
            caught.extend(check(&spec, &record).err());
        }
    }
    for violation in [Requests, Violation::Bill, Gpus, Little, Histograms, Parts, Measured] {
        assert!(caught.contains(&violation), "{violation:?} was never caught: {caught:?}");
    }
}

const FALSIFIERS: [fn(&mut RunRecord); 7] = [
    |record| record.clients[0].requests.completed += 1,
    // A node's last picosecond is dropped: the bill holds it, the record no longer does.
    |record| {
        if let Some(node) = record.nodes.first_mut() {
            let end = node.gone.unwrap_or(record.ended);
            node.gone = Some(end.back(SimDuration::from_ps(1)));
        }
    },
    |record| record.fleet.iter_mut().for_each(|row| row.gpus_held += 1),
    |record| record.services.iter_mut().for_each(|service| service.occupancy_s.swap(0, 1)),
    |record| record.services.iter_mut().for_each(|service| service.latency = Latency::default()),
    |record| {
        let parts = record.requests.iter_mut().filter_map(|request| request.parts.as_mut());
        parts.for_each(|parts| parts.queue += SimDuration::from_ps(1));
    },
    |record| record.clients.iter_mut().for_each(|client| client.measured.arrived += 1),
];

/// Laws of the market and of outages can fail, too.
#[test]
fn a_false_record_of_the_outside_is_caught() {
    use Violation::{Blocks, Capacity, Memory, Requeues, Residency};
    let mut caught = Vec::new();
    for spec in some_worlds(64) {
        let honest = play(&spec);
        assert_eq!(check_outside(&spec, &honest), Ok(()));
        for falsify in OUTSIDE_FALSIFIERS {
            let mut record = honest.clone();
            falsify(&mut record);
            caught.extend(check_outside(&spec, &record).err());
        }
    }
    for violation in [Capacity, Blocks, Residency, Requeues, Memory] {
        assert!(caught.contains(&violation), "{violation:?} was never caught");
    }
}

const OUTSIDE_FALSIFIERS: [fn(&mut RunRecord); 5] = [
    // The market takes nothing back.
    |record| record.nodes.iter_mut().for_each(|node| (node.gone, node.reclaimed) = (None, None)),
    |record| {
        let block = record.faults.iter().find(|fault| matches!(fault.fault, Fault::Block { begins: true, .. }));
        let at = block.map(|fault| fault.at);
        record.nodes.iter_mut().for_each(|node| node.ordered = at.unwrap_or(node.ordered));
    },
    // Requests end at the replica after the one that served them.
    |record| {
        let replicas = record.replicas.len().max(1) as u32;
        record.requests.iter_mut().for_each(|request| request.replica = request.replica.map(|at| (at + 1) % replicas));
    },
    |record| record.requests.iter_mut().for_each(|request| request.tries += 3),
    |record| record.replicas.iter_mut().for_each(|replica| replica.service = 1),
];

/// A world in which the market takes nodes back with a notice of so long, and nothing else goes wrong;
/// no work takes longer than 1.5 s, and what is on a replica is in service.
fn with_notice(spec: WorldSpec, notice_ms: u64) -> WorldSpec {
    let mut spec = spec;
    for service in &mut spec.services {
        service.discipline = Discipline::Slots { concurrency: 2 };
        service.queue = QueueMode::Shared { capacity: u32::MAX };
        (service.hop_s, service.drain_ms) = (None, 60_000);
    }
    spec.outside.faults.retain(|trouble| trouble.is_gentle());
    (spec.outside.routed, spec.outside.constant) = (false, true);
    (spec.outside.notice_ms, spec.outside.missed_ppm) = (notice_ms, 0);
    spec
}

/// Requests that failed, and attempts that were sent again.
fn lost(record: &RunRecord) -> u64 {
    let failed: u64 = record.clients.iter().map(|client| client.requests.failed).sum();
    failed + record.services.iter().map(|service| service.capacity.requeued).sum::<u64>()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn no_work_is_lost_that_ends_within_its_notice(spec in world_spec()) {
        prop_assert_eq!(lost(&play(&with_notice(spec, 1_600))), 0);
    }
}

/// The law above can fail: without a notice, work is lost.
#[test]
fn work_is_lost_without_a_notice() {
    let worlds = some_worlds(64).into_iter().map(|spec| with_notice(spec, 0));
    assert!(worlds.map(|spec| lost(&play(&spec))).sum::<u64>() > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES / 4, ..ProptestConfig::default() })]

    /// The bill at the end of the warm-up is that of a run which ends there; minima are charged at the end.
    #[test]
    fn the_warm_up_costs_what_a_run_that_ends_with_it_costs(spec in world_spec()) {
        let spec = WorldSpec { warmup_s: 40, ..spec };
        let record = play(&spec);
        let mut world = spec.build();
        (world.horizon, world.warmup) = (world.warmup, SimTime::ZERO);
        let short = run(world);
        let lines = |bill: &Bill| {
            let lines = bill.lines().filter(|(line, _)| line.state != GpuState::Minimum);
            lines.map(|(line, gpu_ps)| (line.pool, bill.price_of(line.rate), line.state, line.service, gpu_ps)).collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(&record.warmup_bill), lines(&short.bill));
        prop_assert!(short.warmup_bill.lines().next().is_none());
        let whole = record.bill.since(&record.warmup_bill).usd(|_| true) + record.warmup_bill.usd(|_| true);
        prop_assert!((whole - record.bill.usd(|_| true)).abs() < 1e-9);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    /// Draws, phases and keys belong to services and their numbers, not to positions: a service that has
    /// nothing to do with the others changes nothing of them, whatever its name.
    #[test]
    fn a_service_that_nobody_calls_changes_no_other(spec in world_spec()) {
        let alone = without_positions(&play(&spec), 0);
        for name in ["aaa", "zzz"] {
            prop_assert_eq!(&alone, &without_positions(&run(with_idle(spec.build(), name)), 1));
        }
    }
}

/// The minimum charge is the only money without time.
#[test]
fn only_a_minimum_charge_bills_time_that_did_not_pass() {
    for spec in some_worlds(16) {
        let record = play(&spec);
        let lived: u128 = gpu_time_by_pool(&spec, &record).iter().sum();
        let (minimum, rest): (Vec<_>, Vec<_>) =
            record.bill.lines().partition(|(line, _)| line.state == GpuState::Minimum);
        let sum = |lines: &[(_, u128)]| lines.iter().map(|(_, gpu_ps)| gpu_ps).sum::<u128>();
        assert_eq!(sum(&rest), lived);
        assert_eq!(record.bill.lines().map(|(_, gpu_ps)| gpu_ps).sum::<u128>(), lived + sum(&minimum));
    }
}
