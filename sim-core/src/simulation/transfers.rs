//! What start-up stages fetch: from the caches of their nodes, over shared links, or from peers
//! that already hold it.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimTime};
use crate::fleet::{Held, Life, Link, LinkScope, StageWork, fixed_rate};
use crate::id::PodId;
use std::sync::Arc;

/// Whether a peer holds what a stage needs.
enum Peer {
    /// This peer holds it and may start another upload.
    Free(PodId),
    /// All peers that hold it are busy with uploads.
    Busy,
    /// No peer holds it.
    None,
}

/// The end of a link that a transfer crosses.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

impl Simulation {
    /// Plans the end of a stage at an instant that nothing can change.
    pub(super) fn end_stage_at(&mut self, at: SimTime, id: PodId, stage: u32) {
        self.agenda.schedule(at, Class::Lifecycle, id, u64::from(stage), Event::StageDone { pod: id.slot() });
    }

    /// Starts the work of a stage, from the caches of its nodes, from a peer, or from the store.
    pub(super) fn begin_work(&mut self, id: PodId, stage: u32) {
        let held = self.held(id, stage);
        let mut source = None;
        if held == Held::Nowhere {
            match self.find_peer(id, stage) {
                Peer::Free(peer) => source = Some(peer),
                Peer::Busy => return self.fleet.transfers.wait(id),
                Peer::None => {}
            }
        }
        let pod = self.fleet.pod(id);
        let state = &self.services[pod.service()];
        let config = &state.config.startup.stages[stage as usize];
        let peers = config.peers.as_ref().filter(|_| source.is_some());
        let work = peers.map_or_else(|| config.work(held), |peers| &peers.work);
        let alone = work.duration(state.startup_key, pod.ordinal, config.kind);
        let (cap, via) = match work {
            StageWork::Transfer(transfer, _) => (fixed_rate(transfer.rate_bytes_per_s()), transfer.via.clone()),
            StageWork::Drawn(_) => (1, Vec::new()),
        };
        if source.is_none() && via.is_empty() {
            return self.end_stage_at(self.agenda.now() + alone, id, stage);
        }
        let mut path = self.path(&via, id, Direction::In);
        if let Some(source) = source {
            path.extend(self.path(&via, source, Direction::Out));
        }
        self.fleet.transfers.start(id, source, cap, alone, path);
        self.share_links();
    }

    /// Where a pod's nodes hold what a stage needs: the slowest node counts.
    fn held(&mut self, id: PodId, stage: u32) -> Held {
        let service = self.fleet.pod(id).service();
        let config = &self.services[service].config.startup.stages[stage as usize];
        let Some(cached) = &config.cached else { return Held::Nowhere };
        let nodes = self.fleet.nodes_of(id);
        let each = nodes.into_iter().map(|node| self.fleet.node_mut(node).cache.find(&cached.key));
        each.max().unwrap_or(Held::Memory)
    }

    /// Puts what a stage has fetched into the caches of the pod's nodes.
    pub(super) fn remember(&mut self, id: PodId, stage: usize) {
        let service = self.fleet.pod(id).service();
        let config = &self.services[service].config.startup.stages[stage];
        let Some(cached) = &config.cached else { return };
        for node in self.fleet.nodes_of(id) {
            self.fleet.node_mut(node).cache.keep(&cached.key, cached.bytes, cached.pinned);
        }
    }

    /// The links that a pod's transfer crosses, by number; links are created on first use.
    fn path(&mut self, via: &[Arc<Link>], id: PodId, direction: Direction) -> Vec<u32> {
        let mut path = Vec::new();
        for link in via {
            for node in self.fleet.nodes_of(id) {
                let pool = self.fleet.node(node).pool;
                let place = match link.scope {
                    LinkScope::Fleet => 0,
                    LinkScope::Region => u64::from(self.fleet.region_of_pool(pool).get()),
                    LinkScope::Pool => u64::from(pool.get()),
                    LinkScope::Node => u64::from(node.get()) * 2 + direction as u64,
                };
                path.push(self.fleet.transfers.link(link, place));
            }
        }
        path
    }

    /// A replica of the same service and region that holds what a stage needs: the one with the
    /// fewest uploads, the oldest of equals.
    fn find_peer(&self, id: PodId, stage: u32) -> Peer {
        let state = &self.services[self.fleet.pod(id).service()];
        let Some(peers) = &state.config.startup.stages[stage as usize].peers else { return Peer::None };
        let region = self.fleet.region_of(id);
        let has = |&&peer: &&PodId| match self.fleet.pod(peer).life {
            Life::Ready => true,
            Life::Starting { stage: at } => at > stage,
            Life::Pending | Life::Draining | Life::Gone => false,
        };
        let uploads = self.fleet.transfers.uploads();
        let holders = state.pods.iter().filter(has).filter(|&&peer| self.fleet.region_of(peer) == region);
        let load = |peer: PodId| uploads.get(&peer).copied().unwrap_or(0);
        match holders.map(|&peer| (load(peer), peer)).min() {
            Some((load, peer)) if load < peers.uploads.max(1) => Peer::Free(peer),
            Some(_) => Peer::Busy,
            None => Peer::None,
        }
    }

    /// Stages that wait for a peer look for one again: a peer has come, is free, or is gone.
    pub(super) fn serve_waiting(&mut self) {
        for id in self.fleet.transfers.take_waiting() {
            if let Life::Starting { stage } = self.fleet.pod(id).life {
                self.begin_work(id, stage);
            }
        }
    }

    /// A pod is gone: its downloads and uploads end.
    pub(super) fn leave_transfers(&mut self, id: PodId) {
        if self.fleet.transfers.leave(id) {
            self.share_links();
        }
        self.serve_waiting();
    }

    /// Recomputes the shares of the links, once for all changes at this instant.
    fn share_links(&mut self) {
        if let Some(generation) = self.fleet.transfers.share_soon() {
            self.schedule_transfers(self.agenda.now(), generation);
        }
    }

    fn schedule_transfers(&mut self, at: SimTime, generation: u64) {
        self.agenda.schedule(at, Class::Lifecycle, Entity::Transfers, generation, Event::Transfers);
    }

    /// Ends transfers that are done and recomputes the shares of the rest. Transfers that begin at
    /// this instant get their shares in the next round.
    pub(super) fn transfers(&mut self, generation: u64) {
        for id in self.fleet.transfers.end(generation, self.agenda.now()) {
            if let Life::Starting { stage } = self.fleet.pod(id).life {
                self.stage_done(id, u64::from(stage));
            }
        }
        if let Some((at, generation)) = self.fleet.transfers.share(generation) {
            self.schedule_transfers(at, generation);
        }
    }
}
