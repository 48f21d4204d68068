//! Applies faults: sources are read one fault ahead.

use super::error::RunError;
use super::{Event, Simulation};
use crate::clock::{Class, keyed};
use crate::fleet::begin_or_end;
use crate::id::{NodeId, PoolId, RegionId, SourceId, ZoneId};
use crate::journal::Note;
use crate::ports::{Area, Fault, TimedFault};
use crate::units::{Market, PicoUsdPerHour};
use rand::RngExt;

impl Simulation {
    /// Applies the faults at the start, and plans the first later fault of each source.
    pub(super) fn start_faults(&mut self) -> Result<(), RunError> {
        for source in self.faults.sources() {
            self.pull_fault(source)?;
        }
        Ok(())
    }

    /// Applies the next fault of a source, and all others that the source has for this instant.
    pub(super) fn fault(&mut self, source: SourceId) -> Result<(), RunError> {
        if let Some(TimedFault { fault, .. }) = self.faults.take(source) {
            self.apply_fault(fault);
        }
        self.pull_fault(source)
    }

    fn pull_fault(&mut self, source: SourceId) -> Result<(), RunError> {
        let now = self.agenda.now();
        while let Some(next) = self.faults.read(source)? {
            if next.at > now {
                let number = self.faults.keep(source, next);
                self.agenda.schedule(next.at, Class::Outage, source, number, Event::Fault { source });
                break;
            }
            self.apply_fault(next.fault);
        }
        Ok(())
    }

    fn apply_fault(&mut self, fault: Fault) {
        self.journal.note(self.agenda.now(), Note::Fault(fault));
        match fault {
            Fault::Capacity { pool, zone, nodes } => self.set_capacity(PoolId::new(pool), ZoneId::new(zone), nodes),
            Fault::Price { pool, zone, price } => self.set_price(PoolId::new(pool), ZoneId::new(zone), price),
            Fault::Lose { area, share_ppm } => self.lose_share(area, share_ppm),
            Fault::Block { area, begins } => self.block(area, begins),
            Fault::Unreachable { region, begins } => {
                let region = RegionId::new(region);
                self.faults.cut_off(region, begins);
                if begins {
                    self.darken(region);
                }
            }
            Fault::Node { pool } => self.fail_one(PoolId::new(pool)),
            Fault::Link { from, to, delay, loss_ppm } => {
                self.network.set_link(RegionId::new(from), RegionId::new(to), delay, loss_ppm);
            }
        }
    }

    /// Sets how many nodes the market holds in a zone.
    fn set_capacity(&mut self, pool: PoolId, zone: ZoneId, nodes: u32) {
        let (config, stock) = self.fleet.pool_and_stock(pool);
        let stock = &mut stock.zones[zone];
        let grows = nodes > stock.capacity;
        stock.capacity = nodes;
        // Nodes that are not spot stay: the market only refuses new ones.
        let keeps = config.market != Market::Spot;
        let excess = if keeps { 0 } else { stock.nodes.len().saturating_sub(nodes as usize) };
        let newest: Vec<NodeId> = stock.nodes.iter().rev().take(excess).copied().collect();
        if !newest.is_empty() {
            self.reclaim(&newest);
        }
        self.judge_waiting();
        if grows {
            self.capacity_came();
        }
    }

    /// Nodes that were refused may be granted now: waiting orders are tried again.
    fn capacity_came(&mut self) {
        self.wake_capacity_policies();
        if !self.fleet.pending().is_empty() || self.fleet.misses_minimum() {
            self.schedule_scan();
        }
        self.retry_orders_soon();
    }

    fn set_price(&mut self, pool: PoolId, zone: ZoneId, price: PicoUsdPerHour) {
        // A committed node keeps the price that was agreed.
        let live = self.fleet.live_nodes_in(pool, zone).into_iter();
        let nodes: Vec<NodeId> = live.filter(|&node| !self.fleet.node(node).committed).collect();
        for unit in self.fleet.units_on(&nodes) {
            self.bill_unit(unit);
        }
        let rate = self.books.bill_mut().rate(pool.get(), price);
        for node in nodes {
            self.bill_free_gpus(node);
            self.fleet.node_mut(node).rate = rate;
        }
        self.fleet.stock_mut(pool).zones[zone].rate = rate;
    }

    /// Loses a share of each pool's nodes in an area: the nodes with the lowest draws. A draw
    /// depends on the node and the instant only.
    fn lose_share(&mut self, area: Area, share_ppm: u32) {
        let mut lost = Vec::new();
        for (pool, zone) in self.fleet.stock_of(area) {
            let mut nodes = self.fleet.live_nodes_in(pool, zone);
            let count = (nodes.len() as u64 * u64::from(share_ppm)).div_ceil(1_000_000) as usize;
            let key = self.world.seed.key(&format!("lose/{}", self.fleet.pool(pool).name));
            let at = self.agenda.now().as_ps();
            nodes.sort_by_cached_key(|&node| {
                let ordinal = self.fleet.node(node).ordinal;
                (keyed(key, u64::from(ordinal), at).random::<u64>(), ordinal)
            });
            nodes.truncate(count);
            lost.extend(nodes);
        }
        lost.sort_unstable();
        self.lose_nodes(&lost);
    }

    fn block(&mut self, area: Area, begins: bool) {
        for (pool, zone) in self.fleet.stock_of(area) {
            begin_or_end(&mut self.fleet.stock_mut(pool).zones[zone].blocks, begins);
        }
        self.judge_waiting();
        if !begins {
            self.capacity_came();
        }
    }

    /// One live node of a pool fails.
    fn fail_one(&mut self, pool: PoolId) {
        let zones = self.fleet.pool(pool).zones.clone();
        let zones = zones.into_iter().map(ZoneId::new);
        let nodes: Vec<NodeId> = zones.flat_map(|zone| self.fleet.live_nodes_in(pool, zone)).collect();
        if nodes.is_empty() {
            return;
        }
        let key = self.world.seed.key(&format!("node-failure/{}", self.fleet.pool(pool).name));
        let at = keyed(key, self.agenda.now().as_ps(), 0).random_range(0..nodes.len());
        self.lose_nodes(&[nodes[at]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_outages_end_with_the_last() {
        let mut blocks = 0;
        for (begins, expected) in [(true, 1), (true, 2), (false, 1), (false, 0), (false, 0)] {
            begin_or_end(&mut blocks, begins);
            assert_eq!(blocks, expected);
        }
    }
}
