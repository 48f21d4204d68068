//! Which signal a metric of `CloudWatch` stands for.
//!
//! Metrics per instance, per target or per copy are the service's over its ready replicas. CPU and
//! memory utilization need a user's binding: the simulator knows no machine sizes.

use crate::metrics::{MetricBinding, MetricNameError, parse_binding, resolve};
use std::collections::BTreeMap;

/// A metric, bound to a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundMetric {
    /// The signal and its factor.
    pub binding: MetricBinding,
    /// Whether the value is divided by the ready replicas.
    pub per_replica: bool,
}

/// Name, word of the signal, factor, and whether it is per replica.
const KNOWN: &[(&str, &str, f64, bool)] = &[
    // Invocations and requests are counted by minute.
    ("SageMakerVariantInvocationsPerInstance", "RequestsPerSecond", 60.0, true),
    ("SageMakerInferenceComponentInvocationsPerCopy", "RequestsPerSecond", 60.0, true),
    ("ALBRequestCountPerTarget", "RequestsPerSecond", 60.0, true),
    ("InvocationsPerInstance", "RequestsPerSecond", 60.0, true),
    ("RequestCountPerTarget", "RequestsPerSecond", 60.0, true),
    ("SageMakerVariantConcurrentRequestsPerModelHighResolution", "InFlightRequests", 1.0, true),
    ("SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution", "InFlightRequests", 1.0, true),
    ("ConcurrentRequestsPerModel", "InFlightRequests", 1.0, true),
    ("ApproximateBacklogSizePerInstance", "WaitingRequests", 1.0, true),
    ("ApproximateBacklogSize", "WaitingRequests", 1.0, false),
    ("ApproximateNumberOfMessagesVisible", "WaitingRequests", 1.0, false),
    ("GPUUtilization", "GpuUtilization", 1.0, false),
    ("GPUUtilizationNormalized", "GpuUtilization", 1.0, false),
];

/// What `metric` reads: by `chosen` where that names it, else by the names of AWS, else by the table
/// of known names.
///
/// # Errors
/// If nothing names a signal.
pub fn bind(metric: &str, chosen: &BTreeMap<String, MetricBinding>) -> Result<BoundMetric, MetricNameError> {
    if let Some(binding) = chosen.get(metric) {
        return Ok(BoundMetric { binding: *binding, per_replica: false });
    }
    if let Some((_, word, scale, per_replica)) = KNOWN.iter().find(|(name, ..)| *name == metric) {
        let mut binding = parse_binding(word)?;
        binding.scale *= scale;
        return Ok(BoundMetric { binding, per_replica: *per_replica });
    }
    Ok(BoundMetric { binding: resolve(metric)?, per_replica: false })
}
