//! A pod: one process on GPUs, from its creation to its end.

use crate::clock::SimTime;
use crate::id::{ServerId, ServiceId, UnitId};

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life {
    /// Waits for GPUs.
    Pending,
    /// In a start-up stage, by position; after the last stage it waits for its probe.
    Starting {
        stage: u32,
    },
    Ready,
    /// Finishes its work and takes no more attempts.
    Draining,
    #[default]
    Gone,
}

/// What a pod belongs to, which pays for it. A pod that many models share, a job and a
/// placeholder will be further owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Service(ServiceId),
}

/// How many attempts a pod takes before it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lease {
    /// Any number.
    #[default]
    Endless,
    /// One attempt: a job.
    One,
}

/// A pod.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) owner: Owner,
    /// Its number among its owner's pods, from 0: the key of its random draws.
    pub(crate) ordinal: u64,
    /// The unit that it is placed with.
    pub(crate) unit: UnitId,
    pub(crate) server: ServerId,
    pub(crate) lease: Lease,
    pub(crate) life: Life,
    pub(crate) created: SimTime,
    /// When its process started; by then the image is on the node.
    pub(crate) process: Option<SimTime>,
    /// When each stage ended.
    pub(crate) stage_ends: Vec<SimTime>,
    pub(crate) ready: Option<SimTime>,
    /// When its deletion was asked for.
    pub(crate) deleted: Option<SimTime>,
    pub(crate) gone: Option<SimTime>,
    /// Whether it was killed before its work was done.
    pub(crate) killed: bool,
}

/// What a free slot holds: a pod of no service that is gone.
impl Default for Pod {
    fn default() -> Self {
        let pod = Pod::new(ServiceId::NONE, 0, UnitId::NONE, SimTime::ZERO);
        Pod { life: Life::Gone, ..pod }
    }
}

impl Pod {
    pub(crate) fn new(service: ServiceId, ordinal: u64, unit: UnitId, created: SimTime) -> Self {
        Pod {
            owner: Owner::Service(service),
            ordinal,
            unit,
            server: ServerId::NONE,
            lease: Lease::Endless,
            life: Life::Pending,
            created,
            process: None,
            stage_ends: Vec::new(),
            ready: None,
            deleted: None,
            gone: None,
            killed: false,
        }
    }

    /// The service that it serves.
    pub(crate) fn service(&self) -> ServiceId {
        let Owner::Service(service) = self.owner;
        service
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.life, Life::Pending | Life::Starting { .. })
    }

    /// Whether it exists and is not being deleted: what `status.replicas` counts.
    pub(crate) fn is_active(&self) -> bool {
        self.is_starting() || self.life == Life::Ready
    }

    /// Whether the register of its service counts it: it is active and not a job.
    pub(crate) fn is_counted(&self) -> bool {
        self.is_active() && self.lease == Lease::Endless
    }
}
