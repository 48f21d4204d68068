//! Processor sharing of a GPU group: all attempts in service advance at one rate, `min(1, p / n)`.
//!
//! Virtual time is the service that each attempt has received, in 2^-32 ps. An attempt ends when
//! virtual time has grown by its size. Only the earliest end is an event; any change of the number
//! in service makes that event stale (the key's sequence is the generation).

use super::Discipline;
use super::bench::Bench;
use super::station::Station;
use crate::agenda::Event;
use crate::clock::{Class, SimDuration, SimTime};
use crate::id::{AttemptSlot, ServerSlot};
use crate::traffic::Arena;
use crate::traffic::{Attempt, Stage};

use std::cmp::Reverse;
use std::collections::BinaryHeap;

const FRACTION_BITS: u32 = 32;

/// State of one shared group.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    virtual_time: u128,
    touched: SimTime,
    generation: u64,
    /// `(virtual end, serial, attempt)`; a withdrawn attempt stays until it reaches the top.
    ends: BinaryHeap<Reverse<(u128, u64, AttemptSlot)>>,
}

impl Sharing {
    fn limits(bench: &Bench<'_>) -> (u32, u32) {
        match bench.discipline {
            Discipline::Sharing { processors, limit } => (*processors, *limit),
            _ => (1, u32::MAX),
        }
    }

    /// Brings virtual time to now; `running` attempts were in service since the last call.
    fn advance(&mut self, now: SimTime, running: u32, processors: u32) {
        let span = u128::from(now.since(self.touched).as_ps());
        self.touched = now;
        if running > 0 {
            let served = span * u128::from(running.min(processors));
            self.virtual_time += (served << FRACTION_BITS) / u128::from(running);
        }
    }

    pub(super) fn accept(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) {
        let (processors, limit) = Self::limits(bench);
        if station.running >= limit {
            bench.attempts[index].stage = Stage::Waiting;
            station.waiting.push(bench.attempts, index);
            return;
        }
        self.advance(bench.agenda.now(), station.running, processors);
        self.enter(station, index, bench);
        self.plan(station, bench, processors);
    }

    fn enter(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) {
        station.running += 1;
        bench.start(index, bench.agenda.now());
        let attempt = &bench.attempts[index];
        let end = self.virtual_time + (u128::from(attempt.size.as_ps()) << FRACTION_BITS);
        self.ends.push(Reverse((end, attempt.serial, index)));
    }

    /// Ends the attempts that are due, starts waiting ones, and plans the next end. False if the
    /// event is stale.
    pub(super) fn step(
        &mut self,
        station: &mut Station,
        generation: u64,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) -> bool {
        if generation != self.generation {
            return false;
        }
        let (processors, limit) = Self::limits(bench);
        self.advance(bench.agenda.now(), station.running, processors);
        while let Some(&Reverse((end, serial, index))) = self.ends.peek() {
            let live = is_live(bench.attempts, index, serial, station.id.slot());
            if live && end > self.virtual_time {
                break;
            }
            self.ends.pop();
            if live {
                station.running -= 1;
                done.push(index);
            }
        }
        self.refill(station, bench, limit);
        self.plan(station, bench, processors);
        true
    }

    fn refill(&mut self, station: &mut Station, bench: &mut Bench<'_>, limit: u32) {
        while station.running < limit
            && let Some(next) = station.waiting.pop(bench.attempts)
        {
            self.enter(station, next, bench);
        }
    }

    pub(super) fn withdraw(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) -> bool {
        match bench.attempts[index].stage {
            Stage::Waiting => station.waiting.remove(bench.attempts, index),
            Stage::Running => {
                let (processors, limit) = Self::limits(bench);
                self.advance(bench.agenda.now(), station.running, processors);
                station.running -= 1;
                // A new attempt in this slot has another serial; this mark is for the time until
                // then.
                bench.attempts[index].stage = Stage::Sent;
                self.refill(station, bench, limit);
                self.plan(station, bench, processors);
            }
            Stage::Sent | Stage::Host | Stage::Withdrawn => return false,
        }
        true
    }

    /// Moves the attempts in service to `lost`.
    pub(super) fn running(
        &self,
        attempts: &Arena<AttemptSlot, Attempt>,
        server: ServerSlot,
        lost: &mut Vec<AttemptSlot>,
    ) {
        let mut live: Vec<_> = self.ends.iter().map(|Reverse(end)| *end).collect();
        live.sort_unstable();
        lost.extend(live.iter().filter(|end| is_live(attempts, end.2, end.1, server)).map(|end| end.2));
    }

    fn plan(&mut self, station: &mut Station, bench: &mut Bench<'_>, processors: u32) {
        self.generation += 1;
        while let Some(&Reverse((end, serial, index))) = self.ends.peek() {
            if !is_live(bench.attempts, index, serial, station.id.slot()) {
                self.ends.pop();
                continue;
            }
            let service = end.saturating_sub(self.virtual_time) * u128::from(station.running);
            let rate = u128::from(station.running.min(processors)) << FRACTION_BITS;
            // Rounded up, so that virtual time has reached the end when the event comes.
            let span = SimDuration::from_ps(u64::try_from(service.div_ceil(rate)).unwrap_or(u64::MAX));
            let event = Event::ShareDone { server: station.id.slot() };
            bench.agenda.schedule(bench.agenda.now() + span, Class::Completion, station.id, self.generation, event);
            return;
        }
    }
}

fn is_live(attempts: &Arena<AttemptSlot, Attempt>, index: AttemptSlot, serial: u64, server: ServerSlot) -> bool {
    let attempt = &attempts[index];
    attempt.serial == serial && attempt.server == server && attempt.stage == Stage::Running
}
