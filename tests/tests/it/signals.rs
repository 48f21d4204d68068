//! What a controller is shown: how old it may be, what is missing, and how far it is from the truth.

use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{StageKind, StageWork};
use flashcrowd_core::ports::{
    Adapter, Attribution, LatencyPart, Observation, Pipeline, ReplicaId, Sample, Scope, SignalRequest, SignalSource,
    Stamp, Transform,
};
use flashcrowd_core::serving::{CpuModel, Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::metrics::Preset;
use flashcrowd_tests::kit::{client, listed, run, service, startup, steps, watcher, world};

const ONE_SLOT: Discipline = Discipline::Slots { concurrency: 1 };

fn s(s: u64) -> SimDuration {
    SimDuration::from_s(s)
}

fn signal(source: SignalSource, scope: Scope, pipeline: Pipeline) -> SignalRequest {
    SignalRequest { name: "signal".into(), source, scope, pipeline }
}

fn gauge() -> Pipeline {
    Preset::VllmGauge15s.pipeline()
}

/// Plays a world with a watcher, and returns what it saw each second of its only signal.
fn watch(world: World, request: SignalRequest) -> Vec<(SimTime, Option<Vec<Sample>>)> {
    let (policy, seen) = watcher(vec![request]);
    let mut controllers = world.controllers;
    controllers.push(policy);
    run(World { controllers, ..world });
    let seen = seen.lock().expect("the run is over");
    seen.iter().map(|seen| (seen.now, samples(seen))).collect()
}

fn samples(seen: &Observation) -> Option<Vec<Sample>> {
    let batches = seen.targets[0].signals[0].batches.as_ref()?;
    batches.last().map(|batch| batch.samples.clone())
}

/// The value of the only sample, by second.
fn values(seen: &[(SimTime, Option<Vec<Sample>>)]) -> Vec<(u64, Option<f64>)> {
    let value =
        |samples: &Option<Vec<Sample>>| samples.as_ref().and_then(|samples| samples.first()).map(|one| one.value);
    seen.iter().map(|(now, samples)| (now.as_ps() / 1_000_000_000_000, value(samples))).collect()
}

/// Seconds at which the value shown is another than the second before.
fn changes(values: &[(u64, Option<f64>)]) -> Vec<u64> {
    values.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0).collect()
}

fn busy_from(start_s: u64, horizon_s: u64) -> World {
    World {
        services: vec![service("service", ONE_SLOT)],
        clients: vec![client("client", listed(&[(start_s * 1_000, 1_000_000)]))],
        ..world(horizon_s)
    }
}

#[test]
fn dcgm_shows_a_spot_sample_that_is_up_to_45_s_old() {
    let request = signal(SignalSource::GpuUtilization, Scope::Replica, Preset::DcgmDefault.pipeline());
    let seen = values(&watch(busy_from(100, 300), request));
    let first = seen.iter().find(|(_, value)| *value == Some(100.0)).expect("seen at last").0;
    // A window of 1 s, a collection each 30 s, a scrape each 15 s, a look each second.
    assert!((101..=100 + 1 + 30 + 15 + 1).contains(&first), "seen at {first} s");
    assert!(seen.iter().filter(|(at, _)| *at < 100).all(|(_, value)| value.is_none_or(|value| value == 0.0)));
    assert!(seen.iter().filter(|(at, _)| *at > first).all(|(_, value)| *value == Some(100.0)));
    // NVML cuts to whole percent; at most one sample falls into the window in which the load began.
    let between = seen.iter().filter_map(|(_, value)| *value).filter(|value| *value > 0.0 && *value < 100.0);
    assert!(between.clone().all(|value| value.fract() == 0.0) && between.count() <= 30);
}

#[test]
fn a_loading_replica_shows_no_utilization_and_has_no_server_metrics() {
    let mut loading = service("service", ONE_SLOT);
    loading.startup = startup(&[(StageKind::WeightsLoad, 0.0, None)]);
    loading.startup.stages[0].cold = StageWork::Drawn(Distribution::Constant(100.0));
    let build = || World {
        services: vec![ServiceConfig { startup: loading.startup.clone(), ..service("service", ONE_SLOT) }],
        clients: vec![client("client", listed(&[(0, 1_000_000)]))],
        controllers: vec![steps(&[(10, 2)])],
        ..world(200)
    };
    let of_second = |seen: Vec<(SimTime, Option<Vec<Sample>>)>| -> Vec<(SimTime, Option<f64>)> {
        let value =
            |samples: Vec<Sample>| samples.iter().find(|one| one.replica == Some(ReplicaId(1))).map(|one| one.value);
        seen.into_iter().map(|(now, samples)| (now, samples.and_then(value))).collect()
    };
    let gpu = signal(SignalSource::GpuUtilization, Scope::Replica, Preset::Dcgm1s.pipeline());
    let gpu = of_second(watch(build(), gpu));
    let while_loading = |now: &SimTime| *now > SimTime::from_s(40) && *now < SimTime::from_s(110);
    assert!(gpu.iter().filter(|(now, _)| while_loading(now)).all(|(_, value)| *value == Some(0.0)));
    let server = of_second(watch(build(), signal(SignalSource::RunningRequests, Scope::Replica, gauge())));
    assert!(server.iter().filter(|(now, _)| *now < SimTime::from_s(110)).all(|(_, value)| value.is_none()));
    assert!(server.iter().filter(|(now, _)| *now > SimTime::from_s(126)).all(|(_, value)| *value == Some(0.0)));
}

#[test]
fn a_rate_needs_two_scrapes_and_is_the_rate() {
    let requests: Vec<(u64, u64)> = (0..2_000).map(|i| (i * 100, 1)).collect();
    let world = World {
        services: vec![service("service", ONE_SLOT)],
        clients: vec![client("client", listed(&requests))],
        ..world(200)
    };
    let pipeline = Pipeline { transform: Transform::Rate(s(60)), ..gauge() };
    let seen = values(&watch(world, signal(SignalSource::RequestsArrived, Scope::Service, pipeline)));
    let first = seen.iter().find(|(_, value)| value.is_some()).expect("a rate").0;
    assert!((15..=31).contains(&first), "the first rate at {first} s");
    let steady = seen.iter().filter(|(at, _)| *at > 90).filter_map(|(_, value)| *value);
    // The extrapolation to the window's edges adds up to a scrape's worth.
    assert!(steady.clone().count() > 100 && steady.clone().all(|rate| (rate - 10.0).abs() < 0.5));
}

#[test]
fn failed_scrapes_leave_no_sample() {
    // Prometheus marks the series of a failed scrape as stale: no old sample stands in for it.
    let oldest = |scrape_failure| {
        let pipeline = Pipeline { scrape_failure, stamp: Stamp::Sample, ..gauge() };
        let seen = watch(busy_from(0, 600), signal(SignalSource::RunningRequests, Scope::Replica, pipeline));
        let age = |(now, samples): &(SimTime, Option<Vec<Sample>>)| Some(now.since(samples.as_ref()?.first()?.at));
        seen.iter().filter_map(age).max()
    };
    assert!(oldest(0.0) < Some(s(15)));
    assert!(oldest(0.5).is_some_and(|age| age < s(15)));
    assert_eq!(oldest(1.0), None);
}

#[test]
fn what_only_names_its_exporter_is_an_error_of_the_api() {
    let pipeline = Pipeline { attribution: Attribution::Exporter, ..Preset::Dcgm1s.pipeline() };
    let seen = watch(busy_from(0, 120), signal(SignalSource::GpuUtilization, Scope::Replica, pipeline));
    assert!(seen.len() > 100 && seen.iter().all(|(_, samples)| samples.is_none()));
    let whole = watch(busy_from(0, 120), signal(SignalSource::GpuUtilization, Scope::Service, pipeline));
    assert!(whole.iter().any(|(_, samples)| samples.is_some()), "a query over all pods still works");
}

#[test]
fn a_cached_answer_ages_between_two_polls_and_is_dropped_after_its_time() {
    let requests: Vec<(u64, u64)> = (0..40).map(|i| (i * 5_000, 300_000)).collect();
    let build = || World {
        services: vec![service("service", ONE_SLOT)],
        clients: vec![client("client", listed(&requests))],
        ..world(200)
    };
    let cached =
        |ttl| Pipeline { adapter: Adapter::Cached { period: s(30), ttl: s(ttl) }, stamp: Stamp::Sample, ..gauge() };
    let seen = watch(build(), signal(SignalSource::InFlightRequests, Scope::Service, cached(60)));
    let at = changes(&values(&seen));
    assert!(at.len() >= 4 && at.windows(2).all(|pair| (pair[1] - pair[0]) % 30 == 0), "{at:?}");
    let ages = seen.iter().filter_map(|(now, samples)| Some(now.since(samples.as_ref()?.first()?.at)));
    let oldest = ages.max().expect("samples");
    assert!(oldest > s(29) && oldest <= s(45), "{oldest}");
    let short = watch(build(), signal(SignalSource::InFlightRequests, Scope::Service, cached(5)));
    let gone =
        short.iter().filter(|(now, _)| *now > SimTime::from_s(60)).filter(|(_, samples)| samples.is_none()).count();
    // Of 140 s five of each thirty have an answer.
    assert!((100..130).contains(&gone), "{gone}");
}

#[test]
fn a_latency_quantile_lies_within_its_bucket() {
    let requests: Vec<(u64, u64)> = (0..100).map(|i| (i * 2_000, 1_200)).collect();
    let build = || World {
        services: vec![service("service", ONE_SLOT)],
        clients: vec![client("client", listed(&requests))],
        ..world(200)
    };
    for quantile in [0.01, 0.5, 0.95, 0.999] {
        let source = SignalSource::LatencyQuantile { part: LatencyPart::EndToEnd, quantile, window: s(60) };
        let seen = values(&watch(build(), signal(source, Scope::Service, gauge())));
        let late = seen.iter().filter(|(at, _)| *at > 60).filter_map(|(_, value)| *value);
        // All take 1.2 s; the bucket of vLLM reaches from 1.0 to 1.5 s.
        assert!(late.clone().count() > 100 && late.clone().all(|value| (1.0..=1.5).contains(&value)), "{quantile}");
    }
}

/// A service's utilization is the mean over its replicas, also while they come and go; its cores
/// are their sum.
#[test]
fn a_services_own_utilization_survives_scaling() {
    let requests: Vec<(u64, u64)> = (0..8).map(|_| (0, 1_000_000)).collect();
    let build = || World {
        services: vec![ServiceConfig {
            initial_replicas: 4,
            cpu: CpuModel { idle_cores: 1.0, ..CpuModel::default() },
            drain_timeout: SimDuration::ZERO,
            ..service("service", ONE_SLOT)
        }],
        clients: vec![client("client", listed(&requests))],
        controllers: vec![steps(&[(100, 8), (200, 2), (250, 5)])],
        ..world(300)
    };
    let request = signal(SignalSource::GpuUtilization, Scope::Service, Preset::Dcgm1s.pipeline());
    let gpu = values(&watch(build(), request));
    assert!(gpu.iter().filter_map(|(_, value)| *value).all(|value| (0.0..=100.0).contains(&value)), "{gpu:?}");
    assert_eq!(gpu.iter().find(|(at, _)| *at == 90).and_then(|(_, value)| *value), Some(100.0));
    // Four of eight are busy: those that came later find no request.
    assert_eq!(gpu.iter().find(|(at, _)| *at == 150).and_then(|(_, value)| *value), Some(50.0));
    let request = signal(SignalSource::CpuCores, Scope::Service, Preset::MetricsServer15s.pipeline());
    let cores = values(&watch(build(), request));
    assert!(cores.iter().filter_map(|(_, value)| *value).all(|value| (0.0..8.1).contains(&value)), "{cores:?}");
    let at_150 = cores.iter().find(|(at, _)| *at == 150).and_then(|(_, value)| *value).expect("scraped");
    assert!((at_150 - 8.0).abs() < 1e-6, "{at_150}");
}

#[test]
fn a_sampling_window_longer_than_its_period_is_cut_to_it() {
    // NVML looks back a second; an exporter that collects ten times a second still shows a full GPU.
    let pipeline = Pipeline { collect_period: Some(SimDuration::from_ms(100)), ..Preset::Dcgm1s.pipeline() };
    let seen = values(&watch(busy_from(0, 120), signal(SignalSource::GpuUtilization, Scope::Replica, pipeline)));
    let late: Vec<_> = seen.iter().filter(|(at, _)| *at > 40).collect();
    assert!(!late.is_empty() && late.iter().all(|(_, value)| *value == Some(100.0)), "{late:?}");
}

#[test]
fn a_latency_quantile_needs_two_scrapes() {
    let requests: Vec<(u64, u64)> = (0..2_000).map(|i| (i * 100, 50)).collect();
    let build = || World {
        services: vec![service("service", ONE_SLOT)],
        clients: vec![client("client", listed(&requests))],
        ..world(200)
    };
    let source = SignalSource::LatencyQuantile { part: LatencyPart::EndToEnd, quantile: 0.5, window: s(60) };
    let seen = values(&watch(build(), signal(source, Scope::Replica, gauge())));
    let first = seen.iter().find(|(_, value)| value.is_some()).expect("a quantile").0;
    assert!((15..=31).contains(&first), "the first quantile at {first} s");
}
