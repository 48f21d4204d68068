//! The clock of GPUs that several servers share: which server has the turn, which wait, and how
//! long iterations ran.

use super::Round;
use crate::clock::{SimDuration, SimTime};
use crate::id::ServerId;

/// The servers that share one clock, in the fixed order of their turns.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// The servers; the first is that of the unit's leader.
    pub(crate) members: Vec<ServerId>,
    /// Which members wait for the turn, and how many.
    waits: Vec<bool>,
    waiting: usize,
    /// The member that has the turn, or had it last.
    turn: usize,
    /// Whether a member has the turn.
    taken: bool,
    /// What the members do in their next turns: room to compute many rounds at once.
    pub(crate) round: Round,
    /// Time in which a member had the turn, up to `since`.
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

    /// The member that has the turn.
    pub(crate) fn holder(&self) -> Option<ServerId> {
        self.taken.then(|| self.members[self.turn])
    }

    /// The members that take turns, from the one that has the turn.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = ServerId> {
        let len = self.members.len();
        let places = (self.turn..len).chain(0..self.turn);
        places.filter(|&at| at == self.turn || self.waits[at]).map(|at| self.members[at])
    }

    /// Notes that a member waits for the turn, or no longer does.
    pub(crate) fn set_waits(&mut self, member: ServerId, waits: bool) {
        if let Some(position) = self.members.iter().position(|&other| other == member) {
            let before = std::mem::replace(&mut self.waits[position], waits);
            self.waiting = self.waiting + usize::from(waits) - usize::from(before);
        }
    }

    /// Whether any member waits.
    pub(crate) fn is_contended(&self) -> bool {
        self.waiting > 0
    }

    /// The member that has the turn gives it up.
    pub(crate) fn release(&mut self, now: SimTime) {
        self.busy = self.busy(now);
        self.since = now;
        self.taken = false;
    }

    /// Gives the turn to the next waiting member after the one that had it last.
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
        // The first member is the first to have the turn; then the next waiting one, in order.
        assert_eq!((clock.next(now), clock.next(now), clock.next(now)), (Some(four), Some(nine), None));
        clock.set_waits(nine, true);
        clock.set_waits(seven, true);
        assert_eq!((clock.next(now), clock.next(now)), (Some(seven), Some(nine)));
        assert_eq!(clock.busy(SimTime::from_s(3)), SimDuration::from_s(2));
        clock.release(SimTime::from_s(3));
        assert_eq!((clock.holder(), clock.busy(SimTime::from_s(9))), (None, SimDuration::from_s(2)));
    }
}
