//! Several engines that share GPUs: they take turns of whole iterations, in a fixed order.
//!
//! An engine alone on its GPUs always has the turn. Of several engines, the one with the turn plays
//! as if it were alone, leaps included, until another one asks for the turn; then it stops at its
//! next boundary and passes the turn and the clock on. Meanwhile its running sequences wait: the
//! gap before their next token is that wait plus the iteration. The simulation chooses the next
//! engine (`simulation/turns.rs`), since each member belongs to another service.
//!
//! Turns are not events. A waiting member keeps the event at which its next sequence can end;
//! between such events the turns are played on access: one by one or, while no batch changes, many
//! rounds at once ([`crate::serving::Round`]).

use super::time_model::{Clock, Leap, Load, clock_at, instant};
use super::{Engine, EngineConfig, Sequence};
use crate::clock::SimTime;
use crate::id::{AttemptSlot, ServerId};
use crate::serving::Discipline;
use crate::serving::bench::Bench;
use crate::serving::round::{Steady, Stretch};
use crate::serving::station::Station;

/// Whether an engine may iterate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has its GPUs to itself.
    #[default]
    Alone,
    /// It has no work.
    Idle,
    /// It has work and waits.
    Waits,
    /// It iterates; if `contended`, it must stop at the next boundary, since others wait.
    Has {
        /// Whether others wait.
        contended: bool,
    },
}

impl Engine {
    /// From now on it shares its GPUs.
    pub(in crate::serving) fn share(&mut self) {
        self.turn = Turn::Idle;
    }

    pub(in crate::serving) fn turn(&self) -> Turn {
        self.turn
    }

    /// The shared clock at the boundary where this engine stands.
    pub(in crate::serving) fn clock(&self) -> u128 {
        self.clock.units
    }

    /// Takes the turn when the shared clock shows `clock`; gives it back at once if there is
    /// nothing to do. Attempts that leave move to `done`.
    pub(in crate::serving) fn take_turn(
        &mut self,
        station: &mut Station,
        clock: u128,
        contended: bool,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return };
        // It may have waited for prompts of its own, too.
        let before = if self.rules.is_alone() { self.waited } else { 0 };
        self.waited = if self.decodes > 0 { before + (clock - self.clock.units) } else { 0 };
        self.clock = Clock::new(clock);
        self.turn = Turn::Has { contended };
        station.meter.advance(self.at(), station.running);
        if !self.withdrawn.is_empty() {
            self.drop_withdrawn(config, station, bench, done);
        }
        self.plan(config, station, bench);
    }

    /// Whether it has the turn, and must give it away at a boundary up to `last`.
    #[inline]
    pub(in crate::serving) fn gives_turn(&self, last: SimTime) -> bool {
        self.turn == (Turn::Has { contended: true }) && self.is_behind(last)
    }

    /// Makes sure that there is an event when its leap ends.
    pub(in crate::serving) fn wake_at_end(&mut self, id: ServerId, bench: &mut Bench<'_>) {
        if self.leap.len > 0 {
            self.wake_by(self.leap_end.at, id, bench);
        }
    }

    /// Another engine waits for the turn. This one has the turn and has caught up to `last`; it
    /// stops at its next boundary.
    pub(in crate::serving) fn contend(&mut self, id: ServerId, last: SimTime, bench: &mut Bench<'_>) {
        if let Turn::Has { contended } = &mut self.turn {
            *contended = true;
            self.cut(self.leap.first_after(self.clock.units, last).max(1), id, bench);
        }
    }

    /// At a boundary: goes on, or gives the turn away.
    #[inline]
    pub(super) fn go_on(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        if self.turn != (Turn::Has { contended: true }) {
            return self.plan(config, station, bench);
        }
        self.leap = Leap::default();
        if self.running > 0 || station.waiting.front().is_some() {
            // The pending event stays: a sequence may end there.
            self.turn = Turn::Waits;
        } else {
            self.turn = Turn::Idle;
            self.generation += 1;
            self.wake_at = SimTime::MAX;
        }
    }

    /// What it does in its next turns, if each is like the one before; `waiting` is the first
    /// waiting sequence.
    pub(in crate::serving) fn steady(&self, config: &EngineConfig, waiting: Option<&Sequence>) -> Option<Steady> {
        let changes = self.partial.is_some() || !self.chunks.is_empty() || !self.withdrawn.is_empty();
        // An engine that was just asked to give the turn away may have more than one iteration
        // left.
        // Windows that slide may make room for those that wait.
        let changes = changes || (config.groups.is_some() && (waiting.is_some() || self.is_fresh()));
        if changes || self.decodes == 0 || self.leap.len > 1 || !config.leaps || !config.is_plain() {
            return None;
        }
        let all = self.next_end.min(self.next_crossing()) - self.iteration;
        let (first, turns) = if self.leap.len > 0 {
            (self.leap.first, 1 + self.lasting(self.iteration + 1, all - 1))
        } else {
            let windows = self.parts.as_ref().map_or(0, |parts| parts.units());
            let load = Load { decodes: self.decodes, context: self.context, windows, ..Load::default() };
            (config.iteration(&load), self.lasting(self.iteration, all))
        };
        let joins = waiting.map_or(SimTime::MAX, |sequence| sequence.ready);
        let windows = self.parts.as_ref().map_or(0, |parts| parts.growth());
        let growth = config.growth(self.decodes) + windows;
        (turns > 0).then_some(Steady { first, growth, turns, joins })
    }

    /// Plays its turns of several rounds at once.
    pub(in crate::serving) fn play_turns(
        &mut self,
        own: &Steady,
        stretch: &Stretch,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return };
        let (rounds, decodes) = (stretch.rounds, self.decodes);
        // A waiting engine stands where its last tokens came; the wait before the turn in progress
        // is past.
        let waited = std::mem::take(&mut self.waited);
        let since = Clock::new(self.clock.units - if stretch.again.is_some() { waited } else { 0 });
        let gap = stretch.first_end - since.units;
        let first = u64::try_from(gap).unwrap_or(u64::MAX);
        bench.gaps(Leap { len: 1, first, growth: 0 }, since, gap, decodes);
        if rounds > 1 {
            let units = stretch.last_end - stretch.first_end;
            bench.gaps(stretch.between, Clock::new(stretch.first_end), units, decodes);
        }
        // The engine with the turn has already taken the blocks of its first iteration, and takes
        // those of the next.
        let from = self.iteration + u64::from(stretch.again.is_some());
        self.turn_over(from, rounds);
        if let Some(parts) = &mut self.parts {
            parts.plan(&config.time, decodes);
        }
        self.count(rounds);
        self.clock = Clock::new(stretch.last_end);
        self.previous = instant(stretch.last_end - u128::from(own.first + own.growth * (rounds - 1)));
        if let Some(again) = stretch.again {
            self.waited = again - stretch.last_end;
            self.clock = Clock::new(again);
            self.leap = Leap { len: 1, first: own.first + own.growth * rounds, growth: own.growth };
            self.leap_end = self.clock.after(self.leap.first.into());
            self.look::<false>(config);
        }
        station.meter.advance(self.at(), station.running);
    }

    /// Plans what comes next; a member without work gives up its turn.
    #[inline]
    fn plan(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        self.schedule(config, station, bench);
        if self.leap.len == 0 && self.turn != Turn::Alone {
            self.turn = Turn::Idle;
        }
    }

    /// Wakes an engine without a leap: alone it starts, among others it asks for the turn.
    pub(super) fn start(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        match self.turn {
            Turn::Alone => {
                let now = bench.agenda.now();
                self.clock = Clock::new(clock_at(now));
                station.meter.advance(now, station.running);
                self.schedule(config, station, bench);
            }
            Turn::Idle => self.turn = Turn::Waits,
            Turn::Waits | Turn::Has { .. } => {}
        }
    }

    /// Records the gaps before the tokens of the iterations that have just passed. The first of
    /// them may have waited for the turn.
    #[inline]
    pub(super) fn record_gaps(&mut self, passed: Leap, end: u128, bench: &mut Bench<'_>) {
        let waited = std::mem::take(&mut self.waited);
        if waited == 0 && (!self.rules.is_alone() || self.rare.late.is_empty()) {
            bench.gaps(passed, self.clock, end - self.clock.units, self.decodes);
        } else {
            self.record_gaps_after(waited, passed, end, bench);
        }
    }

    /// The same, if the first iteration waited for the turn or for prompts.
    #[cold]
    #[inline(never)]
    fn record_gaps_after(&mut self, waited: u128, passed: Leap, end: u128, bench: &mut Bench<'_>) {
        let others = self.record_late(passed.first, bench);
        // A gap that does not fit into 64 bits is in the last bucket anyway.
        let first = u64::try_from(waited).unwrap_or(u64::MAX).saturating_add(passed.first);
        let after = self.clock.after(passed.first.into());
        let since = Clock::new(self.clock.units - waited);
        if others > 0 {
            bench.gaps(Leap { len: 1, first, growth: 0 }, since, waited + u128::from(passed.first), others);
        }
        if passed.len > 1 {
            bench.gaps(passed.rest(1), after, end - after.units, self.decodes);
        }
    }
}
