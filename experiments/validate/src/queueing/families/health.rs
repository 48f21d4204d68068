//! Health checks: how long a failed region goes unnoticed, and for how long its clients suffer.
//!
//! Two regions; the nearer one goes dark at random times, for longer than its clients can take to
//! leave. Requests come at even distances, each from a client with an answer of the name service of an
//! age of its own.

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::statistic::Observation;
use super::case::{Case, Findings};
use flashcrowd_core::clock::{Distribution, Stream};
use flashcrowd_core::fleet::Region;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::network::{ClientPlace, HealthConfig, RouteConfig};
use flashcrowd_core::ports::{Arrival, ArrivalSource, Fault, SourceError, TimedFault};
use flashcrowd_core::serving::{Discipline, ServiceTime};
use flashcrowd_core::simulation::{Simulation, World};
use flashcrowd_core::traffic::{ClientConfig, Outcome, RetryPolicy, Traffic};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::routers::regions::Nearest;
use flashcrowd_workloads::faults::Listed;
use std::collections::VecDeque;

/// Outages of one replicate.
const OUTAGES: u32 = 1_000;
/// Requests of one outage.
const REQUESTS: u32 = 200;
/// Most replicates.
const MOST: u32 = 400;
/// Longest run in simulated seconds.
const LONGEST_S: f64 = 1.5e7;

/// The checks; times in seconds.
#[derive(Clone, Copy)]
struct Checks {
    interval: f64,
    threshold: u32,
    timeout: f64,
    ttl: f64,
}

impl Checks {
    fn read(params: Params<'_>) -> Result<Self, CaseError> {
        let optional = |name| if params.has(name) { params.not_negative(name) } else { Ok(0.0) };
        Ok(Checks {
            interval: params.positive("interval_s")?,
            threshold: params.count("threshold")?,
            timeout: optional("timeout_s")?,
            ttl: optional("ttl_s")?,
        })
    }

    /// Longest and mean time until an outage is noticed.
    fn detection(&self) -> (f64, f64) {
        let longest = f64::from(self.threshold) * self.interval + self.timeout;
        (longest, longest - self.interval / 2.0)
    }

    /// Longest time from the start of an outage in which a request may fail.
    fn longest_blackout(&self) -> f64 {
        self.detection().0 + self.ttl
    }

    /// From one outage to the next: a random shift, the outage, and the way back.
    fn cycle(&self) -> f64 {
        self.interval + self.outage() + self.interval + self.ttl + 0.01 * self.interval
    }

    fn outage(&self) -> f64 {
        self.longest_blackout() + self.interval
    }

    fn outages(&self) -> u32 {
        f64::from(OUTAGES).min(LONGEST_S / self.cycle()) as u32
    }

    /// Between two requests of one outage.
    fn spacing(&self) -> f64 {
        self.longest_blackout() / f64::from(REQUESTS)
    }
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let checks = Checks::read(params)?;
    let (longest, mean) = checks.detection();
    Ok(match key {
        "detect_mean" => Some(mean),
        "detect_max" => Some(longest),
        "blackout_mean" => Some(mean + checks.ttl / 2.0),
        "blackout_max" => Some(checks.longest_blackout()),
        _ => None,
    })
}

/// Requests at given times.
struct Times(VecDeque<SimTime>);

impl ArrivalSource for Times {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        let arrival = |at| Arrival { at, service_time: Some(SimDuration::ZERO), ..Arrival::default() };
        Ok(self.0.pop_front().map(arrival))
    }
}

/// Starts of outages, and requests during each.
fn draw(checks: &Checks, mut stream: Stream) -> (Vec<SimTime>, VecDeque<SimTime>) {
    let time = |s: f64| SimTime::ZERO + SimDuration::from_s_f64(s);
    let mut share = || Distribution::Uniform { low: 0.0, high: 1.0 }.sample(&mut stream);
    let (mut starts, mut requests) = (Vec::new(), VecDeque::new());
    for outage in 0..checks.outages() {
        let start = f64::from(outage) * checks.cycle() + share() * checks.interval;
        starts.push(time(start));
        let shift = share();
        requests.extend((0..REQUESTS).map(|n| time(start + (f64::from(n) + shift) * checks.spacing())));
    }
    (starts, requests)
}

fn world(case: &Case<'_>, checks: &Checks, replicate: u32) -> Result<(World, Vec<SimTime>), CaseError> {
    let mut world = case.bare_world(replicate)?;
    let (starts, requests) = draw(checks, world.seed.stream(&case.label("outages")));
    let span = |s: f64| SimDuration::from_s_f64(s);
    world.horizon = SimTime::ZERO + span(checks.cycle() * f64::from(checks.outages()));
    world.request_sample = 1;
    let region = |name: &str| Region { name: name.into(), jurisdiction: "".into(), zones: vec!["a".into()] };
    world.regions = vec![region("near"), region("far")];
    let far = flashcrowd_core::fleet::PoolConfig { name: "far".into(), region: 1, ..world.pools[0].clone() };
    world.pools.push(far);
    let mut other = case.bare_world(replicate)?.services;
    world.services.append(&mut other);
    for (service, pool) in world.services.iter_mut().zip(0..) {
        (service.name, service.pools, service.initial_replicas) = (format!("cell-{pool}").into(), vec![pool], 1);
        service.discipline = Discipline::Slots { concurrency: u32::MAX };
        service.service_time = ServiceTime::Drawn(Distribution::Constant(0.0));
    }
    world.routes = vec![RouteConfig {
        name: case.label("route").into(),
        cells: vec![0, 1],
        router: Box::new(Nearest),
        health: Some(HealthConfig {
            interval: span(checks.interval),
            timeout: span(checks.timeout),
            failures: checks.threshold,
            successes: 1,
            hold: SimDuration::ZERO,
            time_to_live: span(checks.ttl),
            needs_ready: false,
        }),
        connect_timeout: SimDuration::ZERO,
        retries_elsewhere: false,
    }];
    let dark = |begins| Fault::Unreachable { region: 0, begins };
    let outage = |&at: &SimTime| {
        [(at, true), (at + span(checks.outage()), false)].map(|(at, begins)| TimedFault { at, fault: dark(begins) })
    };
    world.faults = vec![Box::new(Listed::new(starts.iter().flat_map(outage).collect()))];
    let place = ClientPlace { allowed: vec![0, 1], route: Some(0), round_trips: 1, ..ClientPlace::default() };
    world.clients = vec![ClientConfig {
        name: case.label("client").into(),
        service: 0,
        traffic: Traffic::Open(Box::new(Times(requests))),
        timeout: SimDuration::MAX,
        attempt_timeout: SimDuration::MAX,
        cancel_on_timeout: true,
        retries: RetryPolicy::none(),
        propagates_deadline: false,
        max_in_flight: u32::MAX,
        place: Some(place),
    }];
    Ok((world, starts))
}

/// What was seen of the outages of one run, in seconds.
#[derive(Default)]
struct Seen {
    detected: f64,
    slowest: f64,
    failed: f64,
    last_failure: f64,
}

fn measure(record: &RunRecord, starts: &[SimTime]) -> Seen {
    let since_start = |at: SimTime| {
        let begun = starts.partition_point(|start| *start <= at);
        begun.checked_sub(1).map_or(0.0, |outage| at.since(starts[outage]).as_s_f64())
    };
    let mut seen = Seen::default();
    for change in record.health.iter().filter(|change| !change.healthy) {
        let delay = since_start(change.at);
        seen.detected += delay;
        seen.slowest = seen.slowest.max(delay);
    }
    for request in record.requests.iter().filter(|request| request.outcome == Outcome::Failed) {
        seen.failed += 1.0;
        seen.last_failure = seen.last_failure.max(since_start(request.arrived));
    }
    seen
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let checks = Checks::read(case.params)?;
    if checks.outages() == 0 {
        let (what, seconds) = ("an outage takes", checks.cycle());
        return Err(CaseError::TooLong { what, seconds, longest_s: LONGEST_S });
    }
    let outages = f64::from(checks.outages());
    let knows = ["detect_mean", "detect_max", "blackout_mean", "blackout_max"];
    case.play_each(MOST, &knows, |keys, replicate| {
        let (world, starts) = world(case, &checks, replicate)?;
        let record = Simulation::new(world).run()?;
        let seen = measure(&record, &starts);
        let observe = |key: &&str| match *key {
            "detect_mean" => Observation::Ratio(seen.detected, outages),
            "detect_max" => Observation::Peak(seen.slowest),
            "blackout_mean" => Observation::Ratio(seen.failed * checks.spacing(), outages),
            _ => Observation::Peak(seen.last_failure),
        };
        Ok((keys.iter().map(observe).collect(), record.clients[0].requests.arrived))
    })
}
