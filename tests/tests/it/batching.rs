//! Dynamic batching against cases worked by hand, to the picosecond, and the laws that it keeps.

use End::{Completed, Expired};
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::ledger::{RequestRecord, RunRecord};
use flashcrowd_core::serving::{BatchConfig, BatchTime, Discipline};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{Outcome, Traffic};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{End, at_ms, client, ends, listed, ms, run, service, world};
use proptest::prelude::*;

fn one(config: BatchConfig, requests: &[(u64, u64)]) -> World {
    World {
        services: vec![service("service", Discipline::DynamicBatch(config))],
        clients: vec![client("client", listed(requests))],
        ..world(100)
    }
}

fn timed(mut world: World, timeout_ms: u64, cancel: bool) -> World {
    (world.clients[0].timeout, world.clients[0].cancel_on_timeout) = (ms(timeout_ms), cancel);
    world
}

/// Asserts how and when (in ms) each request ended.
#[track_caller]
fn assert_ends(world: World, expected: &[(End, u64)]) {
    let expected: Vec<_> = expected.iter().map(|&(end, ms)| Some((end, at_ms(ms)))).collect();
    assert_eq!(ends(&run(world)), expected);
}

/// At most 4 items, 100 ms of delay, 50 ms and 10 ms an item.
fn batch(change: impl FnOnce(&mut BatchConfig)) -> BatchConfig {
    let mut config = BatchConfig { max_delay: ms(100), ..BatchConfig::plain(4, BatchTime::affine(ms(50), ms(10))) };
    change(&mut config);
    config
}

#[test]
fn a_batch_leaves_when_full_or_when_its_oldest_has_waited() {
    let requests = [(0, 0), (30, 0), (200, 0), (210, 0), (220, 0), (230, 0)];
    assert_ends(
        one(batch(|_| {}), &requests),
        &[(Completed, 170), (Completed, 170), (Completed, 320), (Completed, 320), (Completed, 320), (Completed, 320)],
    );
}

#[test]
fn a_preferred_size_leaves_at_once() {
    let preferred = batch(|config| config.preferred = vec![2]);
    assert_ends(one(preferred, &[(0, 0), (30, 0)]), &[(Completed, 100), (Completed, 100)]);
}

#[test]
fn a_preferred_size_goes_before_a_full_batch_and_an_exceeded_delay_before_both() {
    // Of seven that wait when the instance is free, four leave as preferred; with the delay
    // exceeded, all that fit do.
    let requests = [(0, 0), (10, 0), (10, 0), (10, 0), (10, 0), (10, 0), (10, 0), (10, 0)];
    let sizes = |delay| {
        let config = batch(|config| {
            (config.max_batch, config.preferred, config.max_delay) = (6, vec![1, 4], ms(delay));
        });
        let record = run(one(config, &requests));
        let mut sizes = Vec::new();
        for (_, at) in ends(&record).into_iter().flatten() {
            match sizes.last_mut() {
                Some((last, count)) if *last == at => *count += 1,
                _ => sizes.push((at, 1)),
            }
        }
        sizes.into_iter().map(|(_, count)| count).collect::<Vec<_>>()
    };
    assert_eq!(sizes(0), [1, 4, 1, 1, 1]);
    assert_eq!(sizes(55), [1, 4, 3]);
    assert_eq!(sizes(20), [1, 6, 1]);
}

#[test]
fn instances_share_the_gpu_one_after_the_other() {
    let requests = [(0, 0), (10, 0), (20, 0), (30, 0)];
    // Batches of two take 70 ms. The second is taken at 30 ms, runs from 80 ms, and a third could
    // not join it.
    let both = batch(|config| (config.preferred, config.instances) = (vec![2], 2));
    assert_ends(one(both, &requests), &[(Completed, 80), (Completed, 80), (Completed, 150), (Completed, 150)]);
    // What two lose by sharing: the second takes 1.5 times as long.
    let lossy = batch(|config| (config.preferred, config.instances, config.sharing_ppm) = (vec![2], 2, 1_500_000));
    assert_ends(one(lossy, &requests), &[(Completed, 80), (Completed, 80), (Completed, 185), (Completed, 185)]);
    // With one, who comes until 80 ms joins the second batch.
    let late = [(0, 0), (10, 0), (20, 0), (40, 0), (70, 0)];
    let single = batch(|config| (config.preferred, config.max_delay) = (vec![2], ms(30)));
    assert_ends(
        one(single, &late),
        &[(Completed, 80), (Completed, 80), (Completed, 160), (Completed, 160), (Completed, 160)],
    );
    let both = batch(|config| (config.preferred, config.max_delay, config.instances) = (vec![2], ms(30), 2));
    assert_ends(
        one(both, &late),
        &[(Completed, 80), (Completed, 80), (Completed, 150), (Completed, 150), (Completed, 210)],
    );
}

#[test]
fn batches_formed_ahead_are_joined_by_nobody() {
    let requests = [(0, 0), (10, 0), (20, 0), (30, 0), (40, 0)];
    let ahead =
        |formed_ahead| batch(|config| (config.max_delay, config.formed_ahead) = (SimDuration::ZERO, formed_ahead));
    // Alone each takes 60 ms; at 60 ms four wait.
    assert_ends(
        one(ahead(0), &requests),
        &[(Completed, 60), (Completed, 150), (Completed, 150), (Completed, 150), (Completed, 150)],
    );
    // Two batches of one are formed ahead, and when one of them starts, one of the two that wait.
    assert_ends(
        one(ahead(2), &requests),
        &[(Completed, 60), (Completed, 120), (Completed, 180), (Completed, 250), (Completed, 250)],
    );
}

#[test]
fn a_request_of_several_items_counts_as_so_many() {
    let pairs = batch(|config| (config.items_per_request, config.max_delay) = (2, ms(30)));
    // Two requests are four items: full at 10 ms; the third leaves at 90 ms with its own two.
    assert_ends(one(pairs, &[(0, 0), (10, 0), (20, 0)]), &[(Completed, 100), (Completed, 100), (Completed, 170)]);
}

#[test]
fn the_own_work_of_a_host_is_service_and_waiting_for_it_is_queueing() {
    let config =
        batch(|config| (config.max_delay, config.overhead, config.host_per_item) = (SimDuration::ZERO, ms(40), ms(5)));
    let record = run(World { request_sample: 1, ..one(config, &[(0, 0), (0, 0)]) });
    // Both pass the overhead together; the first leaves the host at 45 ms, the second at 50 ms.
    assert_eq!(ends(&record), [Some((Completed, at_ms(105))), Some((Completed, at_ms(165)))]);
    let parts = record.requests.iter().filter_map(|request| request.parts);
    let parts: Vec<_> = parts.map(|parts| (parts.queue, parts.service, parts.network)).collect();
    // 45 ms are each one's own; the second waits 5 ms for the host and 55 ms for the batch before it.
    assert_eq!(parts, [(ms(0), ms(105), ms(0)), (ms(60), ms(105), ms(0))]);
}

#[test]
fn what_waits_behind_a_batch_still_has_its_delay() {
    let requests = [(0, 0), (10, 0), (75, 0)];
    // The instance is free at 80 ms; the third leaves at 175 ms with nobody else.
    let preferred = batch(|config| config.preferred = vec![2]);
    assert_ends(one(preferred, &requests), &[(Completed, 80), (Completed, 80), (Completed, 235)]);
}

#[test]
fn the_host_stage_is_pipelined_with_the_batches() {
    let pipeline = || {
        batch(|config| {
            (config.max_batch, config.max_delay) = (1, SimDuration::ZERO);
            config.time = BatchTime::affine(ms(50), SimDuration::ZERO);
            config.host_per_item = ms(20);
        })
    };
    // Items leave the host at 20, 40 and 60 ms, the GPU takes 50 ms for each.
    assert_ends(one(pipeline(), &[(0, 0); 3]), &[(Completed, 70), (Completed, 120), (Completed, 170)]);
    let slow_host = batch(|config| {
        (config.max_batch, config.max_delay) = (1, SimDuration::ZERO);
        config.time = BatchTime::affine(ms(50), SimDuration::ZERO);
        config.host_per_item = ms(80);
    });
    assert_ends(one(slow_host, &[(0, 0); 3]), &[(Completed, 130), (Completed, 210), (Completed, 290)]);
}

/// A client that gives up while its item is decoded takes it out of the batch, though not out of the host.
#[test]
fn an_item_cancelled_in_the_host_stage_joins_no_batch() {
    let config = || {
        batch(|config| {
            (config.max_batch, config.max_delay, config.host_per_item) = (2, SimDuration::ZERO, ms(100));
            config.time = BatchTime::affine(ms(50), ms(1_000));
        })
    };
    // Served with the first, which leaves the host after the client has gone, it would take 1 s more.
    let record = run(timed(one(config(), &[(0, 0)]), 50, true));
    assert_eq!(ends(&record), [Some((Expired, at_ms(50)))]);
    assert_eq!(record.replicas[0].busy, SimDuration::ZERO);
    assert_eq!(run(timed(one(config(), &[(0, 0)]), 50, false)).replicas[0].busy, ms(1_050));
}

/// As in Triton: what has left the queue runs, whoever still waits for it.
#[test]
fn an_item_cancelled_in_a_formed_batch_is_still_computed() {
    let config = batch(|config| (config.max_delay, config.formed_ahead) = (SimDuration::ZERO, 1));
    let record = run(timed(one(config, &[(0, 0), (10, 0), (100, 0)]), 100, true));
    assert_eq!(
        ends(&record),
        [Some((Completed, at_ms(60))), Some((Expired, at_ms(110))), Some((Completed, at_ms(180)))]
    );
    assert_eq!(record.replicas[0].busy, ms(180));
}

/// Batches as they were played: when each was taken and when it ended, and who was in it.
#[derive(Debug)]
struct Played {
    taken: SimTime,
    ended: SimTime,
    requests: Vec<u64>,
}

/// The batches of a run, in the order of their ends.
fn batches(record: &RunRecord, config: &BatchConfig) -> Vec<Played> {
    let mut batches: Vec<Played> = Vec::new();
    let mut requests: Vec<&RequestRecord> = record.requests.iter().collect();
    requests.sort_by_key(|request| (request.ended, request.number));
    for request in requests.into_iter().filter(|request| request.outcome == Outcome::Completed) {
        // The host's own work is service, too.
        let service = request.parts.expect("completed").service;
        let taken = request.ended.back(service - config.overhead - config.host_per_item);
        match batches.last_mut() {
            Some(last) if last.ended == request.ended => last.requests.push(request.number),
            _ => batches.push(Played { taken, ended: request.ended, requests: vec![request.number] }),
        }
    }
    batches
}

/// The first law of dynamic batching that a run breaks; `arrivals` in milliseconds.
fn broken(config: &BatchConfig, arrivals: &[u64], batches: &[Played]) -> Option<&'static str> {
    let mut joined = Vec::new();
    let mut host_free = SimTime::ZERO;
    for &at in arrivals {
        host_free = host_free.max(at_ms(at) + config.overhead) + config.host_per_item;
        joined.push(host_free);
    }
    if batches.iter().map(|batch| batch.requests.len()).sum::<usize>() != arrivals.len() {
        return Some("everybody is served");
    }
    let mut gpu_free = SimTime::ZERO;
    for batch in batches {
        let size = batch.requests.len() as u32;
        if size > config.max_batch {
            return Some("a batch is at most `max_batch`");
        }
        gpu_free = gpu_free.max(batch.taken) + config.time.of(size);
        if gpu_free != batch.ended {
            return Some("the GPU works while there is work, and on one batch at a time");
        }
        let busy = |at: SimTime| batches.iter().filter(|other| other.taken <= at && at < other.ended).count();
        for &number in &batch.requests {
            let joined = joined[number as usize];
            if batch.taken < joined {
                return Some("the host stage comes first");
            }
            // Whether an instance is idle changes at the ends of batches only, and just before who waits starts.
            let due = joined + config.max_delay;
            let ends = batches.iter().map(|other| other.ended).filter(|&end| due < end && end < batch.taken);
            let free = |at| busy(at) < config.instances as usize;
            if batch.taken > due && (free(due) || ends.into_iter().any(free)) {
                return Some("nobody waits for longer than the delay while an instance is idle");
            }
        }
    }
    None
}

fn play(config: &BatchConfig, arrivals: &[u64]) -> Vec<Played> {
    let requests: Vec<(u64, u64)> = arrivals.iter().map(|&at| (at, 0)).collect();
    batches(&run(World { request_sample: 1, ..one(config.clone(), &requests) }), config)
}

prop_compose! {
    fn configs()(
        (max_batch, delay, preferred) in (1_u32..6, 0_u64..300, prop::collection::btree_set(1_u32..6, 0..3)),
        (instances, formed_ahead) in (1_u32..4, 0_u32..3),
        (fixed, per_item, host, overhead) in (1_u64..200, 0_u64..60, 0_u64..80, 0_u64..50),
    ) -> BatchConfig {
        BatchConfig {
            max_delay: ms(delay),
            preferred: preferred.into_iter().filter(|&size| size <= max_batch).collect(),
            instances,
            formed_ahead,
            host_per_item: ms(host),
            overhead: ms(overhead),
            ..BatchConfig::plain(max_batch, BatchTime::affine(ms(fixed), ms(per_item)))
        }
    }
}

fn arrivals() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0_u64), 1_u64..200], 1..40).prop_map(|gaps| {
        gaps.into_iter()
            .scan(0, |at, gap| {
                *at += gap;
                Some(*at)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_laws_of_dynamic_batching_hold(config in configs(), arrivals in arrivals()) {
        let played = play(&config, &arrivals);
        prop_assert_eq!(broken(&config, &arrivals, &played), None, "{:?}", played);
    }

    /// No more leave than the host stage lets in and full batches carry.
    #[test]
    fn throughput_has_the_bound_of_the_slower_stage(config in configs(), users in 1_u32..30) {
        let config = BatchConfig { preferred: Vec::new(), ..config };
        let done = closed(&config, users);
        let full = 60_000 / config.time.of(config.max_batch).as_ms();
        let host = config.host_per_item.as_ms();
        prop_assert!(done <= (full + 1) * u64::from(config.max_batch));
        prop_assert!(host == 0 || done <= 60_000 / host);
    }
}

/// The laws are no empty words: runs of other settings break each of them.
#[test]
fn the_laws_are_broken_by_a_batcher_of_other_settings() {
    let arrivals: Vec<u64> = (0..30).map(|n| n * 20).collect();
    let config = batch(|config| (config.instances, config.host_per_item) = (2, ms(5)));
    let breaks = |change: fn(&mut BatchConfig)| {
        let mut other = config.clone();
        change(&mut other);
        broken(&config, &arrivals, &play(&other, &arrivals))
    };
    assert_eq!(breaks(|_| {}), None);
    assert_eq!(breaks(|other| other.max_batch = 5), Some("a batch is at most `max_batch`"));
    assert_eq!(breaks(|other| other.host_per_item = ms(0)), Some("the host stage comes first"));
    let gpu = Some("the GPU works while there is work, and on one batch at a time");
    assert_eq!(breaks(|other| other.sharing_ppm = 1_200_000), gpu);
    assert_eq!(breaks(|other| other.time = BatchTime::affine(ms(40), ms(10))), gpu);
    let idle = Some("nobody waits for longer than the delay while an instance is idle");
    assert_eq!(breaks(|other| (other.max_delay, other.instances) = (ms(150), 1)), idle);
}

/// Requests that so many users without think time had served in 60 s.
fn closed(config: &BatchConfig, users: u32) -> u64 {
    let none = Distribution::Constant(0.0);
    let traffic = Traffic::Closed { users, think: none.clone(), prompt_tokens: none.clone(), output_tokens: none };
    let record = run(World {
        services: vec![service("service", Discipline::DynamicBatch(config.clone()))],
        clients: vec![client("client", traffic)],
        ..world(60)
    });
    record.clients[0].requests.completed
}

/// Users without think time, two full batches of them: one waits while the other is computed.
#[test]
fn a_closed_loop_of_full_batches_has_the_throughput_of_its_stages() {
    // 4 in 90 ms on the GPU, whatever the number of instances; 60 s hold 666 such batches.
    for instances in [1, 2] {
        let config = batch(|config| (config.instances, config.max_delay) = (instances, ms(1_000)));
        assert_eq!(closed(&config, 8), 666 * 4);
    }
    // A host of 25 ms an item lets 40 a second in, fewer than 4 in 90 ms: 2,400 in 60 s, less the
    // 25 ms and the batch on the way at both ends.
    let slow_host = batch(|config| (config.max_delay, config.host_per_item) = (SimDuration::ZERO, ms(25)));
    let done = closed(&slow_host, 30);
    assert!((2_390..=2_400).contains(&done), "{done}");
}
