//! The same models of slots as loops written by hand: same arrivals, same draws, same routing, one binary
//! heap and one histogram, and nothing else. What the simulator costs above this is its overhead.

use crate::worlds::{CLIENT, Model, SERVICE};
use flashcrowd_core::ports::{ArrivalSource, Router};
use hdrhistogram::Histogram;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a loop counted: enough to see that it played the same requests.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Requests completed.
    pub completed: u64,
    /// End-to-end latency in microseconds.
    pub latency_us: Histogram<u64>,
}

impl Outcome {
    /// Empty.
    ///
    /// # Panics
    /// Never: the bounds are valid.
    pub fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("valid bounds");
        Outcome { completed: 0, latency_us }
    }

    /// A request that arrived at `arrived` ends; both in picoseconds.
    #[inline]
    pub(crate) fn end(&mut self, arrived: u64, now: u64) {
        self.completed += 1;
        self.latency_us.saturating_record((now - arrived) / 1_000_000);
    }
}

impl Default for Outcome {
    fn default() -> Self {
        Outcome::new()
    }
}

/// A request on its way or at a replica; times in picoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    arrived: u64,
    service: u64,
    replica: u32,
}

/// What waits in the heap: a completion goes before a delivery of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Done(Job),
    Deliver(Job),
}

/// The replicas: slots in use, waiting jobs, and what the router sees.
struct Fleet {
    slots: u32,
    running: Vec<u32>,
    waiting: Vec<VecDeque<Job>>,
    outstanding: Vec<u32>,
    events: BinaryHeap<Reverse<(u64, Event)>>,
}

impl Fleet {
    fn new(model: &Model) -> Self {
        let replicas = model.replicas as usize;
        Fleet {
            slots: model.slots,
            running: vec![0; replicas],
            waiting: vec![VecDeque::new(); replicas],
            outstanding: vec![0; replicas],
            events: BinaryHeap::new(),
        }
    }

    #[inline]
    fn deliver(&mut self, job: Job, now: u64) {
        let replica = job.replica as usize;
        if self.running[replica] < self.slots {
            self.running[replica] += 1;
            self.events.push(Reverse((now + job.service, Event::Done(job))));
        } else {
            self.waiting[replica].push_back(job);
        }
    }

    #[inline]
    fn finish(&mut self, job: Job, now: u64) {
        let replica = job.replica as usize;
        self.outstanding[replica] -= 1;
        match self.waiting[replica].pop_front() {
            Some(next) => self.events.push(Reverse((now + next.service, Event::Done(next)))),
            None => self.running[replica] -= 1,
        }
    }
}

/// Plays a model to its end.
///
/// # Panics
/// Never: a Poisson source has no rows to refuse.
pub fn run(model: &Model) -> Outcome {
    let mut arrivals = model.arrivals();
    let mut sizes = model.seed.stream(&format!("service-time/{CLIENT}"));
    let mut routing = model.seed.stream(&format!("router/{SERVICE}"));
    let mut network = model.seed.stream(&format!("network/{CLIENT}"));
    let mut router = model.router();
    let mut fleet = Fleet::new(model);
    let mut outcome = Outcome::new();
    let mut next = || arrivals.next_arrival().expect("no rows").map_or(u64::MAX, |arrival| arrival.at.as_ps());
    let mut arrival = next();
    loop {
        let until = fleet.events.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        if arrival < until {
            let service = model.service.sample_duration(&mut sizes).as_ps();
            let replica = router.route(&fleet.outstanding, &mut routing);
            fleet.outstanding[replica] += 1;
            let job = Job { arrived: arrival, service, replica: replica as u32 };
            match &model.network {
                Some(law) => {
                    let at = arrival + law.sample_duration(&mut network).as_ps();
                    fleet.events.push(Reverse((at, Event::Deliver(job))));
                }
                None => fleet.deliver(job, arrival),
            }
            arrival = next();
            continue;
        }
        match fleet.events.pop() {
            Some(Reverse((now, Event::Done(job)))) => {
                fleet.finish(job, now);
                outcome.end(job.arrived, now);
            }
            Some(Reverse((now, Event::Deliver(job)))) => fleet.deliver(job, now),
            None => return outcome,
        }
    }
}
