//! `SkyServe` behind the simulator's port: records of replicas and synced arrivals become the
//! controller's inputs, its plan becomes actions.
//!
//! The load balancer syncs arrivals every 20 s, which is when the window of 60 s is cut; here they
//! are counted by second, so that an arrival may leave it up to 1 s later than with its own
//! timestamp.

use super::controller::{self, Demand, Plan};
use super::explain::explain;
use super::policy::{Algorithm, PolicyError, Quirks, ReplicaPolicy};
use super::replica::{Replica, Status};
use super::window::RequestWindow;
use crate::metrics::Preset;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Action, Adapter, Autoscaler, Class, Controller, Decision, Observation, Pipeline, ReplicaId, ReplicaPhase,
    ReplicaView, Schedule, Scope, SignalRequest, SignalSource, Stamp, TargetId, TargetView,
};
use flashcrowd_core::units::Market;
use std::collections::BTreeSet;

/// Time between two decisions, and between two syncs of the load balancer.
const PERIOD: SimDuration = SimDuration::from_s(20);
/// Time between two decisions while no replica is wanted.
const PERIOD_AT_ZERO: SimDuration = SimDuration::from_s(5);
/// Resolution at which arrivals are counted.
const RESOLUTION: SimDuration = SimDuration::from_s(1);

/// What a [`SkyServe`] needs besides its policy.
#[derive(Clone, Debug, PartialEq)]
pub struct SkyServeOptions {
    /// Its name; `skyserve/` is put before it.
    pub name: String,
    /// What it scales.
    pub target: TargetId,
    /// Which habits of the real code are kept.
    pub quirks: Quirks,
    /// Time of the first decision; `None` draws it from one period.
    pub phase: Option<SimDuration>,
}

impl SkyServeOptions {
    /// Faithful, first decision at once.
    pub fn new(name: impl Into<String>, target: TargetId) -> Self {
        SkyServeOptions { name: name.into(), target, quirks: Quirks::default(), phase: Some(SimDuration::ZERO) }
    }
}

/// A `SkyServe` controller that scales one target.
///
/// Launches are written as [`Action::SetReplicas`]: where the plan says spot or on-demand, the
/// class names the market and the number is that of this market. Replicas are given up by name.
/// A pool's pending jobs are the requests that wait, and its workers' jobs those that they hold.
#[derive(Clone, Debug)]
pub struct SkyServe {
    controller: controller::Controller,
    window: RequestWindow,
    /// The counter of arrivals as last seen.
    counted: f64,
    waiting: f64,
    were_ready: BTreeSet<ReplicaId>,
}

impl SkyServe {
    /// Checks the policy.
    ///
    /// # Errors
    /// What `SkyServe` refuses.
    pub fn new(policy: ReplicaPolicy, options: &SkyServeOptions) -> Result<Controller<Self>, PolicyError> {
        let controller = controller::Controller::new(policy, options.quirks)?;
        let request = match controller.algorithm() {
            Algorithm::Pool => request("pending_jobs", SignalSource::WaitingRequests, Adapter::Live),
            _ => request("request_timestamps", SignalSource::RequestsArrived, Adapter::Pushed { period: PERIOD }),
        };
        let policy = SkyServe {
            controller,
            window: RequestWindow::default(),
            counted: 0.0,
            waiting: 0.0,
            were_ready: BTreeSet::new(),
        };
        let schedule = Schedule { phase: options.phase, ..Schedule::every(PERIOD) };
        Ok(Controller::of(format!("skyserve/{}", options.name), schedule, options.target, policy).reading([request]))
    }

    /// The controller and its memory.
    pub fn controller(&self) -> &controller::Controller {
        &self.controller
    }

    fn demand(&mut self, view: &TargetView) -> Demand {
        let signal = view.signals.iter().find(|signal| signal.signal.0 == 0);
        let batches = signal.and_then(|signal| signal.batches.as_deref()).unwrap_or_default();
        let samples = batches.iter().flat_map(|batch| &batch.samples);
        let mut samples = samples.filter(|sample| sample.replica.is_none() && sample.value.is_finite());
        if self.controller.algorithm() == Algorithm::Pool {
            self.waiting = samples.next_back().map_or(self.waiting, |sample| sample.value);
            return Demand::PendingJobs((self.waiting.max(0.0) as u64).saturating_add(u64::from(view.jobs.pending)));
        }
        for sample in samples {
            // A counter that fell was reset.
            let since = if sample.value < self.counted { 0.0 } else { self.counted };
            self.window.add(sample.at, (sample.value - since) as u64);
            self.counted = sample.value;
        }
        if let Some(newest) = batches.last() {
            self.window.sync(newest.at);
        }
        Demand::Requests(self.window.count())
    }

    fn records(&mut self, view: &TargetView) -> Vec<Replica> {
        let ready = view.replicas.iter().filter(|replica| replica.ready == Some(true));
        self.were_ready.extend(ready.map(|replica| replica.id));
        self.were_ready.retain(|id| view.replicas.iter().any(|replica| replica.id == *id));
        let record = |replica: &ReplicaView| Replica {
            id: replica.id.0,
            status: status(replica, self.were_ready.contains(&replica.id)),
            is_spot: replica.market == Market::Spot,
            gpu: replica.gpu.to_string(),
            version: replica.version,
            jobs: replica.work.running.saturating_add(replica.work.waiting),
        };
        view.replicas.iter().map(record).collect()
    }
}

impl Autoscaler for SkyServe {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let demand = self.demand(view);
        let records = self.records(view);
        let before = self.controller.target();
        let plan = self.controller.decide(&records, demand);
        let at_zero = self.controller.final_target() == 0;
        Decision {
            actions: actions(view.target, &records, &plan),
            next_wake: at_zero.then(|| seen.now + PERIOD_AT_ZERO),
            ..Decision::default()
        }
        .explained(view.target, explain(&self.controller, demand, before, &plan))
    }
}

fn request(name: &str, source: SignalSource, adapter: Adapter) -> SignalRequest {
    let gauge = Preset::VllmGauge15s.pipeline();
    let pipeline = Pipeline { scrape_period: RESOLUTION, adapter, stamp: Stamp::Sample, ..gauge };
    SignalRequest { name: name.to_owned(), source, scope: Scope::Service, pipeline }
}

fn status(replica: &ReplicaView, was_ready: bool) -> Status {
    match replica.phase {
        _ if replica.deleted.is_some() => Status::ShuttingDown,
        ReplicaPhase::Succeeded | ReplicaPhase::Failed => Status::ShuttingDown,
        ReplicaPhase::Running if replica.ready == Some(true) => Status::Ready,
        ReplicaPhase::Running if was_ready => Status::NotReady,
        ReplicaPhase::Running => Status::Starting,
        ReplicaPhase::Pending if replica.node.is_some() => Status::Provisioning,
        ReplicaPhase::Pending => Status::Pending,
    }
}

fn actions(target: TargetId, records: &[Replica], plan: &Plan) -> Vec<Action> {
    let mut actions = Vec::new();
    for launch in &plan.scale_up {
        let use_spot = launch.use_spot;
        let live = records.iter().filter(|replica| {
            !replica.status.is_terminal() && use_spot.is_none_or(|use_spot| use_spot == replica.is_spot)
        });
        let replicas = u32::try_from(live.count()).unwrap_or(u32::MAX).saturating_add(launch.count);
        let market = use_spot.map(|use_spot| if use_spot { Market::Spot } else { Market::OnDemand });
        actions.push(Action::SetReplicas { target, replicas, class: Class { market, ..Class::default() } });
    }
    if !plan.scale_down.is_empty() {
        let replicas = plan.scale_down.iter().map(|id| ReplicaId(*id)).collect();
        actions.push(Action::RemoveReplicas { target, replicas });
    }
    actions
}
