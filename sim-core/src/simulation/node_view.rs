//! The fleet as a node autoscaler behind the port sees it.

use super::Simulation;
use crate::fleet::{Demand, Lease, Node};
use crate::id::{DemandId, NodeId, PodId, PoolId, UnitId, ZoneId};
use crate::ports::{FleetView, HeldView, NodeView, NodeWake, OfferView, OpenOrder, PoolView, ReplicaId, WaitingView};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Demands, numbered in the order in which the view mentions them.
#[derive(Default)]
struct Met {
    known: BTreeMap<DemandId, u32>,
    demands: Vec<Demand>,
}

impl Simulation {
    pub(super) fn view_fleet(&self, wake: NodeWake) -> FleetView {
        let mut met = Met::default();
        let mut nodes = self.view_nodes();
        self.fill_nodes(&mut nodes, &mut met);
        let waiting = self.fleet.pending().iter().map(|&unit| {
            let leader = self.fleet.unit(unit).leader();
            WaitingView {
                replica: ReplicaId(leader.serial()),
                demand: self.meet(unit, &mut met),
                since: self.fleet.pod(leader).created,
            }
        });
        let waiting = waiting.collect();
        let orders: Vec<OpenOrder> = self.nodes.scaler.iter().flat_map(|scaler| scaler.open().cloned()).collect();
        let pools = self.fleet.pool_ids().map(|pool| self.view_pool(pool)).collect();
        FleetView { now: self.agenda.now(), wake, demands: met.demands, waiting, pools, nodes, orders }
    }

    fn view_pool(&self, pool: PoolId) -> PoolView {
        let (config, stock) = (self.fleet.pool(pool), self.fleet.stock(pool));
        let price = |zone: u32| self.books.bill().price_of(stock.zones[ZoneId::new(zone)].rate);
        PoolView {
            name: Arc::clone(&config.name),
            gpus_per_node: config.gpus_per_node,
            memory_per_gpu: config.memory_per_gpu,
            market: config.market,
            min_nodes: config.min_nodes,
            max_nodes: config.max_nodes,
            live: stock.live,
            zones: config.zones.iter().map(|&zone| OfferView { zone, price: price(zone) }).collect(),
        }
    }

    fn view_nodes(&self) -> Vec<NodeView> {
        let scaler = self.nodes.scaler.as_ref();
        let view = |(id, node): (NodeId, &Node)| NodeView {
            id: id.get(),
            pool: node.pool.get(),
            zone: node.zone.get(),
            order: scaler.and_then(|scaler| scaler.order_of(id)),
            ordered: node.ordered,
            ready: node.ready_at,
            changed: node.changed,
            free_gpus: node.free.count_ones(),
            gpus: node.gpus(),
            price: self.books.bill().price_of(node.rate),
            cordoned: node.cordoned,
            reclaimed: node.reclaimed.filter(|_| scaler.is_some_and(|scaler| scaler.has_notice_of(id))),
            holds: Vec::new(),
        };
        self.fleet.live_nodes().map(view).collect()
    }

    /// Fills in what each node holds; a unit is shown under its leader.
    fn fill_nodes(&self, nodes: &mut [NodeView], met: &mut Met) {
        let pods = self.services.values().flat_map(|book| &book.pods);
        let mut leaders: Vec<PodId> = pods.copied().filter(|&pod| self.fleet.leads(pod)).collect();
        leaders.sort_unstable();
        for id in leaders {
            let pod = self.fleet.pod(id);
            let unit = self.fleet.unit(pod.unit);
            if unit.holds.is_empty() {
                continue;
            }
            let demand = self.meet(pod.unit, met);
            for hold in &unit.holds {
                let Ok(at) = nodes.binary_search_by_key(&hold.node.get(), |node| node.id) else { continue };
                let gpus = hold.gpus.count_ones();
                match nodes[at].holds.last_mut().filter(|held| held.replica.0 == id.serial()) {
                    Some(held) => held.gpus += gpus,
                    None => nodes[at].holds.push(HeldView {
                        replica: ReplicaId(id.serial()),
                        demand,
                        gpus,
                        leaving: !pod.is_active(),
                        movable: pod.lease == Lease::Endless,
                    }),
                }
            }
        }
    }

    fn meet(&self, unit: UnitId, met: &mut Met) -> u32 {
        let Met { known, demands } = met;
        let id = self.fleet.unit(unit).demand;
        *known.entry(id).or_insert_with(|| {
            demands.push(self.fleet.demand(id).clone());
            demands.len() as u32 - 1
        })
    }
}
