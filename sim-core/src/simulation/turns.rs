//! GPUs that several servers share: whose engine iterates.

use super::Simulation;
use super::requests::bench;
use crate::id::{ClockId, ClockSlot, ServerId};
use crate::serving::{Activity, Bench, Turn, clock_at};

impl Simulation {
    /// After a call of a server's engine: it may have asked for the turn or given it away. Attempts
    /// that leave move to `done`.
    #[inline]
    pub(super) fn take_turns(&mut self, server: ServerId, done: &mut Vec<u32>) {
        let clock = self.serving.servers[server].clock;
        if clock != ClockSlot::NONE {
            self.turns_of(self.serving.clocks.id_in(clock), server, done);
        }
    }

    /// Whether its engine has work and waits without its clock knowing.
    pub(super) fn wants_turn(&self, server: ServerId) -> bool {
        let state = &self.serving.servers[server];
        let waits = state.clock != ClockSlot::NONE && state.turn().0 == Turn::Waits;
        waits && !self.serving.clocks.at(state.clock).is_contended()
    }

    fn turns_of(&mut self, id: ClockId, server: ServerId, done: &mut Vec<u32>) {
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
            Some(holder) if turn == Turn::Waits => self.contend(holder),
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

    /// Gives the turn to the next who waits and has something to do.
    fn give_turn(&mut self, id: ClockId, stands_at: u128, done: &mut Vec<u32>) {
        let now = self.agenda.now();
        while let Some(next) = self.serving.clocks[id].next(now) {
            let contended = self.serving.clocks[id].is_contended();
            let service = self.serving.servers[next].service;
            self.serving.servers[next].take_turn(stands_at, contended, &mut bench!(self, service), done);
            self.observe_tokens(next, service);
            if matches!(self.serving.servers[next].turn().0, Turn::Has { .. }) {
                return;
            }
            self.serving.clocks[id].release(now);
        }
    }

    /// A server was killed in the middle of whatever it did.
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
        }
    }

    /// Seconds in which GPUs that several servers share were active, for all of them together.
    pub(super) fn clock_activity_s(&self, slot: ClockSlot) -> (f64, Activity) {
        let clock = self.serving.clocks.at(slot);
        let busy_s = clock.busy(self.agenda.now()).as_s_f64();
        let mut activity = Activity { sm: busy_s, ..Activity::default() };
        for &member in &clock.members {
            let server = &self.serving.servers[member];
            let own = self.services[server.service].config.discipline.activity_s(server);
            // What its work in service does not show: the fixed overhead of its iterations.
            activity.sm -= server.meter.busy.as_s_f64() - own.sm;
            activity.tensor += own.tensor;
            activity.dram += own.dram;
        }
        (busy_s, Activity { sm: activity.sm.max(0.0), ..activity })
    }
}
