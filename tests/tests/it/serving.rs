//! The disciplines against cases worked by hand, to the picosecond.

use End::{Completed, Expired};
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{Discipline, QueueMode, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{Backoff, ClientConfig, RetryPolicy};
use flashcrowd_tests::kit::{End, at_ms, client, ends, listed, ms, run, service, world};

fn one(discipline: Discipline, requests: &[(u64, u64)]) -> World {
    World {
        services: vec![service("service", discipline)],
        clients: vec![client("client", listed(requests))],
        ..world(100)
    }
}

fn with_client(mut world: World, change: impl FnOnce(&mut ClientConfig)) -> World {
    change(&mut world.clients[0]);
    world
}

fn with_service(mut world: World, change: impl FnOnce(&mut ServiceConfig)) -> World {
    change(&mut world.services[0]);
    world
}

/// Asserts how and when (in ms) each request ended.
#[track_caller]
fn assert_ends(world: World, expected: &[(End, u64)]) {
    let expected: Vec<_> = expected.iter().map(|&(end, ms)| Some((end, at_ms(ms)))).collect();
    assert_eq!(ends(&run(world)), expected);
}

const ONE_SLOT: Discipline = Discipline::Slots { concurrency: 1 };

#[test]
fn slots_serve_in_order_of_arrival() {
    assert_ends(
        one(ONE_SLOT, &[(0, 1_000), (200, 500), (1_700, 10)]),
        &[(Completed, 1_000), (Completed, 1_500), (Completed, 1_710)],
    );
    // The short one overtakes in the second slot.
    let two = Discipline::Slots { concurrency: 2 };
    assert_ends(
        one(two, &[(0, 1_000), (100, 100), (150, 100)]),
        &[(Completed, 1_000), (Completed, 200), (Completed, 300)],
    );
}

/// More than a client may have on their way wait with it, unsent: their latency counts from when they are sent.
#[test]
fn a_client_holds_back_what_is_beyond_its_bound() {
    let ten = Discipline::Slots { concurrency: 10 };
    let world = one(ten, &[(0, 1_000), (100, 300), (200, 500), (250, 500), (5_000, 10)]);
    let world = World { request_sample: 1, ..with_client(world, |client| client.max_in_flight = 2) };
    let record = run(world);
    let found: Vec<_> = record.requests.iter().map(|request| (request.arrived, request.ended)).collect();
    let ms = [(100, 400), (0, 1_000), (400, 900), (900, 1_400), (5_000, 5_010)];
    let mut expected = ms.map(|(arrived, ended)| (at_ms(arrived), at_ms(ended))).to_vec();
    // Records are in the order of their ends.
    expected.sort_by_key(|times| times.1);
    assert_eq!(found, expected);
    assert_eq!(record.clients[0].requests.arrived, 5);
}

#[test]
fn two_jobs_share_one_processor() {
    let sharing = Discipline::Sharing { processors: 1, limit: 10 };
    // Until 0.5 s the first is alone; then both get half until the second ends at 2.5 s.
    assert_ends(one(sharing, &[(0, 2_000), (500, 1_000)]), &[(Completed, 3_000), (Completed, 2_500)]);
}

#[test]
fn three_jobs_share_and_thirds_lose_no_picosecond() {
    let sharing = Discipline::Sharing { processors: 1, limit: 10 };
    // At 1 s each of the first two has had 0.5 s; the third ends after three times its size.
    assert_ends(
        one(sharing, &[(0, 3_000), (0, 3_000), (1_000, 1_000)]),
        &[(Completed, 7_000), (Completed, 7_000), (Completed, 4_000)],
    );
    let two_processors = Discipline::Sharing { processors: 2, limit: 10 };
    assert_ends(one(two_processors, &[(0, 2_000), (0, 2_000), (0, 2_000)]), &[(Completed, 3_000); 3]);
    // Alone on two processors it still runs at the speed of one.
    let two_processors = Discipline::Sharing { processors: 2, limit: 10 };
    assert_ends(one(two_processors, &[(0, 2_000)]), &[(Completed, 2_000)]);
}

#[test]
fn a_limit_of_one_is_first_come_first_served() {
    let sharing = Discipline::Sharing { processors: 1, limit: 1 };
    assert_ends(one(sharing, &[(0, 2_000), (500, 1_000)]), &[(Completed, 2_000), (Completed, 3_000)]);
}

#[test]
fn an_attempt_that_leaves_a_shared_group_speeds_up_the_others() {
    let sharing = Discipline::Sharing { processors: 1, limit: 10 };
    let world = with_client(one(sharing, &[(0, 10_000), (0, 1_500)]), |client| client.timeout = ms(4_000));
    // The short one has its 1.5 s at 3 s; the long one is given up at 4 s.
    assert_ends(world, &[(Expired, 4_000), (Completed, 3_000)]);
    let sharing = Discipline::Sharing { processors: 1, limit: 10 };
    let world = with_client(one(sharing, &[(0, 10_000), (1_000, 2_500)]), |client| client.timeout = ms(4_000));
    // From 1 s to 4 s both share (1.5 s each); then the second is alone for its last second.
    assert_ends(world, &[(Expired, 4_000), (Completed, 5_000)]);
}

#[test]
fn cancelling_frees_the_slot_at_once() {
    let world = with_client(one(ONE_SLOT, &[(0, 10_000), (1_000, 1_000)]), |client| client.timeout = ms(2_000));
    // The second starts at 2 s and ends exactly at its deadline, which is in time.
    assert_ends(world, &[(Expired, 2_000), (Completed, 3_000)]);
}

#[test]
fn without_cancelling_the_work_goes_on() {
    let requests = [(0, 10_000), (1_000, 1_000), (9_500, 1_000), (10_400, 100)];
    let world = with_client(one(ONE_SLOT, &requests), |client| {
        (client.timeout, client.cancel_on_timeout) = (ms(2_000), false);
    });
    let record = run(world);
    // 0-10 s for a client that left at 2 s, 10-11 s for one that left at 3 s; the third is given up
    // at 11.5 s and served to 12 s, so that the fourth waits until then.
    let expected = [(Expired, 2_000), (Expired, 3_000), (Expired, 11_500), (Completed, 12_100)];
    assert_eq!(ends(&record), expected.map(|(end, ms)| Some((end, at_ms(ms)))));
    assert_eq!(record.replicas[0].busy, ms(12_100));
}

#[test]
fn each_attempt_has_its_own_deadline_and_back_off() {
    let world = with_client(one(ONE_SLOT, &[(0, 3_000)]), |client| {
        client.attempt_timeout = ms(2_000);
        let backoff = Backoff { base: ms(1_000), factor: 2, cap: ms(1_500), full_jitter: false };
        client.retries = RetryPolicy { max_retries: 2, backoff, budget: None };
    });
    let record = run(world);
    // Attempts at 0, 3 (after 1 s) and 6.5 s (after 1.5 s, the cap); each is given up after 2 s.
    assert_eq!(ends(&record), [Some((Expired, at_ms(8_500)))]);
    assert_eq!((record.clients[0].attempts, record.replicas[0].busy), (3, ms(6_000)));
}

#[test]
fn full_queues_refuse() {
    let requests = [(0, 1_000), (100, 1_000), (200, 1_000)];
    let per_replica = |world: &mut ServiceConfig| world.queue = QueueMode::PerReplica { capacity: 1, gateway: 0 };
    let expected = [(Completed, 1_000), (Completed, 2_000), (End::Rejected, 200)];
    assert_ends(with_service(one(ONE_SLOT, &requests), per_replica), &expected);
    let shared = |world: &mut ServiceConfig| world.queue = QueueMode::Shared { capacity: 1 };
    assert_ends(with_service(one(ONE_SLOT, &requests), shared), &expected);
}

/// A back-off that its client has given up must not wake a request that took its place.
#[test]
fn a_back_off_belongs_to_its_own_request() {
    let backoff = |base| Backoff { base: ms(base), factor: 1, cap: SimDuration::MAX, full_jitter: false };
    let retries = |base| RetryPolicy { max_retries: 1, backoff: backoff(base), budget: None };
    let mut world = one(ONE_SLOT, &[(0, 1_000)]);
    world.services[0].queue = QueueMode::Shared { capacity: 0 };
    world.services[0].initial_replicas = 0;
    // The first request waits 10 s to try again and is given up at 1 s. The second client's, which
    // has the same number and the same place, is refused at 2 s and waits until 22 s.
    world.clients[0] =
        ClientConfig { timeout: ms(1_000), retries: retries(10_000), ..client("a", listed(&[(0, 1_000)])) };
    world.clients.push(ClientConfig { retries: retries(20_000), ..client("b", listed(&[(2_000, 1_000)])) });
    let record = run(world);
    let last = record.history.last().expect("an outcome");
    assert_eq!((last.at, record.clients[1].requests.rejected), (at_ms(22_000), 1));
}
