//! Ray Serve behind the simulator's port: what handles and replicas push becomes the policy's
//! input, ten times a second.
//!
//! All handles of a service are one, which reports the requests that wait; replicas report those
//! that they serve. Both take five samples between two pushes. As in the real controller, what was
//! pushed last is looked at until the next push.

use super::config::{AutoscalingConfig, ConfigError, Settings};
use super::policy::{Outcome, Policy};
use super::series::{Merged, Reports, merged};
use crate::metrics::Preset;
use flashcrowd_core::ports::{
    Adapter, Autoscaler, Batch, Controller, Decision, Explanation, Limit, MetricExplanation, Observation, Pipeline,
    ReplicaPhase, Schedule, Scope, SignalRequest, SignalSource, Stamp, TargetId, TargetView,
};
use flashcrowd_core::{SimDuration, SimTime};
use std::collections::BTreeSet;

/// `RAY_SERVE_CONTROL_LOOP_INTERVAL_S`.
const PERIOD: SimDuration = SimDuration::from_ms(100);
/// Samples between two pushes.
const SAMPLES: u64 = 5;
const QUEUED: u32 = 0;
const RUNNING: u32 = 1;

/// What a [`RayServe`] needs besides its config.
#[derive(Clone, Debug, PartialEq)]
pub struct RayServeOptions {
    /// Its name; `ray-serve/` is put before it.
    pub name: String,
    /// What it scales.
    pub target: TargetId,
    /// What stands beside the config.
    pub settings: Settings,
    /// Time of the first round; `None` draws it from one period.
    pub phase: Option<SimDuration>,
}

impl RayServeOptions {
    /// Faithful, first round at once.
    pub fn new(name: impl Into<String>, target: TargetId) -> Self {
        RayServeOptions { name: name.into(), target, settings: Settings::default(), phase: Some(SimDuration::ZERO) }
    }
}

/// The autoscaling of one deployment.
///
/// Every round is decided, since each may be the one in which a delay ends; only rounds that write,
/// or in which a direction is first wanted, are explained.
#[derive(Clone, Debug)]
pub struct RayServe {
    policy: Policy,
    reports: Reports,
    /// All series and those that wait, merged for these running replicas.
    merged: Option<(Vec<u32>, Merged, Merged)>,
}

impl RayServe {
    /// Checks the config.
    ///
    /// # Errors
    /// What Ray refuses.
    pub fn new(config: AutoscalingConfig, options: &RayServeOptions) -> Result<Controller<Self>, ConfigError> {
        let push = SimDuration::from_s_f64(config.metrics_interval_s);
        let policy = Policy::new(config, options.settings)?;
        let request = |name: &str, source, scope| {
            let gauge = Preset::VllmGauge15s.pipeline();
            let scrape_period = SimDuration::from_ps((push.as_ps() / SAMPLES).max(1));
            let adapter = Adapter::Pushed { period: push };
            let pipeline = Pipeline { scrape_period, adapter, stamp: Stamp::Sample, ..gauge };
            SignalRequest { name: name.to_owned(), source, scope, pipeline }
        };
        let reports = Reports { queued: vec![Vec::new()], ..Reports::default() };
        let schedule = Schedule { phase: options.phase, ..Schedule::every(PERIOD) };
        let policy = RayServe { policy, reports, merged: None };
        let controller = Controller::of(format!("ray-serve/{}", options.name), schedule, options.target, policy);
        Ok(controller.reading([
            request("queued_requests", SignalSource::WaitingRequests, Scope::Service),
            request("running_requests", SignalSource::RunningRequests, Scope::Replica),
        ]))
    }

    /// The policy and its memory.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes in what was pushed, and forgets what is older than the look-back period.
    fn receive(&mut self, view: &TargetView, now: SimTime) {
        let mut pushed = false;
        for signal in &view.signals {
            let batches: &[Batch] = signal.batches.as_deref().unwrap_or_default();
            pushed |= !batches.is_empty();
            for sample in batches.iter().flat_map(|batch| &batch.samples).filter(|sample| sample.value.is_finite()) {
                let point = (sample.at.as_s_f64(), sample.value);
                match (signal.signal.0, sample.replica) {
                    (QUEUED, None) => self.reports.queued[0].push(point),
                    (RUNNING, Some(replica)) => {
                        self.reports.running_of_replicas.entry(replica.0.to_string()).or_default().push(point);
                    }
                    _ => {}
                }
            }
        }
        if pushed {
            self.merged = None;
            let oldest_s = now.as_s_f64() - self.policy.config().look_back_period_s;
            self.reports.queued[0].retain(|(at_s, _)| *at_s >= oldest_s);
            self.reports.running_of_replicas.retain(|_, series| {
                series.retain(|(at_s, _)| *at_s >= oldest_s);
                !series.is_empty()
            });
        }
    }
}

impl Autoscaler for RayServe {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        self.receive(view, seen.now);
        let running = view.replicas.iter().filter(|replica| {
            replica.phase == ReplicaPhase::Running && replica.ready == Some(true) && replica.deleted.is_none()
        });
        let running: Vec<u32> = running.map(|replica| replica.id.0).collect();
        let count = u32::try_from(running.len()).unwrap_or(u32::MAX);
        let now_s = seen.now.as_s_f64();
        let (total, queued) = self.requests_at(now_s, running);
        let current = view.spec_replicas;
        let direction = self.policy.counter().signum();
        let outcome = self.policy.decide(now_s, count, current, total);
        let decision = Decision::scale_to(view, outcome.decision);
        if outcome.decision == current && self.policy.counter().signum() == direction {
            return decision;
        }
        decision.explained(view.target, self.explain(outcome, current, count, total, queued))
    }
}

impl RayServe {
    /// All ongoing requests and those that wait. Series are merged once for each push, since ten
    /// rounds a second look at them.
    fn requests_at(&mut self, now_s: f64, running: Vec<u32>) -> (f64, f64) {
        let known = self.merged.take().filter(|(replicas, ..)| *replicas == running);
        let (replicas, all, queued) = known.unwrap_or_else(|| {
            let names: BTreeSet<String> = running.iter().map(u32::to_string).collect();
            let (all, queued) = merged(&self.reports, &names);
            (running, all, queued)
        });
        let aggregation = self.policy.config().aggregation_function;
        let totals = (all.value(aggregation, now_s), queued.value(aggregation, now_s));
        self.merged = Some((replicas, all, queued));
        totals
    }

    fn explain(&self, outcome: Outcome, current: u32, running: u32, total: f64, queued: f64) -> Explanation {
        let config = self.policy.config();
        let mut limits = Vec::new();
        let mut limit = |name, before, after| {
            if before != after {
                limits.push(Limit { name, before, after });
            }
        };
        limit(
            if outcome.proposal > current { "UpscaleDelay" } else { "DownscaleDelay" },
            outcome.proposal,
            outcome.raw,
        );
        limit(
            if outcome.raw > outcome.decision { "MaxReplicas" } else { "MinReplicas" },
            outcome.raw,
            outcome.decision,
        );
        let reason = match outcome.decision.cmp(&current) {
            std::cmp::Ordering::Greater => "ongoing requests above target",
            std::cmp::Ordering::Less => "ongoing requests below target",
            std::cmp::Ordering::Equal if outcome.proposal > current => "more is wanted, the upscale delay runs",
            std::cmp::Ordering::Equal if outcome.proposal < current => "less is wanted, the downscale delay runs",
            std::cmp::Ordering::Equal => "target reached, no delay runs",
        };
        let metric = MetricExplanation {
            name: "ongoing_requests".into(),
            current: Some(total),
            target: config.target_ongoing_requests * f64::from(running.max(1)),
            proposal: Some(outcome.proposal),
            note: format!("{queued:.2} of them wait; {running} of {current} replicas run"),
        };
        Explanation { metrics: vec![metric], limits, reason: reason.to_owned(), error: None }
    }
}
