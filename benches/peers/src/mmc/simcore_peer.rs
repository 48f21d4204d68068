//! simcore, the core of DSLab: one component with callbacks, `f64` time, boxed event payloads.

use super::station::{Draws, Played, Station};
use flashcrowd_benches::meter::cpu_seconds;
use serde::Serialize;
use simcore::{Event, EventHandler, Simulation, SimulationContext, cast};
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Clone, Serialize)]
struct Arrive {}

#[derive(Clone, Serialize)]
struct Finish {}

struct Servers {
    context: SimulationContext,
    draws: Draws,
    station: Station,
    left: u64,
}

impl Servers {
    fn next_arrival(&mut self) {
        if self.left > 0 {
            self.left -= 1;
            self.context.emit_self(Arrive {}, self.draws.gap_s());
        }
    }

    fn start(&mut self) {
        self.context.emit_self(Finish {}, self.draws.service_s());
    }
}

impl EventHandler for Servers {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Arrive {} => {
                self.next_arrival();
                if self.station.arrive(event.time) {
                    self.start();
                }
            }
            Finish {} => {
                if self.station.finish(event.time) {
                    self.start();
                }
            }
        })
    }
}

pub fn play(requests: u64) -> Played {
    let mut simulation = Simulation::new(1);
    let context = simulation.create_context("servers");
    let servers = Servers { context, draws: Draws::new(), station: Station::default(), left: requests };
    let servers = Rc::new(RefCell::new(servers));
    simulation.add_handler("servers", servers.clone());
    servers.borrow_mut().next_arrival();
    let ((), cpu_s) = cpu_seconds(|| simulation.step_until_no_events());
    let station = &servers.borrow().station;
    Played { completed: station.completed, mean_wait_s: station.mean_wait_s(), cpu_s }
}
