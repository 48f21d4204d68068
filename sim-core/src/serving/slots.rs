//! `Slots`: so many attempts at once, each with its own service time, first come first served.

use super::Discipline;
use super::request::{Fifo, Stage};
use super::server::{Bench, Server};
use crate::agenda::Event;
use crate::clock::Class;

#[inline]
pub(super) fn accept(slots: &mut Fifo, server: &mut Server, index: u32, bench: &mut Bench<'_>) {
    let &Discipline::Slots { concurrency } = bench.discipline else { return };
    if server.running < concurrency {
        run(slots, server, index, bench);
    } else {
        bench.attempts[index].stage = Stage::Waiting;
        server.waiting.push(bench.attempts, index);
    }
}

#[inline]
fn run(slots: &mut Fifo, server: &mut Server, index: u32, bench: &mut Bench<'_>) {
    server.running += 1;
    bench.start(index, bench.agenda.now());
    slots.push(bench.attempts, index);
    let attempt = &bench.attempts[index];
    let (end, serial) = (bench.agenda.now() + attempt.size, attempt.serial);
    bench.agenda.schedule(end, Class::Completion, server.id, serial, Event::SlotDone { attempt: index });
}

/// Frees the slot of an attempt and starts who waits longest.
#[inline]
pub(super) fn release(slots: &mut Fifo, server: &mut Server, index: u32, bench: &mut Bench<'_>) {
    server.running -= 1;
    slots.remove(bench.attempts, index);
    if let Some(next) = server.waiting.pop(bench.attempts) {
        run(slots, server, next, bench);
    }
}

/// Takes an attempt out; the completion that was scheduled will find another serial in its place.
/// True if its record is free now.
pub(super) fn withdraw(slots: &mut Fifo, server: &mut Server, index: u32, bench: &mut Bench<'_>) -> bool {
    match bench.attempts[index].stage {
        Stage::Waiting => server.waiting.remove(bench.attempts, index),
        Stage::Running => release(slots, server, index, bench),
        Stage::Sent | Stage::Host | Stage::Withdrawn => return false,
    }
    true
}
