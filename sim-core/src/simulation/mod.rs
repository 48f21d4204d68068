//! The loop: take the next event, let one part handle it, and tell the others what that means for them.
//!
//! Each file is a kind of change: what happens, in which part, and what follows in the others.
//!
//! | file | what changes |
//! | --- | --- |
//! | `world` | what a run is made of, and its state before the first event |
//! | `service` | a service: its parts in one place |
//! | `requests` | arrivals, attempts, completions, retries |
//! | `timeouts` | clients that give up |
//! | `lookahead` | reading what the next events need, all at once |
//! | `routes` | requests across regions: cells, probes, what does not get there |
//! | `turns` | whose engine iterates, where several servers share GPUs |
//! | `pods` | a pod's life: created, started, ready, drained, gone, forgotten |
//! | `units` | pods on the same GPUs: placed and billed as one |
//! | `loads` | what start-up stages fetch: caches, shared links, peers |
//! | `nodes` | nodes of a pool; the plain autoscaler, which orders them for units that wait |
//! | `node_port` | node autoscalers of the port: when they look, what becomes of their wishes |
//! | `node_view` | the fleet as they see it |
//! | `faults` | what befalls the fleet from outside |
//! | `losses` | nodes that are reclaimed or lost, and what becomes of their work |
//! | `market` | where a service's capacity is bought, for those that leave it to a policy |
//! | `control` | controllers: when they run, what they see |
//! | `wishes` | what becomes of their decisions |
//! | `limits` | what a run may not exceed |
//! | `telemetry` | scrapes and series |
//! | `finish` | the bill and the record |

mod completions;
mod control;
mod faults;
mod finish;
mod limits;
mod loads;
mod lookahead;
mod losses;
mod market;
mod node_port;
mod node_view;
mod nodes;
mod pods;
mod requests;
mod routes;
mod service;
mod telemetry;
mod timeouts;
mod turns;
mod units;
mod wishes;
mod world;

pub use world::{Limits, RunError, World};

use crate::agenda::{Agenda, Event};
use crate::clock::{Class, Entity, Key, SimTime};
use crate::control::Control;
use crate::fleet::Fleet;
use crate::id::{ClientId, PodId, ServerId, ServiceId, Table};
use crate::journal::Journal;
use crate::ledger::{Books, RunRecord, WorkRecord};
use crate::network::Network;
use crate::queueing::Brokers;
use crate::serving::Serving;
use crate::traffic::TrafficState;
use service::Service;

/// A run in progress.
pub struct Simulation {
    world: world::Settings,
    agenda: Agenda,
    journal: Journal,
    traffic: TrafficState,
    services: Table<ServiceId, Service>,
    /// Where attempts wait that are with no server.
    brokers: Brokers,
    serving: Serving,
    fleet: Fleet,
    nodes: node_port::NodeControl,
    faults: faults::Faults,
    /// Routes and distances.
    network: Network,
    control: Control,
    books: Books,
    progress: limits::Progress,
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
        // No event brings arrivals: the next one stays until it is taken.
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
            Event::Market { service } => self.look_at_market(service),
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
        // Causes nested this deep at one instant are a loop that time never leaves.
        if key.round() == u16::MAX {
            return Err(RunError::Livelock { at: key.at });
        }
        Ok(())
    }
}
