//! JSON (or YAML) as `aws application-autoscaling` and `aws cloudwatch` take and print it.
//!
//! A file may hold what `register-scalable-target`, `put-scaling-policy`, `put-scheduled-action` and
//! `put-metric-alarm` take, one document each, or the lists that `describe-scalable-targets`,
//! `describe-scaling-policies`, `describe-scheduled-actions` and `describe-alarms` print. A step
//! scaling policy needs its alarm beside it. The bare configuration of target tracking, as
//! `--target-tracking-scaling-policy-configuration file://config.json` takes it, is a policy, too.

mod actions;
mod policies;
mod shared;

use super::config::{AlarmRule, Comparison, Policy, ScalableTarget, ScheduledAction, Statistic};
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, Value, documents};
pub use crate::manifest::{ManifestError, ManifestWarning};
use shared::{Alarm, Result, Warnings, pass_over};

/// A scalable target with its policies, as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The target.
    pub target: ScalableTarget,
    /// Its policies, in the order of the file.
    pub policies: Vec<Policy>,
    /// What changes its bounds by the clock, in the order of the file.
    pub actions: Vec<ScheduledAction>,
    /// Whether the file holds no target: its bounds are somebody else's to say.
    pub without_target: bool,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

const STATISTICS: [(&str, Statistic); 4] = [
    ("Average", Statistic::Average),
    ("Sum", Statistic::Sum),
    ("Minimum", Statistic::Minimum),
    ("Maximum", Statistic::Maximum),
];

const COMPARISONS: [(&str, Comparison); 4] = [
    ("GreaterThanThreshold", Comparison::Greater),
    ("GreaterThanOrEqualToThreshold", Comparison::GreaterOrEqual),
    ("LessThanThreshold", Comparison::Less),
    ("LessThanOrEqualToThreshold", Comparison::LessOrEqual),
];

/// Reads a target and its policies.
///
/// ```
/// use flashcrowd_policies::autoscalers::aws::manifest::read_bytes;
/// let manifest = read_bytes(br#"
/// {"ServiceNamespace": "ecs", "ResourceId": "service/c/web", "MinCapacity": 1, "MaxCapacity": 9}
/// ---
/// {"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration":
///   {"TargetValue": 100, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}}}
/// "#)?;
/// assert_eq!((manifest.target.max_capacity, manifest.policies.len()), (9, 1));
/// # Ok::<(), flashcrowd_policies::autoscalers::aws::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// If the bytes are not JSON or YAML, lack a target or a policy, or hold what the API refuses.
pub fn read_bytes(bytes: &[u8]) -> Result<Manifest> {
    let documents = documents(bytes)?;
    let mut parts = Parts::default();
    for document in &documents {
        parts.sort(document)?;
    }
    let mut warnings = Vec::new();
    let target = match parts.targets.as_slice() {
        [one] => read_target(one, &mut warnings)?,
        [] => ScalableTarget { min_capacity: 1, max_capacity: u32::MAX, ..ScalableTarget::default() },
        [_, second, ..] => return Err(ManifestError::at(second.place, "a second scalable target: expected one")),
    };
    if parts.policies.is_empty() && parts.bare.is_empty() && parts.actions.is_empty() {
        return Err(ManifestError::general("no scaling policy: expected PolicyName and its configuration"));
    }
    let alarms = parts.alarms.iter().map(|node| read_alarm(node, &mut warnings)).collect::<Result<Vec<_>>>()?;
    let mut policies = Vec::new();
    for node in &parts.policies {
        policies.push(policies::read(node, &alarms, &mut warnings)?);
    }
    for node in &parts.bare {
        policies.push(policies::read_bare(node, &mut warnings)?);
    }
    let actions = parts.actions.iter().map(|node| actions::read(node, &target, &mut warnings));
    let actions = actions.collect::<Result<Vec<_>>>()?;
    Ok(Manifest { target, policies, actions, without_target: parts.targets.is_empty(), warnings })
}

/// The objects of a file, by what they are.
#[derive(Default)]
struct Parts<'a> {
    targets: Vec<&'a Node>,
    policies: Vec<&'a Node>,
    /// Configurations of target tracking without a policy around them.
    bare: Vec<&'a Node>,
    alarms: Vec<&'a Node>,
    actions: Vec<&'a Node>,
}

impl<'a> Parts<'a> {
    /// Tells what a document holds by its fields.
    fn sort(&mut self, node: &'a Node) -> Result<()> {
        if let Value::List(items) = &node.value {
            return items.iter().try_for_each(|item| self.sort(item));
        }
        if !matches!(node.value, Value::Map(_)) {
            return Err(ManifestError::at(node.place, format!("expected an object, found {}", node.kind())));
        }
        let mut known = false;
        for (list, items) in [
            ("ScalableTargets", &mut self.targets),
            ("ScalingPolicies", &mut self.policies),
            ("MetricAlarms", &mut self.alarms),
            ("ScheduledActions", &mut self.actions),
        ] {
            let Some(found) = node.get(list) else { continue };
            let Value::List(found) = &found.value else {
                return Err(ManifestError::at(found.place, format!("{list}: expected a list, found {}", found.kind())));
            };
            items.extend(found);
            known = true;
        }
        if known { Ok(()) } else { self.sort_one(node) }
    }

    fn sort_one(&mut self, node: &'a Node) -> Result<()> {
        let has = |names: &[&str]| names.iter().any(|name| node.get(name).is_some());
        if has(&["ScheduledActionName", "ScalableTargetAction"]) {
            self.actions.push(node);
        } else if has(&["MinCapacity", "MaxCapacity"]) {
            self.targets.push(node);
        } else if has(&["ComparisonOperator", "AlarmName"]) {
            self.alarms.push(node);
        } else if has(&["PolicyName", "PolicyType"]) {
            self.policies.push(node);
        } else if has(&["PredefinedMetricSpecification", "CustomizedMetricSpecification"]) {
            self.bare.push(node);
        } else if has(&["StepAdjustments"]) {
            let message = "the bare configuration of step scaling: it needs the alarm that calls it";
            let hint = "put the policy around it, and what `aws cloudwatch describe-alarms` prints beside it";
            return Err(ManifestError::at(node.place, message).hint(hint));
        } else {
            let message = "neither a scalable target (MinCapacity, MaxCapacity), a policy (PolicyName), a scheduled \
                           action (ScheduledActionName) nor an alarm (AlarmName)";
            return Err(ManifestError::at(node.place, message));
        }
        Ok(())
    }
}

fn read_target(node: &Node, warnings: &mut Warnings) -> Result<ScalableTarget> {
    let mut fields = Fields::of(node, "")?;
    pass_over(
        &mut fields,
        &["ScalableDimension", "RoleARN", "CreationTime", "ScalableTargetARN", "Tags", "PredictedCapacity"],
    );
    let mut target = ScalableTarget {
        namespace: fields.optional_text("ServiceNamespace")?.unwrap_or_default().to_owned(),
        resource_id: fields.optional_text("ResourceId")?.unwrap_or_default().to_owned(),
        ..ScalableTarget::default()
    };
    fields.required("MinCapacity")?;
    fields.required("MaxCapacity")?;
    target.min_capacity = fields.optional_count("MinCapacity")?.unwrap_or_default();
    target.max_capacity = fields.optional_count("MaxCapacity")?.unwrap_or_default();
    if target.max_capacity < target.min_capacity {
        let message = format!("{} is below MinCapacity, {}", target.max_capacity, target.min_capacity);
        return Err(fields.refused("MaxCapacity", &message));
    }
    if let Some(mut state) = fields.optional_map("SuspendedState")? {
        target.scale_in_suspended = state.optional_bool("DynamicScalingInSuspended")?.unwrap_or(false);
        target.scale_out_suspended = state.optional_bool("DynamicScalingOutSuspended")?.unwrap_or(false);
        target.scheduled_suspended = state.optional_bool("ScheduledScalingSuspended")?.unwrap_or(false);
        state.finish(warnings);
    }
    fields.finish(warnings);
    Ok(target)
}

fn read_alarm(node: &Node, warnings: &mut Warnings) -> Result<Alarm> {
    let mut fields = Fields::of(node, "alarm")?;
    let name = fields.required_text("AlarmName")?.to_owned();
    let mut actions = Vec::new();
    for action in fields.optional_list("AlarmActions")?.unwrap_or_default() {
        actions.extend(action.text().map(str::to_owned));
    }
    let comparison = fields.required("ComparisonOperator")?;
    let comparison = fields.word("ComparisonOperator", comparison, &COMPARISONS)?;
    let period_s = fields.optional_count("Period")?.unwrap_or(60);
    if period_s == 0 || period_s % 60 != 0 {
        return Err(fields.refused("Period", format!("expected a multiple of 60 s, found {period_s}")));
    }
    let statistic = match fields.optional("Statistic") {
        None => Statistic::default(),
        Some(node) => fields.word("Statistic", node, &STATISTICS)?,
    };
    fields.required("Threshold")?;
    let rule = AlarmRule {
        metric: fields.required_text("MetricName")?.to_owned(),
        threshold: fields.optional_number("Threshold")?.unwrap_or_default(),
        comparison,
        period_min: period_s / 60,
        evaluation_periods: fields.optional_count("EvaluationPeriods")?.unwrap_or(1),
        datapoints_to_alarm: fields.optional_count("DatapointsToAlarm")?,
        statistic,
    };
    if rule.evaluation_periods == 0 || rule.evaluation_periods.saturating_mul(rule.period_min) > 1_440 {
        return Err(fields.refused("EvaluationPeriods", "expected 1 or more, and no more than a day of minutes"));
    }
    fields.without_effect("TreatMissingData", "has no effect: missing data never changes the capacity", warnings);
    pass_over(&mut fields, &["Namespace", "Dimensions", "AlarmDescription", "AlarmArn", "ActionsEnabled", "Unit"]);
    pass_over(&mut fields, &["OKActions", "InsufficientDataActions", "StateValue", "StateReason", "StateReasonData"]);
    pass_over(&mut fields, &["StateUpdatedTimestamp", "AlarmConfigurationUpdatedTimestamp"]);
    pass_over(&mut fields, &["StateTransitionedTimestamp", "Tags"]);
    fields.finish(warnings);
    Ok(Alarm { name, actions, rule })
}
