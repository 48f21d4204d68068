//! The fleet as a node autoscaler of the port sees it.

use super::Simulation;
use crate::fleet::NodeLife;
use crate::ports::{
    Demand, FleetView, HeldView, NodeView, NodeWake, OfferView, OpenOrder, PoolView, ReplicaId, WaitingView,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kinds of replicas, numbered as they are met.
#[derive(Default)]
struct Kinds {
    known: BTreeMap<(u32, Option<u32>), u32>,
    demands: Vec<Demand>,
}

impl Simulation {
    pub(super) fn view_fleet(&self, wake: NodeWake) -> FleetView {
        let mut kinds = Kinds::default();
        let mut nodes = self.view_nodes();
        self.fill_nodes(&mut nodes, &mut kinds);
        let waiting = self.pending.iter().map(|&id| WaitingView {
            replica: ReplicaId(id),
            demand: self.kind_of(id, &mut kinds),
            since: self.replicas[id as usize].created,
        });
        let waiting = waiting.collect();
        let orders: Vec<OpenOrder> = self.node_scaler.iter().flat_map(|scaler| scaler.open.values().cloned()).collect();
        let pools = (0..self.world.pools.len() as u32).map(|pool| self.view_pool(pool)).collect();
        FleetView { now: self.agenda.now(), wake, demands: kinds.demands, waiting, pools, nodes, orders }
    }

    fn view_pool(&self, pool: u32) -> PoolView {
        let (config, stock) = (&self.world.pools[pool as usize], &self.stock[pool as usize]);
        let offer = |&zone: &u32| OfferView { zone, price: self.bill.price_of(stock.zones[zone as usize].rate) };
        PoolView {
            name: Arc::clone(&config.name),
            gpus_per_node: config.gpus_per_node,
            memory_per_gpu: config.memory_per_gpu,
            market: config.market,
            min_nodes: config.min_nodes,
            max_nodes: config.max_nodes,
            live: stock.live,
            zones: config.zones.iter().map(offer).collect(),
        }
    }

    fn view_nodes(&self) -> Vec<NodeView> {
        let scaler = self.node_scaler.as_ref();
        let live = (0_u32..).zip(&self.nodes).filter(|(_, node)| node.life != NodeLife::Gone);
        let view = |(id, node): (u32, &crate::fleet::Node)| NodeView {
            id,
            pool: node.pool,
            zone: node.zone,
            order: scaler.and_then(|scaler| scaler.from.get(&id).copied()),
            ordered: node.ordered,
            ready: node.ready_at,
            changed: node.changed,
            free_gpus: node.free.count_ones(),
            gpus: node.gpus(),
            price: self.bill.price_of(node.rate),
            cordoned: node.cordoned,
            reclaimed: node.reclaimed.filter(|_| scaler.is_some_and(|scaler| scaler.noticed.contains(&id))),
            holds: Vec::new(),
        };
        live.map(view).collect()
    }

    /// Says what is on each node; residents hold nothing of their own.
    fn fill_nodes(&self, nodes: &mut [NodeView], kinds: &mut Kinds) {
        let owners = self.services.iter().filter(|book| book.state.config.resident_on.is_none());
        let mut replicas: Vec<u32> = owners.flat_map(|book| book.state.replicas.iter().copied()).collect();
        replicas.sort_unstable();
        for id in replicas {
            let replica = &self.replicas[id as usize];
            if replica.groups.is_empty() {
                continue;
            }
            let demand = self.kind_of(id, kinds);
            for group in &replica.groups {
                let Ok(at) = nodes.binary_search_by_key(&group.node, |node| node.id) else { continue };
                let gpus = group.gpus.count_ones();
                match nodes[at].holds.last_mut().filter(|held| held.replica.0 == id) {
                    Some(held) => held.gpus += gpus,
                    None => nodes[at].holds.push(HeldView {
                        replica: ReplicaId(id),
                        demand,
                        gpus,
                        leaving: !replica.is_active(),
                        movable: !replica.job,
                    }),
                }
            }
        }
    }

    fn kind_of(&self, replica: u32, kinds: &mut Kinds) -> u32 {
        let (service, class) = (self.replicas[replica as usize].service, self.replicas[replica as usize].class);
        let Kinds { known, demands } = kinds;
        *known.entry((service, class)).or_insert_with(|| {
            let occupant = self.occupant(service);
            demands.push(Demand {
                service,
                groups: occupant.groups,
                gpus_per_group: occupant.gpus_per_group,
                memory_per_gpu: occupant.memory_per_gpu,
                pools: self.pools_for(replica).to_vec(),
                zone: class.and_then(|class| self.classes[class as usize].zone),
            });
            demands.len() as u32 - 1
        })
    }
}
