//! Controllers of any kind on recorded metrics: open loop. Each decision is carried out at once, its
//! replicas are ready at once, and the recorded values stay what they were.

use super::signals::{Recording, Series};
use flashcrowd_core::ports::{
    Action, Adapter, Batch, Controller, Decision, Explanation, JobCounts, Mode, Observation, Probe, ReplicaId,
    ReplicaPhase, ReplicaView, Sample, Sampler, Scope, SignalId, SignalRequest, SignalSource, SignalView, TargetId,
    TargetView, Transform, Wake, Work,
};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::metrics::resolve as known;
use flashcrowd_scenario::ResolvedAutoscaler;
use std::collections::BTreeMap;

/// One decision of one controller that did something, or was its first.
#[derive(Clone, Debug)]
pub struct Step {
    /// Seconds since the first sample.
    pub at_s: f64,
    /// Which controller.
    pub controller: String,
    /// `spec.replicas` before and after.
    pub replicas: (u32, u32),
    /// Jobs that it created.
    pub jobs: u32,
    /// The mode that it asked for, if that changed.
    pub mode: Option<Mode>,
    /// Why.
    pub explanation: Explanation,
}

/// What a replay came to.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Decisions in all.
    pub decisions: u64,
    /// Those that changed something, and the first of each controller.
    pub steps: Vec<Step>,
}

const TARGET: TargetId = TargetId(0);
/// More decisions than that would not be read by anyone.
const MOST_DECISIONS: u64 = 20_000_000;
const MOST_REPLICAS: u32 = 100_000;

/// Where the fleet of the replay stands.
struct Fleet {
    /// Replicas by number, and their market.
    replicas: BTreeMap<u32, Market>,
    next: u32,
    mode: (Mode, SimTime),
}

/// A controller and its plan.
struct Actor<'a> {
    controller: Controller,
    next: SimTime,
    requests: Vec<SignalRequest>,
    /// What was recorded of each.
    recorded: Vec<Recorded<'a>>,
    /// Up to when samples were handed over.
    seen: Vec<Option<SimTime>>,
    told: bool,
}

/// Plays the controllers of a policy over the recording.
///
/// # Errors
/// If nothing that was recorded is what a controller reads, or the recording is too long.
pub fn replay(
    autoscaler: &ResolvedAutoscaler,
    file: &str,
    recording: &Recording,
    replicas: Option<u32>,
) -> Result<Replayed, Diagnostic> {
    let end = SimTime::from_ps((recording.end_ns.max(0) as u64).saturating_mul(1_000));
    let controllers = autoscaler.controllers(TARGET).map_err(|error| Diagnostic::about(file, error.to_string()))?;
    let actors = controllers.into_iter().map(|controller| actor(controller, file, recording));
    let mut actors: Vec<Actor<'_>> = actors.collect::<Result<_, _>>()?;
    let first = replicas.or(autoscaler.min_replicas()).unwrap_or(1);
    let mut fleet = Fleet { replicas: BTreeMap::new(), next: 0, mode: (Mode::Serve, SimTime::ZERO) };
    fleet.set(first.min(MOST_REPLICAS), None);
    let mut replayed = Replayed::default();
    while let Some((index, at)) = earliest(&actors).filter(|&(_, at)| at <= end) {
        follow_recorded(&mut fleet, recording, at);
        decide(&mut actors[index], at, &mut fleet, recording, &mut replayed);
        alive(&actors[index], file, at)?;
        replayed.decisions += 1;
        if replayed.decisions > MOST_DECISIONS {
            return Err(Diagnostic::about(file, "the recording has more than twenty million periods of the policy"));
        }
    }
    for actor in &mut actors {
        actor.controller.policy.close();
        alive(actor, file, end)?;
    }
    Ok(replayed)
}

/// Refuses a policy outside the program that failed: what it would have decided is not known.
fn alive(actor: &Actor<'_>, file: &str, at: SimTime) -> Result<(), Diagnostic> {
    let name = &actor.controller.name;
    let said = |why| Diagnostic::about(file, format!("at {at} the policy `{name}` failed: {why}"));
    actor.controller.policy.failure().map_or(Ok(()), |why| Err(said(why)))
}

fn actor<'a>(controller: Controller, file: &str, recording: &'a Recording) -> Result<Actor<'a>, Diagnostic> {
    let requests: Vec<SignalRequest> = controller.signals(TARGET).cloned().collect();
    let recorded = requests.iter().map(|request| recorded(file, recording, request)).collect::<Result<Vec<_>, _>>()?;
    let next = SimTime::ZERO + controller.schedule.phase.unwrap_or(SimDuration::ZERO);
    Ok(Actor { next, seen: vec![None; requests.len()], requests, recorded, told: false, controller })
}

/// Whose turn it is: the first of those who are due first.
fn earliest(actors: &[Actor<'_>]) -> Option<(usize, SimTime)> {
    actors.iter().enumerate().map(|(index, actor)| (index, actor.next)).min_by_key(|&(index, at)| (at, index))
}

/// Where replicas were recorded, each decision starts from them.
fn follow_recorded(fleet: &mut Fleet, recording: &Recording, now: SimTime) {
    let series = recording.metrics.get("replicas").and_then(|series| series.first());
    if let Some(count) = series.and_then(|series| series.at(now.as_ns())) {
        fleet.set((count.round().max(0.0) as u32).min(MOST_REPLICAS), None);
    }
}

fn decide(actor: &mut Actor<'_>, now: SimTime, fleet: &mut Fleet, recording: &Recording, replayed: &mut Replayed) {
    let seen = Observation { now, wake: Wake::Tick, targets: vec![view(actor, now, fleet, recording)] };
    let mut decision = actor.controller.policy.decide(&seen);
    let period = actor.controller.schedule.period.max(SimDuration::from_ms(1));
    actor.next = decision.next_wake.filter(|&at| at > now).unwrap_or(now + period);
    let (before, mode) = (fleet.count(), fleet.mode.0);
    let jobs = fleet.carry_out(&decision, now);
    let after = fleet.count();
    let changed = before != after || jobs > 0 || mode != fleet.mode.0;
    if changed || !std::mem::replace(&mut actor.told, true) {
        replayed.steps.push(Step {
            at_s: now.as_s_f64(),
            controller: actor.controller.name.to_string(),
            replicas: (before, after),
            jobs,
            mode: (mode != fleet.mode.0).then_some(fleet.mode.0),
            explanation: decision.explanations.remove(&TARGET).map(|why| *why).unwrap_or_default(),
        });
    }
}

impl Fleet {
    fn count(&self) -> u32 {
        self.replicas.len() as u32
    }

    /// Makes the replicas (of a market) as many; the youngest go first.
    fn set(&mut self, wanted: u32, market: Option<Market>) {
        let of = |own: &Market| market.is_none_or(|market| market == *own);
        let mut own: Vec<u32> = self.replicas.iter().filter(|(_, own)| of(own)).map(|(id, _)| *id).collect();
        while (own.len() as u32) < wanted.min(MOST_REPLICAS) {
            self.replicas.insert(self.next, market.unwrap_or_default());
            own.push(self.next);
            self.next += 1;
        }
        for id in own.drain(wanted as usize..) {
            self.replicas.remove(&id);
        }
    }

    /// Carries a decision out; the jobs that it creates are done at once.
    fn carry_out(&mut self, decision: &Decision, now: SimTime) -> u32 {
        let mut created = 0;
        for action in &decision.actions {
            match action {
                Action::SetReplicas { replicas, class, .. } => self.set(*replicas, class.market),
                Action::RemoveReplicas { replicas, .. } => {
                    self.replicas.retain(|id, _| !replicas.contains(&ReplicaId(*id)));
                }
                Action::CreateJobs { jobs, .. } => created += jobs,
                Action::SetMode { mode, .. } if *mode != self.mode.0 => self.mode = (*mode, now),
                Action::SetMode { .. } => {}
            }
        }
        created
    }
}

fn view(actor: &mut Actor<'_>, now: SimTime, fleet: &Fleet, recording: &Recording) -> TargetView {
    let count = |name: &str| {
        let series = recording.metrics.get(name).and_then(|series| series.first());
        series.and_then(|series| series.at(now.as_ns())).map_or(0, |value| value.round() as u32)
    };
    let ids: Vec<u32> = fleet.replicas.keys().copied().collect();
    let signals = (0..actor.requests.len())
        .map(|index| {
            let batches = batches(&actor.requests[index], &actor.recorded[index], &mut actor.seen[index], now, &ids);
            SignalView { signal: SignalId(index as u32), batches }
        })
        .collect();
    let (mode, since) = fleet.mode;
    TargetView {
        target: TARGET,
        spec_replicas: fleet.count(),
        status_replicas: fleet.count(),
        ready_replicas: fleet.count(),
        mode,
        probe: Some(Probe { ok: true, populated_for: (mode == Mode::Proxy).then(|| now.since(since)) }),
        jobs: JobCounts { running: count("running_jobs"), pending: count("pending_jobs") },
        replicas: fleet.replicas.iter().map(|(id, market)| replica(*id, *market)).collect(),
        signals,
    }
}

/// Ready since the start: a recording does not say since when.
fn replica(id: u32, market: Market) -> ReplicaView {
    ReplicaView {
        id: ReplicaId(id),
        phase: ReplicaPhase::Running,
        created: SimTime::ZERO,
        started: Some(SimTime::ZERO),
        ready: Some(true),
        ready_since: Some(SimTime::ZERO),
        deleted: None,
        market,
        gpu: "recorded".into(),
        version: 0,
        node: Some(id),
        region: "recorded".into(),
        zone: None,
        work: Work::default(),
    }
}

/// What is handed over now: every scrape since the last time, or the newest answer.
fn batches(
    request: &SignalRequest,
    recorded: &Recorded<'_>,
    seen: &mut Option<SimTime>,
    now: SimTime,
    ids: &[u32],
) -> Option<Vec<Batch>> {
    let Adapter::Pushed { period: push } = request.pipeline.adapter else {
        let samples = samples(request, recorded, now, ids);
        return (!samples.is_empty()).then(|| vec![Batch { at: now, window: SimDuration::ZERO, samples }]);
    };
    let visible = match push.as_ps() {
        0 => now,
        ps => SimTime::from_ps(now.as_ps() / ps * ps),
    };
    let period = request.pipeline.scrape_period.max(SimDuration::from_ms(1));
    let mut at = seen.map_or(SimTime::ZERO, |last| last + period);
    let mut batches = Vec::new();
    while at <= visible {
        batches.push(Batch { at, window: period, samples: samples(request, recorded, at, ids) });
        *seen = Some(at);
        at += period;
    }
    Some(batches)
}

fn samples(request: &SignalRequest, recorded: &Recorded<'_>, at: SimTime, ids: &[u32]) -> Vec<Sample> {
    let Recorded { series, scale } = *recorded;
    let counter = is_counter(request);
    let value = |series: &Series| {
        let value = if counter { Some(series.integral(at.as_ns())) } else { series.at(at.as_ns()) };
        value.map(|value| value / scale)
    };
    let sample = |replica, value| Sample { replica, at, value };
    if request.scope != Scope::Replica {
        // Series of pods are summed, or averaged where they are shares.
        let values: Vec<f64> = series.iter().filter_map(value).collect();
        let sum: f64 = values.iter().sum();
        let whole = if request.source.is_share() { sum / values.len().max(1) as f64 } else { sum };
        return if values.is_empty() { Vec::new() } else { vec![sample(None, whole)] };
    }
    if series.iter().all(|series| series.pod.is_none()) {
        // One series without pods is the mean: every replica shows it.
        let Some(mean) = series.first().and_then(value) else { return Vec::new() };
        return ids.iter().map(|&id| sample(Some(ReplicaId(id)), mean)).collect();
    }
    let values = series.iter().filter_map(value);
    ids.iter().zip(values).map(|(&id, value)| sample(Some(ReplicaId(id)), value)).collect()
}

/// Whether the controller reads a running total, of which a rate was recorded.
fn is_counter(request: &SignalRequest) -> bool {
    let counts = matches!(request.source, SignalSource::RequestsArrived | SignalSource::RequestsCompleted);
    let instant = matches!(request.pipeline.sampler, Sampler::Instant);
    counts && instant && !matches!(request.pipeline.transform, Transform::Rate(_))
}

/// What was recorded of a signal: the values are the signal's times the scale.
struct Recorded<'a> {
    series: &'a [Series],
    scale: f64,
}

/// The series of a request: of its own name, or of one that stands for the same.
fn recorded<'a>(file: &str, recording: &'a Recording, request: &SignalRequest) -> Result<Recorded<'a>, Diagnostic> {
    let scale = |name: &str| known(name).map_or(1.0, |binding| binding.scale);
    let missing = match recording.metric(file, &request.name) {
        Ok(series) => return Ok(Recorded { series, scale: scale(&request.name) }),
        Err(missing) => missing,
    };
    let same = |(name, _): &(&String, &Vec<Series>)| {
        known(name).is_ok_and(|binding| stands_for(binding.source, request.source))
    };
    let (name, series) = recording.metrics.iter().find(same).ok_or(missing)?;
    Ok(Recorded { series, scale: scale(name) })
}

fn stands_for(recorded: SignalSource, wanted: SignalSource) -> bool {
    recorded == wanted || (wanted == SignalSource::Concurrency && recorded == SignalSource::InFlightRequests)
}
