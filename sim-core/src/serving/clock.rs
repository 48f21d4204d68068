//! The clock of GPUs that several servers share: whose turn it is, who waits, and how long any iterated.

use super::Round;
use crate::clock::{SimDuration, SimTime};
use crate::id::ServerId;

/// The servers of one clock, in the fixed order of their turns.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Servers; the first is that of the pod that was asked for.
    pub(crate) members: Vec<ServerId>,
    /// Which of them wait for the turn, and how many.
    waits: Vec<bool>,
    waiting: usize,
    /// The member that has the turn, or had it last.
    turn: usize,
    /// Whether somebody has it.
    taken: bool,
    /// What they do in their next turns: room to work out many at once.
    pub(crate) round: Round,
    /// Time in which somebody had it, up to `since`.
    busy: SimDuration,
    since: SimTime,
}

impl Clock {
    pub(crate) fn new(members: Vec<ServerId>, now: SimTime) -> Self {
        Clock {
            waits: vec![false; members.len()],
            waiting: 0,
            turn: members.len() - 1,
            taken: false,
            round: Round::default(),
            busy: SimDuration::ZERO,
            since: now,
            members,
        }
    }

    /// The member whose turn it is.
    pub(crate) fn holder(&self) -> Option<ServerId> {
        self.taken.then(|| self.members[self.turn])
    }

    /// Who takes turns, from the member that has the turn.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = ServerId> {
        let len = self.members.len();
        let places = (self.turn..len).chain(0..self.turn);
        places.filter(|&at| at == self.turn || self.waits[at]).map(|at| self.members[at])
    }

    /// A member waits for the turn, or no longer does.
    pub(crate) fn set_waits(&mut self, member: ServerId, waits: bool) {
        if let Some(position) = self.members.iter().position(|&other| other == member) {
            let before = std::mem::replace(&mut self.waits[position], waits);
            self.waiting = self.waiting + usize::from(waits) - usize::from(before);
        }
    }

    /// Whether anybody waits.
    pub(crate) fn is_contended(&self) -> bool {
        self.waiting > 0
    }

    /// Nobody has the turn any more.
    pub(crate) fn release(&mut self, now: SimTime) {
        self.busy = self.busy(now);
        self.since = now;
        self.taken = false;
    }

    /// Gives the turn to the next who waits, after the last who had it.
    pub(crate) fn next(&mut self, now: SimTime) -> Option<ServerId> {
        if self.waiting == 0 {
            return None;
        }
        let mut next = self.turn;
        loop {
            next = if next + 1 < self.members.len() { next + 1 } else { 0 };
            if std::mem::take(&mut self.waits[next]) {
                break;
            }
        }
        self.waiting -= 1;
        self.turn = next;
        self.taken = true;
        self.since = now;
        Some(self.members[next])
    }

    /// Time in which an iteration ran, up to `now`.
    pub(crate) fn busy(&self, now: SimTime) -> SimDuration {
        if self.taken { self.busy + now.since(self.since) } else { self.busy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ServerSlot;

    #[test]
    fn turns_go_round_among_those_who_wait() {
        let now = SimTime::from_s(1);
        let [four, seven, nine] = [4, 7, 9].map(|serial| ServerId::new(serial, ServerSlot::NONE));
        let mut clock = Clock::new(vec![four, seven, nine], now);
        assert_eq!(clock.next(now), None);
        clock.set_waits(nine, true);
        clock.set_waits(four, true);
        // The first member is the first to have it; then the next who waits, in order.
        assert_eq!((clock.next(now), clock.next(now), clock.next(now)), (Some(four), Some(nine), None));
        clock.set_waits(nine, true);
        clock.set_waits(seven, true);
        assert_eq!((clock.next(now), clock.next(now)), (Some(seven), Some(nine)));
        assert_eq!(clock.busy(SimTime::from_s(3)), SimDuration::from_s(2));
        clock.release(SimTime::from_s(3));
        assert_eq!((clock.holder(), clock.busy(SimTime::from_s(9))), (None, SimDuration::from_s(2)));
    }
}
