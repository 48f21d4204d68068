//! Nodes: GPUs, what holds them, and what the node remembers.

use super::cache::{CacheSizes, NodeCache};
use crate::clock::SimTime;
use crate::units::Bytes;

/// GPUs that one group holds on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    pub(crate) node: u32,
    /// Bit i set: GPU i.
    pub(crate) gpus: u64,
}

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
    pub(crate) pool: u32,
    /// Position of its zone in the region.
    pub(crate) zone: u32,
    pub(crate) life: NodeLife,
    /// Bit i set: GPU i is free.
    pub(crate) free: u64,
    /// Bytes in use on each GPU.
    pub(crate) used: Vec<Bytes>,
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
    pub(crate) fn new(pool: u32, zone: u32, gpus: u32, ordered: SimTime, cache: CacheSizes) -> Self {
        Node {
            pool,
            zone,
            life: NodeLife::Booting,
            free: if gpus == 64 { u64::MAX } else { (1 << gpus) - 1 },
            used: vec![Bytes(0); gpus as usize],
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
            rate: pool,
            committed: false,
        }
    }

    pub(crate) fn gpus(&self) -> u32 {
        self.used.len() as u32
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.free.count_ones() == self.gpus()
    }

    /// Takes `count` free GPUs, lowest first, and puts `memory` on each.
    ///
    /// # Panics
    /// If they are not free: the caller has just counted them.
    pub(crate) fn take(&mut self, count: u32, memory: Bytes) -> u64 {
        let mut gpus = 0;
        for _ in 0..count {
            let bit = self.free.trailing_zeros();
            assert!(bit < 64, "placement took more GPUs than are free");
            self.free &= !(1 << bit);
            self.used[bit as usize] = memory;
            gpus |= 1 << bit;
        }
        self.generation += 1;
        gpus
    }

    pub(crate) fn release(&mut self, gpus: u64) {
        debug_assert_eq!(self.free & gpus, 0, "released GPUs were free");
        self.free |= gpus;
        for (bit, used) in self.used.iter_mut().enumerate() {
            if gpus >> bit & 1 == 1 {
                *used = Bytes(0);
            }
        }
        self.generation += 1;
    }
}
