//! Observations built by hand, and what is looked for in decisions.

use flashcrowd_core::SimDuration;
use flashcrowd_core::SimTime;
use flashcrowd_core::ports::{
    Action, Batch, Decision, Explanation, JobCounts, Mode, ReplicaId, ReplicaPhase, ReplicaView, Sample, SignalId,
    SignalView, TargetId, TargetView, Work,
};
use flashcrowd_core::units::Market;

fn replica(id: u32, ready: bool) -> ReplicaView {
    ReplicaView {
        id: ReplicaId(id),
        phase: ReplicaPhase::Running,
        created: SimTime::ZERO,
        started: Some(SimTime::ZERO),
        ready: Some(ready),
        ready_since: Some(SimTime::ZERO),
        deleted: None,
        market: Market::OnDemand,
        gpu: "H100".into(),
        version: 1,
        node: None,
        region: "here".into(),
        zone: None,
        work: Work::default(),
    }
}

/// A target with `ready` of `spec` replicas ready.
pub(crate) fn view(target: TargetId, spec: u32, ready: u32, signals: Vec<Option<Vec<Batch>>>) -> TargetView {
    let signals = signals.into_iter().zip(0..);
    TargetView {
        target,
        spec_replicas: spec,
        status_replicas: spec,
        ready_replicas: ready,
        mode: Mode::Serve,
        probe: None,
        jobs: JobCounts::default(),
        replicas: (0..spec).map(|id| replica(id, id < ready)).collect(),
        signals: signals.map(|(batches, id)| SignalView { signal: SignalId(id), batches }).collect(),
    }
}

pub(crate) fn batch(at: SimTime, samples: &[(Option<u32>, f64)]) -> Batch {
    let sample = |&(replica, value): &(Option<u32>, f64)| Sample { replica: replica.map(ReplicaId), at, value };
    Batch { at, window: SimDuration::ZERO, samples: samples.iter().map(sample).collect() }
}

pub(crate) fn replicas_of(decision: &Decision, wanted: TargetId) -> Option<u32> {
    decision.actions.iter().find_map(|action| match action {
        Action::SetReplicas { target, replicas, .. } if *target == wanted => Some(*replicas),
        _ => None,
    })
}

/// What a decision about one target says.
pub(crate) fn explanation(decision: &Decision) -> &Explanation {
    assert_eq!(decision.explanations.len(), 1);
    decision.explanations.values().next().expect("always explained")
}
