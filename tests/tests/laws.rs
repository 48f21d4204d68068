//! Laws that hold in every world: random small worlds with all disciplines, queues, time-outs,
//! retries and a fleet that changes at random.

#[path = "laws/books.rs"]
mod books;
#[path = "laws/worlds.rs"]
mod worlds;

use books::{Violation, check, gpu_time_by_pool};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ledger::{GpuState, RunRecord};
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::serving::Discipline;
use flashcrowd_tests::kit::run;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use worlds::{WorldSpec, world_spec};

fn play(spec: &WorldSpec) -> RunRecord {
    run(spec.build())
}

fn some_worlds(count: usize) -> Vec<WorldSpec> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| world_spec().new_tree(&mut runner).expect("a world").current()).collect()
}

const CASES: u32 = if cfg!(debug_assertions) { 96 } else { 1_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_in_every_world(spec in world_spec()) {
        let record = play(&spec);
        prop_assert_eq!(check(&spec, &record), Ok(()));
    }

    #[test]
    fn looking_changes_nothing_and_equal_worlds_play_equally(spec in world_spec()) {
        let first = play(&spec);
        let again = play(&spec);
        prop_assert_eq!(&first.digest, &again.digest);
        prop_assert_eq!(&first.clients, &again.clients);
        let looked = WorldSpec { series_period: SimDuration::from_ms(700), idle_signals: true, ..spec };
        prop_assert_eq!(&first.digest, &play(&looked).digest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    /// Iterations that are no events change nothing that anybody can see, whoever looks and when.
    #[test]
    fn leaps_change_nothing_in_any_world(spec in world_spec()) {
        prop_assume!(spec.services.iter().any(|service| matches!(service.discipline, Discipline::ContinuousBatch(_))));
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
        for (leaping, stepping) in leaping.services.iter().zip(&stepping.services) {
            prop_assert_eq!(leaping.engine, stepping.engine);
            prop_assert_eq!(leaping.latency.sums_us, stepping.latency.sums_us);
            prop_assert_eq!(&leaping.latency.slos, &stepping.latency.slos);
            for part in PARTS {
                prop_assert_eq!(leaping.latency.part(part), stepping.latency.part(part), "{:?}", part);
                prop_assert_eq!(leaping.latency.mean_s(part).to_bits(), stepping.latency.mean_s(part).to_bits());
            }
        }
    }
}

const PARTS: [LatencyPart; 7] = [
    LatencyPart::EndToEnd,
    LatencyPart::Queue,
    LatencyPart::ColdStart,
    LatencyPart::Service,
    LatencyPart::TimeToFirstToken,
    LatencyPart::TimePerOutputToken,
    LatencyPart::InterToken,
];

/// The laws can fail: a record with one change is caught.
#[test]
fn a_false_record_is_caught() {
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
    for violation in [Violation::Requests, Violation::Bill, Violation::Gpus, Violation::Little, Violation::Histograms] {
        assert!(caught.contains(&violation), "{violation:?} was never caught: {caught:?}");
    }
}

const FALSIFIERS: [fn(&mut RunRecord); 5] = [
    |record| record.clients[0].completed += 1,
    // A node's last picosecond is dropped: the bill holds it, the record no longer does.
    |record| {
        if let Some(node) = record.nodes.first_mut() {
            let end = node.gone.unwrap_or(record.ended);
            node.gone = Some(end.back(SimDuration::from_ps(1)));
        }
    },
    |record| record.fleet.iter_mut().for_each(|row| row.gpus_held += 1),
    |record| record.services.iter_mut().for_each(|service| service.occupancy_s.swap(0, 1)),
    |record| record.services.iter_mut().for_each(|service| service.latency.queue.saturating_record(1)),
];

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
