//! What is asked of the fleet: one type for those who need GPUs and for those who find them.

use crate::id::{DemandId, PoolId, Table, ZoneId};
use crate::units::Bytes;

/// What one unit needs, and where it may be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Groups of GPUs, each on one node.
    pub groups: u32,
    /// GPUs of one group.
    pub shape: Shape,
    /// Memory on each GPU, for all pods that share it.
    pub bytes: Bytes,
    /// Pools that may host it, in order of preference.
    pub pools: Vec<PoolId>,
    /// The zone in which it must be placed, if one was asked for.
    pub zone: Option<ZoneId>,
}

/// How much of a node one group takes. Parts of GPUs (shares, MIG profiles) will be further shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// This many whole GPUs.
    Whole(u32),
}

impl Shape {
    /// Number of GPUs that it takes.
    pub const fn gpus(self) -> u32 {
        let Shape::Whole(gpus) = self;
        gpus
    }
}

impl Demand {
    /// Whether it may be placed in a zone of a pool; if the zone is not known yet, only a demand
    /// without a zone may.
    pub fn allows(&self, pool: PoolId, zone: Option<ZoneId>) -> bool {
        self.pools.contains(&pool) && (self.zone.is_none() || self.zone == zone)
    }

    /// Whether its zone allows this one.
    pub fn suits(&self, zone: ZoneId) -> bool {
        self.zone.is_none_or(|own| own == zone)
    }

    /// All its GPUs.
    pub fn gpus(&self) -> u32 {
        self.groups.saturating_mul(self.shape.gpus())
    }

    /// Whether one of its groups fits on `free` free GPUs of that memory.
    pub fn fits(&self, free_gpus: u32, memory_per_gpu: Bytes) -> bool {
        free_gpus >= self.shape.gpus() && memory_per_gpu >= self.bytes
    }
}

/// A demand in the table.
#[derive(Debug)]
struct Asked {
    demand: Demand,
    /// The owner's default demand, if this one is a class of it: those who ask for a class count its
    /// replicas themselves.
    class_of: Option<DemandId>,
}

/// All demands of a run, each stored once for its owner.
#[derive(Debug, Default)]
pub(crate) struct Demands {
    table: Table<DemandId, Asked>,
}

impl Demands {
    /// Adds the default demand of an owner.
    pub(crate) fn add(&mut self, demand: Demand) -> DemandId {
        self.table.push(Asked { demand, class_of: None })
    }

    /// The demand of an owner for a part of its pools, or for one zone; `of` is the owner's
    /// default.
    pub(crate) fn class(&mut self, of: DemandId, pools: Vec<PoolId>, zone: Option<ZoneId>) -> DemandId {
        let demand = Demand { pools, zone, ..self.table[of].demand.clone() };
        let known = self.table.iter().find(|(_, asked)| asked.class_of == Some(of) && asked.demand == demand);
        let known = known.map(|(id, _)| id);
        known.unwrap_or_else(|| self.table.push(Asked { demand, class_of: Some(of) }))
    }

    /// Whether it is a class: for a part of its owner's pools, or for one zone.
    pub(crate) fn is_class(&self, id: DemandId) -> bool {
        self.table[id].class_of.is_some()
    }

    /// Whether two are classes with the same pools and zone.
    pub(crate) fn same_class(&self, a: DemandId, b: DemandId) -> bool {
        let (a, b) = (&self.table[a], &self.table[b]);
        a.class_of.is_some()
            && b.class_of.is_some()
            && a.demand.pools == b.demand.pools
            && a.demand.zone == b.demand.zone
    }
}

impl std::ops::Index<DemandId> for Demands {
    type Output = Demand;
    fn index(&self, id: DemandId) -> &Demand {
        &self.table[id].demand
    }
}
