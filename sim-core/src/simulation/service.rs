//! One service: its configuration, queues, controllers' settings, pods and accounts.

use crate::clock::{Seed, SimDuration, SimTime};
use crate::control::{CapacityControl, Readiness, Register};
use crate::id::{ControllerId, DemandId, PodId, ServiceId, SignalIndex};
use crate::ledger::{Account, CapacityRecord, Latency};
use crate::ports::Mode;
use crate::queueing::{Brokers, Feed, Presence, Rotation, WaitClock};
use crate::serving::{Discipline, QueueMode, ServiceConfig};

/// A service.
pub(super) struct Service {
    pub(super) config: ServiceConfig,
    /// What every attempt needs of the configuration.
    pub(super) path: Path,
    /// What its pods ask for, including all services that share their GPUs.
    pub(super) demand: DemandId,
    pub(super) sharing: Sharing,
    pub(super) register: Register,
    /// How requests reach it (set by its controller), and since when.
    pub(super) mode: (Mode, SimTime),
    /// Its pods that are not gone, oldest first.
    pub(super) pods: Vec<PodId>,
    /// Pods created so far.
    pub(super) ordinals: u64,
    /// Whether some of its pods are jobs.
    pub(super) has_jobs: bool,
    /// Key for the random streams of start-up times.
    pub(super) startup_key: u64,
    pub(super) feed: Feed,
    pub(super) rotation: Rotation,
    pub(super) presence: Presence,
    /// Why its requests wait.
    pub(super) waits: WaitClock,
    pub(super) readiness: Readiness,
    pub(super) account: Account,
    pub(super) watchers: Watchers,
    /// The policy that buys its capacity, if it has one.
    pub(super) capacity: Option<CapacityControl>,
    /// What the capacity policy got, and what the market took.
    pub(super) capacity_record: CapacityRecord,
}

/// Which services share the GPUs of a service's pods.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Services whose pods come with the pods of this one, in order.
    pub(super) residents: Vec<ServiceId>,
    /// The service whose GPUs this one uses, if it has none of its own.
    pub(super) owner: Option<ServiceId>,
}

/// Signals and controllers that must be told what happens at a service.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    /// Signals that must be told of completions.
    pub(super) latency: Vec<SignalIndex>,
    /// Signals that must be told of first tokens.
    pub(super) first_token: Vec<SignalIndex>,
    /// Signals that must be told of every gap between tokens.
    pub(super) gap: Vec<SignalIndex>,
    /// Controllers that are woken when no replica serves.
    pub(super) poked: Vec<ControllerId>,
}

/// What every attempt needs of a service's configuration, computed once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// Time before the wait at a server that does not count as waiting: on the way, and in service.
    pub(super) before_the_wait: [SimDuration; 2],
    /// Attempts that a server serves at once.
    pub(super) room: u32,
    /// Attempts at which a server refuses one more.
    pub(super) full_at: u32,
    /// Whether attempts have tokens.
    pub(super) has_tokens: bool,
    /// The longest context of one, if they have.
    pub(super) longest: u32,
}

impl Path {
    fn new(config: &ServiceConfig) -> Self {
        let room = config.discipline.room();
        let full_at = match config.queue {
            QueueMode::PerReplica { capacity, .. } => room.saturating_add(capacity),
            QueueMode::Shared { .. } => u32::MAX,
        };
        let longest = match &config.discipline {
            Discipline::ContinuousBatch(engine) => Some(engine.longest_context() as u32),
            _ => None,
        };
        Path {
            before_the_wait: config.discipline.before_the_wait(),
            room,
            full_at,
            has_tokens: longest.is_some(),
            longest: longest.unwrap_or(u32::MAX),
        }
    }
}

impl Service {
    /// A service before its first request. `levels` says up to how many requests present the time
    /// at each number is kept.
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
            capacity: None,
            capacity_record: CapacityRecord::default(),
            config,
        }
    }

    /// Updates the integrals of ready pods; call before the number of ready pods or the register
    /// changes.
    pub(super) fn settle_readiness(&mut self, now: SimTime) {
        self.readiness.advance(self.rotation.len(), self.register.spec(), now);
    }
}
