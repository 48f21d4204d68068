//! Runs node autoscalers behind the port: when they look, and which of their actions are applied.
//!
//! The engine itself keeps the minimum of each pool, as a cloud's node group does.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimTime};
use crate::fleet::NodeLife;
use crate::id::{NodeId, PoolId, ZoneId};
use crate::ledger::NodeScalerRecord;
use crate::ports::{NodeDecision, NodeOrder, NodeWake, OpenOrder, OrderAnswer, Patience};

impl Simulation {
    /// The first look, when the run has begun.
    pub(super) fn start_node_scaler(&mut self) {
        if self.nodes.scaler.is_some() {
            self.plan_node_look(SimTime::ZERO);
        }
    }

    fn plan_node_look(&mut self, at: SimTime) {
        let Some(scaler) = &mut self.nodes.scaler else { return };
        let look = scaler.plan_look();
        self.agenda.schedule(at, Class::NodeAutoscaler, Entity::NodeScaler, look, Event::NodeLook);
    }

    /// Wakes the node autoscaler at this instant, once for each reason.
    fn wake_node_scaler(&mut self, wake: NodeWake) {
        let now = self.agenda.now();
        let Some(scaler) = &mut self.nodes.scaler else { return };
        if let Some(look) = scaler.wake(wake) {
            self.agenda.schedule(now, Class::NodeAutoscaler, Entity::NodeScaler, look, Event::NodeLook);
        }
    }

    /// A replica has begun to wait for GPUs.
    pub(super) fn notice_waiting(&mut self) {
        self.wake_node_scaler(NodeWake::Waiting);
    }

    /// The market has announced that it reclaims nodes, and the notice was received.
    pub(super) fn notice_reclaims(&mut self, nodes: &[NodeId]) {
        if let Some(scaler) = &mut self.nodes.scaler
            && !nodes.is_empty()
        {
            scaler.notice(nodes);
            self.wake_node_scaler(NodeWake::Notice);
        }
    }

    /// Capacity may have come back: open orders and missing minimum nodes are tried again.
    pub(super) fn retry_orders_soon(&mut self) {
        let misses = self.fleet.misses_minimum();
        let now = self.agenda.now();
        let Some(scaler) = &mut self.nodes.scaler else { return };
        if (misses || scaler.open().len() > 0)
            && let Some(look) = scaler.plan_retry()
        {
            self.agenda.schedule(now, Class::NodeAutoscaler, Entity::NodeScaler, look, Event::NodeOrders);
        }
    }

    pub(super) fn retry_orders(&mut self) {
        self.refill_pools();
        let Some(scaler) = &mut self.nodes.scaler else { return };
        for (id, order) in scaler.take_open() {
            let granted = self.try_offers(id, &order.offers).is_some();
            if let Some(scaler) = self.nodes.scaler.as_mut().filter(|_| !granted) {
                scaler.keep_open(order);
            }
        }
        self.judge_waiting();
    }

    /// Lets the node autoscaler look, unless a later plan has replaced this one.
    pub(super) fn node_look(&mut self, look: u64) {
        let Some(scaler) = &mut self.nodes.scaler else { return };
        let Some(wake) = scaler.take_reason(look) else { return };
        self.refill_pools();
        let seen = self.view_fleet(wake);
        let Some(scaler) = &mut self.nodes.scaler else { return };
        scaler.record.looks += 1;
        let decision = scaler.policy.decide(&seen);
        if let Some(at) = decision.next_wake {
            // Time must pass between two looks that it planned itself.
            self.plan_node_look(at.max(SimTime::from_ps(seen.now.as_ps() + 1)));
        }
        self.apply_node_decision(decision);
    }

    fn apply_node_decision(&mut self, decision: NodeDecision) {
        for id in decision.cancel {
            let cancelled = self.nodes.scaler.as_mut().is_some_and(|scaler| scaler.cancel(id));
            self.count_action(cancelled, |record| &mut record.cancelled);
        }
        for node in decision.remove.into_iter().map(NodeId::new) {
            let removed = self.may_remove(node);
            if removed {
                self.retire_node(node);
            }
            self.count_action(removed, |record| &mut record.removed);
        }
        for node in decision.uncordon.into_iter().map(NodeId::new) {
            let uncordoned = self.is_live(node) && self.fleet.node(node).reclaimed.is_none();
            if uncordoned {
                self.fleet.node_mut(node).cordoned = false;
                self.fleet.note_room(node, self.agenda.now());
                self.place_pending();
            }
            self.count_action(uncordoned, |record| &mut record.uncordoned);
        }
        for node in decision.cordon.into_iter().map(NodeId::new) {
            let cordoned = self.is_live(node) && self.may_leave(node);
            if cordoned {
                self.fleet.node_mut(node).cordoned = true;
                self.fleet.note_room(node, self.agenda.now());
            }
            self.count_action(cordoned, |record| &mut record.cordoned);
        }
        let drained: Vec<NodeId> = decision.drain.into_iter().map(NodeId::new).collect();
        self.drain_chosen(&drained);
        for order in decision.orders {
            self.take_order(order);
        }
        self.judge_waiting();
    }

    fn count_action(&mut self, granted: bool, of: impl Fn(&mut NodeScalerRecord) -> &mut u64) {
        if let Some(scaler) = &mut self.nodes.scaler {
            let record = &mut scaler.record;
            *(if granted { of(record) } else { &mut record.impossible }) += 1;
        }
    }

    fn is_live(&self, node: NodeId) -> bool {
        self.fleet.nodes().get(node).is_some_and(|node| node.life != NodeLife::Gone)
    }

    /// Whether a live node may leave without taking its pool below the minimum, counting all
    /// cordoned nodes as gone. A reclaimed node leaves anyway.
    fn may_leave(&self, node: NodeId) -> bool {
        let state = self.fleet.node(node);
        if state.reclaimed.is_some() || state.cordoned {
            return true;
        }
        let minimum = self.fleet.pool(state.pool).min_nodes;
        if minimum == 0 {
            return true;
        }
        let stays = self.fleet.live_nodes().filter(|(_, other)| other.pool == state.pool && !other.cordoned);
        stays.count() as u32 > minimum
    }

    fn may_remove(&self, node: NodeId) -> bool {
        self.is_live(node) && self.fleet.node(node).is_empty() && self.may_leave(node)
    }

    fn drain_chosen(&mut self, nodes: &[NodeId]) {
        let (mut taken, mut chosen) = (Vec::new(), Vec::new());
        for &node in nodes {
            let granted = self.is_live(node) && self.may_leave(node);
            self.count_action(granted, |record| &mut record.drained);
            if granted {
                let reclaimed = self.fleet.node(node).reclaimed.is_some();
                (if reclaimed { &mut taken } else { &mut chosen }).push(node);
                // Marked at once, so that the check of the next node counts it as leaving.
                self.fleet.node_mut(node).cordoned = true;
            }
        }
        if !taken.is_empty() {
            self.tell_capacity_policies(&taken);
            self.drain_nodes(&taken, true);
        }
        if !chosen.is_empty() {
            self.drain_nodes(&chosen, false);
        }
    }

    fn take_order(&mut self, order: NodeOrder) {
        let known = |&(pool, zone): &(u32, u32)| {
            self.fleet.pools().get(PoolId::new(pool)).is_some_and(|pool| pool.zones.contains(&zone))
        };
        let valid = !order.offers.is_empty() && order.offers.iter().all(known);
        let Some(scaler) = &mut self.nodes.scaler else { return };
        if !valid || !scaler.take_number(order.id) {
            scaler.record.impossible += 1;
            return;
        }
        scaler.record.orders += 1;
        self.place_order(order);
    }

    /// Tries an order for the first time.
    fn place_order(&mut self, order: NodeOrder) {
        let now = self.agenda.now();
        let granted = self.try_offers(order.id, &order.offers);
        let Some(scaler) = &mut self.nodes.scaler else { return };
        let refused = order.offers[..granted.map_or(order.offers.len(), |(at, _)| at)].to_vec();
        scaler.record.refusals += refused.len() as u64;
        match (order.patience, granted) {
            (Patience::Once, _) => {
                let node = granted.map(|(_, node)| node.get());
                scaler.policy.answered(now, &OrderAnswer { order: order.id, node, refused });
            }
            (Patience::UntilCancelled, None) => {
                scaler.keep_open(OpenOrder { id: order.id, placed: now, offers: order.offers });
            }
            (Patience::UntilCancelled, Some(_)) => {}
        }
    }

    /// Orders a node at the first offer that is granted.
    fn try_offers(&mut self, order: u64, offers: &[(u32, u32)]) -> Option<(usize, NodeId)> {
        let mut places = offers.iter().map(|&(pool, zone)| (PoolId::new(pool), ZoneId::new(zone)));
        let grants = |&(_, (pool, zone)): &(usize, (PoolId, ZoneId))| {
            self.fleet.zone_where(pool, |other| other == zone).is_some()
        };
        let (at, (pool, zone)) = places.by_ref().enumerate().find(grants)?;
        let node = self.order_node(pool, zone);
        if let Some(scaler) = &mut self.nodes.scaler {
            scaler.granted(order, node);
        }
        Some((at, node))
    }
}
