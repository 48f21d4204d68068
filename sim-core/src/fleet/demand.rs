//! What is asked of the fleet: one type for whoever needs GPUs, and for whoever finds them.

use crate::id::{DemandId, PoolId, Table, ZoneId};
use crate::units::Bytes;

/// What one unit needs, and where it may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Groups of GPUs, each on one node.
    pub groups: u32,
    /// GPUs of one group.
    pub shape: Shape,
    /// Memory on each GPU, for all who share it.
    pub bytes: Bytes,
    /// Pools that may host it, in order of preference.
    pub pools: Vec<PoolId>,
    /// The zone of their region in which it must stand, if one was asked for.
    pub zone: Option<ZoneId>,
}

/// How much of a node one group takes. What is not taken whole (shares, MIG profiles) will be further shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// So many GPUs, whole.
    Whole(u32),
}

impl Shape {
    /// GPUs that it takes.
    pub const fn gpus(self) -> u32 {
        let Shape::Whole(gpus) = self;
        gpus
    }
}

impl Demand {
    /// Whether it may stand in a zone of a pool; a zone that is not known yet suits who asks for none.
    pub fn allows(&self, pool: PoolId, zone: Option<ZoneId>) -> bool {
        self.pools.contains(&pool) && (self.zone.is_none() || self.zone == zone)
    }

    /// Whether it may stand in a zone of its pools.
    pub fn suits(&self, zone: ZoneId) -> bool {
        self.zone.is_none_or(|own| own == zone)
    }

    /// All its GPUs.
    pub fn gpus(&self) -> u32 {
        self.groups.saturating_mul(self.shape.gpus())
    }

    /// Whether one of its groups fits so many free GPUs of so much memory.
    pub fn fits(&self, free_gpus: u32, memory_per_gpu: Bytes) -> bool {
        free_gpus >= self.shape.gpus() && memory_per_gpu >= self.bytes
    }
}

/// A demand among those of a run.
#[derive(Debug)]
struct Asked {
    demand: Demand,
    /// The default of its owner, if this asks for part of those pools: whoever did so counts such themselves.
    class_of: Option<DemandId>,
}

/// All demands of a run, each once for its owner.
#[derive(Debug, Default)]
pub(crate) struct Demands {
    table: Table<DemandId, Asked>,
}

impl Demands {
    /// Adds what an owner asks for by default.
    pub(crate) fn add(&mut self, demand: Demand) -> DemandId {
        self.table.push(Asked { demand, class_of: None })
    }

    /// What an owner asks for in part of its pools, or in one zone: `of` is its default.
    pub(crate) fn class(&mut self, of: DemandId, pools: Vec<PoolId>, zone: Option<ZoneId>) -> DemandId {
        let demand = Demand { pools, zone, ..self.table[of].demand.clone() };
        let known = self.table.iter().find(|(_, asked)| asked.class_of == Some(of) && asked.demand == demand);
        let known = known.map(|(id, _)| id);
        known.unwrap_or_else(|| self.table.push(Asked { demand, class_of: Some(of) }))
    }

    /// Whether it was asked for in part of its owner's pools.
    pub(crate) fn is_class(&self, id: DemandId) -> bool {
        self.table[id].class_of.is_some()
    }

    /// Whether two are classes of the same pools and zone.
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
