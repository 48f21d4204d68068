//! Application Auto Scaling behind the simulator's port: one point of each metric a minute.

use super::binding::{BindError, BoundMetric, Per, Requests, bind};
use super::config::{Approximation, Policy, PolicyKind, ScalableTarget, ScheduledAction};
use super::decision::{Engine, Proposal};
use crate::clock::WallClock;
use crate::metrics::MetricBinding;
use flashcrowd_core::ports::{
    Adapter, Autoscaler, Controller, Decision, Explanation, Limit, MetricExplanation, Observation, Pipeline, Sampler,
    Schedule, Scope, SignalSource, Stamp, TargetId, TargetView, Transform,
};
use flashcrowd_core::{SimDuration, SimTime};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Time between two points of a metric, and between two decisions.
const MINUTE: SimDuration = SimDuration::from_s(60);

/// What an [`AppAutoScaling`] needs besides its target and policies.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsOptions {
    /// Its name; `aws/` is put before it.
    pub name: String,
    /// What it scales.
    pub target: TargetId,
    /// What AWS's documents leave open.
    pub approximation: Approximation,
    /// The user's own bindings of metrics to signals, by metric name.
    pub bindings: BTreeMap<String, MetricBinding>,
    /// Time of the first minute's end; `None` draws it from one minute.
    pub phase: Option<SimDuration>,
    /// What the containers request.
    pub requests: Requests,
    /// What changes the bounds by the clock.
    pub actions: Vec<ScheduledAction>,
    /// When the run begins.
    pub clock: WallClock,
}

impl AwsOptions {
    /// The default approximation, its own phase.
    pub fn new(name: impl Into<String>, target: TargetId) -> Self {
        AwsOptions {
            name: name.into(),
            target,
            approximation: Approximation::default(),
            bindings: BTreeMap::new(),
            phase: None,
            requests: Requests::default(),
            actions: Vec::new(),
            clock: WallClock::default(),
        }
    }
}

/// A scalable target and its policies.
#[derive(Clone, Debug)]
pub struct AppAutoScaling {
    engine: Engine,
    bound: Vec<BoundMetric>,
    actions: Vec<ScheduledAction>,
    clock: WallClock,
    /// Up to when scheduled actions were carried out; `None` before the first.
    acted: Option<SimTime>,
    /// When the next minute ends.
    next_minute: SimTime,
}

impl AppAutoScaling {
    /// Binds the metrics of all policies.
    ///
    /// # Errors
    /// A metric that no signal is known for.
    pub fn new(
        target: ScalableTarget,
        policies: Vec<Policy>,
        options: &AwsOptions,
    ) -> Result<Controller<Self>, BindError> {
        let (mut bound, mut requests) = (Vec::new(), Vec::new());
        for policy in &policies {
            let name = metric_of(policy);
            let metric = bind(name, &options.bindings, options.requests)?;
            let mut request = metric.binding.request(name, Scope::Service);
            let own = request.pipeline;
            // A point of a count is that of its minute; quantiles are of what the last minute saw.
            let counts = matches!(own.transform, Transform::Rate(_));
            let means = counts || request.source.is_integral();
            let quantile = matches!(request.source, SignalSource::LatencyQuantile { .. });
            let sampler = if means { Sampler::WindowMean(MINUTE) } else { own.sampler };
            request.pipeline = Pipeline {
                sampler,
                collect_period: None,
                scrape_period: if quantile { own.scrape_period } else { MINUTE },
                transform: if counts { Transform::None } else { own.transform },
                adapter: Adapter::Live,
                stamp: Stamp::Sample,
                ..own
            };
            requests.push(request);
            bound.push(metric);
        }
        let suspended = target.scheduled_suspended;
        let policy = AppAutoScaling {
            engine: Engine::new(target, policies, options.approximation),
            bound,
            actions: if suspended { Vec::new() } else { options.actions.clone() },
            clock: options.clock,
            acted: None,
            next_minute: SimTime::ZERO,
        };
        let name = format!("aws/{}", options.name);
        let schedule = Schedule { phase: options.phase, ..Schedule::every(MINUTE) };
        Ok(Controller::of(name, schedule, options.target, policy).reading(requests))
    }

    /// The policies and their memory.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The newest point of each policy's metric; none where the minute has no value.
    fn values(&self, view: &TargetView) -> Vec<Option<f64>> {
        let value = |(index, bound): (usize, &BoundMetric)| {
            let signal = view.signals.iter().find(|signal| signal.signal.0 as usize == index)?;
            let sample = signal.batches.as_ref()?.last()?.samples.first()?;
            let value = sample.value * bound.binding.scale;
            match bound.per {
                Per::Service => Some(value),
                Per::Replica => (view.ready_replicas > 0).then(|| value / f64::from(view.ready_replicas)),
                Per::BacklogWithoutCapacity => Some(f64::from(value > 0.0 && view.ready_replicas == 0)),
            }
        };
        self.bound.iter().enumerate().map(value).collect()
    }

    fn explain(&self, values: &[Option<f64>], current: u32, written: u32) -> Explanation {
        let policies = self.engine.policies().iter().zip(self.engine.proposals());
        let metrics = policies.zip(values).map(|((policy, proposal), value)| {
            let (proposal, note) = match proposal {
                Proposal::Out(count) => (*count, "alarm: scale out"),
                Proposal::In(count) => (*count, "alarm: scale in"),
                Proposal::Hold if value.is_none() => (current, "no data: no action"),
                Proposal::Hold => (current, "no alarm, or a cooldown runs"),
            };
            let target = match &policy.kind {
                PolicyKind::TargetTracking(tracking) => tracking.target_value,
                PolicyKind::StepScaling(_, rule) => rule.threshold,
            };
            MetricExplanation {
                name: format!("{} ({})", policy.name, metric_of(policy)).into(),
                current: *value,
                target,
                proposal: Some(proposal),
                note: note.to_owned(),
            }
        });
        let metrics: Vec<MetricExplanation> = metrics.collect();
        let most = metrics.iter().filter_map(|metric| metric.proposal).max().unwrap_or(current);
        let capped = written != most && most > current;
        let limit = Limit { name: "MaxCapacity", before: most, after: written };
        let reason = match written.cmp(&current) {
            std::cmp::Ordering::Greater => "the policy that gives most capacity holds",
            std::cmp::Ordering::Less => "all policies that may scale in agree",
            std::cmp::Ordering::Equal => "no change",
        };
        Explanation {
            metrics,
            limits: capped.then_some(limit).into_iter().collect(),
            reason: reason.to_owned(),
            error: None,
        }
    }
}

impl AppAutoScaling {
    /// Carries out the scheduled actions that are due by now, in the order of their times. The
    /// capacity that they leave, and the names of those that were due.
    fn act(&mut self, now: SimTime, current: u32) -> (u32, Vec<String>) {
        let start = self.clock.start();
        let nanosecond = SignedDuration::from_nanos(1);
        let mut since =
            self.acted.map_or_else(|| start.checked_sub(nanosecond).unwrap_or(start), |at| self.clock.at(at));
        let until = self.clock.at(now);
        let (mut capacity, mut names) = (current, Vec::new());
        while let Some((at, index)) = self.next_due(since).filter(|(at, _)| *at <= until) {
            // Several may be due at one instant.
            for action in self.actions[index..].iter().filter(|action| action.next_after(since, start) == Some(at)) {
                capacity = self.engine.rebound(capacity, action.min_capacity, action.max_capacity);
                names.push(action.name.clone());
            }
            since = at;
        }
        self.acted = Some(now);
        (capacity, names)
    }

    /// The next time at which an action is due, and the first of those.
    fn next_due(&self, since: Timestamp) -> Option<(Timestamp, usize)> {
        let start = self.clock.start();
        let due = self
            .actions
            .iter()
            .enumerate()
            .filter_map(|(index, action)| Some((action.next_after(since, start)?, index)));
        due.min()
    }

    /// When to look again: at the end of the minute, or at the next scheduled action before it.
    fn wake(&self, now: SimTime) -> Option<SimTime> {
        if self.actions.is_empty() {
            return None;
        }
        let due = self.next_due(self.clock.at(now)).and_then(|(at, _)| self.clock.since_start(at));
        Some(due.map_or(self.next_minute, |due| due.min(self.next_minute)))
    }
}

impl Autoscaler for AppAutoScaling {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let before = view.spec_replicas;
        let (current, acted) = self.act(seen.now, before);
        let is_minute = seen.now >= self.next_minute;
        let (written, mut explanation) = if is_minute {
            self.next_minute = seen.now + MINUTE;
            let values = self.values(view);
            let written = self.engine.minute(seen.now, current, &values);
            (written, self.explain(&values, current, written))
        } else {
            (current, Explanation { reason: "no change".to_owned(), ..Explanation::default() })
        };
        if !acted.is_empty() {
            let target = self.engine.target();
            let (min, max) = (target.min_capacity, target.max_capacity);
            explanation.reason = format!("scheduled action {}: {min} to {max}", acted.join(", "));
        }
        let decision = Decision::scale_to(view, written);
        Decision { next_wake: self.wake(seen.now), ..decision }.explained(view.target, explanation)
    }
}

fn metric_of(policy: &Policy) -> &str {
    match &policy.kind {
        PolicyKind::TargetTracking(tracking) => &tracking.metric,
        PolicyKind::StepScaling(_, rule) => &rule.metric,
    }
}
