//! NeXosim (formerly asynchronix): one model that schedules its own inputs, on one thread.

use super::station::{Draws, Played, Station};
use flashcrowd_benches::meter::cpu_seconds;
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::EventSource;
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Servers {
    #[serde(skip)]
    draws: Option<Draws>,
    #[serde(skip)]
    station: Station,
    left: u64,
    /// Where the counts go when the last request has ended.
    #[serde(skip)]
    result: Arc<Mutex<Station>>,
    requests: u64,
}

#[Model]
impl Servers {
    #[nexosim(schedulable)]
    fn arrive(&mut self, _: (), context: &Context<Self>) {
        self.next_arrival(context);
        if self.station.arrive(seconds(context)) {
            self.start(context);
        }
    }

    #[nexosim(schedulable)]
    fn finish(&mut self, _: (), context: &Context<Self>) {
        if self.station.finish(seconds(context)) {
            self.start(context);
        }
        if self.station.completed == self.requests {
            *self.result.lock().expect("one thread") = self.station.clone();
        }
    }

    /// The first event.
    fn open(&mut self, _: (), context: &Context<Self>) {
        self.next_arrival(context);
    }

    fn next_arrival(&mut self, context: &Context<Self>) {
        if self.left > 0 {
            self.left -= 1;
            let gap = span(self.draws.as_mut().expect("set").gap_s());
            context.schedule_event(gap, schedulable!(Self::arrive), ()).expect("in the future");
        }
    }

    fn start(&mut self, context: &Context<Self>) {
        let service = span(self.draws.as_mut().expect("set").service_s());
        context.schedule_event(service, schedulable!(Self::finish), ()).expect("in the future");
    }
}

/// Spans are whole nanoseconds, and an event must be in the future.
fn span(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds).max(Duration::from_nanos(1))
}

fn seconds(context: &Context<Servers>) -> f64 {
    let since = context.time().duration_since(MonotonicTime::EPOCH);
    since.as_secs_f64()
}

pub fn play(requests: u64) -> Played {
    let result = Arc::new(Mutex::new(Station::default()));
    let servers = Servers {
        draws: Some(Draws::new()),
        station: Station::default(),
        left: requests,
        result: Arc::clone(&result),
        requests,
    };
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let open = EventSource::new().connect(Servers::open, &mailbox).register(&mut bench);
    let mut simulation = bench.add_model(servers, mailbox, "servers").init(MonotonicTime::EPOCH).expect("a simulation");
    let ((), cpu_s) = cpu_seconds(|| {
        simulation.process_event(&open, ()).expect("the first arrival");
        simulation.run().expect("no more events");
    });
    let station = result.lock().expect("one thread");
    Played { completed: station.completed, mean_wait_s: station.mean_wait_s(), cpu_s }
}
