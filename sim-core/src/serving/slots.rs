//! `Slots`: a fixed number of attempts at once, each with its own service time, first come first
//! served.

use super::bench::Bench;
use super::station::Station;
use crate::agenda::{Agenda, Event};
use crate::clock::Class;
use crate::id::AttemptSlot;
use crate::traffic::{Arena, Attempt, Stage};

#[inline]
pub(super) fn accept(
    station: &mut Station,
    index: AttemptSlot,
    concurrency: u32,
    agenda: &mut Agenda,
    attempts: &mut Arena<AttemptSlot, Attempt>,
) {
    if station.running < concurrency {
        run(station, index, agenda, attempts);
    } else {
        attempts[index].stage = Stage::Waiting;
        station.waiting.push(attempts, index);
    }
}

#[inline]
fn run(station: &mut Station, index: AttemptSlot, agenda: &mut Agenda, attempts: &mut Arena<AttemptSlot, Attempt>) {
    station.running += 1;
    station.in_slots.push(attempts, index);
    let attempt = &mut attempts[index];
    attempt.start(agenda.now());
    let (end, serial) = (agenda.now() + attempt.size, attempt.serial);
    agenda.schedule(end, Class::Completion, station.id, serial, Event::SlotDone { attempt: index });
}

/// Frees the slot of an attempt and starts the attempt that has waited longest.
#[inline]
pub(super) fn release(
    station: &mut Station,
    index: AttemptSlot,
    agenda: &mut Agenda,
    attempts: &mut Arena<AttemptSlot, Attempt>,
) {
    station.running -= 1;
    station.in_slots.remove(attempts, index);
    if let Some(next) = station.waiting.pop(attempts) {
        run(station, next, agenda, attempts);
    }
}

/// Takes an attempt out. True if its record is free now. Its scheduled completion will find another
/// serial in the record and do nothing.
pub(super) fn withdraw(station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) -> bool {
    match bench.attempts[index].stage {
        Stage::Waiting => station.waiting.remove(bench.attempts, index),
        Stage::Running => release(station, index, bench.agenda, bench.attempts),
        Stage::Sent | Stage::Host | Stage::Withdrawn => return false,
    }
    true
}
