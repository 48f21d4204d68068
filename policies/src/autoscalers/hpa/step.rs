//! One reconcile, as a pure function of the controller's memory, the time and what it is shown.

use super::combine::combine;
use super::config::{HpaConfig, Variant};
use super::decision::{AppliedLimit, ConditionState, Event, HpaDecision, MetricOutcome};
use super::limits::longest_period_ns;
use super::normalize::normalize;
use super::observation::HpaObservation;
use super::state::{HpaState, store_event};

const ABOVE_MAX: &str = "Current number of replicas above Spec.MaxReplicas";
const BELOW_MIN: &str = "Current number of replicas below Spec.MinReplicas";

/// Reconciles once: reads the observation, updates the memory and says what to do.
///
/// `now` is in nanoseconds since any fixed instant; it must not decrease.
///
/// ```
/// use flashcrowd_policies::autoscalers::hpa::*;
/// let metric = MetricSpec {
///     source: MetricSource::External(MetricIdentifier { name: "queue_depth".into(), selector: None }),
///     target: Target::AverageValue("30".parse()?),
/// };
/// let spec = HpaSpec { min_replicas: Some(1), max_replicas: 10, metrics: vec![metric], behavior: None };
/// let config = HpaConfig::new(&spec, ControllerSettings::default(), vec![]).expect("valid");
/// let seen = HpaObservation {
///     spec_replicas: 2,
///     status_replicas: 2,
///     metrics: vec![MetricReading::External(vec![95_000])], // 95 waiting requests
///     ..HpaObservation::default()
/// };
/// let decision = step(&mut HpaState::default(), 0, &config, &seen);
/// assert_eq!((decision.desired, decision.updated), (4, true)); // ceil(95 / 30)
/// assert_eq!(decision.reason, "external metric queue_depth(nil) above target");
/// # Ok::<(), flashcrowd_policies::manifest::QuantityError>(())
/// ```
pub fn step(state: &mut HpaState, now: i64, config: &HpaConfig, seen: &HpaObservation) -> HpaDecision {
    let reconcile = Reconcile { state, now, config, seen, events: Vec::new(), limits: Vec::new() };
    if seen.scale_failed {
        return reconcile.scale_failed();
    }
    reconcile.state.conditions.able_to_scale = Some(ConditionState::yes("SucceededGetScale"));
    if config.rules.seed_recommendation {
        reconcile.state.seed(seen.spec_replicas, now);
    }
    match reconcile.gate() {
        Gate::Disabled => reconcile.disabled(),
        Gate::Bound(desired, reason) => reconcile.bound(desired, reason),
        Gate::Evaluate => reconcile.evaluate(),
    }
}

/// What is decided before any metric is read.
enum Gate {
    /// At zero replicas: nothing is done.
    Disabled,
    /// Outside the bounds: straight to the bound.
    Bound(i32, &'static str),
    /// The metrics decide.
    Evaluate,
}

struct Reconcile<'a> {
    state: &'a mut HpaState,
    now: i64,
    config: &'a HpaConfig,
    seen: &'a HpaObservation,
    events: Vec<Event>,
    limits: Vec<AppliedLimit>,
}

impl Reconcile<'_> {
    fn gate(&self) -> Gate {
        let (current, min, max) = (self.seen.spec_replicas, self.config.min_replicas(), self.config.max_replicas());
        if current == 0 {
            let active = match self.config.settings().variant {
                Variant::K8s128 => min == 0,
                // A count that a person set to zero stays zero; one that the controller set may
                // rise again.
                Variant::K8s2026Backport => {
                    self.was_scaled_to_zero() && (min != 0 || self.config.spec().has_object_or_external_metric())
                }
            };
            return if active { Gate::Evaluate } else { Gate::Disabled };
        }
        if current > max {
            Gate::Bound(max, ABOVE_MAX)
        } else if current < min {
            Gate::Bound(min, BELOW_MIN)
        } else {
            Gate::Evaluate
        }
    }

    fn was_scaled_to_zero(&self) -> bool {
        self.state.conditions.scaled_to_zero.is_some_and(|condition| condition.status)
    }

    fn scale_failed(mut self) -> HpaDecision {
        let why = "failed to query scale subresource".to_owned();
        self.state.conditions.able_to_scale = Some(ConditionState::no("FailedGetScale"));
        self.event("FailedGetScale", why.clone());
        let current = self.seen.spec_replicas;
        self.decision(current, None, Some(why), String::new())
    }

    fn disabled(self) -> HpaDecision {
        self.state.conditions.scaling_active = Some(ConditionState::no("ScalingDisabled"));
        if self.was_scaled_to_zero() {
            self.state.conditions.scaled_to_zero = Some(ConditionState::no("NotScaledToZero"));
        }
        let current = self.seen.spec_replicas;
        self.decision(current, None, None, String::new())
    }

    fn bound(mut self, desired: i32, reason: &'static str) -> HpaDecision {
        let name = if reason == ABOVE_MAX { "AboveMaxReplicas" } else { "BelowMinReplicas" };
        self.limits.push(AppliedLimit { name, before: self.seen.spec_replicas, after: desired });
        self.rescale(desired, reason);
        self.decision(desired, None, None, reason.to_owned())
    }

    fn evaluate(mut self) -> HpaDecision {
        let current = self.seen.spec_replicas;
        let combined = combine(self.config, self.now, self.seen);
        self.state.conditions.scaling_active = Some(combined.active);
        self.events.extend(combined.events);
        let Some((proposal, metric)) = combined.chosen else {
            let why = combined.error.unwrap_or_default();
            self.event("FailedComputeMetricsReplicas", why.clone());
            return self.decision(current, Some(combined.outcomes), Some(why), String::new());
        };
        let desired = proposal.max(0);
        // Fixed before stabilization: a change that only stabilization caused has no reason.
        let reason = match desired.cmp(&current) {
            std::cmp::Ordering::Greater => format!("{} above target", self.described(metric, proposal)),
            std::cmp::Ordering::Less => "All metrics below target".to_owned(),
            std::cmp::Ordering::Equal => String::new(),
        };
        let (mut result, limits) = normalize(self.config, self.state, self.now, current, desired);
        self.limits = limits;
        let min = self.config.min_replicas();
        if current == 0 && result < min && self.was_scaled_to_zero() {
            self.limits.push(AppliedLimit { name: "BelowMinReplicas", before: result, after: min });
            result = min;
        }
        if result != current {
            self.rescale(result, &reason);
        }
        self.decision(result, Some(combined.outcomes), combined.error, reason)
    }

    /// The name of the metric that a reason text blames; none if its proposal was not positive.
    fn described(&self, metric: usize, proposal: i32) -> String {
        let spec = self.config.metrics().get(metric).filter(|_| proposal > 0);
        spec.map(super::spec::MetricSpec::described).unwrap_or_default()
    }

    /// Writes the scale and remembers the change.
    fn rescale(&mut self, desired: i32, reason: &str) {
        let current = self.seen.spec_replicas;
        self.state.conditions.able_to_scale = Some(ConditionState::yes("SucceededRescale"));
        self.event("SuccessfulRescale", format!("New size: {desired}; reason: {reason}"));
        if let Some(directions) = self.config.directions() {
            let (events, rules) = if desired > current {
                (&mut self.state.ups, &directions.up)
            } else {
                (&mut self.state.downs, &directions.down)
            };
            // Bounds and counts are not negative, so the difference fits.
            let change = desired.saturating_sub(current).saturating_abs();
            store_event(events, change, longest_period_ns(rules), self.now);
        }
        self.note_scaled_to_zero(desired);
    }

    fn note_scaled_to_zero(&mut self, desired: i32) {
        let settings = self.config.settings();
        if settings.variant != Variant::K8s2026Backport {
            return;
        }
        let to_zero = self.seen.spec_replicas > 0
            && desired == 0
            && self.config.min_replicas() == 0
            && self.config.spec().has_object_or_external_metric();
        self.state.conditions.scaled_to_zero = match (settings.scale_to_zero_gate, to_zero) {
            (true, true) => Some(ConditionState::yes("ScaledToZero")),
            (true, false) => Some(ConditionState::no("NotScaledToZero")),
            (false, _) => self.state.conditions.scaled_to_zero.filter(|condition| !condition.status),
        };
    }

    fn event(&mut self, reason: &'static str, message: String) {
        self.events.push(Event { reason, message });
    }

    fn decision(
        self,
        desired: i32,
        metrics: Option<Vec<MetricOutcome>>,
        error: Option<String>,
        reason: String,
    ) -> HpaDecision {
        HpaDecision {
            desired,
            updated: desired != self.seen.spec_replicas,
            metrics,
            error,
            conditions: self.state.conditions,
            events: self.events,
            limits: self.limits,
            reason,
        }
    }
}
