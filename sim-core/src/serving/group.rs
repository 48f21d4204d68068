//! A GPU group that several models share: whose turn it is, who waits, and how long any iterated.

use crate::clock::{SimDuration, SimTime};

/// The members of one group, in the fixed order of their turns.
#[derive(Debug)]
pub(crate) struct Group {
    /// Replicas; the first holds the GPUs, the others are resident on them.
    pub(crate) members: Vec<u32>,
    /// Which of them wait for the turn, and how many.
    waits: Vec<bool>,
    waiting: usize,
    /// The member that has the turn, or had it last.
    turn: usize,
    /// Whether somebody has it.
    taken: bool,
    /// Time in which somebody had it, up to `since`.
    busy: SimDuration,
    since: SimTime,
    /// Members that are not gone.
    pub(crate) live: usize,
    /// Up to when its GPUs are billed, and the busy time that was billed.
    pub(crate) billed: SimTime,
    pub(crate) billed_busy: SimDuration,
}

impl Group {
    pub(crate) fn new(members: Vec<u32>, now: SimTime) -> Self {
        Group {
            waits: vec![false; members.len()],
            waiting: 0,
            turn: members.len() - 1,
            taken: false,
            busy: SimDuration::ZERO,
            since: now,
            live: members.len(),
            billed: now,
            billed_busy: SimDuration::ZERO,
            members,
        }
    }

    /// The member whose turn it is.
    pub(crate) fn holder(&self) -> Option<u32> {
        self.taken.then(|| self.members[self.turn])
    }

    /// A member waits for the turn, or no longer does.
    pub(crate) fn set_waits(&mut self, member: u32, waits: bool) {
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
    pub(crate) fn next(&mut self, now: SimTime) -> Option<u32> {
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

    #[test]
    fn turns_go_round_among_those_who_wait() {
        let now = SimTime::from_s(1);
        let mut group = Group::new(vec![4, 7, 9], now);
        assert_eq!(group.next(now), None);
        group.set_waits(9, true);
        group.set_waits(4, true);
        // The first member is the first to have it; then the next who waits, in order.
        assert_eq!((group.next(now), group.next(now), group.next(now)), (Some(4), Some(9), None));
        group.set_waits(9, true);
        group.set_waits(7, true);
        assert_eq!((group.next(now), group.next(now)), (Some(7), Some(9)));
        assert_eq!(group.busy(SimTime::from_s(3)), SimDuration::from_s(2));
        group.release(SimTime::from_s(3));
        assert_eq!((group.holder(), group.busy(SimTime::from_s(9))), (None, SimDuration::from_s(2)));
    }
}
