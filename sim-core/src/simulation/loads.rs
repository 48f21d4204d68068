//! What start-up stages fetch: from the caches of their nodes, over links that they share, from
//! peers that have it already.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimTime};
use crate::fleet::{Held, Life, Link, LinkScope, Links, StageWork, fixed_rate};
use crate::id::PodId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A link's name, scope and place.
type LinkKey = (Arc<str>, LinkScope, u64);

/// Transfers of replicas that start.
#[derive(Debug, Default)]
pub(super) struct Loads {
    links: Links,
    numbers: BTreeMap<LinkKey, u32>,
    /// Who uploads to whom: the source by the replica that fetches from it.
    uploads: BTreeMap<PodId, PodId>,
    /// Replicas that wait for a peer's upload to end, the longest first.
    waiting: Vec<PodId>,
    /// Tells stale events.
    generation: u64,
    /// Whether shares are found anew at this instant.
    due: bool,
}

/// Whether a peer has what a stage needs.
enum Peer {
    /// This one, and it has an upload free.
    Free(PodId),
    /// Those that have it upload to others.
    Busy,
    /// Nobody.
    None,
}

/// The end of a link that a transfer crosses.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

impl Simulation {
    /// Ends a stage at an instant that nothing can change.
    pub(super) fn end_stage_at(&mut self, at: SimTime, id: PodId, stage: u32) {
        self.agenda.schedule(at, Class::Lifecycle, id, u64::from(stage), Event::StageDone { pod: id.slot() });
    }

    /// Starts the work of a stage: by what its nodes hold, or from a peer, or from its store.
    pub(super) fn begin_work(&mut self, id: PodId, stage: u32) {
        let held = self.held(id, stage);
        let mut source = None;
        if held == Held::Nowhere {
            match self.find_peer(id, stage) {
                Peer::Free(peer) => source = Some(peer),
                Peer::Busy => return self.fleet.loads.waiting.push(id),
                Peer::None => {}
            }
        }
        let pod = &self.fleet.pods[id];
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
            self.fleet.loads.uploads.insert(id, source);
        }
        self.fleet.loads.links.start(id, cap, alone, path);
        self.share_links();
    }

    /// Where a replica's nodes hold what a stage needs: the farthest of them counts.
    fn held(&mut self, id: PodId, stage: u32) -> Held {
        let pod = &self.fleet.pods[id];
        let config = &self.services[pod.service()].config.startup.stages[stage as usize];
        let Some(cached) = &config.cached else { return Held::Nowhere };
        let (nodes, holds) = (&mut self.fleet.nodes, &self.fleet.units[pod.unit].holds);
        let each = holds.iter().map(|hold| nodes[hold.node].cache.find(&cached.key));
        each.max().unwrap_or(Held::Memory)
    }

    /// A replica's nodes keep what a stage has fetched.
    pub(super) fn remember(&mut self, id: PodId, stage: usize) {
        let pod = &self.fleet.pods[id];
        let config = &self.services[pod.service()].config.startup.stages[stage];
        let Some(cached) = &config.cached else { return };
        for hold in &self.fleet.units[pod.unit].holds {
            self.fleet.nodes[hold.node].cache.keep(&cached.key, cached.bytes, cached.pinned);
        }
    }

    /// The links that a transfer of a replica crosses, by number; new ones are made.
    fn path(&mut self, via: &[Arc<Link>], id: PodId, direction: Direction) -> Vec<u32> {
        let mut path = Vec::new();
        for link in via {
            for hold in &self.fleet.units[self.fleet.pods[id].unit].holds {
                let pool = self.fleet.nodes[hold.node].pool;
                let place = match link.scope {
                    LinkScope::Fleet => 0,
                    LinkScope::Region => u64::from(self.fleet.pools[pool].region),
                    LinkScope::Pool => u64::from(pool.get()),
                    LinkScope::Node => u64::from(hold.node.get()) * 2 + direction as u64,
                };
                let key = (Arc::clone(&link.name), link.scope, place);
                let links = &mut self.fleet.loads.links;
                path.push(*self.fleet.loads.numbers.entry(key).or_insert_with(|| links.add(link.bytes_per_s)));
            }
        }
        path
    }

    /// A replica of the same service and region that has what a stage needs: the one with the fewest
    /// uploads, the oldest of equals.
    fn find_peer(&self, id: PodId, stage: u32) -> Peer {
        let state = &self.services[self.fleet.pods[id].service()];
        let Some(peers) = &state.config.startup.stages[stage as usize].peers else { return Peer::None };
        let region = self.fleet.region_of(id);
        let has = |&&peer: &&PodId| match self.fleet.pods[peer].life {
            Life::Ready => true,
            Life::Starting { stage: at } => at > stage,
            Life::Pending | Life::Draining | Life::Gone => false,
        };
        let mut uploads: BTreeMap<PodId, u32> = BTreeMap::new();
        for source in self.fleet.loads.uploads.values() {
            *uploads.entry(*source).or_default() += 1;
        }
        let holders = state.pods.iter().filter(has).filter(|&&peer| self.fleet.region_of(peer) == region);
        let load = |peer: PodId| uploads.get(&peer).copied().unwrap_or(0);
        match holders.map(|&peer| (load(peer), peer)).min() {
            Some((load, peer)) if load < peers.uploads.max(1) => Peer::Free(peer),
            Some(_) => Peer::Busy,
            None => Peer::None,
        }
    }

    /// Those who wait for a peer look again: one has come, or is free, or is gone.
    pub(super) fn serve_waiting(&mut self) {
        for id in std::mem::take(&mut self.fleet.loads.waiting) {
            if let Life::Starting { stage } = self.fleet.pods[id].life {
                self.begin_work(id, stage);
            }
        }
    }

    /// A replica is gone: its transfer frees its shares, and who fetched from it starts over.
    pub(super) fn leave_loads(&mut self, id: PodId) {
        if self.fleet.loads.links.cancel(id) {
            self.fleet.loads.uploads.remove(&id);
            self.share_links();
        }
        self.fleet.loads.waiting.retain(|&waiting| waiting != id);
        let lost: Vec<PodId> = self
            .fleet
            .loads
            .uploads
            .iter()
            .filter(|(_, source)| **source == id)
            .map(|(&fetching, _)| fetching)
            .collect();
        for fetching in lost {
            self.fleet.loads.links.cancel(fetching);
            self.fleet.loads.uploads.remove(&fetching);
            self.share_links();
            self.fleet.loads.waiting.push(fetching);
        }
        self.serve_waiting();
    }

    /// Finds shares anew, once for all that changes at this instant.
    fn share_links(&mut self) {
        if !std::mem::replace(&mut self.fleet.loads.due, true) {
            self.schedule_transfers(self.agenda.now());
        }
    }

    fn schedule_transfers(&mut self, at: SimTime) {
        self.fleet.loads.generation += 1;
        self.agenda.schedule(at, Class::Lifecycle, Entity::Transfers, self.fleet.loads.generation, Event::Transfers);
    }

    /// Transfers end; what is left is shared out anew.
    pub(super) fn transfers(&mut self, generation: u64) {
        if generation != self.fleet.loads.generation {
            return;
        }
        self.fleet.loads.due = false;
        let ended = self.fleet.loads.links.advance(self.agenda.now());
        // All uploads that end now are free before anyone looks for one.
        for id in &ended {
            self.fleet.loads.uploads.remove(id);
        }
        for id in ended {
            if let Life::Starting { stage } = self.fleet.pods[id].life {
                self.stage_done(id, u64::from(stage));
            }
        }
        // What began just now is shared out in the next round.
        if !self.fleet.loads.due
            && let Some(at) = self.fleet.loads.links.share()
        {
            self.schedule_transfers(at);
        }
    }
}
