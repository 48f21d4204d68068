//! The history of a run names the first difference between two.

use flashcrowd_core::fleet::StageKind;
use flashcrowd_core::journal::{Happening, Mark, first_divergence};
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_tests::kit::{at_ms, client, listed, run, service, startup, steps, world};

fn play(requests: &[(u64, u64)], load_s: f64) -> RunRecord {
    let startup = startup(&[(StageKind::WeightsLoad, load_s, None)]);
    let service = ServiceConfig { startup, ..service("service", Discipline::Slots { concurrency: 1 }) };
    run(World {
        services: vec![service],
        clients: vec![client("client", listed(requests))],
        controllers: vec![steps(&[(20, 3)])],
        ..world(100)
    })
}

const REQUESTS: [(u64, u64); 4] = [(1_000, 500), (2_000, 700), (3_000, 900), (40_000, 300)];

#[test]
fn equal_runs_do_not_diverge() {
    let (a, b) = (play(&REQUESTS, 5.0), play(&REQUESTS, 5.0));
    assert_eq!(first_divergence(&a.history, &b.history), None);
    assert_eq!(a.digest, b.digest);
    assert!(!a.history.is_empty());
}

#[test]
fn one_other_draw_is_named() {
    let mut other = REQUESTS;
    other[2].1 += 1;
    let (a, b) = (play(&REQUESTS, 5.0), play(&other, 5.0));
    let (_, left, right) = first_divergence(&a.history, &b.history).expect("they differ");
    let (left, right) = (left.expect("a line"), right.expect("a line"));
    assert_eq!((left.mark, left.who, left.at), (Mark::Arrival, 2, at_ms(3_000)));
    assert_eq!((right.mark, right.who, right.at), (Mark::Arrival, 2, at_ms(3_000)));
    assert_ne!(left.what, right.what);
    assert_ne!(a.digest, b.digest);
}

#[test]
fn a_slower_start_is_named() {
    let (a, b) = (play(&REQUESTS, 5.0), play(&REQUESTS, 5.5));
    let (_, left, right) = first_divergence(&a.history, &b.history).expect("they differ");
    // Replica 1 is asked for at 20 s and ready at 25 s; the other run has no such line yet.
    let left = left.expect("a line");
    assert_eq!((left.mark, left.who, left.at), (Mark::Fleet, 1, at_ms(25_000)));
    assert_ne!(right, Some(left));
    let later = |line: &&Happening| (line.mark, line.who, line.what) == (left.mark, left.who, left.what);
    assert_eq!(b.history.iter().find(later).map(|line| line.at), Some(at_ms(25_500)));
}

#[test]
fn the_end_of_the_shorter_history_is_a_difference() {
    let a = play(&REQUESTS, 5.0).history;
    let whole = a.len();
    let (index, left, right) = first_divergence(&a, &a[..whole - 1]).expect("one is shorter");
    assert_eq!((index, left, right), (whole - 1, a.last().copied(), None));
}
