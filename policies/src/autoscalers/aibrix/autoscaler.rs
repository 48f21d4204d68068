//! The controller behind the simulator's port: averages over its windows, the algorithm, cooldown.

use super::Settings;
use super::algorithm::Recommendation;
use super::manifest::{MetricKind, PodAutoscaler, Strategy};
use super::registry::{PodMetric, pod_metric, resource};
use super::stabilizer::Stabilizer;
use crate::autoscalers::hpa::BoundMetric;
use crate::clock::WallClock;
use crate::metrics::{MetricBinding, MetricNameError, resolve};
use flashcrowd_core::ports::{
    Autoscaler, Batch, Controller, Decision, Explanation, Limit, MetricExplanation, Observation, ReplicaView, Sample,
    Schedule, Scope, TargetId, TargetView,
};
use flashcrowd_core::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often the controller reconciles.
const PERIOD: SimDuration = SimDuration::from_s(10);
const NS_PER_S: i64 = 1_000_000_000;

/// Which quirks of the real controller are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one habit that a user repairs alone")]
pub struct Quirks {
    /// Downwards the cooldown takes the smallest recommendation of its window, not the largest.
    pub cooldown_takes_minimum: bool,
    /// The scaling context is made anew at each reconcile, so that what a panic asked for is forgotten.
    pub forgets_context: bool,
    /// It asks for more while replicas that it asked for are not ready, by what the ready ones show: the
    /// count doubles at each reconcile (vllm-project/aibrix#2670; later versions guard against it).
    pub ignores_pending: bool,
    /// KPA holds the mean a pod against the target as if it were the total, so it asks for few
    /// replicas however many work (`metrics/client.go`, `UpdateMetrics`; by reading).
    pub kpa_takes_mean: bool,
}

impl Quirks {
    /// The real controller.
    pub const FAITHFUL: Quirks =
        Quirks { cooldown_takes_minimum: true, forgets_context: true, ignores_pending: true, kpa_takes_mean: true };
    /// Without any.
    pub const FIXED: Quirks =
        Quirks { cooldown_takes_minimum: false, forgets_context: false, ignores_pending: false, kpa_takes_mean: false };
}

/// What an [`Aibrix`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct AibrixOptions {
    /// The user's object.
    pub spec: PodAutoscaler,
    /// What it scales.
    pub target: TargetId,
    /// One binding for each of its metrics, in order; see [`bind`].
    pub metrics: Vec<BoundMetric>,
    /// Which quirks are kept.
    pub quirks: Quirks,
    /// Time of the first reconcile; `None` draws it.
    pub phase: Option<SimDuration>,
    /// When the run begins, for bounds by the time of day.
    pub clock: WallClock,
}

impl AibrixOptions {
    /// Faithful.
    pub fn new(spec: PodAutoscaler, target: TargetId, metrics: Vec<BoundMetric>) -> Self {
        AibrixOptions { spec, target, metrics, quirks: Quirks::FAITHFUL, phase: None, clock: WallClock::default() }
    }
}

/// Why a metric is not simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// No signal is known.
    #[error(transparent)]
    Name(#[from] MetricNameError),
    /// A running total.
    #[error("`{0}` is a running total, which AIBrix holds against the target as it stands; bind it to a signal")]
    Total(String),
}

/// Binds every metric to a signal: by `chosen` where that names it, else a pod's by the registry,
/// resources as such, and others by the table of known names. The second list says which read 0 for
/// ever, and why.
///
/// # Errors
/// If a name is neither chosen nor known.
pub fn bind(
    spec: &PodAutoscaler,
    chosen: &BTreeMap<String, MetricBinding>,
) -> Result<(Vec<BoundMetric>, Vec<String>), BindError> {
    let (mut bound, mut zeros) = (Vec::new(), Vec::new());
    for metric in &spec.metrics {
        let binding = match (chosen.get(&metric.name), metric.kind) {
            (Some(binding), _) => *binding,
            (None, MetricKind::Pod) => match pod_metric(&metric.name) {
                PodMetric::Gauge(binding) => binding,
                PodMetric::Total => return Err(BindError::Total(metric.name.clone())),
                PodMetric::Zero(why) => {
                    zeros.push(format!("`{}` reads 0 for ever: {why}", metric.name));
                    MetricBinding { scale: 0.0, ..resolve("in_flight_requests")? }
                }
            },
            (None, MetricKind::Resource) => match resource(&metric.name) {
                Some(binding) => binding,
                None => resolve(&metric.name)?,
            },
            (None, MetricKind::Custom | MetricKind::External) => resolve(&metric.name)?,
        };
        let scope = if metric.kind == MetricKind::External { Scope::Service } else { Scope::Replica };
        bound.push(BoundMetric { request: binding.request(&metric.name, scope), scale: binding.scale });
    }
    Ok((bound, zeros))
}

/// The mean over what a metric gave at one reconcile: a value a pod, or the service's own.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at_ns: i64,
    mean: f64,
    /// The pods that the mean goes over.
    pods: u32,
}

/// An `AIBrix` autoscaler that scales one target.
#[derive(Clone, Debug)]
pub struct Aibrix {
    spec: PodAutoscaler,
    scales: Vec<f64>,
    names: Vec<Arc<str>>,
    newest: Vec<Option<Batch>>,
    readings: Vec<Vec<Reading>>,
    stabilizer: Stabilizer,
    quirks: Quirks,
    clock: WallClock,
    /// When the next reconcile is due that no schedule asks for.
    tick: SimTime,
    /// The settings outside all schedules.
    base: Settings,
    /// Whether a schedule with a lower bound is open, which may begin from zero.
    warms: bool,
    /// The most that the present panic asked for, for each metric.
    max_panic: Vec<i32>,
}

impl Aibrix {
    /// A controller for one object. Bindings that are missing make their metrics unreadable.
    pub fn new(options: AibrixOptions) -> Controller<Self> {
        let AibrixOptions { spec, target, metrics, quirks, phase, clock } = options;
        let (requests, scales): (Vec<_>, Vec<_>) =
            metrics.into_iter().map(|metric| (metric.request, metric.scale)).unzip();
        let count = spec.metrics.len();
        let name = format!("aibrix/{}", spec.name);
        let policy = Aibrix {
            names: spec.metrics.iter().map(|metric| metric.name.as_str().into()).collect(),
            newest: vec![None; scales.len()],
            readings: vec![Vec::new(); count],
            stabilizer: Stabilizer::new(spec.up_cooldown_ns, spec.down_cooldown_ns, quirks.cooldown_takes_minimum),
            quirks,
            clock,
            tick: SimTime::ZERO,
            base: spec.settings,
            warms: false,
            max_panic: vec![0; count],
            scales,
            spec,
        };
        let schedule = Schedule { phase, ..Schedule::every(PERIOD) };
        Controller::of(name, schedule, target, policy).reading(requests)
    }

    /// Takes the newest answers into the windows.
    fn read(&mut self, now_ns: i64, view: &TargetView) {
        for (index, newest) in self.newest.iter_mut().enumerate() {
            let signal = view.signals.iter().find(|signal| signal.signal.0 as usize == index);
            match signal.and_then(|signal| signal.batches.as_ref()) {
                Some(batches) => *newest = batches.last().cloned().or_else(|| newest.take()),
                None => *newest = None,
            }
            let Some(readings) = self.readings.get_mut(index) else { continue };
            let (kind, scale) = (self.spec.metrics[index].kind, self.scales.get(index).copied().unwrap_or(1.0));
            let samples = newest.as_ref().map_or(&[][..], |batch| &batch.samples);
            let values = samples.iter().filter(|sample| sample.value.is_finite());
            let (sum, shown) = values.fold((0.0, 0), |(sum, n), sample| (sum + sample.value * scale, n + 1));
            let pods = shown + silent(kind, view, samples);
            if pods == 0 {
                continue;
            }
            let window_ns = self.spec.stable_window_ns.max(self.spec.panic_window_ns);
            readings.retain(|reading| in_window(reading, now_ns, window_ns));
            readings.push(Reading { at_ns: now_ns, mean: sum / f64::from(pods), pods });
        }
    }

    /// Mean over the readings of the window; `None` if there is none.
    fn average(&self, metric: usize, now_ns: i64, window_ns: i64) -> Option<f64> {
        let total = self.spec.strategy == Strategy::Kpa && !self.quirks.kpa_takes_mean;
        let value = |reading: &Reading| if total { reading.mean * f64::from(reading.pods) } else { reading.mean };
        let newer = self.readings[metric].iter().filter(|reading| in_window(reading, now_ns, window_ns));
        let (sum, count) = newer.fold((0.0, 0_u32), |(sum, count), reading| (sum + value(reading), count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// What one metric recommends, and the value that it was taken from.
    fn recommend(&mut self, metric: usize, now_ns: i64, current: i32) -> Option<(Recommendation, f64)> {
        let settings = super::Settings { target: self.spec.metrics[metric].target, ..self.spec.settings };
        let (stable, panic) = (self.spec.stable_window_ns, self.spec.panic_window_ns);
        match self.spec.strategy {
            Strategy::Apa => {
                let value = self.average(metric, now_ns, stable)?;
                Some((settings.apa(current, value), value))
            }
            Strategy::Kpa => {
                let value = self.average(metric, now_ns, stable)?;
                let short = self.average(metric, now_ns, panic)?;
                let kept = if self.quirks.forgets_context { 0 } else { self.max_panic[metric] };
                let found = settings.kpa(current, value, short, kept);
                self.max_panic[metric] = if found.in_panic { found.after_rates } else { 0 };
                Some((found, value))
            }
        }
    }

    fn evaluate(&mut self, now_ns: i64, current: i32, explanation: &mut Explanation) -> Option<i32> {
        let mut best: Option<Recommendation> = None;
        for metric in 0..self.spec.metrics.len() {
            let found = self.recommend(metric, now_ns, current);
            explanation.metrics.push(MetricExplanation {
                name: Arc::clone(&self.names[metric]),
                current: found.map(|(_, value)| value),
                target: self.spec.metrics[metric].target,
                proposal: found.map(|(recommendation, _)| count(recommendation.proposal)),
                note: match found {
                    None => "no metrics".to_owned(),
                    Some((recommendation, _)) if recommendation.in_panic => "in panic mode".to_owned(),
                    Some(_) => String::new(),
                },
            });
            let found = found.map(|(recommendation, _)| recommendation);
            if found.is_some_and(|found| best.is_none_or(|best| found.desired > best.desired)) {
                best = found;
            }
        }
        let best = best?;
        limit(explanation, "ScaleRates", best.proposal, best.after_rates);
        limit(explanation, "Bounds", best.after_rates, best.desired);
        let stable = self.stabilizer.stabilize(now_ns, current, best.desired);
        limit(explanation, "Cooldown", best.desired, stable);
        // The window may hold what was recommended under no bounds but these.
        Some(self.spec.settings.clamp(stable))
    }

    /// When to look again, where schedules change the bounds between two reconciles.
    fn wake(&mut self, now: SimTime) -> Option<SimTime> {
        let changes = self.spec.schedules.iter().filter_map(|window| window.next_change(self.clock, now));
        let change = changes.min()?;
        if self.tick <= now {
            self.tick = now + PERIOD;
        }
        Some(change.min(self.tick))
    }

    /// Takes the bounds that hold now.
    fn bound(&mut self, now: SimTime) {
        let open = self.spec.schedules.iter().find(|window| window.is_open(self.clock, now));
        let (min, max) = open.map_or((None, None), |window| (window.min_replicas, window.max_replicas));
        self.warms = min.is_some();
        self.spec.settings.min_replicas = min.unwrap_or(self.base.min_replicas);
        self.spec.settings.max_replicas = max.unwrap_or(self.base.max_replicas);
    }

    /// What the bounds decide before any metric is asked.
    fn gate(&self, current: i32) -> Option<(i32, &'static str)> {
        let settings = &self.spec.settings;
        if current == 0 && settings.min_replicas > 0 && !self.warms {
            Some((0, "scaling is disabled at zero replicas"))
        } else if current > settings.max_replicas {
            Some((settings.max_replicas, "current replicas are above maxReplicas"))
        } else if current < settings.min_replicas {
            Some((settings.min_replicas, "current replicas are below minReplicas"))
        } else {
            None
        }
    }
}

/// Whether a reading lies in the window before now, whose ends are whole seconds and both count
/// (`types/metrics.go`, `TimeWindow.Record`).
fn in_window(reading: &Reading, now_ns: i64, window_ns: i64) -> bool {
    reading.at_ns.div_euclid(NS_PER_S) >= now_ns.saturating_sub(window_ns).div_euclid(NS_PER_S)
}

/// Pods that are asked and have no value, which counts as 0 (`metrics/fetcher.go`): for metrics of
/// the engine those that have an address, which they get on their node; for the metrics APIs all.
fn silent(kind: MetricKind, view: &TargetView, samples: &[Sample]) -> u32 {
    let has_value = |replica: &ReplicaView| samples.iter().any(|sample| sample.replica == Some(replica.id));
    let asked = view.replicas.iter().filter(|replica| match kind {
        _ if replica.deleted.is_some() => false,
        MetricKind::External => false,
        MetricKind::Pod => replica.node.is_some(),
        MetricKind::Resource | MetricKind::Custom => true,
    });
    asked.filter(|replica| !has_value(replica)).count() as u32
}

fn count(replicas: i32) -> u32 {
    u32::try_from(replicas).unwrap_or(0)
}

fn limit(explanation: &mut Explanation, name: &'static str, before: i32, after: i32) {
    if before != after {
        explanation.limits.push(Limit { name, before: count(before), after: count(after) });
    }
}

impl Autoscaler for Aibrix {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let now_ns = seen.now.as_ns();
        self.bound(seen.now);
        self.read(now_ns, view);
        let current = i32::try_from(view.spec_replicas).unwrap_or(i32::MAX);
        let mut explanation = Explanation::default();
        let wanted = if let Some((bound, why)) = self.gate(current) {
            why.clone_into(&mut explanation.reason);
            limit(&mut explanation, "Bounds", current, bound);
            Some(bound)
        } else {
            let wanted = self.evaluate(now_ns, current, &mut explanation);
            explanation.reason = match (wanted, self.spec.strategy) {
                (None, _) => "no metric could be read".to_owned(),
                (Some(_), Strategy::Apa) => "apa scaling by the mean a pod".to_owned(),
                (Some(_), Strategy::Kpa) if self.quirks.kpa_takes_mean => "kpa scaling by the mean a pod".to_owned(),
                (Some(_), Strategy::Kpa) => "kpa scaling by the total".to_owned(),
            };
            wanted
        };
        let wanted = wanted.map(|wanted| {
            let held = !self.quirks.ignores_pending && wanted > current && view.ready_replicas < view.spec_replicas;
            let kept = if held { current } else { wanted };
            limit(&mut explanation, "Pending", wanted, kept);
            kept
        });
        let mut decision = wanted.map_or_else(Decision::hold, |wanted| Decision::scale_to(view, count(wanted)));
        decision.next_wake = self.wake(seen.now);
        decision.explained(view.target, explanation)
    }
}
