//! A service as it is played.

use crate::autoscaler::resolved::ResolvedAutoscaler;
use crate::capacity::place::ResolvedCapacity;
use flashcrowd_core::fleet::StageWork;
use flashcrowd_core::serving::ServiceConfig;
use flashcrowd_profiles::Profile;

/// A service, resolved: what the simulator is told of it, and where that comes from.
#[derive(Clone, Debug)]
pub struct ResolvedService {
    /// What the simulator is told of it, but for who buys its capacity: that may depend on the replicate.
    pub config: ServiceConfig,
    /// Its model's name.
    pub model: Option<String>,
    /// Where the times of a token-level engine come from.
    pub profile: Option<Profile>,
    /// Who sets the number of replicas.
    pub autoscaler: Option<ResolvedAutoscaler>,
    /// Who buys its capacity, if that is left to a policy.
    pub(crate) capacity: Option<ResolvedCapacity>,
}

impl ResolvedService {
    /// Mean seconds from a placed replica to a ready one, without the probe.
    pub fn mean_cold_start_s(&self) -> f64 {
        let mean_s = |work: &StageWork| match work {
            StageWork::Drawn(law) => law.mean(),
            StageWork::Transfer(transfer, factor) => transfer.duration().as_s_f64() * factor.mean(),
        };
        self.config.startup.stages.iter().map(|stage| mean_s(&stage.cold)).sum()
    }
}
