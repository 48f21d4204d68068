//! A step of the load that the ready replicas cannot take: the backlog until new ones have started.
//!
//! The closed form is a fluid's. The engine gets nearer to it the more requests it plays, so rates
//! of arrival and service are multiplied by one factor and counts are divided by it; times stay.

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::{Plant, pool};
use super::case::{Case, Finding, Findings};
use flashcrowd_core::clock::{Distribution, SimDuration, SimTime};
use flashcrowd_core::fleet::{StageKind, StageWork, StartupStage};
use flashcrowd_core::ledger::RequestRecord;
use flashcrowd_core::ports::{Arrival, ArrivalSource, SourceError, TargetId};
use flashcrowd_core::serving::{Discipline, QueueMode};
use flashcrowd_core::simulation::Simulation;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_policies::autoscalers::FixedReplicas;

/// Requests that a fluid is played with.
const REQUESTS: f64 = 200_000.0;
/// Most that are played.
const MOST: f64 = 1e6;
/// Longest run in seconds.
const LONGEST: f64 = 1e7;

/// The step: rates per second.
struct Step {
    before: f64,
    after: f64,
    mu: f64,
    n: u32,
    cold: f64,
    m: u32,
}

impl Step {
    fn read(params: Params<'_>) -> Result<Self, CaseError> {
        let n = params.count("n")?;
        Ok(Step {
            before: params.not_negative("l0")?,
            after: params.positive("l1")?,
            mu: params.positive("mu")?,
            n,
            cold: params.not_negative("coldstart_s")?,
            m: if params.has("m_after") { params.count("m_after")? } else { n },
        })
    }

    fn backlog(&self) -> f64 {
        ((self.after - f64::from(self.n) * self.mu) * self.cold).max(0.0)
    }

    /// Capacity with the new replicas.
    fn capacity(&self) -> f64 {
        f64::from(self.m) * self.mu
    }

    /// `None` if the backlog never goes.
    fn drain(&self) -> Option<f64> {
        let spare = self.capacity() - self.after;
        if self.backlog() == 0.0 {
            return Some(0.0);
        }
        (spare > 0.0).then(|| self.backlog() / spare)
    }
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let step = Step::read(params)?;
    Ok(match key {
        "peak_backlog" => Some(step.backlog()),
        "wait_at_peak_with_new_cap" => Some(step.backlog() / step.capacity()),
        "drain_s" => step.drain(),
        "headroom_needed_util" => Some(step.before / step.after),
        _ => None,
    })
}

/// Arrivals at even distances: one rate up to an instant, then another.
struct Even {
    spacing: [SimDuration; 2],
    step: SimTime,
    next: SimTime,
    end: SimTime,
    service: SimDuration,
}

impl ArrivalSource for Even {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        let at = self.next;
        if at >= self.end {
            return Ok(None);
        }
        let stepped = at >= self.step;
        self.next = at + self.spacing[usize::from(stepped)];
        if !stepped && self.next > self.step {
            self.next = self.step;
        }
        Ok(Some(Arrival { at, service_time: Some(self.service), ..Arrival::default() }))
    }
}

/// What was seen of one run: counts are of requests as they were played.
struct Seen {
    peak: f64,
    wait: f64,
    drain: f64,
    requests: u64,
}

impl Step {
    /// By which factor rates are multiplied; below 1 only for what would take too long.
    fn factor(&self, span: f64) -> f64 {
        let requests = self.after * span;
        (REQUESTS / requests).max(1.0).min(MOST / requests)
    }

    /// Plays the step with all rates times `factor`, for `after` seconds from the new replicas on.
    fn play(&self, factor: f64, after: f64, label: String) -> Result<Seen, CaseError> {
        let service = SimDuration::from_s_f64(1.0 / (self.mu * factor));
        let spacing = |rate: f64| SimDuration::from_s_f64(1.0 / (rate * factor));
        // Long enough that every server which the first rate needs has had work.
        let before =
            if self.before > 0.0 { SimDuration::from_s_f64(4.0 / (self.mu * factor)) } else { SimDuration::ZERO };
        let step = SimTime::ZERO + before;
        let ready = step + SimDuration::from_s_f64(self.cold);
        let end = ready + SimDuration::from_s_f64(after);
        let mut plant = Plant::open(label, 0.0, Distribution::Constant(1.0), 1, 1.0);
        plant.span = 1.0;
        let (mut world, _) = plant.world(0, false)?;
        world.horizon = end;
        world.pools = vec![pool(self.m.max(self.n))];
        world.pools[0].min_nodes = world.pools[0].max_nodes;
        world.request_sample = 1;
        let cold = StageWork::Drawn(Distribution::Constant(ready.since(SimTime::ZERO).as_s_f64()));
        world.services[0].startup.stages = vec![StartupStage::plain(StageKind::EngineStart, cold)];
        world.services[0].initial_replicas = self.n;
        world.services[0].discipline = Discipline::Slots { concurrency: 1 };
        world.services[0].queue = QueueMode::Shared { capacity: u32::MAX };
        world.controllers = vec![FixedReplicas::new(TargetId(0), self.m.max(self.n)).boxed()];
        let first = if self.before > 0.0 { SimTime::ZERO } else { step };
        let idle = if self.before > 0.0 { spacing(self.before) } else { SimDuration::MAX };
        let source = Even { spacing: [idle, spacing(self.after)], step, next: first, end, service };
        world.clients[0].traffic = Traffic::Open(Box::new(source));
        let mut record = Simulation::new(world).run()?;
        record.requests.sort_by_key(|request| request.number);
        Ok(measure(&record.requests, step, ready, record.clients[0].requests.arrived))
    }
}

/// Waiting requests over time, from the records of those that ended.
fn measure(requests: &[RequestRecord], step: SimTime, ready: SimTime, arrived: u64) -> Seen {
    // First come first served: starts are in the order of arrivals.
    let waits = requests.iter().map(|request| {
        let wait = request.parts.map_or(SimDuration::ZERO, |parts| parts.queue + parts.cold_start);
        (request.arrived, wait, request.arrived + wait)
    });
    let starts: Vec<SimTime> = waits.clone().map(|(_, _, start)| start).collect();
    let mut seen = Seen { peak: 0.0, wait: 0.0, drain: 0.0, requests: arrived };
    let mut waited_at_ready = false;
    for ((arrived, wait, start), i) in waits.zip(1_usize..) {
        if arrived < step {
            continue;
        }
        let started = starts.partition_point(|start| *start <= arrived);
        seen.peak = seen.peak.max(i.saturating_sub(started) as f64);
        if arrived >= ready && !waited_at_ready {
            waited_at_ready = true;
            seen.wait = wait.as_s_f64();
        }
        if arrived >= ready && !wait.is_zero() {
            seen.drain = seen.drain.max(start.since(ready).as_s_f64());
        }
    }
    seen
}

/// Deterministic arrivals at single servers with one queue; a controller wants the new ones at the step.
pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let mut step = Step::read(case.params)?;
    // The closed form starts without a backlog; a higher first rate would only keep all servers
    // busy.
    step.before = step.before.min(f64::from(step.n) * step.mu);
    // The run ends when the backlog is gone; if it never goes, the first wait is enough.
    let first_wait = step.backlog() / step.capacity();
    let after = step.drain().unwrap_or(0.0).max(first_wait) * 1.1 + 4.0 / step.mu + 0.01 * step.cold;
    let span = step.cold + after;
    let factor = step.factor(span);
    if span > LONGEST {
        return Err(CaseError::TooLong { what: "the surge lasts", seconds: span, longest_s: LONGEST });
    }
    let seen = step.play(factor, after, case.label("surge"))?;
    let headroom = formula(case.params, "headroom_needed_util")?;
    let found = |key: &str| match key {
        // A definition: there is nothing to simulate.
        "headroom_needed_util" => Some(headroom),
        "peak_backlog" => Some(Some(seen.peak / factor)),
        "wait_at_peak_with_new_cap" => Some(Some(seen.wait)),
        "drain_s" => Some(step.drain().map(|_| seen.drain)),
        _ => None,
    };
    let finding = |key: &str, found| Finding { key: key.to_owned(), variant: String::new(), found, half_width: 0.0 };
    let values = case.goals.iter().filter_map(|goal| Some(finding(&goal.key, found(&goal.key)?))).collect();
    Ok(Findings { values, replicates: 1, requests: seen.requests })
}
