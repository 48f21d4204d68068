//! A replica's life.

use super::node::Allocation;
use crate::clock::SimTime;

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Waits for GPUs.
    Pending,
    /// In a start-up stage, by position; past the last one it waits for its probe.
    Starting {
        stage: u32,
    },
    Ready,
    /// Finishes its work and takes no more.
    Draining,
    Gone,
}

/// A replica: one pod.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) service: u32,
    /// Number among its service's replicas, from 0: its draws belong to it.
    pub(crate) ordinal: u64,
    pub(crate) life: Life,
    pub(crate) groups: Vec<Allocation>,
    pub(crate) created: SimTime,
    /// When it was placed on its node.
    pub(crate) placed: Option<SimTime>,
    /// When its process started, with the image on the node.
    pub(crate) process: Option<SimTime>,
    /// When each stage ended.
    pub(crate) stage_ends: Vec<SimTime>,
    pub(crate) ready: Option<SimTime>,
    /// When its deletion was asked for.
    pub(crate) deleted: Option<SimTime>,
    pub(crate) gone: Option<SimTime>,
    /// Up to when its GPUs are billed, and the busy time that was billed.
    pub(crate) billed: SimTime,
    pub(crate) billed_busy_ps: u64,
    /// The pools that may host it, where its controller asked for a class: an index into the
    /// simulation's list; else those of its service.
    pub(crate) class: Option<u32>,
    /// Whether it is a job: it ends after one attempt.
    pub(crate) job: bool,
    /// The shared group that it is a member of, if its GPUs serve several services.
    pub(crate) group: Option<u32>,
    /// Whether it was killed before its work was done.
    pub(crate) killed: bool,
    /// Whether it waits for GPUs and none will come.
    pub(crate) stuck: bool,
}

impl Replica {
    pub(crate) fn new(service: u32, ordinal: u64, created: SimTime) -> Self {
        Replica {
            service,
            ordinal,
            life: Life::Pending,
            groups: Vec::new(),
            created,
            placed: None,
            process: None,
            stage_ends: Vec::new(),
            ready: None,
            deleted: None,
            gone: None,
            billed: created,
            billed_busy_ps: 0,
            class: None,
            job: false,
            group: None,
            killed: false,
            stuck: false,
        }
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.life, Life::Pending | Life::Starting { .. })
    }

    /// Exists and is not being deleted: what `status.replicas` counts.
    pub(crate) fn is_active(&self) -> bool {
        self.is_starting() || self.life == Life::Ready
    }

    pub(crate) fn node(&self) -> Option<u32> {
        self.groups.first().map(|group| group.node)
    }
}
