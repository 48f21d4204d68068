//! Which pods count: grouping into ready, unready, missing and ignored.

use super::config::{HpaConfig, Variant};
use super::observation::{HpaObservation, Pod, PodPhase, PodSample};
use std::collections::BTreeMap;

/// Pods by what their samples are worth.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// Pods whose samples count.
    pub(super) ready: i64,
    /// Pods whose samples are set aside.
    pub(super) unready: Vec<u32>,
    /// Pods without a sample.
    pub(super) missing: Vec<u32>,
    /// Pods on their way out.
    pub(super) ignored: Vec<u32>,
}

/// Samples by pod.
pub(super) type Samples = BTreeMap<u32, PodSample>;

/// Groups the pods; `cpu` asks for the readiness rules that hold for that resource only.
pub(super) fn group(
    config: &HpaConfig,
    now: i64,
    seen: &HpaObservation,
    samples: &Samples,
    window_ns: i64,
    cpu: bool,
) -> Groups {
    let mut groups = Groups::default();
    for pod in &seen.pods {
        if pod.deleting || ended(config, pod.phase) {
            groups.ignored.push(pod.id);
        } else if pod.phase == PodPhase::Pending {
            groups.unready.push(pod.id);
        } else if let Some(sample) = samples.get(&pod.id) {
            if cpu && is_unready(config, now, pod, sample, window_ns) {
                groups.unready.push(pod.id);
            } else {
                groups.ready += 1;
            }
        } else {
            groups.missing.push(pod.id);
        }
    }
    groups
}

fn ended(config: &HpaConfig, phase: PodPhase) -> bool {
    match phase {
        PodPhase::Failed => true,
        PodPhase::Succeeded => config.settings().variant == Variant::K8s2026Backport,
        PodPhase::Pending | PodPhase::Running => false,
    }
}

/// Start-up burns CPU, so the controller distrusts a young pod's sample.
fn is_unready(config: &HpaConfig, now: i64, pod: &Pod, sample: &PodSample, window_ns: i64) -> bool {
    let (Some(ready), Some(started)) = (pod.ready, pod.started) else { return true };
    let settings = config.settings();
    if started.saturating_add(settings.cpu_initialization_ns) > now {
        // One full window must have passed since it became ready.
        !ready.status || sample.at < ready.since.saturating_add(window_ns)
    } else {
        // A last transition soon after the start means that it was never ready.
        !ready.status && started.saturating_add(settings.initial_readiness_delay_ns) > ready.since
    }
}

/// Pods that the Ready condition calls ready; those being deleted count too.
pub(super) fn ready_count(seen: &HpaObservation) -> i64 {
    let is_ready = |pod: &&Pod| pod.phase == PodPhase::Running && pod.ready.is_some_and(|ready| ready.status);
    seen.pods.iter().filter(is_ready).count() as i64
}
