//! Scaling policies, each with the alarm that calls it.

use super::shared::{Alarm, Result, Warnings, pass_over};
use crate::autoscalers::aws::config::{AdjustmentType, Policy, PolicyKind, Step, StepScaling, TargetTracking};
use crate::manifest::ManifestError;
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, Value};

const ADJUSTMENTS: [(&str, AdjustmentType); 3] = [
    ("ChangeInCapacity", AdjustmentType::ChangeInCapacity),
    ("ExactCapacity", AdjustmentType::ExactCapacity),
    ("PercentChangeInCapacity", AdjustmentType::PercentChangeInCapacity),
];

const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";
const STEPS: &str = "StepScalingPolicyConfiguration";

/// Reads one policy.
pub(super) fn read(node: &Node, alarms: &[Alarm], warnings: &mut Warnings) -> Result<Policy> {
    let mut fields = Fields::of(node, "")?;
    let name = fields.required_text("PolicyName")?.to_owned();
    let words = [("TargetTrackingScaling", true), ("StepScaling", false)];
    let tracks = match fields.optional("PolicyType") {
        Some(kind) => fields.word("PolicyType", kind, &words)?,
        None => node.get(TRACKING).is_some(),
    };
    pass_over(&mut fields, &["PolicyARN", "ServiceNamespace", "ResourceId", "ScalableDimension", "CreationTime"]);
    let named = alarm_names(fields.optional("Alarms"));
    let kind = if tracks {
        PolicyKind::TargetTracking(read_tracking(fields.required_map(TRACKING)?, warnings)?)
    } else {
        let place = fields.place;
        let steps = read_steps(fields.required_map(STEPS)?, warnings)?;
        let calls = |alarm: &&Alarm| {
            named.contains(&alarm.name)
                || alarm.actions.iter().any(|action| *action == name || action.ends_with(&format!("policyName/{name}")))
        };
        let Some(alarm) = alarms.iter().find(calls) else {
            let message = format!("PolicyName: no alarm calls the step scaling policy \"{name}\"");
            let hint = "put what `aws cloudwatch describe-alarms` prints beside it";
            return Err(ManifestError::at(place, message).hint(hint));
        };
        PolicyKind::StepScaling(steps, alarm.rule.clone())
    };
    fields.finish(warnings);
    Ok(Policy { name, kind })
}

/// Reads a configuration of target tracking that stands alone.
pub(super) fn read_bare(node: &Node, warnings: &mut Warnings) -> Result<Policy> {
    let tracking = read_tracking(Fields::of(node, "")?, warnings)?;
    Ok(Policy { name: tracking.metric.clone(), kind: PolicyKind::TargetTracking(tracking) })
}

fn alarm_names(node: Option<&Node>) -> Vec<String> {
    let Some(Value::List(items)) = node.map(|node| &node.value) else { return Vec::new() };
    items.iter().filter_map(|item| item.get("AlarmName")?.text().map(str::to_owned)).collect()
}

fn read_tracking(mut fields: Fields, warnings: &mut Warnings) -> Result<TargetTracking> {
    fields.required("TargetValue")?;
    let target_value = fields.optional_number("TargetValue")?.unwrap_or_default();
    if target_value <= 0.0 {
        return Err(fields.refused("TargetValue", format!("expected more than 0, found {target_value}")));
    }
    let predefined = fields.optional_map("PredefinedMetricSpecification")?;
    let customized = fields.optional_map("CustomizedMetricSpecification")?;
    let metric = match (predefined, customized) {
        (Some(mut predefined), None) => {
            let metric = predefined.required_text("PredefinedMetricType")?.to_owned();
            pass_over(&mut predefined, &["ResourceLabel"]);
            predefined.finish(warnings);
            metric
        }
        (None, Some(mut customized)) => {
            if customized.optional("Metrics").is_some() {
                let message = "metric math is not evaluated: bind one metric, as MetricName";
                return Err(customized.refused("Metrics", message));
            }
            let metric = customized.required_text("MetricName")?.to_owned();
            pass_over(&mut customized, &["Namespace", "Dimensions", "Unit"]);
            customized.without_effect("Statistic", "has no effect: a point is the mean of its minute", warnings);
            customized.finish(warnings);
            metric
        }
        (Some(_), Some(_)) => {
            let message = "must not be given together with PredefinedMetricSpecification";
            return Err(fields.refused("CustomizedMetricSpecification", message));
        }
        (None, None) => {
            fields.required("PredefinedMetricSpecification")?;
            return Err(fields.refused("PredefinedMetricSpecification", "required, but missing"));
        }
    };
    let tracking = TargetTracking {
        target_value,
        metric,
        scale_out_cooldown_s: fields.optional_count("ScaleOutCooldown")?,
        scale_in_cooldown_s: fields.optional_count("ScaleInCooldown")?,
        disable_scale_in: fields.optional_bool("DisableScaleIn")?.unwrap_or(false),
    };
    fields.finish(warnings);
    Ok(tracking)
}

fn read_steps(mut fields: Fields, warnings: &mut Warnings) -> Result<StepScaling> {
    let kind = fields.required("AdjustmentType")?;
    let adjustment_type = fields.word("AdjustmentType", kind, &ADJUSTMENTS)?;
    fields.required("StepAdjustments")?;
    let path = fields.path_of("StepAdjustments");
    let mut steps = Vec::new();
    for (index, node) in fields.optional_list("StepAdjustments")?.unwrap_or_default().iter().enumerate() {
        let mut step = Fields::of(node, format!("{path}[{index}]"))?;
        steps.push(Step {
            lower: step.optional_number("MetricIntervalLowerBound")?,
            upper: step.optional_number("MetricIntervalUpperBound")?,
            adjustment: step.required_int("ScalingAdjustment")?,
        });
        step.finish(warnings);
    }
    steps.sort_by(|a, b| {
        let lower = |step: &Step| step.lower.unwrap_or(f64::NEG_INFINITY);
        lower(a).total_cmp(&lower(b))
    });
    if let Some(problem) = problem_of(&steps) {
        return Err(fields.refused("StepAdjustments", problem));
    }
    fields.without_effect("MetricAggregationType", "has no effect: the alarm's statistic holds", warnings);
    let policy = StepScaling {
        adjustment_type,
        steps,
        min_adjustment_magnitude: fields.optional_count("MinAdjustmentMagnitude")?,
        cooldown_s: fields.optional_count("Cooldown")?,
    };
    fields.finish(warnings);
    Ok(policy)
}

/// What the API refuses of steps in the order of their lower bounds.
fn problem_of(steps: &[Step]) -> Option<&'static str> {
    if steps.is_empty() {
        return Some("expected at least one step");
    }
    if steps.iter().any(|step| step.lower.zip(step.upper).is_some_and(|(lower, upper)| lower >= upper)) {
        return Some("a lower bound must be below its upper bound");
    }
    let apart = steps.windows(2).any(|pair| pair[0].upper.is_none() || pair[0].upper != pair[1].lower);
    apart.then_some("steps must follow one another without a gap and without overlap")
}
