//! What a failing trigger reports (`pkg/fallback/fallback.go`; read, not run).

use super::spec::{Fallback, FallbackBehavior, MetricType};

/// The value that makes the HPA land on the replicas of `fallback`: `target` times their number,
/// over the ready pods where the target is for all together. `None` if there is no such value:
/// without ready pods to divide by, or where the formula itself deals with it.
///
/// ```
/// use flashcrowd_policies::autoscalers::keda::{Fallback, FallbackBehavior, MetricType, reported};
/// let fallback = Fallback { failure_threshold: 3, replicas: 6, behavior: FallbackBehavior::CurrentReplicasIfHigher };
/// assert_eq!(reported(fallback, 5.0, MetricType::AverageValue, 2, 2), Some(30.0));
/// assert_eq!(reported(fallback, 5.0, MetricType::AverageValue, 9, 9), Some(45.0));
/// assert_eq!(reported(fallback, 5.0, MetricType::Value, 9, 0), None);
/// ```
pub fn reported(fallback: Fallback, target: f64, kind: MetricType, current: u32, ready: u32) -> Option<f64> {
    let replicas = match fallback.behavior {
        FallbackBehavior::Static => fallback.replicas,
        FallbackBehavior::CurrentReplicas => current,
        FallbackBehavior::CurrentReplicasIfHigher => current.max(fallback.replicas),
        FallbackBehavior::CurrentReplicasIfLower => current.min(fallback.replicas),
        FallbackBehavior::ScalingModifiers => return None,
    };
    let total = target * f64::from(replicas);
    match kind {
        MetricType::AverageValue => Some(total),
        MetricType::Value => (ready > 0).then(|| total / f64::from(ready)),
        MetricType::Utilization => None,
    }
}
