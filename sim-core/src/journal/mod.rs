//! What happened, in order: one place is told, and whoever keeps an account of the run reads it there.
//!
//! | account | what it is |
//! | --- | --- |
//! | [`Digest`] | a hash of the history of each service and pool, and of the run |
//! | history | the lines themselves, if the world asks for them |
//! | records | faults, and what probes found, as the record of the run lists them |

#![expect(clippy::inline_always, reason = "measured: callers know which case it is, and the compiler does not")]

mod digest;

pub use digest::{Digest, Happening, Mark, first_divergence};

use crate::clock::{SimTime, number_of_name};
use crate::id::{ClientId, ControllerId, NodeId, PodId, PoolId, ServiceId, Table};
use crate::ledger::{FaultRecord, HealthRecord};
use crate::ports::Fault;
use crate::traffic::Outcome;

/// One thing that happened. Names and ordinals are what digests know things by; ids are what history shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// A request arrived at a service; `name` counts from its client's name.
    Arrival { service: ServiceId, client: ClientId, number: u64, name: u64, what: u64 },
    /// A request of a service ended.
    Outcome { service: ServiceId, client: ClientId, number: u64, name: u64, outcome: Outcome },
    /// A controller decided about a service, whose register then says so much; `name` is of its name.
    Decision { service: ServiceId, controller: ControllerId, name: u64, spec: u32 },
    /// A pod of a service changed.
    Pod { service: ServiceId, pod: PodId, ordinal: u64, change: PodChange },
    /// A node of a pool changed.
    Node { pool: PoolId, node: NodeId, ordinal: u32, change: NodeChange },
    /// Something befell the fleet.
    Fault(Fault),
    /// Probes found something about a cell, which is known from an instant on.
    Health(HealthRecord),
}

/// How a pod changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodChange {
    Created = 1,
    Placed = 2,
    Ready = 3,
    Deleted = 4,
    Gone = 5,
}

/// How a node changed; no number is one of a pod's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeChange {
    Ordered = 11,
    Ready = 12,
    Gone = 13,
}

/// The history of one service.
#[derive(Debug)]
struct Track {
    digest: Digest,
    /// Whether there is more in it than pods that nobody asked for.
    lives: bool,
}

/// What a run tells, and who reads it.
#[derive(Debug)]
pub(crate) struct Journal {
    services: Table<ServiceId, Track>,
    pools: Table<PoolId, Digest>,
    /// The lines, if they are kept.
    history: Option<Vec<Happening>>,
    faults: Vec<FaultRecord>,
    health: Vec<HealthRecord>,
}

impl Journal {
    /// Of nothing yet, about services and pools of those names.
    pub(crate) fn new<'a>(
        services: impl Iterator<Item = &'a str>,
        pools: impl Iterator<Item = &'a str>,
        keeps_history: bool,
    ) -> Self {
        let track = |name| Track { digest: Digest::new(number_of_name(name)), lives: false };
        Journal {
            services: services.map(track).collect(),
            pools: pools.map(|name| Digest::new(!number_of_name(name))).collect(),
            history: keeps_history.then(Vec::new),
            faults: Vec::new(),
            health: Vec::new(),
        }
    }

    /// Tells everybody of something that happened just now. Inlined always: who notes knows which note it is.
    #[inline(always)]
    pub(crate) fn note(&mut self, at: SimTime, note: Note) {
        match note {
            Note::Arrival { service, client, number, name, what } => {
                self.of_service(at, service, true, Mark::Arrival, name, what);
                self.keep(at, Mark::Arrival, who(client, number), what);
            }
            Note::Outcome { service, client, number, name, outcome } => {
                self.of_service(at, service, false, Mark::Outcome, name, outcome as u64);
                self.keep(at, Mark::Outcome, who(client, number), outcome as u64);
            }
            Note::Decision { service, controller, name, spec } => {
                self.of_service(at, service, true, Mark::Decision, name, u64::from(spec));
                let who = u64::from(controller.get()) << 32 | u64::from(service.get());
                self.keep(at, Mark::Decision, who, u64::from(spec));
            }
            Note::Pod { service, pod, ordinal, change } => {
                self.of_service(at, service, false, Mark::Fleet, ordinal, change as u64);
                self.keep(at, Mark::Fleet, u64::from(pod.serial()), change as u64);
            }
            Note::Node { pool, node, ordinal, change } => {
                self.pools[pool].add(at, Mark::Fleet, u64::from(ordinal), change as u64);
                self.keep(at, Mark::Fleet, u64::from(node.get()), change as u64);
            }
            Note::Fault(fault) => self.faults.push(FaultRecord { at, fault }),
            Note::Health(record) => self.health.push(record),
        }
    }

    #[inline(always)]
    fn of_service(&mut self, at: SimTime, service: ServiceId, lives: bool, mark: Mark, who: u64, what: u64) {
        let track = &mut self.services[service];
        track.lives |= lives;
        track.digest.add(at, mark, who, what);
    }

    #[inline(always)]
    fn keep(&mut self, at: SimTime, mark: Mark, who: u64, what: u64) {
        if let Some(history) = &mut self.history {
            history.push(Happening { at, mark, who, what });
        }
    }

    /// Services that anybody called or decided about.
    pub(crate) fn live_services(&self) -> impl Iterator<Item = ServiceId> {
        self.services.iter().filter(|(_, track)| track.lives).map(|(id, _)| id)
    }

    /// The digest of the run: of the services that anybody called or decided about, and of those pools.
    pub(crate) fn digest(&self, pools: impl Iterator<Item = PoolId>) -> Digest {
        let services = self.services.values().filter(|track| track.lives).map(|track| track.digest);
        Digest::sum(services.chain(pools.map(|pool| self.pools[pool])))
    }

    /// What is kept: the history, faults, and what probes found.
    pub(crate) fn into_records(self) -> (Vec<Happening>, Vec<FaultRecord>, Vec<HealthRecord>) {
        (self.history.unwrap_or_default(), self.faults, self.health)
    }
}

#[inline]
fn who(client: ClientId, number: u64) -> u64 {
    (u64::from(client.get()) << 44) ^ number
}
