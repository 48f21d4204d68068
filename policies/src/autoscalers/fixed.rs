//! A constant number of replicas: the baseline of every comparison.

use crate::info::{PolicyInfo, Port};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Autoscaler, Controller, Decision, Observation, Schedule, TargetId};

/// Keeps one target at a constant count, also after somebody else has written another.
///
/// ```
/// use flashcrowd_core::ports::TargetId;
/// use flashcrowd_policies::autoscalers::FixedReplicas;
/// let controller = FixedReplicas::new(TargetId(0), 4);
/// assert_eq!(&*controller.name, "fixed/4");
/// ```
#[derive(Clone, Debug)]
pub struct FixedReplicas {
    replicas: u32,
}

/// As often as an HPA looks.
const PERIOD: SimDuration = SimDuration::from_s(15);

impl FixedReplicas {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(Port::Autoscaler, "fixed", "a constant number of replicas");

    /// `replicas` for `target`.
    pub fn new(target: TargetId, replicas: u32) -> Controller<Self> {
        let schedule = Schedule::every(PERIOD).first_at(SimDuration::ZERO);
        Controller::of(format!("fixed/{replicas}"), schedule, target, FixedReplicas { replicas })
    }
}

impl Autoscaler for FixedReplicas {
    fn decide(&mut self, seen: &Observation) -> Decision {
        Decision::scale_to(seen.target(), self.replicas)
    }
}
