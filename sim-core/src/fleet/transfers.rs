//! Transfers of pods that start: who fetches what over which links, from which peer, and who waits for one.

use super::links::{Link, LinkScope, Links};
use crate::clock::{SimDuration, SimTime};
use crate::id::PodId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A link's name, scope and place.
type LinkKey = (Arc<str>, LinkScope, u64);

/// Transfers under way.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    links: Links,
    numbers: BTreeMap<LinkKey, u32>,
    /// Who uploads to whom: the source by the pod that fetches from it.
    uploads: BTreeMap<PodId, PodId>,
    /// Pods that wait for a peer's upload to end, the longest first.
    waiting: Vec<PodId>,
    /// Tells stale events.
    generation: u64,
    /// Whether shares are found anew at this instant.
    due: bool,
}

impl Transfers {
    /// The number of a link at a place; a new one is made.
    pub(crate) fn link(&mut self, link: &Link, place: u64) -> u32 {
        let key = (Arc::clone(&link.name), link.scope, place);
        let links = &mut self.links;
        *self.numbers.entry(key).or_insert_with(|| links.add(link.bytes_per_s))
    }

    /// Starts a transfer, perhaps from a peer, that would take `alone` at its own rate `cap`.
    pub(crate) fn start(&mut self, pod: PodId, source: Option<PodId>, cap: u128, alone: SimDuration, path: Vec<u32>) {
        if let Some(source) = source {
            self.uploads.insert(pod, source);
        }
        self.links.start(pod, cap, alone, path);
    }

    /// A pod waits for a peer's upload to end.
    pub(crate) fn wait(&mut self, pod: PodId) {
        self.waiting.push(pod);
    }

    /// Those who wait for a peer look again: they no longer wait.
    pub(crate) fn take_waiting(&mut self) -> Vec<PodId> {
        std::mem::take(&mut self.waiting)
    }

    /// Uploads of each pod that has some.
    pub(crate) fn uploads(&self) -> BTreeMap<PodId, u32> {
        let mut uploads: BTreeMap<PodId, u32> = BTreeMap::new();
        for source in self.uploads.values() {
            *uploads.entry(*source).or_default() += 1;
        }
        uploads
    }

    /// A pod is gone: its transfer frees its shares, and who fetched from it starts over, behind those
    /// that wait. Whether shares change.
    pub(crate) fn leave(&mut self, pod: PodId) -> bool {
        let mut changes = self.links.cancel(pod);
        if changes {
            self.uploads.remove(&pod);
        }
        self.waiting.retain(|&waiting| waiting != pod);
        let lost: Vec<PodId> =
            self.uploads.iter().filter(|(_, source)| **source == pod).map(|(&fetching, _)| fetching).collect();
        for fetching in lost {
            self.links.cancel(fetching);
            self.uploads.remove(&fetching);
            self.waiting.push(fetching);
            changes = true;
        }
        changes
    }

    /// Shares are to be found anew at this instant: the generation of the event for it, unless there is one.
    pub(crate) fn share_soon(&mut self) -> Option<u64> {
        (!std::mem::replace(&mut self.due, true)).then(|| self.next_generation())
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Transfers that have ended by now, in the order of their pods; nothing if the event is stale. All
    /// uploads that end now are free before anyone looks for one.
    pub(crate) fn end(&mut self, generation: u64, now: SimTime) -> Vec<PodId> {
        if generation != self.generation {
            return Vec::new();
        }
        self.due = false;
        let ended = self.links.advance(now);
        for pod in &ended {
            self.uploads.remove(pod);
        }
        ended
    }

    /// Shares links out, unless that is done at this instant anyway: when the first transfer will end, and
    /// the generation of the event for it.
    pub(crate) fn share(&mut self, generation: u64) -> Option<(SimTime, u64)> {
        if self.due || generation != self.generation {
            return None;
        }
        let at = self.links.share()?;
        Some((at, self.next_generation()))
    }
}
