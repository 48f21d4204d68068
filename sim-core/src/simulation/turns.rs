//! GPUs that several servers share: which engine iterates.
//!
//! Engines that take turns affect other parts only when one of their sequences ends. While all that
//! they will do is known ahead, turns are not events: the only event is where the first sequence
//! can end, at the member that runs it, so that sequences that end at one instant do so in the
//! order of plain turns. A new sequence makes rounds longer, never shorter, and gets an event of
//! its own where it can end first. A client that gives up, or a kill, could make rounds shorter:
//! from then on each turn is an event, until all is known ahead again.
//!
//! Each access to a member (an event of any member, a scrape, a client that gives up, a kill) first
//! plays the turns that have ended by then ([`Simulation::catch_up_turns`]): equal rounds in closed
//! form, then single turns. The state is then as if each turn had been an event: which member has
//! the turn and how far it is, which wait, which blocks are taken. An arrival needs no catching up,
//! since a new sequence cannot join at a boundary that has passed.

use super::Simulation;
use super::bench::bench;
use crate::clock::SimTime;
use crate::id::{AttemptSlot, ClockId, ClockSlot, ServerId};
use crate::serving::{Activity, Turn, clock_at, instant};

impl Simulation {
    /// Called after a server's engine ran: the engine may have asked for the turn or given it away.
    /// Attempts that leave move to `done`.
    #[inline]
    pub(super) fn take_turns(&mut self, server: ServerId, done: &mut Vec<AttemptSlot>) {
        let clock = self.serving.servers[server].clock;
        if clock != ClockSlot::NONE {
            self.turns_of(self.serving.clocks.id_in(clock), server, done);
        }
    }

    /// Whether the engine has work and waits, although its clock does not know that.
    pub(super) fn wants_turn(&self, server: ServerId) -> bool {
        let state = &self.serving.servers[server];
        let waits = state.clock != ClockSlot::NONE && state.turn().0 == Turn::Waits;
        waits && !self.serving.clocks.at(state.clock).is_contended()
    }

    fn turns_of(&mut self, id: ClockId, server: ServerId, done: &mut Vec<AttemptSlot>) {
        let now = self.agenda.now();
        let (turn, stands_at) = self.serving.servers[server].turn();
        if matches!(turn, Turn::Has { .. } | Turn::Alone) {
            return;
        }
        let clock = &mut self.serving.clocks[id];
        clock.set_waits(server, turn == Turn::Waits);
        match clock.holder() {
            Some(holder) if holder == server => {
                clock.release(now);
                self.give_turn(id, stands_at, done);
            }
            Some(holder) if turn == Turn::Waits => {
                self.contend(holder);
                self.plan_turns(id, holder);
            }
            Some(_) => {}
            None => self.give_turn(id, clock_at(now), done),
        }
    }

    fn contend(&mut self, holder: ServerId) {
        if self.serving.servers[holder].turn().0 == (Turn::Has { contended: false }) {
            let service = self.serving.servers[holder].service;
            self.serving.servers[holder].contend(&mut bench!(self, service));
            self.observe_tokens(holder, service);
        }
    }

    /// Gives the turn to the next waiting member that has something to do.
    fn give_turn(&mut self, id: ClockId, stands_at: u128, done: &mut Vec<AttemptSlot>) {
        let now = self.agenda.now();
        while let Some(next) = self.serving.clocks[id].next(now) {
            let contended = self.serving.clocks[id].is_contended();
            let service = self.serving.servers[next].service;
            self.serving.servers[next].take_turn(stands_at, contended, &mut bench!(self, service), done);
            self.observe_tokens(next, service);
            if matches!(self.serving.servers[next].turn().0, Turn::Has { .. }) {
                return self.plan_turns(id, next);
            }
            self.serving.clocks[id].release(now);
        }
    }

    /// Takes a killed server out of the turns, whatever it was doing.
    pub(super) fn leave_turns(&mut self, server: ServerId) {
        let slot = self.serving.servers[server].clock;
        if slot == ClockSlot::NONE {
            return;
        }
        let (now, id) = (self.agenda.now(), self.serving.clocks.id_in(slot));
        let clock = &mut self.serving.clocks[id];
        clock.set_waits(server, false);
        if clock.holder() == Some(server) {
            clock.release(now);
            let mut done = Vec::new();
            self.give_turn(id, clock_at(now), &mut done);
            self.complete_all(done);
        } else {
            self.end_quiet(server);
        }
    }

    /// Plays the turns before an engine's event. False if the event is stale.
    pub(super) fn before_step(&mut self, server: ServerId, generation: u64) -> bool {
        let state = &self.serving.servers[server];
        let live = state.expects_step(generation);
        if live {
            self.catch_up_turns(state.clock);
        }
        live
    }

    /// Plans the next event of engines that take turns: where the first sequence can end, if
    /// nothing else can happen before that; else where the iteration in progress ends.
    fn plan_turns(&mut self, id: ClockId, holder: ServerId) {
        let contended = self.serving.servers[holder].turn().0 == (Turn::Has { contended: true });
        let next =
            if contended && self.find_round(id, holder) { self.serving.clocks[id].round.next_end() } else { None };
        let Some((member, at)) = next else { return self.wake_at_end(holder) };
        // No sequence joins a batch before this.
        let from = self.serving.clocks[id].round.turn_end();
        self.wake_member(member, at);
        for at in 0..self.serving.clocks[id].round.members().len() {
            let (member, _) = self.serving.clocks[id].round.members()[at];
            let service = self.serving.servers[member].service;
            let end = self.serving.servers[member].newcomers_end(from, &bench!(self, service));
            if end == from {
                return self.wake_at_end(holder);
            }
            if end != SimTime::MAX {
                self.wake_member(member, end);
            }
        }
    }

    fn wake_member(&mut self, member: ServerId, at: SimTime) {
        let service = self.serving.servers[member].service;
        self.serving.servers[member].wake_by(at, &mut bench!(self, service));
    }

    fn wake_at_end(&mut self, holder: ServerId) {
        let service = self.serving.servers[holder].service;
        self.serving.servers[holder].wake_at_end(&mut bench!(self, service));
    }

    /// A change at one member may let others end earlier: makes each turn an event again.
    pub(super) fn end_quiet(&mut self, member: ServerId) {
        let clock = self.serving.servers[member].clock;
        if clock != ClockSlot::NONE
            && let Some(holder) = self.serving.clocks.at(clock).holder()
        {
            self.wake_at_end(holder);
        }
    }

    /// Plays the turns that have ended before the present event.
    #[inline]
    pub(super) fn catch_up_turns(&mut self, clock: ClockSlot) {
        if clock == ClockSlot::NONE {
            return;
        }
        let id = self.serving.clocks.id_in(clock);
        let mut may_leap = true;
        while let Some(holder) = self.serving.clocks[id].holder()
            && self.serving.servers[holder].gives_turn(&self.agenda)
        {
            if may_leap && self.find_round(id, holder) {
                let played;
                (played, may_leap) = self.play_rounds(id);
                if played {
                    continue;
                }
            }
            self.play_turn(id, holder);
        }
    }

    /// Plays one iteration and gives the turn to the next member.
    fn play_turn(&mut self, id: ClockId, holder: ServerId) {
        let service = self.serving.servers[holder].service;
        self.serving.servers[holder].give_turn(&mut bench!(self, service));
        self.observe_tokens(holder, service);
        let (turn, stands_at) = self.serving.servers[holder].turn();
        debug_assert_eq!(turn, Turn::Waits, "the engine with the turn had no work");
        let clock = &mut self.serving.clocks[id];
        let at = instant(stands_at);
        clock.set_waits(holder, true);
        clock.release(at);
        let Some(next) = clock.next(at) else { return };
        let mut done = Vec::new();
        let service = self.serving.servers[next].service;
        self.serving.servers[next].take_turn(stands_at, true, &mut bench!(self, service), &mut done);
        self.observe_tokens(next, service);
        debug_assert!(done.is_empty(), "a sequence left before its engine's event");
    }

    /// Plays the equal rounds that have passed at once. Returns whether there were any, and whether
    /// more may follow after a sequence joins.
    fn play_rounds(&mut self, id: ClockId) -> (bool, bool) {
        // For what ends at this very instant, the order of events decides whether it has passed.
        let last = SimTime::from_ps(self.agenda.now().as_ps().saturating_sub(1));
        let round = std::mem::take(&mut self.serving.clocks[id].round);
        let rounds = round.passed(last);
        if rounds > 0 {
            for (member, own, stretch) in round.stretches(rounds) {
                let service = self.serving.servers[member].service;
                self.serving.servers[member].play_turns(&own, &stretch, &mut bench!(self, service));
                self.observe_tokens(member, service);
            }
        }
        let more = round.joins() < last;
        self.serving.clocks[id].round = round;
        (rounds > 0, more)
    }

    /// Collects what each member does in its next turns. False if that changes from turn to turn.
    fn find_round(&mut self, id: ClockId, holder: ServerId) -> bool {
        let clock = &mut self.serving.clocks[id];
        let mut round = std::mem::take(&mut clock.round);
        round.begin(self.serving.servers[holder].turn().1);
        let steady = clock.in_turn().all(|member| {
            let server = &self.serving.servers[member];
            let discipline = &self.services[server.service].config.discipline;
            let steady = server.steady(discipline, &self.serving.sequences);
            steady.map(|steady| round.push(member, steady)).is_some()
        });
        clock.round = round;
        steady
    }

    /// Seconds in which GPUs that several servers share were active, for all of them together.
    pub(super) fn clock_activity_s(&self, slot: ClockSlot) -> (f64, Activity) {
        let clock = self.serving.clocks.at(slot);
        let busy_s = clock.busy(self.agenda.now()).as_s_f64();
        let mut activity = Activity { sm: busy_s, ..Activity::default() };
        for &member in &clock.members {
            let server = &self.serving.servers[member];
            let own = self.services[server.service].config.discipline.activity_s(server);
            // `busy` includes the fixed overhead of iterations, in which SMs are idle: it is taken
            // off here.
            activity.sm -= server.meter.busy.as_s_f64() - own.sm;
            activity.tensor += own.tensor;
            activity.dram += own.dram;
        }
        (busy_s, Activity { sm: activity.sm.max(0.0), ..activity })
    }
}
