//! What a reconcile needs besides its observation: the controller's flags, the completed spec and
//! the containers of the pods, all checked once so that the step itself cannot fail on them.

use super::defaulting::with_defaults;
use super::spec::{HpaSpec, MetricSpec, ScalingPolicy, ScalingRules, SelectPolicy};
use super::validation::{SpecError, validate};
use std::collections::BTreeMap;

/// Nanoseconds in a second: instants and spans are counted as in Go's `time`.
pub const NS_PER_S: i64 = 1_000_000_000;

/// Which controller is reproduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The unmodified controller of Kubernetes 1.28.
    #[default]
    K8s128,
    /// 1.28 with the tolerance per direction, the treatment of succeeded pods and the scale-to-zero
    /// logic of a 2026 development tree; not an upstream binary.
    K8s2026Backport,
}

impl Variant {
    /// Its name in scenario and reference files.
    pub const fn name(self) -> &'static str {
        match self {
            Variant::K8s128 => "k8s-1.28",
            Variant::K8s2026Backport => "k8s-2026-backport",
        }
    }

    /// The variant of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Variant::K8s128, Variant::K8s2026Backport].into_iter().find(|variant| variant.name() == name)
    }
}

/// Flags of the controller manager.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControllerSettings {
    /// Which controller.
    pub variant: Variant,
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, in nanoseconds.
    pub downscale_stabilization_ns: i64,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`, in nanoseconds.
    pub cpu_initialization_ns: i64,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`, in nanoseconds.
    pub initial_readiness_delay_ns: i64,
    /// The feature gate `HPAScaleToZero`; read by the 2026 variant only.
    pub scale_to_zero_gate: bool,
    /// Which upstream quirks are kept.
    pub quirks: Quirks,
}

/// Upstream behaviour that users report as faults; each may be switched off to see what a fix would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Object and External `AverageValue` divide by, and answer, `status.replicas` instead of
    /// `spec.replicas` (kubernetes #138505).
    pub average_value_uses_status: bool,
}

impl Default for Quirks {
    /// All of them: faithful to upstream.
    fn default() -> Self {
        Quirks { average_value_uses_status: true }
    }
}

impl Default for ControllerSettings {
    fn default() -> Self {
        ControllerSettings {
            variant: Variant::default(),
            tolerance: 0.1,
            downscale_stabilization_ns: 300 * NS_PER_S,
            cpu_initialization_ns: 300 * NS_PER_S,
            initial_readiness_delay_ns: 30 * NS_PER_S,
            scale_to_zero_gate: false,
            quirks: Quirks::default(),
        }
    }
}

/// One container of the pod template, for Utilization targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Requests in milli-units by resource: 500 is half a core, memory is in milli-bytes.
    pub requests: BTreeMap<String, i64>,
}

/// Everything that stays the same between two reconciles.
#[derive(Clone, Debug, PartialEq)]
pub struct HpaConfig {
    spec: HpaSpec,
    min_replicas: i32,
    settings: ControllerSettings,
    containers: Vec<Container>,
    directions: Option<Directions>,
    /// Those of the real controller, unless a test breaks one.
    pub rules: Rules,
}

/// The completed rules of both directions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Directions {
    pub(super) up: DirectionRules,
    pub(super) down: DirectionRules,
}

/// The completed rules of one direction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DirectionRules {
    pub(super) window_ns: i64,
    pub(super) select: SelectPolicy,
    pub(super) policies: Vec<ScalingPolicy>,
    pub(super) tolerance: Option<f64>,
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one comparison that a test breaks alone")]
pub struct Rules {
    /// Without `behavior`, a recommendation exactly as old as the window still counts.
    pub plain_window_edge_counts: bool,
    /// With `behavior`, such a one counts.
    pub behavior_window_edge_counts: bool,
    /// A scale event exactly as old as a policy's period counts.
    pub period_edge_counts: bool,
    /// A ratio exactly on the tolerance is within it.
    pub tolerance_edge_is_within: bool,
    /// The first reconcile records the current count as a recommendation.
    pub seed_recommendation: bool,
}

impl Rules {
    const KUBERNETES: Rules = Rules {
        plain_window_edge_counts: true,
        behavior_window_edge_counts: false,
        period_edge_counts: false,
        tolerance_edge_is_within: true,
        seed_recommendation: true,
    };
}

impl HpaConfig {
    /// Fills in the defaults of `spec` and checks it as the API server does.
    ///
    /// # Errors
    /// Everything that the API server refuses.
    pub fn new(
        spec: &HpaSpec,
        settings: ControllerSettings,
        containers: Vec<Container>,
    ) -> Result<HpaConfig, Vec<SpecError>> {
        let spec = with_defaults(spec);
        let mut errors = validate(&spec);
        if !(settings.tolerance >= 0.0 && settings.tolerance.is_finite()) {
            let message = format!("{} must be 0 or greater", settings.tolerance);
            errors.push(SpecError { path: "controller.tolerance".to_owned(), message });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let directions = spec.behavior.as_ref().map(|behavior| Directions {
            up: direction(behavior.scale_up.as_ref(), 0),
            down: direction(behavior.scale_down.as_ref(), settings.downscale_stabilization_ns),
        });
        let min_replicas = spec.min_replicas.unwrap_or(1);
        Ok(HpaConfig { spec, min_replicas, settings, containers, directions, rules: Rules::KUBERNETES })
    }

    /// The spec with its defaults.
    pub fn spec(&self) -> &HpaSpec {
        &self.spec
    }

    /// The metrics, in order.
    pub fn metrics(&self) -> &[MetricSpec] {
        &self.spec.metrics
    }

    /// Lower bound.
    pub fn min_replicas(&self) -> i32 {
        self.min_replicas
    }

    /// Upper bound.
    pub fn max_replicas(&self) -> i32 {
        self.spec.max_replicas
    }

    /// The controller's flags.
    pub fn settings(&self) -> &ControllerSettings {
        &self.settings
    }

    /// The pods' containers.
    pub fn containers(&self) -> &[Container] {
        &self.containers
    }

    /// Fields of the spec that this controller does not know, by path.
    pub fn fields_without_effect(&self) -> Vec<String> {
        let Some(directions) = self.directions.as_ref().filter(|_| self.settings.variant == Variant::K8s128) else {
            return Vec::new();
        };
        let given = [("scaleUp", directions.up.tolerance), ("scaleDown", directions.down.tolerance)];
        let given = given.into_iter().filter(|(_, tolerance)| tolerance.is_some());
        given.map(|(name, _)| format!("spec.behavior.{name}.tolerance")).collect()
    }

    pub(super) fn directions(&self) -> Option<&Directions> {
        self.directions.as_ref()
    }
}

fn direction(rules: Option<&ScalingRules>, default_window_ns: i64) -> DirectionRules {
    let rules = rules.cloned().unwrap_or_default();
    DirectionRules {
        window_ns: rules.stabilization_window_seconds.map_or(default_window_ns, |s| i64::from(s) * NS_PER_S),
        select: rules.select_policy.unwrap_or(SelectPolicy::Max),
        policies: rules.policies.unwrap_or_default(),
        tolerance: rules.tolerance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscalers::hpa::spec::Behavior;

    #[test]
    fn a_tolerance_per_direction_is_unknown_to_1_28() {
        let rules = ScalingRules { tolerance: Some(0.05), ..ScalingRules::default() };
        let behavior = Behavior { scale_up: None, scale_down: Some(rules) };
        let spec = HpaSpec { min_replicas: None, max_replicas: 3, metrics: vec![], behavior: Some(behavior) };
        let without_effect = |variant| {
            let settings = ControllerSettings { variant, ..ControllerSettings::default() };
            HpaConfig::new(&spec, settings, vec![]).expect("valid").fields_without_effect()
        };
        assert_eq!(without_effect(Variant::K8s128), ["spec.behavior.scaleDown.tolerance"]);
        assert!(without_effect(Variant::K8s2026Backport).is_empty());
    }

    #[test]
    fn a_controller_with_a_bad_tolerance_is_refused() {
        let spec = HpaSpec { min_replicas: None, max_replicas: 3, metrics: vec![], behavior: None };
        for tolerance in [-0.1, f64::NAN, f64::INFINITY] {
            let settings = ControllerSettings { tolerance, ..ControllerSettings::default() };
            assert!(HpaConfig::new(&spec, settings, vec![]).is_err(), "{tolerance}");
        }
    }
}
