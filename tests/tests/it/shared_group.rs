//! Several services on one GPU group: who pays, what exporters show, and how long GPUs are held.

use flashcrowd_core::ledger::{GpuState, RunRecord};
use flashcrowd_core::ports::{
    Action, Adapter, Arrival, Attribution, Controller, Decision, LatencyPart, MissingAs, Observation, Pipeline,
    Sampler, Schedule, Scope, SignalRequest, SignalSource, Stamp, TargetId, Transform,
};
use flashcrowd_core::serving::{Coefficients, Discipline, EngineConfig, Knee, ServiceConfig, TimeModel};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Traffic};
use flashcrowd_core::units::Bytes;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{Listed, Script, client, run, service, world};
use std::sync::{Arc, Mutex};

const HORIZON_S: u64 = 100;

/// An engine whose iterations take `ms`, whatever they hold.
fn engine(ms: f64) -> Discipline {
    let coefficients = Coefficients { weights_ms: ms, ..Coefficients::default() };
    Discipline::ContinuousBatch(EngineConfig::new(TimeModel::new(&coefficients, Knee::Soft).expect("a law"), 1_000))
}

fn member(name: &str, ms: f64, gib: u64, resident_on: Option<u32>) -> ServiceConfig {
    ServiceConfig { memory_per_gpu: Bytes::gib(gib), resident_on, ..service(name, engine(ms)) }
}

/// One request to each service: at `at_s`, of so many output tokens.
fn asks(service: u32, at_s: u64, output: u32) -> ClientConfig {
    let name = format!("client-{service}");
    let asked = Arrival { at: SimTime::from_s(at_s), prompt_tokens: 1, output_tokens: output, service_time: None };
    ClientConfig { service, ..client(&name, Traffic::Open(Box::new(Listed([asked].into())))) }
}

fn gpu_s(record: &RunRecord, service: u32, state: GpuState) -> f64 {
    let lines = record.bill.lines().filter(|(line, _)| line.service == Some(service) && line.state == state);
    lines.map(|(_, gpu_ps)| gpu_ps).sum::<u128>() as f64 / 1e12
}

#[test]
fn a_shared_gpu_is_paid_for_by_memory_and_serves_while_anybody_iterates() {
    // 1,000 tokens of 10 ms from 10 s on, and 500 of 20 ms from 50 s on: they do not meet.
    let record = run(World {
        services: vec![member("a", 10.0, 10, None), member("b", 20.0, 30, Some(0))],
        clients: vec![asks(0, 10, 1_000), asks(1, 50, 500)],
        ..world(HORIZON_S)
    });
    for (service, share) in [(0, 0.25), (1, 0.75)] {
        assert!((gpu_s(&record, service, GpuState::Serving) - 20.0 * share).abs() < 1e-9);
        assert!((gpu_s(&record, service, GpuState::Idle) - 80.0 * share).abs() < 1e-9);
    }
}

#[test]
fn who_shares_waits_for_the_iterations_of_the_others() {
    let record = run(World {
        services: vec![member("a", 10.0, 10, None), member("b", 20.0, 30, Some(0))],
        clients: vec![asks(0, 10, 1_000), asks(1, 10, 500)],
        ..world(HORIZON_S)
    });
    // 500 rounds of 30 ms; then `a` goes on alone for its other 500 tokens.
    let e2e_s =
        |service: usize| record.services[service].latency.max_us(LatencyPart::EndToEnd).unwrap_or(0) as f64 / 1e6;
    assert!((e2e_s(1) - 15.0).abs() < 0.02, "{}", e2e_s(1));
    assert!((e2e_s(0) - 20.0).abs() < 0.02, "{}", e2e_s(0));
    assert!((gpu_s(&record, 0, GpuState::Serving) - 20.0 * 0.25).abs() < 1e-9);
}

/// GPU utilization over the last second, replica by replica.
fn gpu_utilization() -> SignalRequest {
    let window = SimDuration::from_s(1);
    let pipeline = Pipeline {
        sampler: Sampler::WindowMean(window),
        collect_period: None,
        scrape_period: window,
        scrape_failure: 0.0,
        transform: Transform::None,
        rule_period: None,
        adapter: Adapter::Pushed { period: SimDuration::ZERO },
        relist_period: None,
        missing: MissingAs::Drop,
        stamp: Stamp::Sample,
        attribution: Attribution::Pod,
    };
    SignalRequest { name: "gpu".into(), source: SignalSource::GpuUtilization, scope: Scope::Replica, pipeline }
}

/// Instants and values that a controller was shown.
type Shown = Arc<Mutex<Vec<(SimTime, f64)>>>;

/// Sees its signal every 10 s; removes all replicas at `until_s`.
fn watcher(target: u32, until_s: u64, shown: Shown) -> Controller {
    let decide = move |seen: &Observation| {
        let batches = seen.targets[0].signals[0].batches.iter().flatten();
        let values = batches.flat_map(|batch| &batch.samples).map(|sample| (sample.at, sample.value));
        shown.lock().expect("one thread").extend(values);
        if seen.now < SimTime::from_s(until_s) {
            return Decision::hold();
        }
        let named = seen.targets[0].replicas.iter().map(|replica| replica.id).collect();
        let action = Action::RemoveReplicas { target: TargetId(target), replicas: named };
        Decision { actions: vec![action], ..Decision::default() }
    };
    let schedule = Schedule::every(SimDuration::from_s(10)).first_at(SimDuration::from_s(10));
    Script::of(schedule, TargetId(target), vec![gpu_utilization()], decide)
}

#[test]
fn an_exporter_sees_the_whole_gpu_and_a_drain_waits_for_all() {
    let [own, resident] = [(); 2].map(|()| Arc::new(Mutex::new(Vec::new())));
    // `b` works from 20 s to 40 s: `a`, which does nothing, shows the same GPU.
    let record = run(World {
        services: vec![member("a", 10.0, 10, None), member("b", 20.0, 30, Some(0))],
        clients: vec![asks(1, 20, 1_000)],
        controllers: vec![watcher(0, 30, Arc::clone(&own)), watcher(1, u64::MAX >> 40, Arc::clone(&resident))],
        ..world(HORIZON_S)
    });
    for shown in [own, resident] {
        let shown = shown.lock().expect("done");
        let between = |from_s, to_s| {
            let range = SimTime::from_s(from_s)..SimTime::from_s(to_s);
            shown.iter().filter(move |(at, _)| range.contains(at)).map(|&(_, percent)| percent)
        };
        assert!(between(2, 20).all(|percent| percent < 1e-9), "{shown:?}");
        assert!(between(22, 30).all(|percent| (percent - 100.0).abs() < 1e-6), "{shown:?}");
        assert!(between(22, 30).count() >= 7);
    }
    // Deleted at 30 s: `a` is gone at once, the GPU when `b` has ended.
    let gone: Vec<f64> =
        record.replicas.iter().map(|replica| replica.gone.expect("deleted").as_ps() as f64 / 1e12).collect();
    assert_eq!(gone[0], 30.0);
    assert!((gone[1] - 40.0).abs() < 0.1, "{gone:?}");
    let held = |service| GpuState::ALL.into_iter().map(|state| gpu_s(&record, service, state)).sum::<f64>();
    assert!((held(0) + held(1) - gone[1]).abs() < 1e-9);
    assert!((gpu_s(&record, 1, GpuState::Draining) - 0.75 * (gone[1] - 30.0)).abs() < 1e-9);
}
