//! Nodes: GPUs, what holds them, and what the node remembers.

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

/// Who stands on one GPU: nobody, a pod, or several that share it.
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
    /// Who stands on each GPU.
    gpus: Vec<Parts>,
    /// Which units have GPUs of it: one entry for each of their groups here.
    groups: Vec<(UnitId, u64)>,
    /// Start-up caches that it holds.
    pub(crate) cache: NodeCache,
    pub(crate) ordered: SimTime,
    pub(crate) ready_at: Option<SimTime>,
    pub(crate) gone_at: Option<SimTime>,
    /// Up to when its free GPUs are billed.
    pub(crate) billed: SimTime,
    /// Counts the changes of its occupation; tells a stale idle event.
    pub(crate) generation: u64,
    /// When replicas last came or left, or its state last changed.
    pub(crate) changed: SimTime,
    /// Takes nobody any more: it is to go.
    pub(crate) cordoned: bool,
    /// The market has taken it back, or will when its notice is over.
    pub(crate) reclaimed: Option<SimTime>,
    /// Number among the nodes ever ordered of its pool: its draws belong to it.
    pub(crate) ordinal: u32,
    /// What it costs, by position among the rates of the bill.
    pub(crate) rate: u32,
    /// Whether it is one of those that its pool has committed to: they cost what was agreed.
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

    /// Puts a group of a unit, with those parts, on `count` free GPUs, lowest first.
    ///
    /// # Panics
    /// If they are not free: the caller has just counted them.
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

    /// Who stands on the first of those GPUs; on the others of a group stand the same.
    pub(crate) fn parts(&self, gpus: u64) -> &[Part] {
        self.gpus.get(gpus.trailing_zeros() as usize).map_or(&[], |parts| parts.as_slice())
    }

    /// The units that have GPUs of it: one of several groups as often.
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
