//! The fleet at work: what there is, what is asked of it, and who waits.

use super::loads::Loads;
use super::node_port::NodeScaler;
use crate::fleet::{Demand, Demands, Node, NodeLife, Pod, PoolConfig, Region, Stock, Unit};
use crate::id::{NodeId, PodId, PoolId, RegionId, Slab, Table, UnitId, ZoneId};
use crate::ports::Placement;

/// The fleet.
pub(super) struct Fleet {
    pub(super) regions: Table<RegionId, Region>,
    pub(super) pools: Table<PoolId, PoolConfig>,
    pub(super) stock: Table<PoolId, Stock>,
    /// Every node that ever was.
    pub(super) nodes: Table<NodeId, Node>,
    pub(super) demands: Demands,
    pub(super) units: Slab<UnitId, Unit>,
    pub(super) pods: Slab<PodId, Pod>,
    /// Units that wait for GPUs, oldest first.
    pub(super) pending: Vec<UnitId>,
    /// Transfers of pods that start.
    pub(super) loads: Loads,
    pub(super) placement: Box<dyn Placement>,
    /// A node autoscaler of the port, in place of the plain one.
    pub(super) scaler: Option<NodeScaler>,
    /// Whether the plain one will look.
    pub(super) scan_scheduled: bool,
}

impl Fleet {
    /// A fleet without a node.
    pub(super) fn new(
        regions: Vec<Region>,
        pools: Vec<PoolConfig>,
        placement: Box<dyn Placement>,
        scaler: Option<NodeScaler>,
    ) -> Self {
        let regions: Table<RegionId, Region> = regions.into_iter().collect();
        let pools: Table<PoolId, PoolConfig> = pools.into_iter().collect();
        Fleet {
            stock: pools.iter().map(|(at, pool)| Stock::new(at, pool, &regions)).collect(),
            regions,
            pools,
            nodes: Table::default(),
            demands: Demands::default(),
            units: Slab::default(),
            pods: Slab::default(),
            pending: Vec::new(),
            loads: Loads::default(),
            placement,
            scaler,
            scan_scheduled: false,
        }
    }

    /// What a unit asks for.
    pub(super) fn demand_of(&self, unit: UnitId) -> &Demand {
        &self.demands[self.units[unit].demand]
    }

    /// The node of a pod, once it has one.
    pub(super) fn node_of(&self, pod: PodId) -> Option<NodeId> {
        self.units[self.pods[pod].unit].node()
    }

    /// The region of a pool.
    pub(super) fn region_of_pool(&self, pool: PoolId) -> RegionId {
        RegionId::new(self.pools[pool].region)
    }

    /// The region of a pod, once it has a node.
    pub(super) fn region_of(&self, pod: PodId) -> Option<RegionId> {
        self.node_of(pod).map(|node| self.region_of_pool(self.nodes[node].pool))
    }

    /// The zone of a pool's next node, of those that suit; nothing if none grants one.
    pub(super) fn zone_where(&self, pool: PoolId, suits: impl Fn(ZoneId) -> bool) -> Option<ZoneId> {
        self.stock[pool].next_zone(&self.pools[pool], suits)
    }

    /// Whether an empty node of a pool helps a demand at all.
    pub(super) fn fits_empty_node(&self, demand: &Demand, pool: PoolId) -> bool {
        let config = &self.pools[pool];
        demand.fits(config.gpus_per_node, config.memory_per_gpu)
    }

    /// Nodes that are not given back, with their ids.
    pub(super) fn live_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().filter(|(_, node)| node.life != NodeLife::Gone)
    }
}
