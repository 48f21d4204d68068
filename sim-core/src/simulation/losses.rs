//! Nodes that the market takes back or that are lost, and what becomes of their work.
//!
//! A reclaim with a notice is like a deletion: the node takes nobody any more, its replicas drain,
//! others are created in their place, and what is not done when the notice is over is lost. Without
//! a notice, or where nobody receives it or acts on it, all is lost at once. What is lost is sent again as often
//! as its service says, and else left to its client.

use super::requests::{CANCELLED, bench};
use super::{Event, Simulation};
use crate::clock::{Class, keyed};
use crate::fleet::{Life, NodeLife};
use crate::ledger::FailBecause;
use crate::serving::{Attempt, Bench, NONE, Outcome, Stage};
use rand::RngExt;
use std::collections::BTreeSet;

impl Simulation {
    /// Live replicas with a group on one of those nodes, oldest first.
    pub(super) fn replicas_on(&self, nodes: &[u32]) -> Vec<u32> {
        let nodes: BTreeSet<u32> = nodes.iter().copied().collect();
        let there = |id: &&u32| self.replicas[**id as usize].groups.iter().any(|group| nodes.contains(&group.node));
        let mut found: Vec<u32> =
            self.services.iter().flat_map(|book| book.state.replicas.iter().filter(there).copied()).collect();
        found.sort_unstable();
        found
    }

    /// The market takes nodes back, all at one instant in one place.
    pub(super) fn reclaim(&mut self, nodes: &[u32]) {
        let now = self.agenda.now();
        let mut at_once = Vec::new();
        let mut noticed = Vec::new();
        for &node in nodes {
            let (pool, zone) = (self.nodes[node as usize].pool, self.nodes[node as usize].zone);
            let reclaim = self.world.pools[pool as usize].reclaim;
            self.nodes[node as usize].reclaimed = Some(now + reclaim.notice);
            self.stock[pool as usize].zones[zone as usize].nodes.remove(&node);
            if reclaim.notice.is_zero() || self.nodes[node as usize].life == NodeLife::Booting {
                at_once.push(node);
                continue;
            }
            if !self.misses_notice(node) {
                noticed.push(node);
            }
            let event = Event::Reclaimed { node };
            self.agenda.schedule(now + reclaim.notice, Class::Outage, node, 0, event);
        }
        self.lose_nodes(&at_once);
        if self.world.drains_on_notice {
            self.tell_buyers(&noticed);
            self.drain_nodes(&noticed, true);
        }
        self.notice_reclaims(&noticed);
    }

    /// Whether nobody receives a node's notice.
    fn misses_notice(&self, node: u32) -> bool {
        let state = &self.nodes[node as usize];
        let pool = &self.world.pools[state.pool as usize];
        let key = self.world.seed.key(&format!("notice/{}", pool.name));
        keyed(key, u64::from(state.ordinal), 0).random_range(0..1_000_000) < pool.reclaim.missed_ppm
    }

    /// A reclaimed node's notice is over.
    pub(super) fn reclaimed(&mut self, node: u32) {
        if self.nodes[node as usize].life == NodeLife::Gone {
            return;
        }
        self.lose_nodes(&[node]);
    }

    /// Nodes take nobody any more, and their replicas are deleted, by the market or by choice; an empty
    /// one goes at once.
    pub(super) fn drain_nodes(&mut self, nodes: &[u32], by_market: bool) {
        for &node in nodes {
            self.nodes[node as usize].cordoned = true;
            self.note_room(node);
        }
        let mut services = BTreeSet::new();
        for id in self.replicas_on(nodes) {
            // Residents go with their owner, whose deletion is theirs.
            if self.replicas[id as usize].is_active() {
                services.insert(self.replicas[id as usize].service);
                if by_market {
                    self.count_preempted(id);
                }
                self.forget_class(id);
                self.delete_replica(id);
            }
        }
        for &node in nodes {
            self.watch_idle(node);
        }
        self.replace_in(services);
    }

    /// Nodes are gone with all that was on them.
    pub(super) fn lose_nodes(&mut self, nodes: &[u32]) {
        if nodes.is_empty() {
            return;
        }
        // Of the others they know: those had a notice.
        let sudden: Vec<u32> = nodes.iter().copied().filter(|&node| !self.nodes[node as usize].cordoned).collect();
        self.tell_buyers(&sudden);
        let booting = nodes.iter().any(|&node| self.nodes[node as usize].life == NodeLife::Booting);
        for &node in nodes {
            self.nodes[node as usize].cordoned = true;
            self.note_room(node);
        }
        let lost = self.replicas_on(nodes);
        let mut services = BTreeSet::new();
        // None of them may take the work that another of them loses.
        for &id in &lost {
            services.insert(self.replicas[id as usize].service);
            self.stop(id);
        }
        for &id in &lost {
            self.kill_server(id, FailBecause::ReplicaLost);
            // The end of one whose GPUs it shared may have let it end.
            if self.replicas[id as usize].life != Life::Gone {
                self.gone(id);
            }
        }
        for &node in nodes {
            self.retire_node(node);
        }
        if booting {
            self.give_up_unbacked();
        }
        self.replace_in(services);
    }

    /// A replica's node is gone: it gets no more work.
    fn stop(&mut self, id: u32) {
        let now = self.agenda.now();
        let life = self.replicas[id as usize].life;
        if self.replicas[id as usize].is_active() {
            self.count_preempted(id);
            self.forget_class(id);
        }
        self.replicas[id as usize].killed = true;
        self.replicas[id as usize].deleted.get_or_insert(now);
        match life {
            Life::Ready => self.leave_ready(id),
            Life::Starting { .. } | Life::Pending => {
                self.bill_replica(id);
                self.step_starting(self.replicas[id as usize].service, false);
                self.replicas[id as usize].life = Life::Draining;
            }
            Life::Draining | Life::Gone => {}
        }
    }

    pub(super) fn count_preempted(&mut self, id: u32) {
        let service = self.replicas[id as usize].service;
        self.services[service as usize].market.preempted += 1;
        self.stir_buyer(service);
    }

    /// A replica of a class was ordered as such: its controller will order another, so the register
    /// no longer counts it. Those of a buyer are counted by the buyer.
    fn forget_class(&mut self, id: u32) {
        let (service, class) = (self.replicas[id as usize].service, self.replicas[id as usize].class);
        if class.is_some() && self.services[service as usize].buyer.is_none() {
            let spec = self.services[service as usize].state.spec;
            self.write_spec(service, spec.saturating_sub(1));
        }
    }

    fn replace_in(&mut self, services: BTreeSet<u32>) {
        for service in services {
            if self.services[service as usize].state.config.resident_on.is_none() {
                self.reconcile(service);
            }
        }
    }

    /// Kills a replica's process: what it held is lost, and tried again if its clients say so.
    pub(super) fn kill_server(&mut self, replica: u32, because: FailBecause) {
        let service = self.replicas[replica as usize].service;
        self.settle_server(replica);
        let mut lost = Vec::new();
        let server = &mut self.servers[replica as usize];
        server.dead = true;
        server.kill(&mut bench!(self, service), &mut lost);
        self.leave_turns(replica);
        // `Slots` keeps no list of what runs: those are found by where they are.
        let attempts = &self.attempts;
        let running = attempts.iter().filter(|(_, attempt)| {
            attempt.serial != u64::MAX
                && attempt.replica == replica
                && matches!(attempt.stage, Stage::Running | Stage::Host)
        });
        lost.extend(running.map(|(index, _)| index));
        lost.sort_unstable_by_key(|&index| attempts[index].serial);
        lost.dedup();
        for index in lost {
            self.lose(index, because);
        }
    }

    /// An attempt's worker is gone.
    pub(super) fn lose(&mut self, index: u32, because: FailBecause) {
        let Attempt { request, service, replica, .. } = self.attempts[index];
        self.servers[replica as usize].outstanding -= 1;
        self.free_attempt(index);
        if request < CANCELLED {
            self.requeue(request, service);
            self.note_failure(request, service, because);
        }
    }

    /// Counts a measured request that ended since its attempt failed, by what made it fail.
    pub(super) fn note_failure(&mut self, request: u32, service: u32, because: FailBecause) {
        let record = &self.requests[request];
        // An ended request has no number, and its place is not taken yet.
        if record.number == u64::MAX && record.arrived >= self.world.warmup {
            self.services[service as usize].failed_because[because as usize] += 1;
        }
    }

    /// Sends a lost attempt's request again, if its service does so and has not done it often enough.
    pub(super) fn requeue(&mut self, request: u32, service: u32) {
        let record = &mut self.requests[request];
        if record.requeues < self.services[service as usize].state.config.requeues {
            record.requeues += 1;
            record.attempt = NONE;
            self.services[service as usize].market.requeued += 1;
            self.send(request);
        } else {
            self.try_again(request, Outcome::Failed);
        }
    }
}
