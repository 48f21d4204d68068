//! Why requests of a service wait, over time: whether the missing replicas are coming, or cannot
//! come.
//!
//! A wait counts as a cold start while replicas or nodes for them were starting. It counts as
//! missing capacity while wanted replicas had no GPUs and none was starting. Otherwise it counts as
//! queueing. The reasons over time are kept here, so that an attempt does not need to remember any.

use crate::clock::{SimDuration, SimTime};

/// What keeps the missing replicas of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reason {
    /// None is missing.
    #[default]
    None,
    /// Some are starting, or will start when their node is ready.
    Starting,
    /// There are no GPUs for them, and nothing that could change that is under way.
    NoCapacity,
}

/// A change of the reason.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    at: SimTime,
    reason: Reason,
    /// Both clocks (cold start, missing capacity) at that instant.
    cold: SimDuration,
    no_capacity: SimDuration,
}

/// The reasons of a service over time, and what the present one follows from.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitClock {
    /// Replicas that are starting or wait for GPUs.
    pub(crate) starting: u32,
    /// Those among them for which there are no GPUs.
    stuck: u32,
    /// Whether its capacity policy was refused replicas that are missing.
    refused: bool,
    /// The present reason, and since when: the last entry of `turns`.
    now: (SimTime, Reason),
    turns: Vec<Turn>,
}

impl WaitClock {
    fn reason(&self) -> Reason {
        if self.starting > self.stuck {
            Reason::Starting
        } else if self.stuck > 0 || self.refused {
            Reason::NoCapacity
        } else {
            Reason::None
        }
    }

    fn turn(&mut self, now: SimTime) {
        let reason = self.reason();
        let last = self.turns.last().copied().unwrap_or_default();
        if reason == last.reason {
            return;
        }
        let [cold, no_capacity] = last.read(now);
        let turn = Turn { at: now, reason, cold, no_capacity };
        self.now = (now, reason);
        match self.turns.last_mut() {
            // Of several changes at one instant, the last one holds.
            Some(same) if same.at == now => *same = turn,
            _ => self.turns.push(turn),
        }
    }

    /// Counts one more starting replica, or one less.
    pub(crate) fn step_starting(&mut self, more: bool, now: SimTime) {
        self.starting = if more { self.starting + 1 } else { self.starting - 1 };
        self.turn(now);
    }

    /// Counts one more starting replica without GPUs, or one less.
    pub(crate) fn step_stuck(&mut self, more: bool, now: SimTime) {
        self.stuck = if more { self.stuck + 1 } else { self.stuck - 1 };
        self.turn(now);
    }

    /// Notes whether the market refused replicas that are missing.
    pub(crate) fn set_refused(&mut self, refused: bool, now: SimTime) {
        self.refused = refused;
        self.turn(now);
    }

    /// Both clocks at an instant.
    fn read(&self, at: SimTime) -> [SimDuration; 2] {
        let after = self.turns.partition_point(|turn| turn.at <= at);
        after.checked_sub(1).map_or([SimDuration::ZERO; 2], |last| self.turns[last].read(at))
    }

    /// How much of a wait from `from` to `to` is a cold start, and how much is missing capacity.
    #[inline]
    pub(crate) fn between(&self, from: SimTime, to: SimTime) -> [SimDuration; 2] {
        let (since, reason) = self.now;
        if since > from {
            let ([cold, none], [cold_before, none_before]) = (self.read(to), self.read(from));
            return [cold - cold_before, none - none_before];
        }
        // Nearly always, nothing has changed since.
        match reason {
            Reason::None => [SimDuration::ZERO; 2],
            Reason::Starting => [to.since(from), SimDuration::ZERO],
            Reason::NoCapacity => [SimDuration::ZERO, to.since(from)],
        }
    }
}

impl Turn {
    fn read(&self, at: SimTime) -> [SimDuration; 2] {
        let span = at.since(self.at);
        match self.reason {
            Reason::None => [self.cold, self.no_capacity],
            Reason::Starting => [self.cold + span, self.no_capacity],
            Reason::NoCapacity => [self.cold, self.no_capacity + span],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_split_by_what_was_missing() {
        let (at, span) = (SimTime::from_s, SimDuration::from_s);
        let mut clock = WaitClock::default();
        clock.step_starting(true, at(10));
        clock.step_stuck(true, at(10));
        // The second replica finds a booting node: that is a cold start, whatever the first one
        // lacks.
        clock.step_starting(true, at(20));
        clock.step_starting(false, at(35));
        clock.step_stuck(false, at(50));
        clock.step_starting(false, at(50));
        clock.set_refused(true, at(60));
        let between = |from, to| clock.between(at(from), at(to));
        assert_eq!(between(0, 70), [span(15), span(35)]);
        assert_eq!(between(15, 30), [span(10), span(5)]);
        assert_eq!(between(51, 59), [span(0), span(0)]);
        assert_eq!(between(65, 70), [span(0), span(5)]);
    }
}
