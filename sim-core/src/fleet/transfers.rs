//! Transfers of starting pods: over which links, from which peers, and which pods wait for a peer.

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
    /// Uploads between peers: the uploading pod, by the pod that fetches from it.
    uploads: BTreeMap<PodId, PodId>,
    /// Pods that wait until a peer's upload ends, the longest wait first.
    waiting: Vec<PodId>,
    /// The generation of the planned event; events with an older one are stale.
    generation: u64,
    /// Whether the shares are recomputed at this instant.
    due: bool,
}

impl Transfers {
    /// The number of a link at a place; it is created on first use.
    pub(crate) fn link(&mut self, link: &Link, place: u64) -> u32 {
        let key = (Arc::clone(&link.name), link.scope, place);
        let links = &mut self.links;
        *self.numbers.entry(key).or_insert_with(|| links.add(link.bytes_per_s))
    }

    /// Starts a transfer that would take `alone` at its own rate `cap`; with a `source`, it comes
    /// from that peer.
    pub(crate) fn start(&mut self, pod: PodId, source: Option<PodId>, cap: u128, alone: SimDuration, path: Vec<u32>) {
        if let Some(source) = source {
            self.uploads.insert(pod, source);
        }
        self.links.start(pod, cap, alone, path);
    }

    /// Lets a pod wait until a peer's upload ends.
    pub(crate) fn wait(&mut self, pod: PodId) {
        self.waiting.push(pod);
    }

    /// Takes the pods that wait for a peer: they will look again.
    pub(crate) fn take_waiting(&mut self) -> Vec<PodId> {
        std::mem::take(&mut self.waiting)
    }

    /// The number of uploads of each pod that has any.
    pub(crate) fn uploads(&self) -> BTreeMap<PodId, u32> {
        let mut uploads: BTreeMap<PodId, u32> = BTreeMap::new();
        for source in self.uploads.values() {
            *uploads.entry(*source).or_default() += 1;
        }
        uploads
    }

    /// A pod is gone: its transfer ends, and pods that fetched from it start over, behind those
    /// that wait. True if shares change.
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

    /// Plans to recompute the shares at this instant: returns the generation of the event, unless
    /// one is planned already.
    pub(crate) fn share_soon(&mut self) -> Option<u64> {
        (!std::mem::replace(&mut self.due, true)).then(|| self.next_generation())
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Ends transfers that are done, in the order of their pods; none if the event is stale. All
    /// uploads that end now are free before any pod looks for one.
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

    /// Recomputes the shares, unless another event does that at this instant. Returns when the
    /// first transfer will end, and the generation of the event for it.
    pub(crate) fn share(&mut self, generation: u64) -> Option<(SimTime, u64)> {
        if self.due || generation != self.generation {
            return None;
        }
        let at = self.links.share()?;
        Some((at, self.next_generation()))
    }
}
