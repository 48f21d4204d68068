//! What start-up stages fetch: from the caches of their nodes, over links that they share, from
//! peers that have it already.

use super::{Event, Simulation};
use crate::clock::{Class, SimTime};
use crate::fleet::{Held, Life, Link, LinkScope, Links, StageWork, fixed_rate};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Entity of transfers in the order of events: after all nodes and replicas, which share their class.
const TRANSFERS: u32 = u32::MAX;

/// A link's name, scope and place.
type LinkKey = (Arc<str>, LinkScope, u64);

/// Transfers of replicas that start.
#[derive(Debug, Default)]
pub(super) struct Loads {
    links: Links,
    numbers: BTreeMap<LinkKey, u32>,
    /// Who uploads to whom: the source by the replica that fetches from it.
    uploads: BTreeMap<u32, u32>,
    /// Replicas that wait for a peer's upload to end, the longest first.
    waiting: Vec<u32>,
    /// Tells stale events.
    generation: u64,
    /// Whether shares are found anew at this instant.
    due: bool,
}

/// Whether a peer has what a stage needs.
enum Peer {
    /// This one, and it has an upload free.
    Free(u32),
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
    pub(super) fn end_stage_at(&mut self, at: SimTime, id: u32, stage: u32) {
        self.agenda.schedule(at, Class::Lifecycle, id, u64::from(stage), Event::StageDone { replica: id });
    }

    /// Starts the work of a stage: by what its nodes hold, or from a peer, or from its store.
    pub(super) fn begin_work(&mut self, id: u32, stage: u32) {
        let held = self.held(id, stage);
        let mut source = None;
        if held == Held::Nowhere {
            match self.find_peer(id, stage) {
                Peer::Free(peer) => source = Some(peer),
                Peer::Busy => return self.loads.waiting.push(id),
                Peer::None => {}
            }
        }
        let replica = &self.replicas[id as usize];
        let state = &self.services[replica.service as usize].state;
        let config = &state.config.startup.stages[stage as usize];
        let peers = config.peers.as_ref().filter(|_| source.is_some());
        let work = peers.map_or_else(|| config.work(held), |peers| &peers.work);
        let alone = work.duration(state.startup_key, replica.ordinal, config.kind);
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
            self.loads.uploads.insert(id, source);
        }
        self.loads.links.start(id, cap, alone, path);
        self.share_links();
    }

    /// Where a replica's nodes hold what a stage needs: the farthest of them counts.
    fn held(&mut self, id: u32, stage: u32) -> Held {
        let replica = &self.replicas[id as usize];
        let config = &self.services[replica.service as usize].state.config.startup.stages[stage as usize];
        let Some(cached) = &config.cached else { return Held::Nowhere };
        let nodes = &mut self.nodes;
        let each = replica.groups.iter().map(|group| nodes[group.node as usize].cache.find(&cached.key));
        each.max().unwrap_or(Held::Memory)
    }

    /// A replica's nodes keep what a stage has fetched.
    pub(super) fn remember(&mut self, id: u32, stage: usize) {
        let replica = &self.replicas[id as usize];
        let config = &self.services[replica.service as usize].state.config.startup.stages[stage];
        let Some(cached) = &config.cached else { return };
        for group in &replica.groups {
            self.nodes[group.node as usize].cache.keep(&cached.key, cached.bytes, cached.pinned);
        }
    }

    /// The links that a transfer of a replica crosses, by number; new ones are made.
    fn path(&mut self, via: &[Arc<Link>], id: u32, direction: Direction) -> Vec<u32> {
        let mut path = Vec::new();
        for link in via {
            for group in &self.replicas[id as usize].groups {
                let pool = self.nodes[group.node as usize].pool;
                let place = match link.scope {
                    LinkScope::Fleet => 0,
                    LinkScope::Region => u64::from(self.world.pools[pool as usize].region),
                    LinkScope::Pool => u64::from(pool),
                    LinkScope::Node => u64::from(group.node) * 2 + direction as u64,
                };
                let key = (Arc::clone(&link.name), link.scope, place);
                let links = &mut self.loads.links;
                path.push(*self.loads.numbers.entry(key).or_insert_with(|| links.add(link.bytes_per_s)));
            }
        }
        path
    }

    fn region_of(&self, id: u32) -> Option<u32> {
        let node = self.replicas[id as usize].node()?;
        Some(self.world.pools[self.nodes[node as usize].pool as usize].region)
    }

    /// A replica of the same service and region that has what a stage needs: the one with the fewest
    /// uploads, the oldest of equals.
    fn find_peer(&self, id: u32, stage: u32) -> Peer {
        let state = &self.services[self.replicas[id as usize].service as usize].state;
        let Some(peers) = &state.config.startup.stages[stage as usize].peers else { return Peer::None };
        let region = self.region_of(id);
        let has = |&&peer: &&u32| match self.replicas[peer as usize].life {
            Life::Ready => true,
            Life::Starting { stage: at } => at > stage,
            Life::Pending | Life::Draining | Life::Gone => false,
        };
        let mut uploads: BTreeMap<u32, u32> = BTreeMap::new();
        for source in self.loads.uploads.values() {
            *uploads.entry(*source).or_default() += 1;
        }
        let holders = state.replicas.iter().filter(has).filter(|&&peer| self.region_of(peer) == region);
        let load = |peer: u32| uploads.get(&peer).copied().unwrap_or(0);
        match holders.map(|&peer| (load(peer), peer)).min() {
            Some((load, peer)) if load < peers.uploads.max(1) => Peer::Free(peer),
            Some(_) => Peer::Busy,
            None => Peer::None,
        }
    }

    /// Those who wait for a peer look again: one has come, or is free, or is gone.
    pub(super) fn serve_waiting(&mut self) {
        for id in std::mem::take(&mut self.loads.waiting) {
            if let Life::Starting { stage } = self.replicas[id as usize].life {
                self.begin_work(id, stage);
            }
        }
    }

    /// A replica is gone: its transfer frees its shares, and who fetched from it starts over.
    pub(super) fn leave_loads(&mut self, id: u32) {
        if self.loads.links.cancel(id) {
            self.loads.uploads.remove(&id);
            self.share_links();
        }
        self.loads.waiting.retain(|&waiting| waiting != id);
        let lost: Vec<u32> =
            self.loads.uploads.iter().filter(|(_, source)| **source == id).map(|(&fetching, _)| fetching).collect();
        for fetching in lost {
            self.loads.links.cancel(fetching);
            self.loads.uploads.remove(&fetching);
            self.share_links();
            self.loads.waiting.push(fetching);
        }
        self.serve_waiting();
    }

    /// Finds shares anew, once for all that changes at this instant.
    fn share_links(&mut self) {
        if !std::mem::replace(&mut self.loads.due, true) {
            self.schedule_transfers(self.agenda.now());
        }
    }

    fn schedule_transfers(&mut self, at: SimTime) {
        self.loads.generation += 1;
        self.agenda.schedule(at, Class::Lifecycle, TRANSFERS, self.loads.generation, Event::Transfers);
    }

    /// Transfers end; what is left is shared out anew.
    pub(super) fn transfers(&mut self, generation: u64) {
        if generation != self.loads.generation {
            return;
        }
        self.loads.due = false;
        let ended = self.loads.links.advance(self.agenda.now());
        // All uploads that end now are free before anyone looks for one.
        for id in &ended {
            self.loads.uploads.remove(id);
        }
        for id in ended {
            if let Life::Starting { stage } = self.replicas[id as usize].life {
                self.stage_done(id, u64::from(stage));
            }
        }
        // What began just now is shared out in the next round.
        if !self.loads.due
            && let Some(at) = self.loads.links.share()
        {
            self.schedule_transfers(at);
        }
    }
}
