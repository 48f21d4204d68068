//! Nodes that the market reclaims or that fail, and what happens to their work.
//!
//! A reclaim with a notice is like a deletion: the node takes no new pods, its replicas drain, and
//! others are created in their place. Work that is not done when the notice ends is lost. Without a
//! notice, or if the notice is missed or ignored, all work is lost at once. A lost request is sent
//! again as often as its service allows; after that its client decides.

use super::bench::bench;
use super::requests::CANCELLED;
use super::{Event, Simulation};
use crate::clock::{Class, keyed};
use crate::fleet::{Life, NodeLife};
use crate::id::{AttemptSlot, NodeId, PodId, RequestSlot, ServiceId};
use crate::ledger::FailBecause;
use crate::traffic::{Attempt, NONE, Outcome};
use rand::RngExt;
use std::collections::BTreeSet;

impl Simulation {
    /// The market reclaims nodes, all at one instant in one zone.
    pub(super) fn reclaim(&mut self, nodes: &[NodeId]) {
        let now = self.agenda.now();
        let mut at_once = Vec::new();
        let mut noticed = Vec::new();
        for &node in nodes {
            let (pool, zone) = (self.fleet.node(node).pool, self.fleet.node(node).zone);
            let reclaim = self.fleet.pool(pool).reclaim;
            self.fleet.node_mut(node).reclaimed = Some(now + reclaim.notice);
            self.fleet.stock_mut(pool).zones[zone].nodes.remove(&node);
            if reclaim.notice.is_zero() || self.fleet.node(node).life == NodeLife::Booting {
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
            self.tell_capacity_policies(&noticed);
            self.drain_nodes(&noticed, true);
        }
        self.notice_reclaims(&noticed);
    }

    /// Whether the notice of a node's reclaim gets lost.
    fn misses_notice(&self, node: NodeId) -> bool {
        let state = self.fleet.node(node);
        let pool = self.fleet.pool(state.pool);
        let key = self.world.seed.key(&format!("notice/{}", pool.name));
        keyed(key, u64::from(state.ordinal), 0).random_range(0..1_000_000) < pool.reclaim.missed_ppm
    }

    /// The notice of a reclaimed node ends.
    pub(super) fn reclaimed(&mut self, node: NodeId) {
        if self.fleet.node(node).life == NodeLife::Gone {
            return;
        }
        self.lose_nodes(&[node]);
    }

    /// Cordons nodes and deletes their replicas, for the market or by choice; an empty node goes at
    /// once.
    pub(super) fn drain_nodes(&mut self, nodes: &[NodeId], by_market: bool) {
        for &node in nodes {
            self.fleet.node_mut(node).cordoned = true;
            self.fleet.note_room(node, self.agenda.now());
        }
        let mut services = BTreeSet::new();
        for id in self.fleet.pods_on(nodes) {
            // A resident goes with its owner: deleting the owner deletes it.
            if self.fleet.knows(id) && self.fleet.pod(id).is_active() {
                services.insert(self.fleet.pod(id).service());
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

    /// Nodes are lost with everything on them.
    pub(super) fn lose_nodes(&mut self, nodes: &[NodeId]) {
        if nodes.is_empty() {
            return;
        }
        // The policies know of the other nodes already: those had a notice.
        let sudden: Vec<NodeId> = nodes.iter().copied().filter(|&node| !self.fleet.node(node).cordoned).collect();
        self.tell_capacity_policies(&sudden);
        let booting = nodes.iter().any(|&node| self.fleet.node(node).life == NodeLife::Booting);
        for &node in nodes {
            self.fleet.node_mut(node).cordoned = true;
            self.fleet.note_room(node, self.agenda.now());
        }
        let lost = self.fleet.pods_on(nodes);
        let mut services = BTreeSet::new();
        // All stop first, so that none takes work that another one loses.
        for &id in &lost {
            services.insert(self.fleet.pod(id).service());
            self.stop(id);
        }
        for &id in &lost {
            // A pod may have ended already, together with the pod that shared its GPUs.
            if self.fleet.knows(id) && self.fleet.pod(id).life != Life::Gone {
                self.kill_server(id, FailBecause::ReplicaLost);
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

    /// The node of a replica is gone: the replica gets no more work.
    fn stop(&mut self, id: PodId) {
        let now = self.agenda.now();
        let life = self.fleet.pod(id).life;
        if self.fleet.pod(id).is_active() {
            self.count_preempted(id);
            self.forget_class(id);
        }
        self.fleet.pod_mut(id).killed = true;
        self.fleet.pod_mut(id).deleted.get_or_insert(now);
        match life {
            Life::Ready => self.leave_ready(id),
            Life::Starting { .. } | Life::Pending => {
                self.bill_unit(self.fleet.pod(id).unit);
                self.step_starting(self.fleet.pod(id).service(), false);
                self.fleet.pod_mut(id).life = Life::Draining;
            }
            Life::Draining | Life::Gone => {}
        }
    }

    pub(super) fn count_preempted(&mut self, id: PodId) {
        let service = self.fleet.pod(id).service();
        self.services[service].capacity_record.preempted += 1;
        self.wake_capacity_policy(service);
    }

    /// A replica of a class was ordered by its controller, which will order another; so the
    /// register no longer counts it. A capacity policy counts its replicas itself.
    fn forget_class(&mut self, id: PodId) {
        let (service, demand) = (self.fleet.pod(id).service(), self.fleet.unit(self.fleet.pod(id).unit).demand);
        if self.fleet.demands().is_class(demand) && self.services[service].capacity.is_none() {
            let spec = self.services[service].register.spec();
            self.write_spec(service, spec.saturating_sub(1));
        }
    }

    fn replace_in(&mut self, services: BTreeSet<ServiceId>) {
        for service in services {
            if self.services[service].sharing.owner.is_none() {
                self.reconcile(service);
            }
        }
    }

    /// Kills a pod's process. What it held is lost, and retried if the clients' settings say so.
    pub(super) fn kill_server(&mut self, pod: PodId, because: FailBecause) {
        let id = self.fleet.pod(pod).server;
        self.settle_server(id);
        let mut lost = Vec::new();
        let server = &mut self.serving.servers[id];
        server.dead = true;
        let service = server.service;
        server.kill(&mut bench!(self, service), &mut lost);
        self.leave_turns(id);
        let attempts = &self.traffic.attempts;
        lost.sort_unstable_by_key(|&index| attempts[index].serial);
        for index in lost {
            self.lose(index, because);
        }
    }

    /// An attempt loses its worker.
    pub(super) fn lose(&mut self, index: AttemptSlot, because: FailBecause) {
        let Attempt { request, service, server, .. } = self.traffic.attempts[index];
        let state = self.serving.servers.at_mut(server);
        debug_assert!(state.position == NONE, "a killed server is out of rotation");
        state.outstanding -= 1;
        let (pod, last) = (state.pod, state.outstanding == 0);
        self.free_attempt(index, service);
        if last && self.fleet.pod(pod).life == Life::Gone {
            self.drained(pod);
        }
        if request < CANCELLED {
            self.requeue(request, service);
            self.note_failure(request, service, because);
        }
    }

    /// Counts a measured request that has ended because its attempt failed, by the reason of the
    /// failure.
    pub(super) fn note_failure(&mut self, request: RequestSlot, service: ServiceId, because: FailBecause) {
        let record = &self.traffic.requests[request];
        // An ended request has no number, and its slot has not been reused yet.
        if record.number == u64::MAX && record.arrived >= self.world.warmup {
            self.services[service].account.fail(because);
        }
    }

    /// Sends the request of a lost attempt again, if its service allows one more time.
    pub(super) fn requeue(&mut self, request: RequestSlot, service: ServiceId) {
        let record = &mut self.traffic.requests[request];
        if record.requeues < self.services[service].config.requeues {
            record.requeues += 1;
            record.attempt = AttemptSlot::NONE;
            self.services[service].capacity_record.requeued += 1;
            self.send(request);
        } else {
            self.try_again(request, Outcome::Failed);
        }
    }
}
