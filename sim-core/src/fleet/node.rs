//! Nodes: their GPUs, which pods hold them, and their caches.

use super::cache::{CacheSizes, NodeCache};
use crate::clock::SimTime;
use crate::id::{PodId, PoolId, UnitId, ZoneId};
use crate::units::Bytes;
use smallvec::SmallVec;

/// What one pod holds of a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) pod: PodId,
    pub(crate) bytes: Bytes,
}

/// The pods on one GPU: none, one, or several that share it.
pub(crate) type Parts = SmallVec<[Part; 1]>;

/// Where a node is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeLife {
    Booting,
    Ready,
    Gone,
}

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) pool: PoolId,
    pub(crate) zone: ZoneId,
    pub(crate) life: NodeLife,
    /// Bit i set: GPU i is free.
    pub(crate) free: u64,
    /// The pods on each GPU.
    gpus: Vec<Parts>,
    /// The units that hold its GPUs: one entry for each of their groups here.
    groups: Vec<(UnitId, u64)>,
    /// Start-up caches that it holds.
    pub(crate) cache: NodeCache,
    pub(crate) ordered: SimTime,
    pub(crate) ready_at: Option<SimTime>,
    pub(crate) gone_at: Option<SimTime>,
    /// The instant up to which its free GPUs are billed.
    pub(crate) billed: SimTime,
    /// Counts changes of its occupation; an idle event with an older number is stale.
    pub(crate) generation: u64,
    /// When replicas last came or left, or its state last changed.
    pub(crate) changed: SimTime,
    /// Cordoned: it takes no new pods.
    pub(crate) cordoned: bool,
    /// When the market has taken it, or will at the end of the notice.
    pub(crate) reclaimed: Option<SimTime>,
    /// Its number among all nodes ever ordered of its pool: the key of its random draws.
    pub(crate) ordinal: u32,
    /// Its price, by position among the rates of the bill.
    pub(crate) rate: u32,
    /// Whether its pool has committed to it: it then costs the agreed price.
    pub(crate) committed: bool,
}

impl Node {
    pub(crate) fn new(pool: PoolId, zone: ZoneId, gpus: u32, ordered: SimTime, cache: CacheSizes) -> Self {
        Node {
            pool,
            zone,
            life: NodeLife::Booting,
            free: if gpus == 64 { u64::MAX } else { (1 << gpus) - 1 },
            gpus: (0..gpus).map(|_| Parts::new()).collect(),
            groups: Vec::new(),
            cache: NodeCache::new(cache),
            ordered,
            ready_at: None,
            gone_at: None,
            billed: ordered,
            generation: 0,
            changed: ordered,
            cordoned: false,
            reclaimed: None,
            ordinal: 0,
            rate: pool.get(),
            committed: false,
        }
    }

    pub(crate) fn gpus(&self) -> u32 {
        self.gpus.len() as u32
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.free.count_ones() == self.gpus()
    }

    /// Puts a group of a unit, with those parts, on the `count` lowest free GPUs.
    ///
    /// # Panics
    /// If fewer are free: the caller must have counted them.
    pub(crate) fn take(&mut self, unit: UnitId, count: u32, parts: &Parts) -> u64 {
        let mut taken = 0;
        for _ in 0..count {
            let bit = self.free.trailing_zeros();
            assert!(bit < 64, "placement took more GPUs than are free");
            self.free &= !(1 << bit);
            self.gpus[bit as usize].clone_from(parts);
            taken |= 1 << bit;
        }
        self.groups.push((unit, taken));
        self.generation += 1;
        taken
    }

    /// The pods on the first of those GPUs; all GPUs of a group hold the same pods.
    pub(crate) fn parts(&self, gpus: u64) -> &[Part] {
        self.gpus.get(gpus.trailing_zeros() as usize).map_or(&[], |parts| parts.as_slice())
    }

    /// The units that hold its GPUs; a unit with several groups here comes several times.
    pub(crate) fn units(&self) -> impl Iterator<Item = UnitId> {
        self.groups.iter().map(|(unit, _)| *unit)
    }

    pub(crate) fn release(&mut self, gpus: u64) {
        debug_assert_eq!(self.free & gpus, 0, "released GPUs were free");
        self.free |= gpus;
        self.groups.retain(|(_, held)| *held != gpus);
        for (bit, parts) in self.gpus.iter_mut().enumerate() {
            if gpus >> bit & 1 == 1 {
                parts.clear();
            }
        }
        self.generation += 1;
    }
}
