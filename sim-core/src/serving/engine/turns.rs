//! Several engines on one GPU group: their iterations take turns, whole ones, in a fixed order.
//!
//! An engine alone on its group always has the turn. Of several, the one that has it plays as if it
//! were alone, leaps included, until another asks; then it stops at its next boundary and gives the
//! turn away, with the group's clock. The sequences that it runs wait: the gap before their next
//! token is the wait and the iteration. Who is next is the simulation's matter (`simulation/turns.rs`),
//! since each member belongs to another service.
//!
//! Nor is each turn an event. A member that waits keeps the event at which its next sequence can end;
//! between such events the turns are played when somebody looks, one by one or, while no batch changes,
//! many rounds at once ([`crate::serving::Round`]).

use super::law::{Clock, Leap, Load, clock_at, instant};
use super::{Engine, EngineConfig, Sequence};
use crate::clock::SimTime;
use crate::id::{AttemptSlot, ServerId};
use crate::serving::Discipline;
use crate::serving::round::{Steady, Stretch};
use crate::serving::server::{Bench, Server};

/// Whether an engine may iterate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has its group for itself.
    #[default]
    Alone,
    /// It has no work.
    Idle,
    /// It has work and waits.
    Waits,
    /// It iterates; `contended` if it must stop at the next boundary, since others wait.
    Has {
        /// Whether others wait.
        contended: bool,
    },
}

impl Engine {
    /// Shares its group from now on.
    pub(in crate::serving) fn share(&mut self) {
        self.turn = Turn::Idle;
    }

    pub(in crate::serving) fn turn(&self) -> Turn {
        self.turn
    }

    /// The group's clock at the boundary where this engine stands.
    pub(in crate::serving) fn clock(&self) -> u128 {
        self.clock.units
    }

    /// Takes the turn when the group's clock shows `clock`; gives it back at once if there is nothing
    /// to do. Attempts that leave move to `done`.
    pub(in crate::serving) fn take_turn(
        &mut self,
        server: &mut Server,
        clock: u128,
        contended: bool,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return };
        self.waited = if self.decodes > 0 { clock - self.clock.units } else { 0 };
        self.clock = Clock::new(clock);
        self.turn = Turn::Has { contended };
        server.meter.advance(self.at(), server.running);
        if !self.withdrawn.is_empty() {
            self.drop_withdrawn(server, bench, done);
        }
        self.plan(config, server, bench);
    }

    /// Whether it has the turn, must give it away, and does so until `last`.
    #[inline]
    pub(in crate::serving) fn gives_turn(&self, last: SimTime) -> bool {
        self.turn == (Turn::Has { contended: true }) && self.is_behind(last)
    }

    /// Sees to it that there is an event when its leap ends.
    pub(in crate::serving) fn wake_at_end(&mut self, id: ServerId, bench: &mut Bench<'_>) {
        if self.leap.len > 0 {
            self.wake_by(self.leap_end.at, id, bench);
        }
    }

    /// Another engine waits for the turn: this one, which has it and has caught up to `last`, stops
    /// at its next boundary.
    pub(in crate::serving) fn contend(&mut self, id: ServerId, last: SimTime, bench: &mut Bench<'_>) {
        if let Turn::Has { contended } = &mut self.turn {
            *contended = true;
            self.cut(self.leap.first_after(self.clock.units, last).max(1), id, bench);
        }
    }

    /// At a boundary: goes on, or stops for others.
    #[inline]
    pub(super) fn go_on(&mut self, config: &EngineConfig, server: &mut Server, bench: &mut Bench<'_>) {
        if self.turn != (Turn::Has { contended: true }) {
            return self.plan(config, server, bench);
        }
        self.leap = Leap::default();
        if self.running > 0 || server.waiting.front().is_some() {
            // An event that is planned stays: it is when a sequence may end.
            self.turn = Turn::Waits;
        } else {
            self.turn = Turn::Idle;
            self.generation += 1;
            self.wake_at = SimTime::MAX;
        }
    }

    /// What it does in its next turns, if that is the same in each; `waiting` is the first that waits.
    pub(in crate::serving) fn steady(&self, config: &EngineConfig, waiting: Option<&Sequence>) -> Option<Steady> {
        let changes = self.partial.is_some() || !self.chunks.is_empty() || !self.withdrawn.is_empty();
        // Who has just been asked for the turn may have more than one iteration left before it gives it.
        if changes || self.decodes == 0 || self.leap.len > 1 || !config.leaps {
            return None;
        }
        let all = self.next_end - self.iteration;
        let (first, turns) = if self.leap.len > 0 {
            (self.leap.first, 1 + self.blocks.lasting(self.iteration + 1, all - 1, self.decodes))
        } else {
            let load = Load { decodes: self.decodes, context: self.context, ..Load::default() };
            (config.law.iteration(&load), self.blocks.lasting(self.iteration, all, self.decodes))
        };
        let joins = waiting.map_or(SimTime::MAX, |sequence| sequence.ready);
        let growth = config.law.growth(self.decodes);
        (turns > 0).then_some(Steady { first, growth, turns, joins })
    }

    /// Plays its turns of so many rounds at once.
    pub(in crate::serving) fn play_turns(
        &mut self,
        own: &Steady,
        stretch: &Stretch,
        server: &mut Server,
        bench: &mut Bench<'_>,
    ) {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return };
        let (rounds, decodes) = (stretch.rounds, self.decodes);
        // Who waits stands where its last token came; what it has waited before that turn is past.
        let waited = std::mem::take(&mut self.waited);
        let since = Clock::new(self.clock.units - if stretch.again.is_some() { waited } else { 0 });
        let gap = stretch.first_end - since.units;
        let first = u64::try_from(gap).unwrap_or(u64::MAX);
        bench.gaps(Leap { len: 1, first, growth: 0 }, since, gap, decodes);
        if rounds > 1 {
            let units = stretch.last_end - stretch.first_end;
            bench.gaps(stretch.between, Clock::new(stretch.first_end), units, decodes);
        }
        // Who has the turn has taken the blocks of its first iteration, and takes those of the next.
        let from = self.iteration + u64::from(stretch.again.is_some());
        self.blocks.take(self.blocks.needed(from, rounds, decodes));
        self.count(rounds);
        self.clock = Clock::new(stretch.last_end);
        self.previous = instant(stretch.last_end - u128::from(own.first + own.growth * (rounds - 1)));
        if let Some(again) = stretch.again {
            self.waited = again - stretch.last_end;
            self.clock = Clock::new(again);
            self.leap = Leap { len: 1, first: own.first + own.growth * rounds, growth: own.growth };
            self.leap_end = self.clock.after(self.leap.first.into());
            self.look(config);
        }
        server.meter.advance(self.at(), server.running);
    }

    /// Plans what comes next; a member of a group without work has no turn.
    #[inline]
    fn plan(&mut self, config: &EngineConfig, server: &mut Server, bench: &mut Bench<'_>) {
        self.schedule(config, server, bench);
        if self.leap.len == 0 && self.turn != Turn::Alone {
            self.turn = Turn::Idle;
        }
    }

    /// An engine without a leap wakes: alone it starts, among others it asks.
    pub(super) fn start(&mut self, config: &EngineConfig, server: &mut Server, bench: &mut Bench<'_>) {
        match self.turn {
            Turn::Alone => {
                let now = bench.agenda.now();
                self.clock = Clock::new(clock_at(now));
                server.meter.advance(now, server.running);
                self.schedule(config, server, bench);
            }
            Turn::Idle => self.turn = Turn::Waits,
            Turn::Waits | Turn::Has { .. } => {}
        }
    }

    /// The gaps before the tokens of the iterations that have just passed, the first of which may
    /// have waited for its turn.
    #[inline]
    pub(super) fn record_gaps(&mut self, passed: Leap, end: u128, bench: &mut Bench<'_>) {
        let waited = std::mem::take(&mut self.waited);
        if waited == 0 {
            bench.gaps(passed, self.clock, end - self.clock.units, self.decodes);
        } else {
            self.record_gaps_after(waited, passed, end, bench);
        }
    }

    /// The same, where the first iteration has waited for its turn.
    #[inline(never)]
    fn record_gaps_after(&mut self, waited: u128, passed: Leap, end: u128, bench: &mut Bench<'_>) {
        // Beyond what 64 bits hold, a gap is in the last bucket anyway.
        let first = u64::try_from(waited).unwrap_or(u64::MAX).saturating_add(passed.first);
        let after = self.clock.after(passed.first.into());
        let since = Clock::new(self.clock.units - waited);
        bench.gaps(Leap { len: 1, first, growth: 0 }, since, waited + u128::from(passed.first), self.decodes);
        if passed.len > 1 {
            bench.gaps(passed.rest(1), after, end - after.units, self.decodes);
        }
    }
}
