//! The fleet as a whole: what it consists of, what is asked of it, and which units wait.

use super::transfers::Transfers;
use super::{Demand, Demands, Life, Node, NodeLife, Pod, PoolConfig, Region, Stock, Unit};
use crate::clock::SimTime;
use crate::id::{DemandId, NodeId, PodId, PoolId, RegionId, Slab, Table, UnitId, ZoneId};
use crate::ports::{Area, Placement};

/// The fleet.
pub(crate) struct Fleet {
    regions: Table<RegionId, Region>,
    pools: Table<PoolId, PoolConfig>,
    stock: Table<PoolId, Stock>,
    /// Every node that existed.
    pub(super) nodes: Table<NodeId, Node>,
    pub(super) demands: Demands,
    pub(super) units: Slab<UnitId, Unit>,
    pods: Slab<PodId, Pod>,
    /// Units that wait for GPUs, oldest first.
    pending: Vec<UnitId>,
    pub(super) placement: Box<dyn Placement>,
    /// Transfers of starting pods over links.
    pub(crate) transfers: Transfers,
}

impl Fleet {
    /// A fleet without nodes.
    pub(crate) fn new(regions: Vec<Region>, pools: Vec<PoolConfig>, placement: Box<dyn Placement>) -> Self {
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
            placement,
            transfers: Transfers::default(),
        }
    }

    pub(crate) fn region(&self, id: RegionId) -> &Region {
        &self.regions[id]
    }

    pub(crate) fn regions(&self) -> &Table<RegionId, Region> {
        &self.regions
    }

    pub(crate) fn pool(&self, id: PoolId) -> &PoolConfig {
        &self.pools[id]
    }

    pub(crate) fn pools(&self) -> &Table<PoolId, PoolConfig> {
        &self.pools
    }

    pub(crate) fn pool_ids(&self) -> impl Iterator<Item = PoolId> + use<> {
        self.pools.ids()
    }

    pub(crate) fn stock(&self, id: PoolId) -> &Stock {
        &self.stock[id]
    }

    /// A pool, and its stock, mutable.
    pub(crate) fn pool_and_stock(&mut self, id: PoolId) -> (&PoolConfig, &mut Stock) {
        (&self.pools[id], &mut self.stock[id])
    }

    pub(crate) fn stock_mut(&mut self, id: PoolId) -> &mut Stock {
        &mut self.stock[id]
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    /// Every node that existed.
    pub(crate) fn nodes(&self) -> &Table<NodeId, Node> {
        &self.nodes
    }

    pub(crate) fn demand(&self, id: DemandId) -> &Demand {
        &self.demands[id]
    }

    pub(crate) fn demands(&self) -> &Demands {
        &self.demands
    }

    pub(crate) fn demands_mut(&mut self) -> &mut Demands {
        &mut self.demands
    }

    #[inline]
    pub(crate) fn unit(&self, id: UnitId) -> &Unit {
        &self.units[id]
    }

    pub(crate) fn unit_mut(&mut self, id: UnitId) -> &mut Unit {
        &mut self.units[id]
    }

    /// Units that have not ended.
    pub(crate) fn unit_ids(&self) -> impl Iterator<Item = UnitId> {
        self.units.ids()
    }

    #[inline]
    pub(crate) fn pod(&self, id: PodId) -> &Pod {
        &self.pods[id]
    }

    #[inline]
    pub(crate) fn pod_mut(&mut self, id: PodId) -> &mut Pod {
        &mut self.pods[id]
    }

    /// Pods that have not been forgotten.
    pub(crate) fn pod_ids(&self) -> impl Iterator<Item = PodId> {
        self.pods.ids()
    }

    /// Whether a pod has not been forgotten.
    pub(crate) fn knows(&self, pod: PodId) -> bool {
        self.pods.holds(pod)
    }

    /// Most pods that were known at once.
    pub(crate) fn peak_pods(&self) -> usize {
        self.pods.peak()
    }

    /// Adds a unit without pods.
    pub(crate) fn add_unit(&mut self, demand: DemandId, now: SimTime) -> UnitId {
        self.units.insert(|_| Unit::new(demand, now))
    }

    /// Adds a pod to its unit.
    pub(crate) fn add_pod(&mut self, pod: Pod) -> PodId {
        let unit = pod.unit;
        let id = self.pods.insert(|_| pod);
        let unit = &mut self.units[unit];
        unit.pods.push(id);
        unit.live += 1;
        id
    }

    /// Forgets a unit and its pods.
    pub(crate) fn forget(&mut self, unit: UnitId) -> Vec<Pod> {
        let unit = self.units.remove(unit);
        unit.pods.iter().map(|&pod| self.pods.remove(pod)).collect()
    }

    /// Adds a node that was ordered.
    pub(crate) fn add_node(&mut self, node: Node) -> NodeId {
        let (pool, zone) = (node.pool, node.zone);
        let id = self.nodes.push(node);
        self.stock[pool].zones[zone].nodes.insert(id);
        id
    }

    /// Updates the lists of nodes with room: call when a node's life or its free GPUs change.
    pub(crate) fn note_room(&mut self, id: NodeId, now: SimTime) {
        let node = &mut self.nodes[id];
        node.changed = now;
        let Stock { open, booting, .. } = &mut self.stock[node.pool];
        let keep = |set: &mut std::collections::BTreeSet<NodeId>, there: bool| {
            if there {
                set.insert(id)
            } else {
                set.remove(&id)
            };
        };
        keep(booting, node.life == NodeLife::Booting && !node.cordoned);
        keep(open, node.life == NodeLife::Ready && node.free != 0 && !node.cordoned);
    }

    /// Units that wait for GPUs, oldest first.
    pub(crate) fn pending(&self) -> &[UnitId] {
        &self.pending
    }

    /// A unit begins to wait.
    pub(crate) fn wait(&mut self, unit: UnitId) {
        self.pending.push(unit);
    }

    /// A unit no longer waits, if it did.
    pub(crate) fn stop_waiting(&mut self, unit: UnitId) {
        // The list is sorted, oldest first.
        if let Ok(position) = self.pending.binary_search(&unit) {
            self.pending.remove(position);
        }
    }

    /// What a unit asks for.
    pub(crate) fn demand_of(&self, unit: UnitId) -> &Demand {
        &self.demands[self.units[unit].demand]
    }

    /// The node of a pod, once it has one.
    pub(crate) fn node_of(&self, pod: PodId) -> Option<NodeId> {
        self.units[self.pods[pod].unit].node()
    }

    /// The nodes of a pod: one for each of its groups.
    pub(crate) fn nodes_of(&self, pod: PodId) -> Vec<NodeId> {
        self.units[self.pods[pod].unit].holds.iter().map(|hold| hold.node).collect()
    }

    /// Takes the list of waiting units; the caller lets those wait again that still do.
    pub(crate) fn take_pending(&mut self) -> Vec<UnitId> {
        std::mem::take(&mut self.pending)
    }

    /// The region of a pool.
    pub(crate) fn region_of_pool(&self, pool: PoolId) -> RegionId {
        RegionId::new(self.pools[pool].region)
    }

    /// The region of a pod, once it has a node.
    pub(crate) fn region_of(&self, pod: PodId) -> Option<RegionId> {
        self.node_of(pod).map(|node| self.region_of_pool(self.nodes[node].pool))
    }

    /// Whether a pod is the leader of its unit.
    pub(crate) fn leads(&self, pod: PodId) -> bool {
        self.units[self.pods[pod].unit].leader() == pod
    }

    /// The zone of a pool's next node among those that suit; `None` if no zone grants one.
    pub(crate) fn zone_where(&self, pool: PoolId, suits: impl Fn(ZoneId) -> bool) -> Option<ZoneId> {
        self.stock[pool].next_zone(&self.pools[pool], suits)
    }

    /// Whether an empty node of a pool has room for a group of a demand.
    pub(crate) fn fits_empty_node(&self, demand: &Demand, pool: PoolId) -> bool {
        let config = &self.pools[pool];
        demand.fits(config.gpus_per_node, config.memory_per_gpu)
    }

    /// The first pool that would grant another node for a demand, and the zone of that node.
    pub(crate) fn pool_to_grow(&self, demand: &Demand) -> Option<(PoolId, ZoneId)> {
        let helps = |&&pool: &&PoolId| self.fits_empty_node(demand, pool);
        let grants = |&pool: &PoolId| Some((pool, self.zone_where(pool, |zone| demand.suits(zone))?));
        demand.pools.iter().filter(helps).find_map(grants)
    }

    /// Nodes in the fleet, with their ids.
    pub(crate) fn live_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().filter(|(_, node)| node.life != NodeLife::Gone)
    }

    /// Nodes of a pool in a zone, including reclaimed ones.
    pub(crate) fn live_nodes_in(&self, pool: PoolId, zone: ZoneId) -> Vec<NodeId> {
        let there = self.live_nodes().filter(|(_, node)| node.pool == pool && node.zone == zone);
        there.map(|(id, _)| id).collect()
    }

    /// Booting nodes of all pools, oldest first.
    pub(crate) fn booting_nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.stock.values().flat_map(|stock| stock.booting.iter().copied()).collect();
        nodes.sort_unstable();
        nodes
    }

    /// Whether a pool has fewer nodes than its minimum.
    pub(crate) fn misses_minimum(&self) -> bool {
        self.stock.values().zip(self.pools.values()).any(|(stock, pool)| stock.live < pool.min_nodes)
    }

    /// The pools in an area, each with its zones there.
    pub(crate) fn stock_of(&self, area: Area) -> Vec<(PoolId, ZoneId)> {
        let pools = self.pools.iter().filter(|(_, pool)| pool.region == area.region);
        let zones = |(at, pool): (PoolId, &PoolConfig)| {
            let there = pool.zones.iter().filter(|&&zone| area.zone.is_none_or(|wanted| wanted == zone));
            there.map(|&zone| (at, ZoneId::new(zone))).collect::<Vec<_>>()
        };
        pools.flat_map(zones).collect()
    }

    /// Units with a group on one of those nodes, oldest first.
    pub(crate) fn units_on(&self, nodes: &[NodeId]) -> Vec<UnitId> {
        let mut units: Vec<UnitId> = nodes.iter().flat_map(|&node| self.nodes[node].units()).collect();
        units.sort_unstable();
        units.dedup();
        units
    }

    /// Pods on those nodes that are not gone, oldest first.
    pub(crate) fn pods_on(&self, nodes: &[NodeId]) -> Vec<PodId> {
        let pods = self.units_on(nodes).into_iter().flat_map(|unit| self.units[unit].pods.clone());
        let mut pods: Vec<PodId> = pods.filter(|&pod| self.pods[pod].life != Life::Gone).collect();
        pods.sort_unstable();
        pods
    }
}
