//! A constant number of replicas: the baseline of every comparison.

use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Autoscaler, Decision, Observation, Schedule, SignalRequest, TargetId};

/// Keeps one target at a constant count, also after somebody else has written another.
///
/// ```
/// use flashcrowd_core::ports::{Autoscaler, TargetId};
/// use flashcrowd_policies::FixedReplicas;
/// let policy = FixedReplicas::new(TargetId(0), 4);
/// assert_eq!(policy.name(), "fixed/4");
/// ```
#[derive(Clone, Debug)]
pub struct FixedReplicas {
    name: String,
    targets: [TargetId; 1],
    replicas: u32,
}

/// As often as an HPA looks.
const PERIOD: SimDuration = SimDuration::from_s(15);

impl FixedReplicas {
    /// `replicas` for `target`.
    pub fn new(target: TargetId, replicas: u32) -> Self {
        FixedReplicas { name: format!("fixed/{replicas}"), targets: [target], replicas }
    }
}

impl Autoscaler for FixedReplicas {
    fn name(&self) -> &str {
        &self.name
    }

    fn schedule(&self) -> Schedule {
        Schedule { period: PERIOD, phase: Some(SimDuration::ZERO), poked_by_requests: false }
    }

    fn targets(&self) -> &[TargetId] {
        &self.targets
    }

    fn signals(&self, _target: TargetId) -> &[SignalRequest] {
        &[]
    }

    fn decide(&mut self, seen: &Observation) -> Decision {
        let [target] = self.targets;
        match seen.targets.iter().find(|view| view.target == target) {
            Some(view) if view.spec_replicas != self.replicas => Decision::set_replicas(target, self.replicas),
            _ => Decision::hold(),
        }
    }
}
