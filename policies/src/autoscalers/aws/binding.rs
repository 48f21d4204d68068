//! Which signal a metric of `CloudWatch` stands for.
//!
//! Metrics per instance, per target or per copy are the service's over its ready replicas. CPU and
//! memory utilization of ECS are shares of what the containers request; those of machines need a
//! user's binding: the simulator knows no machine sizes.

use crate::metrics::{MetricBinding, MetricNameError, parse_binding, resolve};
use std::collections::BTreeMap;

/// A metric, bound to a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundMetric {
    /// The signal and its factor.
    pub binding: MetricBinding,
    /// What becomes of the service's value.
    pub per: Per,
}

/// What becomes of the service's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Nothing.
    Service,
    /// It is divided by the ready replicas.
    Replica,
    /// 1 while work waits and no replica is ready, else 0 (`HasBacklogWithoutCapacity`).
    BacklogWithoutCapacity,
}

/// Name, word of the signal, factor, and per what.
const KNOWN: &[(&str, &str, f64, Per)] = &[
    // Invocations and requests are counted by minute.
    ("SageMakerVariantInvocationsPerInstance", "RequestsPerSecond", 60.0, Per::Replica),
    ("SageMakerInferenceComponentInvocationsPerCopy", "RequestsPerSecond", 60.0, Per::Replica),
    ("ALBRequestCountPerTarget", "RequestsPerSecond", 60.0, Per::Replica),
    ("InvocationsPerInstance", "RequestsPerSecond", 60.0, Per::Replica),
    ("RequestCountPerTarget", "RequestsPerSecond", 60.0, Per::Replica),
    ("SageMakerVariantConcurrentRequestsPerModelHighResolution", "InFlightRequests", 1.0, Per::Replica),
    ("SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution", "InFlightRequests", 1.0, Per::Replica),
    ("ConcurrentRequestsPerModel", "InFlightRequests", 1.0, Per::Replica),
    ("ApproximateBacklogSizePerInstance", "WaitingRequests", 1.0, Per::Replica),
    ("ApproximateBacklogSize", "WaitingRequests", 1.0, Per::Service),
    ("ApproximateNumberOfMessagesVisible", "WaitingRequests", 1.0, Per::Service),
    ("HasBacklogWithoutCapacity", "WaitingRequests", 1.0, Per::BacklogWithoutCapacity),
    ("GPUUtilization", "GpuUtilization", 1.0, Per::Service),
    ("GPUUtilizationNormalized", "GpuUtilization", 1.0, Per::Service),
];

/// What `metric` reads: by `chosen` where that names it, else by the names of AWS, else by the table
/// of known names.
///
/// # Errors
/// If nothing names a signal.
pub fn bind(
    metric: &str,
    chosen: &BTreeMap<String, MetricBinding>,
    requests: Requests,
) -> Result<BoundMetric, BindError> {
    if let Some(binding) = chosen.get(metric) {
        return Ok(BoundMetric { binding: *binding, per: Per::Service });
    }
    if let Some((_, word, scale, per)) = KNOWN.iter().find(|(name, ..)| *name == metric) {
        let mut binding = parse_binding(word)?;
        binding.scale *= scale;
        return Ok(BoundMetric { binding, per: *per });
    }
    let utilization = match metric {
        "ECSServiceAverageCPUUtilization" => Some(("CpuCores", requests.cores, "cores")),
        "ECSServiceAverageMemoryUtilization" => Some(("MemoryBytes", requests.memory_bytes, "memory")),
        _ => None,
    };
    if let Some((word, requested, what)) = utilization {
        let requested = requested.filter(|requested| *requested > 0.0);
        let requested = requested.ok_or_else(|| BindError::NoRequest { metric: metric.to_owned(), what })?;
        let binding = MetricBinding { scale: 100.0 / requested, ..parse_binding(word)? };
        return Ok(BoundMetric { binding, per: Per::Replica });
    }
    Ok(BoundMetric { binding: resolve(metric)?, per: Per::Service })
}

/// What a replica's containers request, which utilization is a share of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Requests {
    /// Cores.
    pub cores: Option<f64>,
    /// Memory, in bytes.
    pub memory_bytes: Option<f64>,
}

/// Why a metric has no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// No signal is known.
    #[error(transparent)]
    Name(#[from] MetricNameError),
    /// A share of what nobody has said.
    #[error(
        "`{metric}` is a share of what a container requests: give the service `cpu: (request_{what}: ...)`, or bind it to a signal"
    )]
    NoRequest {
        /// The metric.
        metric: String,
        /// `cores` or `memory`.
        what: &'static str,
    },
}
