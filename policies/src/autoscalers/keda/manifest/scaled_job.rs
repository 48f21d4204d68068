//! From the tree of a `ScaledJob` to the object.

use super::header::{Result, Warnings, annotations_of, name_of, spec_of};
use super::triggers;
use crate::autoscalers::keda::job::JobRules;
use crate::autoscalers::keda::spec::{Annotations, ScaledJob};
use crate::manifest::fields::Fields;
use crate::manifest::objects::Object;
use crate::manifest::{ManifestWarning, nearest};

const STRATEGIES: [&str; 4] = ["default", "custom", "accurate", "eager"];
const CALCULATIONS: [&str; 4] = ["max", "min", "avg", "sum"];

/// Reads the object and notes what has no effect.
pub(super) fn read(object: &Object, warnings: &mut Warnings) -> Result<ScaledJob> {
    let mut spec = spec_of(object)?;
    spec.required("jobTargetRef")?;
    for name in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit", "envSourceContainerName"] {
        spec.without_effect(name, "has no effect: finished jobs leave nothing behind", warnings);
    }
    for name in ["rolloutStrategy", "rollout"] {
        spec.without_effect(name, "has no effect: the object does not change in a run", warnings);
    }
    let mut rules = JobRules {
        min_replica_count: spec.optional_count("minReplicaCount")?,
        max_replica_count: spec.optional_count("maxReplicaCount")?,
        ..JobRules::default()
    };
    if let Some(strategy) = spec.optional_map("scalingStrategy")? {
        read_strategy(strategy, &mut rules, warnings)?;
    }
    let mut annotations = Annotations::default();
    for (key, value) in annotations_of(object)? {
        annotations.set(key, value);
    }
    let job = ScaledJob {
        name: name_of(object)?,
        namespace: object.namespace.map(str::to_owned),
        polling_interval_s: spec.optional_count("pollingInterval")?,
        paused: annotations.paused,
        rules,
        triggers: triggers::read(&mut spec, false, warnings)?,
    };
    spec.finish(warnings);
    Ok(job)
}

fn read_strategy(mut fields: Fields, rules: &mut JobRules, warnings: &mut Warnings) -> Result<()> {
    fields.optional_text("strategy")?.unwrap_or_default().clone_into(&mut rules.strategy);
    rules.queue_length_deduction = fields.optional_int("customScalingQueueLengthDeduction")?;
    let share = fields.optional_text("customScalingRunningJobPercentage")?.unwrap_or_default();
    share.clone_into(&mut rules.running_job_percentage);
    fields.optional_text("multipleScalersCalculation")?.unwrap_or_default().clone_into(&mut rules.calculation);
    let why = "has no effect: a job is pending until its pod runs";
    fields.without_effect("pendingPodConditions", why, warnings);
    // KEDA accepts any word, and takes an unknown one for the default.
    note_unknown(&mut fields, "strategy", &STRATEGIES, warnings);
    note_unknown(&mut fields, "multipleScalersCalculation", &CALCULATIONS, warnings);
    fields.finish(warnings);
    Ok(())
}

fn note_unknown(fields: &mut Fields, name: &'static str, words: &[&'static str], warnings: &mut Warnings) {
    let Some(node) = fields.optional(name) else { return };
    let text = node.text().unwrap_or_default();
    if text.is_empty() || words.contains(&text) {
        return;
    }
    let near = nearest(text, words.iter().copied()).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    let first = words.first().copied().unwrap_or_default();
    warnings.push(ManifestWarning {
        line: node.place.line,
        column: node.place.column,
        path: fields.path_of(name),
        message: format!("not a word that KEDA knows, `{first}` holds{near}"),
    });
}
