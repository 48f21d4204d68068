//! Proptest strategies for what a policy may be shown: ids sorted, counts and phases that agree, times
//! in order, samples or none.

use flashcrowd_core::ports::{
    Batch, Controller, JobCounts, Mode, Observation, ReplicaId, ReplicaPhase, ReplicaView, Sample, Scope, SignalId,
    SignalRequest, SignalView, TargetId, TargetView, Wake, Work,
};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use proptest::prelude::*;

/// What varies between two replicas: life, age, waits.
type Life = (u8, u32, u32, u32);
/// What varies between two signals: whether it answers, ages and values of its samples.
type Values = (bool, u32, Vec<(bool, f64)>);

/// Observations of a controller's targets at its own period, oldest first. One that is woken by requests
/// is woken so where nobody serves.
pub fn history<P>(controller: &Controller<P>, length: usize) -> impl Strategy<Value = Vec<Observation>> + use<P> {
    let schedule = controller.schedule;
    let targets = controller.targets.iter().map(|watched| view(watched.target, watched.signals().cloned().collect()));
    let one = (0_u32..1_000, targets.collect::<Vec<_>>());
    prop::collection::vec(one, 1..=length).prop_map(move |shown| {
        let mut now = SimTime::from_s(3_600);
        let mut history = Vec::new();
        for (jitter_ms, mut targets) in shown {
            now = now + schedule.period + SimDuration::from_ms(u64::from(jitter_ms));
            for target in &mut targets {
                date(target, now);
            }
            let unserved = targets.iter().find(|target| target.ready_replicas == 0).map(|target| target.target);
            let wake = unserved.filter(|_| schedule.poked_by_requests).map_or(Wake::Tick, Wake::Poke);
            history.push(Observation { now, wake, targets });
        }
        history
    })
}

/// A target whose times are ages yet: instants count back from an hour.
fn view(target: TargetId, signals: Vec<SignalRequest>) -> impl Strategy<Value = TargetView> {
    let lives = prop::collection::vec((0_u8..7, 0_u32..1_800, 0_u32..50, 0_u32..10), 0..12);
    let value = prop_oneof![4 => 0.0..200.0_f64, 1 => Just(0.0), 1 => 0.0..1e9_f64];
    let samples = prop::collection::vec((prop::bool::weighted(0.9), value), 0..12);
    let values = prop::collection::vec((prop::bool::weighted(0.9), 0_u32..90, samples), signals.len());
    (lives, values, 0_u32..20, 0_u32..5).prop_map(move |(lives, values, spec, first)| {
        let replicas: Vec<ReplicaView> =
            lives.iter().zip(0..).map(|(life, i)| replica(ReplicaId(first + 2 * i), *life)).collect();
        let own = |replica: &&ReplicaView| {
            let ended = matches!(replica.phase, ReplicaPhase::Succeeded | ReplicaPhase::Failed);
            !ended && replica.deleted.is_none()
        };
        let ready = |replica: &&ReplicaView| own(replica) && replica.ready == Some(true);
        TargetView {
            target,
            spec_replicas: spec,
            status_replicas: replicas.iter().filter(own).count() as u32,
            ready_replicas: replicas.iter().filter(ready).count() as u32,
            mode: Mode::Serve,
            probe: None,
            jobs: JobCounts::default(),
            signals: signals.iter().zip(&values).zip(0..).map(|((r, v), i)| signal(r, v, &replicas, i)).collect(),
            replicas,
        }
    })
}

const HOUR: SimTime = SimTime::from_s(3_600);

fn ago(s: u32) -> SimTime {
    HOUR.back(SimDuration::from_s(u64::from(s)))
}

fn replica(id: ReplicaId, (life, age, waiting, running): Life) -> ReplicaView {
    let (phase, ready, deleted, placed) = match life {
        0 => (ReplicaPhase::Pending, None, false, false),
        1 => (ReplicaPhase::Pending, Some(false), false, true),
        2 => (ReplicaPhase::Running, Some(false), false, true),
        3 => (ReplicaPhase::Running, Some(true), true, true),
        4 => (ReplicaPhase::Failed, Some(false), false, true),
        _ => (ReplicaPhase::Running, Some(true), false, true),
    };
    let serves = ready == Some(true);
    let after = |share: u32| ago(age - age * share / 4);
    ReplicaView {
        id,
        phase,
        created: ago(age),
        started: placed.then(|| after(1)),
        ready,
        ready_since: ready.map(|ready| if ready { after(2) } else { after(1) }),
        deleted: deleted.then(|| after(3)),
        market: Market::OnDemand,
        gpu: "H100".into(),
        version: 0,
        node: placed.then_some(0),
        region: "here".into(),
        zone: placed.then(|| "a".into()),
        work: if serves { Work { waiting, running } } else { Work::default() },
    }
}

fn signal(
    request: &SignalRequest,
    (answers, age, values): &Values,
    replicas: &[ReplicaView],
    position: u32,
) -> SignalView {
    let at = ago(*age);
    let sample = |replica, value| Sample { replica, at, value };
    let samples = match request.scope {
        Scope::Service | Scope::Pods => {
            values.iter().filter(|(there, _)| *there).take(1).map(|&(_, v)| sample(None, v)).collect()
        }
        Scope::Replica => {
            let running = replicas.iter().filter(|replica| replica.phase == ReplicaPhase::Running);
            let shown = running.zip(values).filter(|(_, (there, _))| *there);
            shown.map(|(replica, &(_, value))| sample(Some(replica.id), value)).collect()
        }
    };
    let batch = Batch { at, window: SimDuration::from_s(15), samples };
    let batches = answers.then(|| if values.is_empty() { Vec::new() } else { vec![batch] });
    SignalView { signal: SignalId(position), batches }
}

/// Moves all instants so that an hour becomes `now`.
fn date(view: &mut TargetView, now: SimTime) {
    let later = now.since(HOUR);
    let moved = |at: &mut SimTime| *at += later;
    for replica in &mut view.replicas {
        moved(&mut replica.created);
        [&mut replica.started, &mut replica.ready_since, &mut replica.deleted].into_iter().flatten().for_each(moved);
    }
    for batch in view.signals.iter_mut().flat_map(|signal| signal.batches.iter_mut().flatten()) {
        moved(&mut batch.at);
        batch.samples.iter_mut().for_each(|sample| moved(&mut sample.at));
    }
}
