//! A service's state: which replicas are ready, what waits at the gateway, and why.

use super::arena::Arena;
use super::config::{Discipline, QueueMode, ServiceConfig};
use super::request::{Attempt, Fifo, Stage};
use super::wait_clock::WaitClock;
use crate::clock::{Seed, SimDuration, Stream};
use crate::id::{PodId, ServerId, ServerSlot};

/// What became of an attempt that was sent to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// To the ready replica at this position.
    To(u32),
    /// It waits at the gateway.
    Held,
    /// The queue is full.
    Rejected,
}

/// What the configuration of a service says of every attempt, found once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// Time before the wait at a server that is no waiting: on the way, and in service.
    pub(crate) before_the_wait: [SimDuration; 2],
    /// Attempts at which a server refuses one more.
    pub(crate) full_at: u32,
    /// Whether attempts have tokens.
    pub(crate) has_tokens: bool,
}

impl Path {
    fn new(config: &ServiceConfig) -> Self {
        let full_at = match config.queue {
            QueueMode::PerReplica { capacity, .. } => config.discipline.room().saturating_add(capacity),
            QueueMode::Shared { .. } => u32::MAX,
        };
        Path {
            before_the_wait: config.discipline.before_the_wait(),
            full_at,
            has_tokens: matches!(config.discipline, Discipline::ContinuousBatch(_)),
        }
    }
}

/// A service at work.
pub(crate) struct ServiceState {
    pub(crate) config: ServiceConfig,
    /// `spec.replicas`: the register that controllers write.
    pub(crate) spec: u32,
    /// Whether some of its replicas are jobs.
    pub(crate) has_jobs: bool,
    /// Replicas created so far.
    pub(crate) ordinals: u64,
    /// Servers of its ready pods, in order of becoming ready.
    pub(crate) ready: Vec<ServerId>,
    /// Attempts sent to each and not yet ended there, in the same order.
    pub(crate) outstanding: Vec<u32>,
    /// What waits for a replica.
    pub(crate) gateway: Fifo,
    /// Why its requests wait.
    pub(crate) waits: WaitClock,
    /// Its pods that are not gone, oldest first.
    pub(crate) pods: Vec<PodId>,
    /// What its configuration says of every attempt.
    pub(crate) path: Path,
    /// Key of the streams of start-up draws.
    pub(crate) startup_key: u64,
    router_stream: Stream,
}

impl ServiceState {
    pub(crate) fn new(config: ServiceConfig, seed: Seed) -> Self {
        ServiceState {
            spec: config.initial_replicas,
            has_jobs: false,
            ordinals: 0,
            ready: Vec::new(),
            outstanding: Vec::new(),
            gateway: Fifo::default(),
            waits: WaitClock::default(),
            pods: Vec::new(),
            path: Path::new(&config),
            startup_key: seed.key(&format!("startup/{}", config.name)),
            router_stream: seed.stream(&format!("router/{}", config.name)),
            config,
        }
    }

    /// Finds a place for a new attempt.
    #[inline]
    pub(crate) fn send(&mut self, attempts: &mut Arena<Attempt>, index: u32) -> Sent {
        let limit = match self.config.queue {
            QueueMode::PerReplica { .. } if !self.ready.is_empty() => return Sent::To(self.route()),
            QueueMode::PerReplica { gateway, .. } => gateway,
            QueueMode::Shared { capacity } => match self.with_room() {
                // Whoever waits already goes first.
                Some(position) if self.gateway.len() == 0 => return Sent::To(position),
                _ => capacity,
            },
        };
        if self.gateway.len() >= limit {
            return Sent::Rejected;
        }
        let attempt = &mut attempts[index];
        attempt.stage = Stage::Waiting;
        attempt.server = ServerSlot::NONE;
        self.gateway.push(attempts, index);
        Sent::Held
    }

    /// The next attempt that leaves the gateway and the position that takes it, if any can.
    #[inline]
    pub(crate) fn release(&mut self, attempts: &mut Arena<Attempt>) -> Option<(u32, u32)> {
        if self.gateway.len() == 0 || self.ready.is_empty() {
            return None;
        }
        let position = match self.config.queue {
            QueueMode::PerReplica { .. } => self.route(),
            QueueMode::Shared { .. } => self.with_room()?,
        };
        self.gateway.pop(attempts).map(|index| (index, position))
    }

    #[inline]
    fn route(&mut self) -> u32 {
        // With one replica there is nothing to choose, and nothing to draw.
        if self.outstanding.len() == 1 {
            return 0;
        }
        let chosen = self.config.router.route(&self.outstanding, &mut self.router_stream);
        chosen.min(self.outstanding.len() - 1) as u32
    }

    /// The replica with room that holds the least, the first of equals.
    #[inline]
    fn with_room(&self) -> Option<u32> {
        let (position, &held) = self.outstanding.iter().enumerate().min_by_key(|&(_, &held)| held)?;
        (held < self.config.discipline.room()).then_some(position as u32)
    }
}
