//! The autoscaler behind the simulator's port: what it is shown becomes reports of the metric, its
//! desired count becomes writes, and the reconciler's own memory (condition and mode) is kept here.

use super::decider::{Decider, Rules, Verdict};
use super::explain::{Answer, Trace, explain};
use super::revision::Revision;
use super::scaler::{Active, Bounds, Reachability, Scale, UNKNOWN, ZeroState, next_condition, to_zero};
use flashcrowd_core::ports::{
    Action, Adapter, Attribution, Autoscaler, Controller, Decision, MissingAs, Mode, Observation, Pipeline, Sampler,
    Schedule, Scope, SignalRequest, SignalSource, Stamp, TargetId, TargetView, Transform, Wake,
};
use flashcrowd_core::{SimDuration, SimTime};

/// `tickInterval` of `pkg/autoscaler/scaling/multiscaler.go`.
const TICK: SimDuration = SimDuration::from_s(2);
/// `scrapeTickInterval` of `pkg/autoscaler/metrics/collector.go`.
const SCRAPE: SimDuration = SimDuration::from_s(1);
const NS_PER_S: i64 = 1_000_000_000;
/// `progress-deadline` of the `ConfigMap` `config-deployment`.
const PROGRESS_DEADLINE_NS: i64 = 600 * NS_PER_S;

/// Which quirks of the real controller are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Panic ends a stable window after its last cause although the pods that it asked for are still
    /// starting, which undoes the growth (knative/serving#3153, #13284).
    pub panic_ends_while_starting: bool,
    /// Without a route `min-scale` and the pod retention count as 0.
    pub unreachable_loses_min_scale: bool,
}

impl Quirks {
    /// The real controller.
    pub const FAITHFUL: Quirks = Quirks { panic_ends_while_starting: true, unreachable_loses_min_scale: true };
    /// Without any.
    pub const FIXED: Quirks = Quirks { panic_ends_while_starting: false, unreachable_loses_min_scale: false };
}

/// What a [`KnativeKpa`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct KnativeOptions {
    /// Its name; `knative/` is put before it.
    pub name: String,
    /// What it scales.
    pub target: TargetId,
    /// The revision's parameters.
    pub revision: Revision,
    /// Annotation `serving.knative.dev/progress-deadline`, in nanoseconds.
    pub progress_deadline_ns: i64,
    /// Which quirks are kept.
    pub quirks: Quirks,
    /// Time of the first tick; `None` draws it.
    pub phase: Option<SimDuration>,
}

impl KnativeOptions {
    /// Faithful, with the default progress deadline of 600 s.
    pub fn new(name: impl Into<String>, target: TargetId, revision: Revision) -> Self {
        KnativeOptions {
            name: name.into(),
            target,
            revision,
            progress_deadline_ns: PROGRESS_DEADLINE_NS,
            quirks: Quirks::FAITHFUL,
            phase: None,
        }
    }
}

/// A Knative Pod Autoscaler that scales one target.
#[derive(Clone, Debug)]
pub struct KnativeKpa {
    revision: Revision,
    progress_deadline_ns: i64,
    rules: Rules,
    state: Option<Memory>,
}

/// What autoscaler and reconciler remember.
#[derive(Clone, Debug)]
struct Memory {
    decider: Decider,
    /// The decider's last recommendation; [`UNKNOWN`] before the first.
    desired: i32,
    excess_burst_capacity: i32,
    active: Active,
    active_since_ns: i64,
    /// Whether as many pods as the initial scale have ever been ready.
    initialized: bool,
    next_tick: SimTime,
    /// Since when the mode has been `Proxy`.
    proxy_since_ns: Option<i64>,
    /// The last report was zero: an activator stops reporting after one.
    silent: bool,
    /// The activator's report of a first request, to be taken off its next one.
    reported_early: f64,
}

impl KnativeKpa {
    /// An autoscaler for a revision of class `kpa.autoscaling.knative.dev`.
    pub fn new(options: KnativeOptions) -> Controller<Self> {
        let KnativeOptions { name, target, mut revision, progress_deadline_ns, quirks, phase } = options;
        if !quirks.unreachable_loses_min_scale {
            revision.bounds.min = revision.min_scale_if_reachable;
            revision.pod_retention_ns = revision.pod_retention_if_reachable_ns;
        }
        let rules = if quirks.panic_ends_while_starting { Rules::FAITHFUL } else { Rules::FIXED };
        let schedule = Schedule { period: TICK, phase, poked_by_requests: true };
        let metric = request(&revision.metric);
        let kpa = KnativeKpa { revision, progress_deadline_ns, rules, state: None };
        Controller::of(format!("knative/{name}"), schedule, target, kpa).reading([metric])
    }

    /// The revision's parameters.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The condition `Active`, once there was an observation.
    pub fn active(&self) -> Option<Active> {
        self.state.as_ref().map(|memory| memory.active)
    }
}

/// Each second's mean, as queue-proxies and activator report it.
fn request(metric: &str) -> SignalRequest {
    let source = if metric == "rps" { SignalSource::RequestsArrived } else { SignalSource::Concurrency };
    let pipeline = Pipeline {
        sampler: Sampler::WindowMean(SCRAPE),
        collect_period: None,
        scrape_period: SCRAPE,
        scrape_failure: 0.0,
        transform: Transform::None,
        rule_period: None,
        adapter: Adapter::Pushed { period: SimDuration::ZERO },
        relist_period: None,
        missing: MissingAs::Drop,
        stamp: Stamp::Sample,
        attribution: Attribution::Pod,
    };
    SignalRequest { name: metric.to_owned(), source, scope: Scope::Service, pipeline }
}

impl Memory {
    fn new(revision: &Revision, rules: Rules, now: SimTime, view: &TargetView) -> Self {
        let decider = Decider::new(revision.decider_spec(rules), now.as_ns(), view.ready_replicas);
        // Before the first decision: whether the initial pods can take the burst.
        let burst = revision.target_burst_capacity;
        let bearable = f64::from(revision.initial_scale) * revision.total_value;
        Memory {
            decider,
            desired: UNKNOWN,
            excess_burst_capacity: (if burst == -1.0 || burst == 0.0 { burst } else { bearable - burst }) as i32,
            active: if view.ready_replicas > 0 || view.spec_replicas > 0 {
                Active::Activating
            } else {
                Active::Inactive
            },
            active_since_ns: now.as_ns(),
            initialized: false,
            next_tick: now,
            proxy_since_ns: None,
            silent: true,
            reported_early: 0.0,
        }
    }

    fn note_mode(&mut self, now: SimTime, mode: Mode) {
        self.proxy_since_ns = match mode {
            Mode::Proxy => Some(self.proxy_since_ns.unwrap_or(now.as_ns())),
            Mode::Serve => None,
        };
    }

    /// Reports of the metric since the last call.
    fn feed(&mut self, revision: &Revision, view: &TargetView) {
        let Some(batches) = view.signals.first().and_then(|signal| signal.batches.as_ref()) else { return };
        // Pods are scraped whether or not they work; with an unlimited burst capacity nobody scrapes.
        let scraped = view.ready_replicas > 0 && revision.target_burst_capacity != -1.0;
        for sample in batches.iter().flat_map(|batch| &batch.samples) {
            let value = if sample.value.is_finite() { sample.value.max(0.0) } else { 0.0 };
            let is_zero = value == 0.0;
            if is_zero && self.silent && !scraped {
                continue;
            }
            self.silent = is_zero;
            let early = std::mem::take(&mut self.reported_early);
            self.decider.record(sample.at.as_ns(), (value - early).max(0.0));
        }
    }

    /// A first request at zero: the activator reports it at once.
    fn first_request(&mut self, now: SimTime) {
        self.decider.record(now.as_ns(), 1.0);
        self.silent = false;
        self.reported_early = 1.0;
    }

    fn tick(&mut self, now: SimTime, ready: u32) -> Option<Verdict> {
        let verdict = self.decider.decide(now.as_ns(), ready)?;
        self.desired = verdict.desired;
        self.excess_burst_capacity = verdict.excess_burst_capacity;
        Some(verdict)
    }

    fn set_active(&mut self, now: SimTime, active: Active) {
        if active != self.active {
            (self.active, self.active_since_ns) = (active, now.as_ns());
        }
    }

    fn wants_proxy(&self, want: i32) -> bool {
        want == 0 || self.excess_burst_capacity < 0 || (want < 0 && self.active == Active::Inactive)
    }
}

impl KnativeKpa {
    fn zero_state(&self, memory: &Memory, now: SimTime, view: &TargetView, desired: i32) -> ZeroState {
        let own = memory.proxy_since_ns.map(|since| now.as_ns() - since);
        let probed = view.probe.map(|probe| probe.populated_for.map(|span| (span.as_ps() / 1000) as i64));
        ZeroState {
            desired,
            enabled: self.revision.enable_scale_to_zero,
            active: memory.active,
            condition_age_ns: now.as_ns() - memory.active_since_ns,
            stable_window_ns: self.revision.stable_window_ns,
            grace_ns: self.revision.grace_period_ns,
            retention_ns: self.revision.pod_retention_ns,
            progress_deadline_ns: self.progress_deadline_ns,
            in_proxy_mode: view.mode == Mode::Proxy,
            target_burst_capacity: self.revision.target_burst_capacity,
            probe_ok: view.probe.is_none_or(|probe| probe.ok),
            populated_for_ns: probed.unwrap_or(own),
        }
    }

    /// The bounds of this reconcile: a revision that has never come up begins with its initial scale.
    fn bounds(&self, memory: &Memory) -> Bounds {
        let mut bounds = self.revision.bounds;
        let initial = self.revision.initial_scale;
        if initial > 1 && !memory.initialized && self.revision.reachability != Reachability::Unreachable {
            bounds.min = bounds.min.max(initial);
        }
        bounds
    }

    /// The reconciler: turns the decider's recommendation into a write, and updates the condition.
    fn reconcile(&self, memory: &mut Memory, now: SimTime, view: &TargetView, trace: &mut Trace) -> Scale {
        let bounds = self.bounds(memory);
        let scale = if memory.desired < 0 && memory.active != Active::Activating {
            Scale { desired: memory.desired, write: false, recheck_ns: None }
        } else {
            let bounded = bounds.clamp(memory.desired);
            trace.bounded(memory.desired, bounded, bounds, self.revision.bounds);
            to_zero(&self.zero_state(memory, now, view, bounded))
        };
        let ready = i32::try_from(view.ready_replicas).unwrap_or(i32::MAX);
        let least = self.revision.bounds.min;
        let threshold = if memory.initialized { least.max(1) } else { least.max(self.revision.initial_scale) };
        memory.initialized |= ready >= threshold;
        trace.condition = memory.active;
        memory.set_active(now, next_condition(memory.active, scale.desired, ready, threshold));
        scale
    }

    fn actions(memory: &Memory, view: &TargetView, scale: Scale) -> Vec<Action> {
        let target = view.target;
        let mut actions = Vec::new();
        let count = u32::try_from(scale.desired).ok().filter(|_| scale.write);
        if let Some(replicas) = count.filter(|replicas| *replicas != view.spec_replicas) {
            actions.extend(Decision::set_replicas(target, replicas).actions);
        }
        let mode = if memory.wants_proxy(scale.desired) { Mode::Proxy } else { Mode::Serve };
        if mode != view.mode {
            actions.push(Action::SetMode { target, mode });
        }
        actions
    }
}

impl Autoscaler for KnativeKpa {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let now = seen.now;
        let mut memory = self.state.take().unwrap_or_else(|| Memory::new(&self.revision, self.rules, now, view));
        memory.note_mode(now, view.mode);
        memory.feed(&self.revision, view);
        let waits = seen.wake == Wake::Poke(view.target);
        if waits && memory.silent {
            memory.first_request(now);
        }
        let poked = waits && memory.desired == 0;
        let mut trace = Trace::new(memory.active);
        let is_tick = now >= memory.next_tick;
        if is_tick || poked {
            trace.answer = memory.tick(now, view.ready_replicas).map_or(Answer::NoData, Answer::Decided);
        }
        if is_tick {
            memory.next_tick = now + TICK;
        }
        let scale = self.reconcile(&mut memory, now, view, &mut trace);
        let actions = Self::actions(&memory, view, scale);
        let recheck = scale.recheck_ns.and_then(|ns| u64::try_from(ns).ok());
        let recheck = recheck.map(|ns| now + SimDuration::from_ps(ns.saturating_mul(1000)));
        let next_wake = recheck.map_or(memory.next_tick, |at| at.min(memory.next_tick));
        let explanation = explain(&self.revision, &memory.decider, &trace, scale);
        self.state = Some(memory);
        let decision = Decision { actions, next_wake: Some(next_wake), ..Decision::default() };
        decision.explained(view.target, explanation)
    }
}
