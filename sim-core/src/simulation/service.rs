//! A service at work: what its requests wait for, what its controllers say, and what is written down.

use super::market::Buyer;
use crate::clock::{Seed, SimDuration, SimTime};
use crate::control::{Readiness, Register};
use crate::id::{ControllerId, DemandId, PodId, ServiceId, SignalIndex};
use crate::ledger::{Account, Latency, MarketRecord};
use crate::ports::Mode;
use crate::queueing::{Brokers, Feed, Presence, Rotation, WaitClock};
use crate::serving::{Discipline, QueueMode, ServiceConfig};

/// A service.
pub(super) struct Service {
    pub(super) config: ServiceConfig,
    /// What that says of every attempt.
    pub(super) path: Path,
    /// What its pods ask for, with all who share their GPUs.
    pub(super) demand: DemandId,
    pub(super) sharing: Sharing,
    pub(super) register: Register,
    /// How requests reach it, as its controller says, and since when.
    pub(super) mode: (Mode, SimTime),
    /// Its pods that are not gone, oldest first.
    pub(super) pods: Vec<PodId>,
    /// Pods created so far.
    pub(super) ordinals: u64,
    /// Whether some of its pods are jobs.
    pub(super) has_jobs: bool,
    /// Key of the streams of start-up draws.
    pub(super) startup_key: u64,
    pub(super) feed: Feed,
    pub(super) rotation: Rotation,
    pub(super) presence: Presence,
    /// Why its requests wait.
    pub(super) waits: WaitClock,
    pub(super) readiness: Readiness,
    pub(super) account: Account,
    pub(super) watchers: Watchers,
    /// Who buys its capacity, if that is left to a policy.
    pub(super) buyer: Option<Buyer>,
    /// What the market did to it.
    pub(super) market: MarketRecord,
}

/// Whose pods share the GPUs of a service's pods.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Services whose pods come with its own, in order.
    pub(super) residents: Vec<ServiceId>,
    /// With whose pods its own come, if they have no GPUs of their own.
    pub(super) owner: Option<ServiceId>,
}

/// Who wants to know of what happens at a service.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    /// Signals that must be told of completions.
    pub(super) latency: Vec<SignalIndex>,
    /// Signals that must be told of first tokens.
    pub(super) first_token: Vec<SignalIndex>,
    /// Signals that must be told of every gap between tokens.
    pub(super) gap: Vec<SignalIndex>,
    /// Controllers that want to know when nobody serves.
    pub(super) poked: Vec<ControllerId>,
}

/// What the configuration of a service says of every attempt, found once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// Time before the wait at a server that is no waiting: on the way, and in service.
    pub(super) before_the_wait: [SimDuration; 2],
    /// Attempts that a server serves at once.
    pub(super) room: u32,
    /// Attempts at which a server refuses one more.
    pub(super) full_at: u32,
    /// Whether attempts have tokens.
    pub(super) has_tokens: bool,
}

impl Path {
    fn new(config: &ServiceConfig) -> Self {
        let room = config.discipline.room();
        let full_at = match config.queue {
            QueueMode::PerReplica { capacity, .. } => room.saturating_add(capacity),
            QueueMode::Shared { .. } => u32::MAX,
        };
        Path {
            before_the_wait: config.discipline.before_the_wait(),
            room,
            full_at,
            has_tokens: matches!(config.discipline, Discipline::ContinuousBatch(_)),
        }
    }
}

impl Service {
    /// Before its first request; time is kept for so many numbers of requests present.
    pub(super) fn new(config: ServiceConfig, seed: Seed, levels: u32, brokers: &mut Brokers) -> Self {
        let path = Path::new(&config);
        let stream = seed.stream(&format!("router/{}", config.name));
        Service {
            path,
            demand: DemandId::NONE,
            sharing: Sharing { owner: config.resident_on.map(ServiceId::new), residents: Vec::new() },
            register: Register::new(config.initial_replicas),
            mode: (Mode::Serve, SimTime::ZERO),
            pods: Vec::new(),
            ordinals: 0,
            has_jobs: false,
            startup_key: seed.key(&format!("startup/{}", config.name)),
            feed: Feed::new(config.queue, config.router.make(), stream, brokers),
            rotation: Rotation::default(),
            presence: Presence::new(levels),
            waits: WaitClock::default(),
            readiness: Readiness::default(),
            account: Account::new(Latency::new(config.slos.len(), path.has_tokens)),
            watchers: Watchers::default(),
            buyer: None,
            market: MarketRecord::default(),
            config,
        }
    }

    /// Brings the integrals of ready pods to `now`; call before their number or the register changes.
    pub(super) fn settle_readiness(&mut self, now: SimTime) {
        self.readiness.advance(self.rotation.len(), self.register.spec(), now);
    }
}
