//! What happened, in order: all parts report here, and each account of the run reads it here.
//!
//! | account | what it is |
//! | --- | --- |
//! | [`Digest`] | a hash of the history of each service and pool, and of the run |
//! | history | the lines themselves, if the world asks for them |
//! | records | faults, and what probes found, as listed in the record of the run |

#![expect(clippy::inline_always, reason = "measured: each caller passes a constant case, which inlining resolves")]

mod digest;

pub use digest::{Digest, Happening, Mark, first_divergence};

use crate::clock::{SimTime, number_of_name};
use crate::id::{ClientId, ControllerId, NodeId, PodId, PoolId, ServiceId, Table};
use crate::ledger::{FaultRecord, HealthRecord};
use crate::ports::Fault;
use crate::traffic::Outcome;

/// One thing that happened. Digests use names and ordinals; the history shows ids.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// A request arrived at a service; `name` is the number of its client's name plus the request's
    /// number.
    Arrival { service: ServiceId, client: ClientId, number: u64, name: u64, what: u64 },
    /// A request of a service ended.
    Outcome { service: ServiceId, client: ClientId, number: u64, name: u64, outcome: Outcome },
    /// A controller decided about a service, whose register then holds `spec`; `name` is the number
    /// of the controller's name.
    Decision { service: ServiceId, controller: ControllerId, name: u64, spec: u32 },
    /// A pod of a service changed.
    Pod { service: ServiceId, pod: PodId, ordinal: u64, change: PodChange },
    /// A node of a pool changed.
    Node { pool: PoolId, node: NodeId, ordinal: u32, change: NodeChange },
    /// A fault was applied.
    Fault(Fault),
    /// Probes changed the health of a cell, which is known from an instant on.
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

/// How a node changed. The numbers differ from those of pods.
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
    /// Whether it was called or decided about, so that its history is more than its first pods.
    lives: bool,
}

/// Receives what happens, and keeps the accounts of it.
#[derive(Debug)]
pub(crate) struct Journal {
    services: Table<ServiceId, Track>,
    pools: Table<PoolId, Digest>,
    /// The lines of the history, if they are kept.
    history: Option<Vec<Happening>>,
    faults: Vec<FaultRecord>,
    health: Vec<HealthRecord>,
}

impl Journal {
    /// An empty journal for services and pools of those names.
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

    /// Reports what happened just now. Always inlined: the caller knows which note it is.
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

    /// Services that were called or decided about.
    pub(crate) fn live_services(&self) -> impl Iterator<Item = ServiceId> {
        self.services.iter().filter(|(_, track)| track.lives).map(|(id, _)| id)
    }

    /// The digest of the run: of the services that were called or decided about, and of the given
    /// pools.
    pub(crate) fn digest(&self, pools: impl Iterator<Item = PoolId>) -> Digest {
        let services = self.services.values().filter(|track| track.lives).map(|track| track.digest);
        Digest::sum(services.chain(pools.map(|pool| self.pools[pool])))
    }

    /// The history, faults, and what probes found.
    pub(crate) fn into_records(self) -> (Vec<Happening>, Vec<FaultRecord>, Vec<HealthRecord>) {
        (self.history.unwrap_or_default(), self.faults, self.health)
    }
}

#[inline]
fn who(client: ClientId, number: u64) -> u64 {
    (u64::from(client.get()) << 44) ^ number
}
