//! From a reconcile to the explanation in the decision log, in the controller's words.

use super::decider::{Decider, Verdict};
use super::revision::Revision;
use super::scaler::{Active, Bounds, Scale};
use flashcrowd_core::ports::{Explanation, Limit, MetricExplanation};

/// What the decider said in one reconcile.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// It was not asked.
    NotAsked,
    /// It has no data.
    NoData,
    /// It decided.
    Decided(Verdict),
}

/// What happened in one reconcile.
pub(super) struct Trace {
    /// The decider's answer.
    pub(super) answer: Answer,
    /// The condition before it.
    pub(super) condition: Active,
    limits: Vec<Limit>,
}

impl Trace {
    pub(super) fn new(condition: Active) -> Self {
        Trace { answer: Answer::NotAsked, condition, limits: Vec::new() }
    }

    fn limit(&mut self, name: &'static str, before: i32, after: i32) {
        if before != after {
            self.limits.push(Limit { name, before: count(before), after: count(after) });
        }
    }

    /// Notes what the bounds did; `own` are those without an initial scale.
    pub(super) fn bounded(&mut self, before: i32, after: i32, bounds: Bounds, own: Bounds) {
        let name = match after.cmp(&before) {
            std::cmp::Ordering::Less => "MaxScale",
            _ if bounds.min > own.min => "InitialScale",
            _ => "MinScale",
        };
        // An unknown recommendation cannot be raised.
        if before >= 0 {
            self.limit(name, before, after);
        }
    }
}

/// Explains one reconcile.
pub(super) fn explain(revision: &Revision, decider: &Decider, trace: &Trace, scale: Scale) -> Explanation {
    let mut explanation = Explanation::default();
    if let Answer::Decided(verdict) = &trace.answer {
        explanation.metrics = metrics(revision, decider, verdict);
        explanation.limits = decider_limits(verdict);
    }
    explanation.limits.extend(trace.limits.iter().cloned());
    explanation.reason = reason(decider, trace, scale);
    explanation
}

fn metrics(revision: &Revision, decider: &Decider, verdict: &Verdict) -> Vec<MetricExplanation> {
    let spec = decider.spec();
    let one = |window: &str, seconds: u32, current: f64, pods: i32| MetricExplanation {
        name: format!("{} over {window} window, {seconds} s", revision.metric).into(),
        current: Some(current),
        target: spec.target_value,
        proposal: Some(count(pods)),
        note: String::new(),
    };
    vec![
        one("stable", spec.stable_window_s, verdict.stable, verdict.stable_pods),
        one("panic", spec.panic_window_s, verdict.panic, verdict.panic_pods),
    ]
}

fn decider_limits(verdict: &Verdict) -> Vec<Limit> {
    let steps = [
        ("ScaleRates", verdict.stable_pods, verdict.after_rates),
        ("ActivationScale", verdict.after_rates, verdict.after_activation),
        ("Panic", verdict.after_activation, verdict.after_panic),
        ("ScaleDownDelay", verdict.after_panic, verdict.desired),
    ];
    let changed = steps.into_iter().filter(|(_, before, after)| before != after);
    changed.map(|(name, before, after)| Limit { name, before: count(before), after: count(after) }).collect()
}

fn reason(decider: &Decider, trace: &Trace, scale: Scale) -> String {
    let mut parts = Vec::new();
    match &trace.answer {
        Answer::NoData => parts.push("no data in the stable window"),
        Answer::Decided(_) if decider.in_panic() => parts.push("operating in panic mode"),
        Answer::Decided(_) => parts.push("operating in stable mode"),
        Answer::NotAsked => parts.push("looking again between two decisions"),
    }
    match (scale.desired, scale.write, trace.condition) {
        (0, true, Active::Activating) => parts.push("activation has timed out"),
        (0, true, _) => parts.push("scaling to zero"),
        (0, false, Active::Active) => parts.push("idle for a stable window: marked inactive"),
        (0, false, _) => parts.push("waiting for the activator's path before the last pod goes"),
        (1, true, Active::Active) if scale.recheck_ns.is_some() => parts.push("idle, but active for too short a time"),
        (desired, false, Active::Activating) if desired < 0 => parts.push("activating"),
        _ => {}
    }
    parts.join("; ")
}

fn count(pods: i32) -> u32 {
    u32::try_from(pods).unwrap_or(0)
}
