//! Draws belong to what they describe: policies, further clients and further services move none.

use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{StageKind, StageWork};
use flashcrowd_core::journal::{Happening, Mark};
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::Controller;
use flashcrowd_core::serving::{Discipline, ServiceConfig, ServiceTime};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Traffic};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{client, poisson, run, service, startup, steps, world};

fn slots(name: &str) -> ServiceConfig {
    let mut service = ServiceConfig {
        service_time: ServiceTime::Drawn(Distribution::Exponential { mean: 1.0 }),
        startup: startup(&[(StageKind::WeightsLoad, 0.0, None)]),
        ..service(name, Discipline::Slots { concurrency: 2 })
    };
    service.startup.stages[0].cold = StageWork::Drawn(Distribution::Exponential { mean: 20.0 });
    service
}

fn open(name: &str) -> ClientConfig {
    client(name, poisson(2.0, Seed::new(1), name))
}

fn closed(name: &str) -> ClientConfig {
    let think = Distribution::Exponential { mean: 3.0 };
    let tokens = || Distribution::Exponential { mean: 100.0 };
    client(name, Traffic::Closed { users: 5, think, prompt_tokens: tokens(), output_tokens: tokens() })
}

fn play(services: Vec<ServiceConfig>, clients: Vec<ClientConfig>, controller: Controller) -> RunRecord {
    run(World { services, clients, controllers: vec![controller], ..world(300) })
}

/// Arrivals of one client: instant, number, and what was drawn for the request.
fn arrivals(record: &RunRecord, client: u64) -> Vec<(SimTime, u64, u64)> {
    let of_client = |line: &&Happening| line.mark == Mark::Arrival && line.who >> 44 == client;
    let number = |who: u64| who & ((1 << 44) - 1);
    record.history.iter().filter(of_client).map(|line| (line.at, number(line.who), line.what)).collect()
}

/// How long each replica of a service took to start, by its number.
fn starts(record: &RunRecord, service: u32) -> Vec<SimDuration> {
    let of_service = record.replicas.iter().filter(|replica| replica.service == service);
    of_service.filter_map(|replica| Some(replica.ready?.since(replica.placed?))).collect()
}

const GROWS: [(u64, u32); 2] = [(5, 4), (60, 6)];

#[test]
fn two_policies_see_the_same_requests() {
    let small = play(vec![slots("s")], vec![open("c")], steps(&[(5, 2)]));
    let large = play(vec![slots("s")], vec![open("c")], steps(&GROWS));
    assert_eq!(arrivals(&small, 0), arrivals(&large, 0));
    assert!(arrivals(&small, 0).len() > 500);
    assert_ne!(small.digest, large.digest, "the policies differ in what became of the requests");
    // The n-th replica starts as fast, whenever it is asked for.
    assert_eq!(starts(&small, 0)[..2], starts(&large, 0)[..2]);
}

#[test]
fn closed_loop_clients_share_their_draws_not_their_instants() {
    let small = play(vec![slots("s")], vec![closed("c")], steps(&[]));
    let large = play(vec![slots("s")], vec![closed("c")], steps(&GROWS));
    let drawn = |record| arrivals(record, 0).into_iter().map(|(_, number, drawn)| (number, drawn)).collect::<Vec<_>>();
    let (small, large) = (drawn(&small), drawn(&large));
    let both = small.len().min(large.len());
    assert!(both > 100);
    assert_eq!(small[..both], large[..both]);
}

#[test]
fn another_client_moves_no_draw() {
    let alone = play(vec![slots("s")], vec![open("m")], steps(&GROWS));
    let behind = play(vec![slots("s")], vec![open("m"), open("z")], steps(&GROWS));
    let before = play(vec![slots("s")], vec![closed("a"), open("m")], steps(&GROWS));
    assert_eq!(arrivals(&alone, 0), arrivals(&behind, 0));
    assert_eq!(arrivals(&alone, 0), arrivals(&before, 1));
    assert_eq!(starts(&alone, 0), starts(&before, 0));
}

#[test]
fn another_service_moves_no_draw() {
    let alone = play(vec![slots("s")], vec![open("m")], steps(&GROWS));
    let other = ClientConfig { service: 1, ..open("z") };
    let beside = play(vec![slots("s"), slots("t")], vec![open("m"), other], steps(&GROWS));
    assert_eq!(arrivals(&alone, 0), arrivals(&beside, 0));
    assert_eq!(starts(&alone, 0), starts(&beside, 0));
    // Services share no resource here, so that even the outcomes are the same.
    assert_eq!(alone.clients[0], beside.clients[0]);
}
