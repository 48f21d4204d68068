//! Application Auto Scaling behind the simulator's port: one point of each metric a minute.

use super::binding::{BoundMetric, bind};
use super::config::{Approximation, Policy, PolicyKind, ScalableTarget};
use super::decision::{Engine, Proposal};
use crate::metrics::{MetricBinding, MetricNameError};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Adapter, Autoscaler, Controller, Decision, Explanation, Limit, MetricExplanation, Observation, Pipeline, Sampler,
    Schedule, Scope, SignalSource, Stamp, TargetId, TargetView, Transform,
};
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
        }
    }
}

/// A scalable target and its policies.
#[derive(Clone, Debug)]
pub struct AppAutoScaling {
    engine: Engine,
    bound: Vec<BoundMetric>,
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
    ) -> Result<Controller<Self>, MetricNameError> {
        let (mut bound, mut requests) = (Vec::new(), Vec::new());
        for policy in &policies {
            let name = metric_of(policy);
            let metric = bind(name, &options.bindings)?;
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
        let engine = Engine::new(target, policies, options.approximation);
        let name = format!("aws/{}", options.name);
        let schedule = Schedule { phase: options.phase, ..Schedule::every(MINUTE) };
        Ok(Controller::of(name, schedule, options.target, AppAutoScaling { engine, bound }).reading(requests))
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
            if bound.per_replica {
                (view.ready_replicas > 0).then(|| value / f64::from(view.ready_replicas))
            } else {
                Some(value)
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

impl Autoscaler for AppAutoScaling {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let (current, values) = (view.spec_replicas, self.values(view));
        let written = self.engine.minute(seen.now, current, &values);
        Decision::scale_to(view, written).explained(view.target, self.explain(&values, current, written))
    }
}

fn metric_of(policy: &Policy) -> &str {
    match &policy.kind {
        PolicyKind::TargetTracking(tracking) => &tracking.metric,
        PolicyKind::StepScaling(_, rule) => &rule.metric,
    }
}
