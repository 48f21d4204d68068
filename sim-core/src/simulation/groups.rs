//! GPU groups that several services share: members, turns, and who pays.
//!
//! A service may be resident on the replicas of another: each of those then has an engine of each
//! service, with memory and start-up of its own, and the engines' iterations take turns.

use super::Simulation;
use super::requests::bench;
use crate::clock::SimDuration;
use crate::fleet::{Life, Node};
use crate::ledger::{BillLine, GpuState};
use crate::serving::{Activity, Bench, Group, Turn, clock_at};

impl Simulation {
    /// Adds what is resident on a new replica of a service.
    pub(super) fn add_residents(&mut self, owner: u32) {
        let service = self.replicas[owner as usize].service;
        if self.services[service as usize].residents.is_empty() {
            return;
        }
        let mut members = vec![owner];
        for resident in self.services[service as usize].residents.clone() {
            members.push(self.new_replica(resident));
        }
        let group = self.groups.len() as u32;
        for &member in &members {
            self.replicas[member as usize].group = Some(group);
            self.servers[member as usize].share();
        }
        self.groups.push(Group::new(members, self.agenda.now()));
    }

    /// The replicas whose engines share the GPUs of a replica, itself included.
    pub(super) fn members_of(&self, replica: u32) -> Vec<u32> {
        match self.replicas[replica as usize].group {
            Some(group) => self.groups[group as usize].members.clone(),
            None => vec![replica],
        }
    }

    /// The GPUs of a replica are found: those who are resident on it have them too.
    pub(super) fn place_residents(&mut self, owner: u32) {
        let Some(group) = self.replicas[owner as usize].group else { return };
        let now = self.agenda.now();
        self.groups[group as usize].billed = now;
        let allocations = self.replicas[owner as usize].groups.clone();
        for member in self.members_of(owner) {
            self.replicas[member as usize].groups.clone_from(&allocations);
            self.replicas[member as usize].placed = Some(now);
            self.servers[member as usize].region = self.servers[owner as usize].region;
        }
    }

    /// After a call of a replica's engine: it may have asked for the turn or given it away. Attempts
    /// that leave move to `done`.
    #[inline]
    pub(super) fn take_turns(&mut self, replica: u32, done: &mut Vec<u32>) {
        if let Some(group) = self.replicas[replica as usize].group {
            self.turns_of(group, replica, done);
        }
    }

    /// Whether its engine has work and waits without its group knowing.
    pub(super) fn wants_turn(&self, replica: u32) -> bool {
        let Some(group) = self.replicas[replica as usize].group else { return false };
        let waits = self.servers[replica as usize].turn().0 == Turn::Waits;
        waits && !self.groups[group as usize].is_contended()
    }

    fn turns_of(&mut self, index: u32, replica: u32, done: &mut Vec<u32>) {
        let now = self.agenda.now();
        let (turn, stands_at) = self.servers[replica as usize].turn();
        if matches!(turn, Turn::Has { .. } | Turn::Alone) {
            return;
        }
        let group = &mut self.groups[index as usize];
        group.set_waits(replica, turn == Turn::Waits);
        match group.holder() {
            Some(holder) if holder == replica => {
                group.release(now);
                self.give_turn(index, stands_at, done);
            }
            Some(holder) if turn == Turn::Waits => self.contend(holder),
            Some(_) => {}
            None => self.give_turn(index, clock_at(now), done),
        }
    }

    fn contend(&mut self, holder: u32) {
        if self.servers[holder as usize].turn().0 == (Turn::Has { contended: false }) {
            let service = self.replicas[holder as usize].service;
            self.servers[holder as usize].contend(&mut bench!(self, service));
            self.observe_tokens(holder, service);
        }
    }

    /// Gives the turn to the next who waits and has something to do.
    fn give_turn(&mut self, index: u32, clock: u128, done: &mut Vec<u32>) {
        let now = self.agenda.now();
        while let Some(next) = self.groups[index as usize].next(now) {
            let contended = self.groups[index as usize].is_contended();
            let service = self.replicas[next as usize].service;
            self.servers[next as usize].take_turn(clock, contended, &mut bench!(self, service), done);
            self.observe_tokens(next, service);
            if matches!(self.servers[next as usize].turn().0, Turn::Has { .. }) {
                return;
            }
            self.groups[index as usize].release(now);
        }
    }

    /// A member's process was killed in the middle of whatever it did.
    pub(super) fn leave_turns(&mut self, replica: u32) {
        let Some(index) = self.replicas[replica as usize].group else { return };
        let now = self.agenda.now();
        let group = &mut self.groups[index as usize];
        group.set_waits(replica, false);
        if group.holder() == Some(replica) {
            group.release(now);
            let mut done = Vec::new();
            self.give_turn(index, clock_at(now), &mut done);
            self.complete_all(done);
        }
    }

    /// Seconds in which the GPUs of a shared group were active, for all members together.
    pub(super) fn group_activity_s(&self, index: u32) -> (f64, Activity) {
        let group = &self.groups[index as usize];
        let busy_s = group.busy(self.agenda.now()).as_s_f64();
        let mut activity = Activity { sm: busy_s, ..Activity::default() };
        for &member in &group.members {
            let discipline = &self.services[self.replicas[member as usize].service as usize].state.config.discipline;
            let own = discipline.activity_s(&self.servers[member as usize]);
            // What its work in service does not show: the fixed overhead of its iterations.
            activity.sm -= self.servers[member as usize].meter.busy.as_s_f64() - own.sm;
            activity.tensor += own.tensor;
            activity.dram += own.dram;
        }
        (busy_s, Activity { sm: activity.sm.max(0.0), ..activity })
    }

    /// Bills the GPUs of a shared group up to now, in the state that it is in.
    pub(super) fn bill_group(&mut self, index: u32) {
        let now = self.agenda.now();
        let group = &mut self.groups[index as usize];
        let span = now.since(group.billed);
        let busy = (group.busy(now) - group.billed_busy).min(span);
        group.billed = now;
        group.billed_busy += busy;
        let lives: Vec<Life> = group.members.iter().map(|&member| self.replicas[member as usize].life).collect();
        if lives.contains(&Life::Draining) {
            self.bill_members(index, GpuState::Draining, span);
        } else if lives.contains(&Life::Ready) {
            self.bill_members(index, GpuState::Serving, busy);
            self.bill_members(index, GpuState::Idle, span - busy);
        } else if lives.iter().any(|life| *life != Life::Gone) {
            self.bill_members(index, GpuState::Starting, span);
        }
    }

    /// Splits GPU time among the members by the memory that they hold; what does not divide goes to the
    /// first by name.
    fn bill_members(&mut self, index: u32, state: GpuState, span: SimDuration) {
        let members = self.groups[index as usize].members.clone();
        let services: Vec<u32> = members.iter().map(|&member| self.replicas[member as usize].service).collect();
        let memory = |service: u32| u128::from(self.services[service as usize].state.config.memory_per_gpu.0).max(1);
        let total: u128 = services.iter().map(|&service| memory(service)).sum();
        let share = |service: u32| SimDuration::from_ps((u128::from(span.as_ps()) * memory(service) / total) as u64);
        let mut parts: Vec<(u32, SimDuration)> = services.iter().map(|&service| (service, share(service))).collect();
        let given = parts.iter().fold(SimDuration::ZERO, |sum, part| sum + part.1);
        // Services are sorted by name.
        if let Some(first) = parts.iter_mut().min_by_key(|part| part.0) {
            first.1 += span - given;
        }
        for group in self.replicas[members[0] as usize].groups.clone() {
            let Node { pool, rate, .. } = self.nodes[group.node as usize];
            for &(service, part) in &parts {
                let line = BillLine { pool, rate, state, service: Some(service) };
                self.bill.add(line, group.gpus.count_ones(), part);
            }
        }
    }
}
