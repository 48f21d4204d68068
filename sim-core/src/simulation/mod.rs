//! The loop: take the next event, let one part handle it.
//!
//! | file | holds |
//! | --- | --- |
//! | `world` | what a run is made of |
//! | `agenda` | the event payload and the queue |
//! | `requests` | arrivals, attempts, retries, completions |
//! | `timeouts` | clients that give up |
//! | `routes` | requests across regions: cells, probes, what does not get there |
//! | `groups` | GPU groups that several services share |
//! | `replicas` | a replica's life: placement, start-up, drain |
//! | `loads` | what start-up stages fetch: caches, shared links, peers |
//! | `capacity` | which replicas wait for GPUs that will not come |
//! | `nodes` | nodes of a pool; the plain autoscaler, which orders them for pending replicas |
//! | `node_port` | node autoscalers of the port: when they look, what becomes of their wishes |
//! | `node_view` | the fleet as they see it |
//! | `faults` | what befalls the fleet from outside |
//! | `losses` | nodes that are reclaimed or lost, and what becomes of their work |
//! | `market` | where a service's capacity is bought, for those that leave it to a policy |
//! | `control` | controllers: when they run, what they see |
//! | `wishes` | what becomes of their decisions; the replica register |
//! | `limits` | what a run may not exceed |
//! | `telemetry` | scrapes and series |
//! | `finish` | the bill and the record |

mod agenda;
mod capacity;
mod control;
mod faults;
mod finish;
mod groups;
mod limits;
mod loads;
mod losses;
mod market;
mod node_port;
mod node_view;
mod nodes;
mod replicas;
mod requests;
mod routes;
mod telemetry;
mod timeouts;
mod wishes;
mod world;

pub(crate) use agenda::{Agenda, Event};
pub use world::{Limits, RunError, World};

use crate::clock::{Class, Happening, Key, Mark, SimTime};
use crate::fleet::{Node, Replica};
use crate::ledger::{Bill, DecisionRecord, FleetRow, RequestRecord, RunRecord, SeriesRow, WorkRecord};
use crate::ports::{Arrival, Placement};
use crate::serving::{Arena, Attempt, ClientState, Group, Leap, Prefixes, Request, Sequence, Server};
use control::ControllerState;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use telemetry::Telemetry;
use world::ServiceBook;

/// A run in progress.
pub struct Simulation {
    world: world::Settings,
    agenda: Agenda,
    /// The next arrival of each open-loop client.
    arrivals: BinaryHeap<Reverse<(Key, u32)>>,
    next_arrival: Vec<Arrival>,
    /// The names of its prompt's blocks.
    next_prefix: Vec<u32>,
    requests: Arena<Request>,
    attempts: Arena<Attempt>,
    serial: u64,
    clients: Vec<ClientState>,
    services: Vec<ServiceBook>,
    replicas: Vec<Replica>,
    servers: Vec<Server>,
    /// The classes of replicas that controllers asked for.
    classes: Vec<wishes::CapacityClass>,
    /// GPU groups with more than one member.
    groups: Vec<Group>,
    nodes: Vec<Node>,
    /// By pool.
    stock: Vec<nodes::Stock>,
    faults: faults::Faults,
    /// Routes and distances.
    map: routes::World,
    /// Replicas that wait for GPUs, oldest first.
    pending: Vec<u32>,
    /// Transfers of replicas that start.
    loads: loads::Loads,
    scan_scheduled: bool,
    /// A node autoscaler of the port, in place of the plain one.
    node_scaler: Option<node_port::NodeScaler>,
    placement: Box<dyn Placement>,
    controllers: Vec<ControllerState>,
    telemetry: Telemetry,
    progress: limits::Progress,
    /// Why the run cannot go on.
    failure: Option<RunError>,
    decisions: Vec<DecisionRecord>,
    series: Vec<SeriesRow>,
    fleet: Vec<FleetRow>,
    sampled: Vec<RequestRecord>,
    bill: Bill,
    warmup_bill: Bill,
    /// What happened, in order, if the world keeps it.
    history: Vec<Happening>,
    work: WorkRecord,
    /// What token-level engines know of attempts, by the attempts' indices.
    sequences: Vec<Sequence>,
    prefixes: Prefixes,
    /// Reused for attempts that end together.
    done: Vec<u32>,
    /// Reused for attempts whose first token comes.
    first_tokens: Vec<u32>,
    /// Reused for leaps whose gaps a signal wants.
    gaps: Vec<(Leap, u64)>,
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
        let end = Key::new(self.world.horizon, 0, Class::Outage, 0, 0);
        loop {
            let arrival = self.arrivals.peek().map_or(Key::LAST, |Reverse((key, _))| *key);
            let bound = arrival.min(end);
            if let Some(entry) = self.agenda.pop_before(bound) {
                self.agenda.enter(entry.key);
                self.handle(entry.key, entry.event)?;
            } else if arrival < end {
                self.agenda.enter(arrival);
                self.arrive()?;
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
        match event {
            Event::SlotDone { attempt } => self.slot_done(attempt, key.seq),
            Event::Deliver { attempt } => self.deliver(attempt),
            Event::ShareDone { replica } => self.share_done(replica, key.seq),
            Event::HostDone { attempt } => self.host_done(attempt, key.seq),
            Event::BatchDelay { replica } => self.batch_delay(replica),
            Event::BatchDone { instance, replica } => self.batch_done(replica, instance),
            Event::EngineStep { replica } => self.engine_step(replica, key.seq),
            Event::Deadline { client } => self.deadline(client),
            Event::AttemptDeadline { client } => self.attempt_deadline(client),
            Event::Retry { request } => self.retry(request, key.entity(), key.seq),
            Event::UserReady { client, user } => self.user_ready(u32::from(client), user)?,
            Event::Fault { source } => self.fault(source)?,
            Event::Reclaimed { node } => self.reclaimed(node),
            Event::Market { service } => self.look_at_market(service),
            Event::NodeReady { node } => self.node_ready(node),
            Event::NodeIdle { node } => self.node_idle(node, key.seq),
            Event::StageDone { replica } => self.stage_done(replica, key.seq),
            Event::Transfers => self.transfers(key.seq),
            Event::DrainEnd { replica } => self.drain_end(replica),
            Event::Collect { signal } => self.collect(signal),
            Event::WindowOpen { signal } => self.open_window(signal),
            Event::Scrape { signal } => self.scrape(signal),
            Event::Evaluate { signal } => self.evaluate(signal),
            Event::Control { controller } => self.control(controller, key.seq)?,
            Event::Probe { route, cell } => self.probe(route, cell),
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

    /// Keeps a line of history, if the world does; here all go by their positions.
    #[inline]
    fn keep(&mut self, mark: Mark, who: u64, what: u64) {
        if self.world.keep_history {
            self.history.push(Happening { at: self.agenda.now(), mark, who, what });
        }
    }
}
