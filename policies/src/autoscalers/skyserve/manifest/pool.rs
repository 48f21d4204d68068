//! A `pool` of workers, at the top of a task or within its `service`.

use super::{Result, checked};
use crate::autoscalers::skyserve::policy::ReplicaPolicy;
use crate::manifest::fields::Fields;
use crate::manifest::tree::Node;

/// Reads the section at `path`; `outer` is the number of workers that stands beside it.
pub(super) fn read(node: &Node, path: &str, outer: Option<u32>) -> Result<ReplicaPolicy> {
    let mut fields = Fields::of(node, path)?;
    let workers = fields.optional_count("workers")?.or(outer);
    let (min, max) = (fields.optional_count("min_workers")?, fields.optional_count("max_workers")?);
    let queue_length_threshold = fields.optional_count("queue_length_threshold")?;
    let policy = ReplicaPolicy {
        pool: true,
        min_replicas: min.or(workers).unwrap_or(1),
        max_replicas: max,
        upscale_delay_s: fields.optional_number("upscale_delay_seconds")?,
        downscale_delay_s: fields.optional_number("downscale_delay_seconds")?,
        queue_length_threshold,
        ..ReplicaPolicy::default()
    };
    if min.is_none() && max.is_none() && workers.is_none() {
        return Err(fields.refused("workers", "required, unless min_workers and max_workers are given"));
    }
    if queue_length_threshold == Some(0) {
        return Err(fields.refused("queue_length_threshold", "expected 1 or more, found 0"));
    }
    bounds(&mut fields, &policy, min)?;
    for name in ["min_workers", "queue_length_threshold", "upscale_delay_seconds", "downscale_delay_seconds"] {
        if max.is_none() && fields.optional(name).is_some() {
            return Err(fields.refused(name, "goes with max_workers, which is missing"));
        }
    }
    fields.refuse_unknown()?;
    checked(node, policy, path)
}

/// Without `min_workers`, the lower bound is `workers`, or 1.
fn bounds(fields: &mut Fields<'_>, policy: &ReplicaPolicy, min: Option<u32>) -> Result<()> {
    let Some(max) = policy.max_replicas.filter(|max| *max < policy.min_replicas) else { return Ok(()) };
    match (min, fields.optional("workers")) {
        (Some(min), _) => Err(fields.refused("min_workers", format!("{min} is above max_workers, {max}"))),
        (None, Some(_)) => {
            Err(fields.refused("workers", format!("{} is above max_workers, {max}", policy.min_replicas)))
        }
        (None, None) => {
            Err(fields.refused("max_workers", format!("{max} is below min_workers, which is 1 where it is missing")))
        }
    }
}

/// What a service may have and a pool may not.
pub(super) fn refuse_services_own(fields: &mut Fields<'_>) -> Result<()> {
    for name in ["load_balancing_policy", "ports", "tls"] {
        if fields.optional(name).is_some() {
            return Err(fields.refused(name, "is not supported for a pool"));
        }
    }
    let Some(mut probe) = probe(fields)? else { return Ok(()) };
    for name in ["post_data", "headers"] {
        if probe.optional(name).is_some() {
            return Err(probe.refused(name, "is not supported for a pool"));
        }
    }
    Ok(())
}

/// The map of a probe that is more than a path.
fn probe<'a>(fields: &mut Fields<'a>) -> Result<Option<Fields<'a>>> {
    match fields.optional("readiness_probe") {
        Some(node) if node.text().is_none() => fields.optional_map("readiness_probe"),
        _ => Ok(None),
    }
}
