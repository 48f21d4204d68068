//! What the API server fills in where a manifest is silent.

use super::spec::{
    Behavior, HpaSpec, MetricSource, MetricSpec, PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy, Target,
};

const DEFAULT_CPU_UTILIZATION: i32 = 80;
const DEFAULT_PERIOD_SECONDS: i32 = 15;
const FOUR_PODS: ScalingPolicy =
    ScalingPolicy { kind: PolicyKind::Pods, value: 4, period_seconds: DEFAULT_PERIOD_SECONDS };
const HUNDRED_PERCENT: ScalingPolicy =
    ScalingPolicy { kind: PolicyKind::Percent, value: 100, period_seconds: DEFAULT_PERIOD_SECONDS };

/// `spec` as the API server stores it.
///
/// ```
/// use flashcrowd_policies::autoscalers::hpa::{HpaSpec, with_defaults};
/// let spec = HpaSpec { min_replicas: None, max_replicas: 5, metrics: vec![], behavior: None };
/// let stored = with_defaults(&spec);
/// assert_eq!(stored.min_replicas, Some(1));
/// assert_eq!(stored.metrics[0].described(), "cpu resource utilization (percentage of request)");
/// assert_eq!(stored.behavior, None); // stays absent: the controller then follows other rules
/// ```
#[must_use]
pub fn with_defaults(spec: &HpaSpec) -> HpaSpec {
    let mut spec = spec.clone();
    spec.min_replicas.get_or_insert(1);
    if spec.metrics.is_empty() {
        let source = MetricSource::Resource { name: "cpu".to_owned() };
        spec.metrics.push(MetricSpec { source, target: Target::Utilization(DEFAULT_CPU_UTILIZATION) });
    }
    spec.behavior = spec.behavior.map(behavior_with_defaults);
    spec
}

/// Fills in both directions, field by field; a given list of policies replaces the default list.
///
/// The scale-down window stays empty if it is: the controller takes its own flag for it.
#[must_use]
pub fn behavior_with_defaults(behavior: Behavior) -> Behavior {
    let mut up = behavior.scale_up.unwrap_or_default();
    up.stabilization_window_seconds.get_or_insert(0);
    let mut down = behavior.scale_down.unwrap_or_default();
    fill(&mut up, &[FOUR_PODS, HUNDRED_PERCENT]);
    fill(&mut down, &[HUNDRED_PERCENT]);
    Behavior { scale_up: Some(up), scale_down: Some(down) }
}

fn fill(rules: &mut ScalingRules, policies: &[ScalingPolicy]) {
    rules.select_policy.get_or_insert(SelectPolicy::Max);
    rules.policies.get_or_insert_with(|| policies.to_vec());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_and_fields_are_filled_one_by_one() {
        let lone = ScalingPolicy { kind: PolicyKind::Percent, value: 10, period_seconds: 60 };
        let given = Behavior {
            scale_up: None,
            scale_down: Some(ScalingRules { policies: Some(vec![lone]), ..ScalingRules::default() }),
        };
        let filled = behavior_with_defaults(given);
        let up = filled.scale_up.expect("filled");
        assert_eq!(up.policies, Some(vec![FOUR_PODS, HUNDRED_PERCENT]));
        assert_eq!(up.stabilization_window_seconds, Some(0));
        let down = filled.scale_down.expect("filled");
        assert_eq!(down.policies, Some(vec![lone]));
        assert_eq!((down.stabilization_window_seconds, down.select_policy), (None, Some(SelectPolicy::Max)));
    }
}
