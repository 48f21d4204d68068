//! What befalls the fleet from outside: sources are pulled one ahead, their primitives applied.

use super::{Event, RunError, Simulation};
use crate::clock::{Class, keyed};
use crate::fleet::NodeLife;
use crate::ledger::FaultRecord;
use crate::ports::{Area, Fault, FaultSource, TimedFault};
use crate::units::{Market, PicoUsdPerHour};
use rand::RngExt;

/// All sources, with the next fault of each.
pub(super) struct Faults {
    sources: Vec<Box<dyn FaultSource>>,
    next: Vec<Option<TimedFault>>,
    pulled: u64,
    /// By region: outages that keep requests away.
    pub(super) unreachable: Vec<u32>,
    pub(super) log: Vec<FaultRecord>,
}

impl Faults {
    pub(super) fn new(sources: Vec<Box<dyn FaultSource>>, regions: usize) -> Self {
        let next = vec![None; sources.len()];
        Faults { sources, next, pulled: 0, unreachable: vec![0; regions], log: Vec::new() }
    }
}

impl Simulation {
    /// Applies what holds from the start, and plans the first fault of each source after it.
    pub(super) fn start_faults(&mut self) -> Result<(), RunError> {
        for source in 0..self.faults.sources.len() as u32 {
            self.pull_fault(source)?;
        }
        Ok(())
    }

    /// The next fault of a source happens, with all others that it has for this instant.
    pub(super) fn fault(&mut self, source: u32) -> Result<(), RunError> {
        if let Some(TimedFault { fault, .. }) = self.faults.next[source as usize].take() {
            self.befall(fault);
        }
        self.pull_fault(source)
    }

    fn pull_fault(&mut self, source: u32) -> Result<(), RunError> {
        let now = self.agenda.now();
        while let Some(next) = self.faults.sources[source as usize].next_fault()? {
            if next.at > now {
                self.faults.next[source as usize] = Some(next);
                self.faults.pulled += 1;
                let event = Event::Fault { source };
                self.agenda.schedule(next.at, Class::Outage, source, self.faults.pulled, event);
                break;
            }
            self.befall(next.fault);
        }
        Ok(())
    }

    fn befall(&mut self, fault: Fault) {
        self.faults.log.push(FaultRecord { at: self.agenda.now(), fault });
        match fault {
            Fault::Capacity { pool, zone, nodes } => self.set_capacity(pool, zone, nodes),
            Fault::Price { pool, zone, price } => self.set_price(pool, zone, price),
            Fault::Lose { area, share_ppm } => self.lose_share(area, share_ppm),
            Fault::Block { area, begins } => self.block(area, begins),
            Fault::Unreachable { region, begins } => {
                step(&mut self.faults.unreachable[region as usize], begins);
                if begins {
                    self.darken(region);
                }
            }
            Fault::Node { pool } => self.fail_one(pool),
            Fault::Link { from, to, delay, loss_ppm } => self.map.set_link(from, to, delay, loss_ppm),
        }
    }

    /// Pools of an area, each with the zones of it that lie there.
    fn stock_of(&self, area: Area) -> Vec<(u32, u32)> {
        let pools = (0_u32..).zip(&self.world.pools).filter(|(_, pool)| pool.region == area.region);
        let zones = |(at, pool): (u32, &crate::fleet::PoolConfig)| {
            let there = pool.zones.iter().filter(|&&zone| area.zone.is_none_or(|wanted| wanted == zone));
            there.map(|&zone| (at, zone)).collect::<Vec<_>>()
        };
        pools.flat_map(zones).collect()
    }

    /// The market holds so many nodes from now on.
    fn set_capacity(&mut self, pool: u32, zone: u32, nodes: u32) {
        let stock = &mut self.stock[pool as usize].zones[zone as usize];
        let grows = nodes > stock.capacity;
        stock.capacity = nodes;
        // What is not spot is kept by whoever has it: only new nodes are refused.
        let keeps = self.world.pools[pool as usize].market != Market::Spot;
        let excess = if keeps { 0 } else { stock.nodes.len().saturating_sub(nodes as usize) };
        let newest: Vec<u32> = stock.nodes.iter().rev().take(excess).copied().collect();
        if !newest.is_empty() {
            self.reclaim(&newest);
        }
        self.judge_waiting();
        if grows {
            self.capacity_came();
        }
    }

    /// Nodes may be had that were refused: whoever waits may try again.
    fn capacity_came(&mut self) {
        self.stir_buyers();
        if !self.pending.is_empty() || self.misses_minimum() {
            self.schedule_scan();
        }
        self.retry_orders_soon();
    }

    fn set_price(&mut self, pool: u32, zone: u32, price: PicoUsdPerHour) {
        // What is committed to costs what was agreed.
        let live = self.live_nodes_in(pool, zone).into_iter();
        let nodes: Vec<u32> = live.filter(|&node| !self.nodes[node as usize].committed).collect();
        for &id in &self.replicas_on(&nodes) {
            self.bill_replica(id);
        }
        let rate = self.bill.rate(pool, price);
        for node in nodes {
            self.bill_free_gpus(node);
            self.nodes[node as usize].rate = rate;
        }
        self.stock[pool as usize].zones[zone as usize].rate = rate;
    }

    /// Nodes of a pool in a zone that are not given back, reclaimed ones too.
    fn live_nodes_in(&self, pool: u32, zone: u32) -> Vec<u32> {
        let live = (0..).zip(&self.nodes).filter(|(_, node)| node.life != NodeLife::Gone);
        live.filter(|(_, node)| node.pool == pool && node.zone == zone).map(|(id, _)| id).collect()
    }

    /// Loses a share of each pool's nodes in an area: those with the lowest draws, which belong to the
    /// nodes and this instant.
    fn lose_share(&mut self, area: Area, share_ppm: u32) {
        let mut lost = Vec::new();
        for (pool, zone) in self.stock_of(area) {
            let mut nodes = self.live_nodes_in(pool, zone);
            let count = (nodes.len() as u64 * u64::from(share_ppm)).div_ceil(1_000_000) as usize;
            let key = self.world.seed.key(&format!("lose/{}", self.world.pools[pool as usize].name));
            let at = self.agenda.now().as_ps();
            nodes.sort_by_cached_key(|&node| {
                let ordinal = self.nodes[node as usize].ordinal;
                (keyed(key, u64::from(ordinal), at).random::<u64>(), ordinal)
            });
            nodes.truncate(count);
            lost.extend(nodes);
        }
        lost.sort_unstable();
        self.lose_nodes(&lost);
    }

    fn block(&mut self, area: Area, begins: bool) {
        for (pool, zone) in self.stock_of(area) {
            step(&mut self.stock[pool as usize].zones[zone as usize].blocks, begins);
        }
        self.judge_waiting();
        if !begins {
            self.capacity_came();
        }
    }

    /// One live node of a pool fails.
    fn fail_one(&mut self, pool: u32) {
        let zones = self.world.pools[pool as usize].zones.clone();
        let nodes: Vec<u32> = zones.into_iter().flat_map(|zone| self.live_nodes_in(pool, zone)).collect();
        if nodes.is_empty() {
            return;
        }
        let key = self.world.seed.key(&format!("node-failure/{}", self.world.pools[pool as usize].name));
        let at = keyed(key, self.agenda.now().as_ps(), 0).random_range(0..nodes.len());
        self.lose_nodes(&[nodes[at]]);
    }

    /// Whether requests reach a region.
    pub(super) fn is_reachable(&self, region: u32) -> bool {
        self.faults.unreachable[region as usize] == 0
    }
}

fn step(count: &mut u32, begins: bool) {
    *count = if begins { count.saturating_add(1) } else { count.saturating_sub(1) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_outages_end_with_the_last() {
        let mut blocks = 0;
        for (begins, expected) in [(true, 1), (true, 2), (false, 1), (false, 0), (false, 0)] {
            step(&mut blocks, begins);
            assert_eq!(blocks, expected);
        }
    }
}
