//! The loop: takes the next event, lets one part handle it, and tells the other parts what follows.
//!
//! Each file holds one kind of change: what happens, in which part, and what follows in the others.
//!
//! | file | what changes |
//! | --- | --- |
//! | `world` | what a run is made of |
//! | `start` | the state before the first event |
//! | `error` | why a run did not come to its end |
//! | `bench` | lends a server what it works with |
//! | `service` | a service: its parts in one place |
//! | `requests` | arrivals, attempts, retries |
//! | `completions` | how attempts whose work is done, and requests, end |
//! | `timeouts` | clients that give up |
//! | `lookahead` | reading what the next events need, all at once |
//! | `routes` | requests across regions: which cell takes one, probes, requests that are lost on the way |
//! | `turns` | which engine iterates where several servers share GPUs |
//! | `pods` | a pod's life: created, started, ready, drained, gone, forgotten |
//! | `units` | pods on the same GPUs: placed and billed as one |
//! | `transfers` | what start-up stages fetch: caches, shared links, peers |
//! | `nodes` | the nodes of a pool; the plain autoscaler, which orders nodes for waiting units |
//! | `node_port` | node autoscalers behind the port: when they run, which of their orders are carried out |
//! | `node_view` | the fleet as a node autoscaler sees it |
//! | `faults` | faults, applied to the fleet |
//! | `preemption` | nodes that are reclaimed or lost, and what happens to their work |
//! | `capacity` | where capacity policies buy the capacity of services |
//! | `control` | controllers: when they run and what they see |
//! | `actions` | the actions that controllers decide on: applied, or refused with a reason |
//! | `limits` | what a run may not exceed |
//! | `progress` | whether simulated time moves fast enough |
//! | `telemetry` | scrapes and series |
//! | `finish` | the bill and the record |

mod actions;
mod bench;
mod capacity;
mod completions;
mod control;
mod error;
mod faults;
mod finish;
mod limits;
mod lookahead;
mod node_port;
mod node_view;
mod nodes;
mod pods;
mod preemption;
mod progress;
mod requests;
mod routes;
mod service;
mod start;
mod telemetry;
mod timeouts;
mod transfers;
mod turns;
mod units;
mod world;

pub use error::RunError;
pub use world::{Limits, World};

use crate::agenda::{Agenda, Event};
use crate::clock::{Class, Entity, Key, SimTime};
use crate::control::{Control, NodeControl};
use crate::fleet::{Faults, Fleet};
use crate::id::{ClientId, PodId, ServerId, ServiceId, Table};
use crate::journal::Journal;
use crate::ledger::{Books, RunRecord, WorkRecord};
use crate::network::Network;
use crate::queueing::Brokers;
use crate::serving::Serving;
use crate::traffic::TrafficState;
use progress::Progress;
use service::Service;
use world::Settings;

/// A run in progress.
pub struct Simulation {
    world: Settings,
    agenda: Agenda,
    journal: Journal,
    traffic: TrafficState,
    services: Table<ServiceId, Service>,
    /// Queues for attempts that no server holds.
    brokers: Brokers,
    serving: Serving,
    fleet: Fleet,
    nodes: NodeControl,
    faults: Faults,
    /// Routes and distances.
    network: Network,
    control: Control,
    books: Books,
    progress: Progress,
    work: WorkRecord,
}

impl Simulation {
    /// Plays the world to its end.
    ///
    /// # Errors
    /// If a recorded source refuses a row, or the run exceeds one of the world's limits.
    pub fn run(self) -> Result<RunRecord, RunError> {
        self.run_with(|_| {})
    }

    /// As [`Simulation::run`]; calls `progress` now and then with the simulated time.
    ///
    /// # Errors
    /// As [`Simulation::run`].
    pub fn run_with(mut self, mut progress: impl FnMut(SimTime)) -> Result<RunRecord, RunError> {
        self.start()?;
        let end = Key::new(self.world.horizon, 0, Class::Outage, Entity::Run, 0);
        // Arrivals are not in the event queue: the next one stays here until it is handled.
        let mut arrival = self.traffic.next_arrival().min(end);
        loop {
            if self.agenda.advance(&arrival) {
                self.look_ahead();
            }
            if let Some((key, event)) = self.agenda.enter_next(&arrival) {
                self.handle(key, event)?;
            } else if arrival < end {
                self.agenda.enter(arrival);
                self.arrive()?;
                arrival = self.traffic.next_arrival().min(end);
            } else {
                break;
            }
            self.work.events += 1;
            if self.work.events >= self.progress.look_at {
                progress(self.agenda.now());
                self.look()?;
            }
        }
        self.close_controllers()?;
        Ok(self.finish())
    }

    fn handle(&mut self, key: Key, event: Event) -> Result<(), RunError> {
        let server = |slot| ServerId::new(key.number(), slot);
        let pod = |slot| PodId::new(key.number(), slot);
        match event {
            Event::SlotDone { attempt } => self.slot_done(attempt, key.seq),
            Event::Deliver { attempt } => self.deliver(attempt),
            Event::ShareDone { server: slot } => self.share_done(server(slot), key.seq),
            Event::HostDone { attempt } => self.host_done(attempt, key.seq),
            Event::BatchDelay { server: slot } => self.batch_delay(server(slot)),
            Event::BatchDone { instance, server: slot } => self.batch_done(server(slot), instance),
            Event::EngineStep { server: slot } => self.engine_step(server(slot), key.seq),
            Event::Deadline => self.deadline(ClientId::new(key.number())),
            Event::AttemptDeadline => self.attempt_deadline(ClientId::new(key.number())),
            Event::Retry { request } => self.retry(request, ClientId::new(key.number()), key.seq),
            Event::UserReady { user } => self.user_ready(ClientId::new(key.number()), user)?,
            Event::Fault { source } => self.fault(source)?,
            Event::Reclaimed { node } => self.reclaimed(node),
            Event::Capacity { service } => self.capacity_look(service),
            Event::NodeReady { node } => self.node_ready(node),
            Event::NodeIdle { node } => self.node_idle(node, key.seq),
            Event::StageDone { pod: slot } => self.stage_done(pod(slot), key.seq),
            Event::Transfers => self.transfers(key.seq),
            Event::DrainEnd { pod: slot } => self.drain_end(pod(slot)),
            Event::Collect { signal } => self.collect(signal),
            Event::WindowOpen { signal } => self.open_window(signal),
            Event::Scrape { signal } => self.scrape(signal),
            Event::Evaluate { signal } => self.evaluate(signal),
            Event::Control { controller } => self.control(controller, key.seq)?,
            Event::Probe { cell } => self.probe(cell),
            Event::Poke { controller } => self.poked(controller)?,
            Event::NodeScan => self.node_scan(),
            Event::NodeLook => self.node_look(key.seq),
            Event::NodeOrders => self.retry_orders(),
            Event::Series => self.series_row(),
            Event::WarmedUp => self.warmed_up(),
        }
        // Events that cause each other this often at one instant form a loop that never ends.
        if key.round() == u16::MAX {
            return Err(RunError::Livelock { at: key.at });
        }
        Ok(())
    }
}
