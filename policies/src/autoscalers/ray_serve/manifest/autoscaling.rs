//! One `autoscaling_config`.

use super::shared::{CONFIG, Result, Warnings};
use crate::autoscalers::ray_serve::config::{Aggregation, AutoscalingConfig};
use crate::manifest::ManifestError;
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, Value};

const DEFAULT_POLICY: &str = "default_autoscaling_policy";

/// Reads `node` over `start`, which holds where a field is missing.
pub(super) fn read_autoscaling(
    node: &Node,
    path: String,
    start: AutoscalingConfig,
    warnings: &mut Warnings,
) -> Result<AutoscalingConfig> {
    let mut fields = Fields::of(node, path)?;
    let mut config = start;
    let counts = [("min_replicas", &mut config.min_replicas), ("max_replicas", &mut config.max_replicas)];
    for (name, value) in counts {
        *value = fields.optional_count(name)?.unwrap_or(*value);
    }
    config.initial_replicas = fields.optional_count("initial_replicas")?;
    let numbers = [
        ("target_ongoing_requests", &mut config.target_ongoing_requests),
        ("metrics_interval_s", &mut config.metrics_interval_s),
        ("look_back_period_s", &mut config.look_back_period_s),
        ("smoothing_factor", &mut config.smoothing_factor),
        ("upscale_delay_s", &mut config.upscale_delay_s),
        ("downscale_delay_s", &mut config.downscale_delay_s),
    ];
    for (name, value) in numbers {
        *value = fields.optional_number(name)?.unwrap_or(*value);
    }
    let optional = [
        ("upscale_smoothing_factor", &mut config.upscale_smoothing_factor),
        ("downscale_smoothing_factor", &mut config.downscale_smoothing_factor),
        ("upscaling_factor", &mut config.upscaling_factor),
        ("downscaling_factor", &mut config.downscaling_factor),
        ("downscale_to_zero_delay_s", &mut config.downscale_to_zero_delay_s),
    ];
    for (name, value) in optional {
        *value = fields.optional_number(name)?;
    }
    if let Some(node) = fields.optional("aggregation_function") {
        config.aggregation_function = fields.word("aggregation_function", node, &Aggregation::WORDS)?;
    }
    refuse_own_policy(&mut fields)?;
    fields.finish(warnings);
    match config.validate() {
        Ok(()) => Ok(config),
        Err(error) => {
            let place = node.get(error.field).map_or(node.place, |field| field.place);
            Err(ManifestError::at(place, format!("{CONFIG}.{error}")))
        }
    }
}

/// A policy of the user's own is Python code, which the simulator does not run.
fn refuse_own_policy(fields: &mut Fields) -> Result<()> {
    for name in ["policy", "_policy", "_serialized_policy_def"] {
        let Some(node) = fields.optional(name) else { continue };
        let function = match &node.value {
            Value::Map(_) => node.get("policy_function").or(node.get("name")).and_then(Node::text),
            _ => node.text(),
        };
        if !function.is_some_and(|function| function.ends_with(DEFAULT_POLICY)) {
            let message = format!("a policy of your own is code: only the {DEFAULT_POLICY} is reproduced");
            return Err(fields.refused(name, &message));
        }
    }
    Ok(())
}
