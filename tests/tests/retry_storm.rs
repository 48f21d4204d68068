//! A metastable retry storm (Bronson et al. 2021; Huang et al., OSDI 2022): a short loss of
//! capacity from which a service never recovers, unless retries have a budget.

use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::serving::{
    Backoff, ClientConfig, Discipline, QueueMode, RetryBudget, RetryPolicy, ServiceConfig, ServiceTime,
};
use flashcrowd_core::simulation::World;
use flashcrowd_tests::kit::{client, poisson, run, service, steps, world};

/// 20 servers at load 0.75, of which half are away from 300 s to 360 s. Clients give an attempt up
/// after 5 s and try again up to three times; abandoned work goes on. No work is longer than the
/// time-out: a request brings the same work each time, so that such ones would fail four times.
fn play(seed: u64, retries: Option<RetryPolicy>) -> RunRecord {
    let seed = Seed::new(seed);
    let servers = ServiceConfig {
        service_time: ServiceTime::Drawn(Distribution::Uniform { low: 0.0, high: 2.0 }),
        queue: QueueMode::Shared { capacity: u32::MAX },
        initial_replicas: 20,
        ..service("service", Discipline::Slots { concurrency: 1 })
    };
    let clients = ClientConfig {
        attempt_timeout: SimDuration::from_s(5),
        cancel_on_timeout: false,
        retries: retries.unwrap_or_else(RetryPolicy::none),
        ..client("client", poisson(15.0, seed, "client"))
    };
    run(World {
        seed,
        services: vec![servers],
        clients: vec![clients],
        controllers: vec![steps(&[(300, 10), (360, 20)])],
        keep_history: false,
        request_sample: 0,
        ..world(3_000)
    })
}

fn policy(budget: Option<RetryBudget>) -> RetryPolicy {
    let backoff = Backoff { base: SimDuration::from_s(1), factor: 2, cap: SimDuration::MAX, full_jitter: true };
    RetryPolicy { max_retries: 3, backoff, budget }
}

/// Completed requests over arrived ones, from `from_s` to `to_s`.
fn goodput(record: &RunRecord, from_s: f64, to_s: f64) -> f64 {
    let rows = record.series.iter().filter(|row| (from_s..to_s).contains(&row.at.as_s_f64()));
    let (completed, arrived) = rows.fold((0, 0), |sum, row| (sum.0 + row.completed, sum.1 + row.arrived));
    completed as f64 / arrived as f64
}

const SEEDS: u64 = 10;

#[test]
#[cfg_attr(debug_assertions, ignore = "thirty runs of 3,000 s")]
fn a_storm_outlasts_its_trigger_unless_retries_have_a_budget() {
    for seed in 0..SEEDS {
        let storm = play(seed, Some(policy(None)));
        assert!(goodput(&storm, 100.0, 300.0) > 0.95, "seed {seed}: the service is well before the trigger");
        assert!(goodput(&storm, 2_000.0, 3_000.0) < 0.05, "seed {seed}: the storm goes on");
        let client = &storm.clients[0];
        let amplification = client.attempts as f64 / client.arrived as f64;
        assert!(amplification > 3.3, "seed {seed}: {amplification} attempts for a request");

        let budget = RetryBudget { ratio: 0.2, per_s: 0.0, bucket: 100.0 };
        let budgeted = play(seed, Some(policy(Some(budget))));
        assert!(goodput(&budgeted, 700.0, 3_000.0) > 0.95, "seed {seed}: the budget lets it recover");
        let patient = play(seed, None);
        assert!(goodput(&patient, 500.0, 3_000.0) > 0.95, "seed {seed}: without retries it recovers");
    }
}
