//! What a controller sees: plain data, sorted by id, as the real controller would be shown it.

use super::SignalView;
use crate::clock::{SimDuration, SimTime};
use crate::units::Market;
use std::sync::Arc;

/// A scaling target: the deployment of a service. Its number is the position of the service, sorted
/// by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub u32);

/// A replica, numbered over the whole run in order of creation; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub u32);

/// Why a controller was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Its period has passed, or the time has come that it asked for.
    Tick,
    /// A request waits at this target and no replica serves.
    Poke(TargetId),
}

/// Everything a controller sees at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The time.
    pub now: SimTime,
    /// Why it was woken.
    pub wake: Wake,
    /// Its targets, sorted by id.
    pub targets: Vec<TargetView>,
}

impl Observation {
    /// The only target of a controller with one target.
    ///
    /// # Panics
    /// If there is no target; a controller is always shown every target that it declares.
    pub fn target(&self) -> &TargetView {
        &self.targets[0]
    }

    /// One of several targets, if the controller is shown it.
    pub fn view(&self, target: TargetId) -> Option<&TargetView> {
        self.targets.iter().find(|view| view.target == target)
    }
}

/// One target as its controller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetView {
    /// Which target.
    pub target: TargetId,
    /// `spec.replicas`: the shared register.
    pub spec_replicas: u32,
    /// `status.replicas`: replicas that exist and are not being deleted.
    pub status_replicas: u32,
    /// Ready replicas.
    pub ready_replicas: u32,
    /// How requests reach the target.
    pub mode: Mode,
    /// Result of probing the proxy, where there is one.
    pub probe: Option<Probe>,
    /// Batch jobs, for controllers that create them.
    pub jobs: JobCounts,
    /// All replicas, sorted by id; ended ones for as long as the API would show them.
    pub replicas: Vec<ReplicaView>,
    /// The signals that the controller declared for this target, in that order.
    pub signals: Vec<SignalView>,
}

/// How requests reach a target (Knative's ServerlessService modes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Straight to the replicas.
    #[default]
    Serve,
    /// Through a buffering proxy.
    Proxy,
}

/// The result of probing a target's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether it answered.
    pub ok: bool,
    /// For how long the proxy has been in the data path.
    pub populated_for: Option<SimDuration>,
}

/// Counts of batch jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Jobs that have not finished, pending ones included (as KEDA counts running jobs).
    pub running: u32,
    /// The jobs whose process has not started.
    pub pending: u32,
}

/// Where a replica is in its life, in the words of a pod's `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplicaPhase {
    /// Waits for a node or its image.
    Pending,
    /// Its process runs; it may load weights or serve.
    Running,
    /// Ended successfully.
    Succeeded,
    /// Was killed or lost.
    Failed,
}

/// Work that a replica holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Attempts that wait there.
    pub waiting: u32,
    /// Attempts in service.
    pub running: u32,
}

/// One replica as the API server shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaView {
    /// Which replica.
    pub id: ReplicaId,
    /// Phase.
    pub phase: ReplicaPhase,
    /// When it was created.
    pub created: SimTime,
    /// When its node acknowledged it (`status.startTime`), once it has a node.
    pub started: Option<SimTime>,
    /// The Ready condition, if it is set.
    pub ready: Option<bool>,
    /// When the Ready condition last changed, if it is set.
    pub ready_since: Option<SimTime>,
    /// When its deletion was requested, if it was.
    pub deleted: Option<SimTime>,
    /// The market of its GPUs.
    pub market: Market,
    /// The type of its GPUs.
    pub gpu: Arc<str>,
    /// The version of the template that it was made from.
    pub version: u32,
    /// Its node, once it has one.
    pub node: Option<u32>,
    /// Its region.
    pub region: Arc<str>,
    /// Its zone, once it has a node.
    pub zone: Option<Arc<str>>,
    /// The work that it holds.
    pub work: Work,
}
