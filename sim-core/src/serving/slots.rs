//! `Slots`: so many attempts at once, each with its own service time, first come first served.

use super::Discipline;
use super::server::{Bench, Server};
use crate::agenda::Event;
use crate::clock::Class;
use crate::traffic::Stage;

#[inline]
pub(super) fn accept(server: &mut Server, index: u32, bench: &mut Bench<'_>) {
    let &Discipline::Slots { concurrency } = bench.discipline else { return };
    if server.running < concurrency {
        run(server, index, bench);
    } else {
        bench.attempts[index].stage = Stage::Waiting;
        server.waiting.push(bench.attempts, index);
    }
}

#[inline]
fn run(server: &mut Server, index: u32, bench: &mut Bench<'_>) {
    server.running += 1;
    bench.start(index, bench.agenda.now());
    server.in_slots.push(bench.attempts, index);
    let attempt = &bench.attempts[index];
    let (end, serial) = (bench.agenda.now() + attempt.size, attempt.serial);
    bench.agenda.schedule(end, Class::Completion, server.id, serial, Event::SlotDone { attempt: index });
}

/// Frees the slot of an attempt and starts who waits longest.
#[inline]
pub(super) fn release(server: &mut Server, index: u32, bench: &mut Bench<'_>) {
    server.running -= 1;
    server.in_slots.remove(bench.attempts, index);
    if let Some(next) = server.waiting.pop(bench.attempts) {
        run(server, next, bench);
    }
}

/// Takes an attempt out; the completion that was scheduled will find another serial in its place.
/// True if its record is free now.
pub(super) fn withdraw(server: &mut Server, index: u32, bench: &mut Bench<'_>) -> bool {
    match bench.attempts[index].stage {
        Stage::Waiting => server.waiting.remove(bench.attempts, index),
        Stage::Running => release(server, index, bench),
        Stage::Sent | Stage::Host | Stage::Withdrawn => return false,
    }
    true
}
