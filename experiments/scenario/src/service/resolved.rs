//! A service as it is played.

use crate::autoscaler::resolved::ResolvedAutoscaler;
use crate::capacity::resolve::ResolvedCapacity;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{StageWork, Startup};
use flashcrowd_core::ports::Router;
use flashcrowd_core::serving::{CpuModel, Discipline, QueueMode, ServiceConfig, ServiceTime, Slo};
use flashcrowd_core::units::Bytes;
use flashcrowd_policies::capacity::Future;
use flashcrowd_policies::routers::replicas as routing;
use flashcrowd_profiles::Profile;
use std::sync::Arc;

/// A service, resolved.
#[derive(Clone, Debug)]
pub struct ResolvedService {
    /// Its name.
    pub name: Arc<str>,
    /// Its model's name.
    pub model: Option<String>,
    /// Pools that may host it.
    pub pools: Vec<u32>,
    /// How a replica works.
    pub discipline: Discipline,
    /// Where the times of a token-level engine come from.
    pub profile: Option<Profile>,
    /// What is promised.
    pub slos: Vec<Slo>,
    /// Who sets the number of replicas.
    pub autoscaler: Option<ResolvedAutoscaler>,
    /// GPUs of one group.
    pub gpus_per_group: u32,
    /// Groups of a replica.
    pub groups: u32,
    /// The service on whose replicas it is resident, by position.
    pub resident_on: Option<u32>,
    /// How a replica starts.
    pub startup: Startup,
    /// Where attempts wait.
    pub queue: QueueMode,
    pub(crate) capacity: Option<ResolvedCapacity>,
    pub(crate) requeues: u32,
    pub(crate) starts_cold: bool,
    pub(crate) service_time: ServiceTime,
    pub(crate) router: RouterKind,
    pub(crate) network: Option<Distribution>,
    pub(crate) initial_replicas: Option<u32>,
    pub(crate) memory_per_gpu: Bytes,
    pub(crate) drain_timeout: SimDuration,
    pub(crate) kernel_share: f64,
    pub(crate) cpu: CpuModel,
}

/// Which router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouterKind {
    RoundRobin,
    LeastOutstanding,
    PowerOfChoices(u32),
    Random,
}

impl ResolvedService {
    /// Mean seconds from a placed replica to a ready one, without the probe.
    pub fn mean_cold_start_s(&self) -> f64 {
        let mean_s = |work: &StageWork| match work {
            StageWork::Drawn(law) => law.mean(),
            StageWork::Transfer(transfer, factor) => transfer.duration().as_s_f64() * factor.mean(),
        };
        self.startup.stages.iter().map(|stage| mean_s(&stage.cold)).sum()
    }

    /// Replicas at the start.
    pub fn initial_replicas(&self) -> u32 {
        self.initial_replicas.unwrap_or(1)
    }

    /// What the simulator is told of it.
    pub(crate) fn config(&self, future: impl FnOnce() -> Future) -> ServiceConfig {
        let router: Box<dyn Router> = match self.router {
            RouterKind::RoundRobin => Box::new(routing::RoundRobin::default()),
            RouterKind::LeastOutstanding => Box::new(routing::LeastOutstanding::default()),
            RouterKind::PowerOfChoices(d) => Box::new(routing::PowerOfChoices::new(d as usize)),
            RouterKind::Random => Box::new(routing::Random),
        };
        ServiceConfig {
            name: Arc::clone(&self.name),
            discipline: self.discipline.clone(),
            service_time: self.service_time.clone(),
            queue: self.queue,
            router,
            network: self.network.clone(),
            initial_replicas: self.initial_replicas(),
            resident_on: self.resident_on,
            gpus_per_group: self.gpus_per_group,
            groups: self.groups,
            memory_per_gpu: self.memory_per_gpu,
            pools: self.pools.clone(),
            startup: self.startup.clone(),
            drain_timeout: self.drain_timeout,
            kernel_share: self.kernel_share,
            cpu: self.cpu,
            slos: self.slos.clone(),
            requeues: self.requeues,
            starts_cold: self.starts_cold,
            capacity: self.capacity.as_ref().map(|capacity| capacity.make(future)),
        }
    }
}
