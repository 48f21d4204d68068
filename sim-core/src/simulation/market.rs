//! Capacity that a policy buys for one service: where, in which market, and what it was refused.
//!
//! Once a period the engine shows the policy the market, tries as many spot replicas as it misses,
//! each answered at once, and then makes the on-demand replicas as many as it wants.

use super::wishes::CapacityClass;
use super::{Event, Simulation};
use crate::clock::{Class, SimDuration, SimTime};
use crate::fleet::{Life, PoolConfig};
use crate::ports::{MarketView, PlaceView, SpotMix};
use crate::units::Market;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A place where spot capacity may be bought.
#[derive(Clone, Copy, Debug)]
struct Place {
    pool: u32,
    zone: u32,
    class: u32,
}

/// A policy that buys a service's capacity.
pub(super) struct Buyer {
    mix: Box<dyn SpotMix>,
    places: Vec<Place>,
    /// The class of what is not spot, if there is any.
    on_demand: Option<u32>,
    looks: u64,
    /// When it looks next by its period.
    due: SimTime,
    /// Whether it looks again at this instant.
    stirred: bool,
}

impl Simulation {
    /// Gives a service its buyer: each zone of each of its spot pools is a place.
    pub(super) fn add_buyer(&mut self, service: u32, mix: Box<dyn SpotMix>) {
        let pools = self.services[service as usize].state.config.pools.clone();
        let pool = |at: u32| -> &PoolConfig { &self.world.pools[at as usize] };
        let spot: Vec<u32> = pools.iter().copied().filter(|&at| pool(at).market == Market::Spot).collect();
        let other: Vec<u32> = pools.into_iter().filter(|&at| pool(at).market != Market::Spot).collect();
        let zones: Vec<(u32, u32)> =
            spot.into_iter().flat_map(|at| pool(at).zones.iter().map(move |&zone| (at, zone))).collect();
        let places = zones.into_iter().map(|(pool, zone)| {
            let class = self.class_index(CapacityClass { pools: vec![pool], zone: Some(zone) });
            Place { pool, zone, class }
        });
        let places = places.collect();
        let on_demand = (!other.is_empty()).then(|| self.class_index(CapacityClass { pools: other, zone: None }));
        let (due, stirred) = (SimTime::ZERO, false);
        self.services[service as usize].buyer = Some(Buyer { mix, places, on_demand, looks: 0, due, stirred });
    }

    /// The first look, at the start of the run.
    pub(super) fn open_market(&mut self, service: u32) {
        let warm = !self.services[service as usize].state.config.starts_cold;
        if warm {
            self.trade(service, true);
        }
        let after = if warm { self.market_period(service) } else { SimDuration::ZERO };
        self.plan_look(service, after);
    }

    fn market_period(&self, service: u32) -> SimDuration {
        let buyer = self.services[service as usize].buyer.as_ref();
        buyer.map_or(SimDuration::MAX, |buyer| buyer.mix.period()).max(SimDuration::from_ms(1))
    }

    fn plan_look(&mut self, service: u32, after: SimDuration) {
        let Some(buyer) = &mut self.services[service as usize].buyer else { return };
        buyer.looks += 1;
        let (at, event) = (self.agenda.now() + after, Event::Market { service });
        buyer.due = at;
        // After the controllers, whose wishes it serves, and the node autoscaler, which is entity 0.
        self.agenda.schedule(at, Class::NodeAutoscaler, service + 1, buyer.looks, event);
    }

    pub(super) fn look_at_market(&mut self, service: u32) {
        let Some(buyer) = &mut self.services[service as usize].buyer else { return };
        buyer.stirred = false;
        let planned = buyer.due <= self.agenda.now();
        self.trade(service, false);
        if planned {
            self.plan_look(service, self.market_period(service));
        }
    }

    /// Something changed for a service's buyer: one that watches looks at this instant.
    pub(super) fn stir_buyer(&mut self, service: u32) {
        let Some(buyer) = &mut self.services[service as usize].buyer else { return };
        if !buyer.mix.watches() || std::mem::replace(&mut buyer.stirred, true) {
            return;
        }
        buyer.looks += 1;
        let (now, event) = (self.agenda.now(), Event::Market { service });
        self.agenda.schedule(now, Class::NodeAutoscaler, service + 1, buyer.looks, event);
    }

    /// Capacity came back: all buyers that watch look.
    pub(super) fn stir_buyers(&mut self) {
        for service in 0..self.services.len() as u32 {
            self.stir_buyer(service);
        }
    }

    /// One look: spot first, then what stands beside it. With `ready`, what is bought is ready at once.
    fn trade(&mut self, service: u32, ready: bool) {
        let Some(mut buyer) = self.services[service as usize].buyer.take() else { return };
        let short = [self.trade_spot(service, &mut buyer, ready), self.trade_on_demand(service, &mut buyer, ready)];
        self.services[service as usize].buyer = Some(buyer);
        // What it was refused, it misses only if it has not enough without.
        let book = &self.services[service as usize];
        let active = book.state.replicas.iter().filter(|&&id| self.replicas[id as usize].is_active()).count();
        let refused = short.contains(&true) && (active as u64) < u64::from(book.state.spec);
        self.services[service as usize].state.waits.set_refused(refused, self.agenda.now());
    }

    /// True if something wanted was refused.
    fn trade_spot(&mut self, service: u32, buyer: &mut Buyer, ready: bool) -> bool {
        let mut seen = self.view_market(service, buyer);
        let (wanted, have) = (buyer.mix.spot_wanted(&seen), seen.spot());
        if have > wanted {
            let classes: BTreeSet<u32> = buyer.places.iter().map(|place| place.class).collect();
            self.give_up(service, have - wanted, |class| classes.contains(&class));
        }
        let mut short = false;
        for _ in have..wanted {
            let Some(at) = buyer.mix.next_place(&seen) else { break };
            let Some(place) = buyer.places.get(at).copied() else { break };
            let granted = self.buy(service, place.class, ready);
            let book = &mut self.services[service as usize].market;
            book.attempts += 1;
            book.refused += u64::from(!granted);
            short |= !granted;
            buyer.mix.answered(at, granted);
            seen.places[at].own += u32::from(granted);
            seen.places[at].ready += u32::from(granted && ready);
        }
        short
    }

    /// True if something wanted was refused.
    fn trade_on_demand(&mut self, service: u32, buyer: &mut Buyer, ready: bool) -> bool {
        let Some(class) = buyer.on_demand else { return false };
        let seen = self.view_market(service, buyer);
        let (wanted, have) = (buyer.mix.on_demand_wanted(&seen), seen.on_demand);
        self.give_up(service, have.saturating_sub(wanted), |own| own == class);
        for _ in have..wanted {
            if !self.buy(service, class, ready) {
                self.services[service as usize].market.on_demand_refused += 1;
                return true;
            }
        }
        false
    }

    fn view_market(&self, service: u32, buyer: &Buyer) -> MarketView {
        let place = |place: &Place| {
            let pool = &self.world.pools[place.pool as usize];
            let region = &self.world.regions[pool.region as usize];
            PlaceView {
                region: Arc::clone(&region.name),
                zone: Arc::clone(&region.zones[place.zone as usize]),
                gpu: Arc::clone(&pool.gpu),
                price: self.bill.price_of(self.stock[place.pool as usize].zones[place.zone as usize].rate),
                own: 0,
                ready: 0,
            }
        };
        let mut seen = MarketView {
            now: self.agenda.now(),
            target: self.services[service as usize].state.spec,
            places: buyer.places.iter().map(place).collect(),
            on_demand: 0,
            on_demand_ready: 0,
        };
        for &id in &self.services[service as usize].state.replicas {
            let replica = &self.replicas[id as usize];
            if !replica.is_active() || replica.job {
                continue;
            }
            let ready = u32::from(replica.life == Life::Ready);
            if let Some(at) = buyer.places.iter().position(|place| replica.class == Some(place.class)) {
                seen.places[at].own += 1;
                seen.places[at].ready += ready;
            } else {
                seen.on_demand += 1;
                seen.on_demand_ready += ready;
            }
        }
        seen
    }

    /// Deletes the newest replicas of some classes.
    fn give_up(&mut self, service: u32, count: u32, of: impl Fn(u32) -> bool) {
        let own = |id: &&u32| {
            let replica = &self.replicas[**id as usize];
            replica.is_active() && !replica.job && replica.class.is_some_and(&of)
        };
        let replicas = &self.services[service as usize].state.replicas;
        let newest: Vec<u32> = replicas.iter().rev().filter(own).take(count as usize).copied().collect();
        for id in newest {
            self.delete_replica(id);
        }
    }

    /// One more replica of a class, if there is room for it or a node is granted.
    fn buy(&mut self, service: u32, class: u32, ready: bool) -> bool {
        if self.services[service as usize].state.replicas.len() as u64 >= u64::from(self.world.limits.replicas) {
            return false;
        }
        if !self.has_room(service, class, 1) {
            let Some((pool, zone)) = self.offer(service, class) else { return false };
            if !ready {
                self.order_node(pool, zone);
            }
        }
        if ready {
            self.create_ready_replica(service, Some(class));
        } else {
            self.create_replica(service, Some(class));
        }
        true
    }

    /// Whether ready and booting nodes hold so many more replicas of a class than those that wait for them.
    fn has_room(&self, service: u32, class: u32, more: u32) -> bool {
        let occupant = self.occupant(service);
        let mut groups = 0;
        for &pool in &self.classes[class as usize].pools {
            if !self.fits_empty_node(service, pool) {
                continue;
            }
            let stock = &self.stock[pool as usize];
            for &node in stock.open.iter().chain(&stock.booting) {
                let node = &self.nodes[node as usize];
                if !node.cordoned && self.classes[class as usize].allows(node.pool, node.zone) {
                    groups += node.free.count_ones() / occupant.gpus_per_group.max(1);
                }
            }
        }
        let waits = self.pending.iter().filter(|&&id| self.replicas[id as usize].class == Some(class)).count() as u32;
        groups >= occupant.groups.saturating_mul(waits + more)
    }

    /// The first pool and zone of a class that grant a node which helps.
    fn offer(&self, service: u32, class: u32) -> Option<(u32, u32)> {
        let CapacityClass { pools, zone } = &self.classes[class as usize];
        let offers = pools.iter().filter(|&&pool| self.fits_empty_node(service, pool));
        let mut granted = offers.filter_map(|&pool| Some((pool, self.zone_in(pool, *zone)?)));
        granted.next()
    }

    /// Nodes were lost before they were ready: what was bought with them will never come, so it is given
    /// up, and its buyer is told.
    pub(super) fn give_up_unbacked(&mut self) {
        for service in 0..self.services.len() as u32 {
            let Some(mut buyer) = self.services[service as usize].buyer.take() else { continue };
            let classes: Vec<u32> = buyer.places.iter().map(|place| place.class).chain(buyer.on_demand).collect();
            for (at, class) in classes.into_iter().enumerate() {
                let own = |id: &&u32| {
                    let replica = &self.replicas[**id as usize];
                    replica.service == service && replica.class == Some(class)
                };
                let waiting: Vec<u32> = self.pending.iter().rev().filter(own).copied().collect();
                let mut lost = 0;
                for id in waiting {
                    if self.has_room(service, class, 0) {
                        break;
                    }
                    self.count_preempted(id);
                    self.delete_replica(id);
                    lost += 1;
                }
                if lost > 0 && at < buyer.places.len() {
                    buyer.mix.preempted(at);
                }
            }
            self.services[service as usize].buyer = Some(buyer);
            self.stir_buyer(service);
        }
    }

    /// Tells policies that replicas of theirs on those nodes are reclaimed: once for each place.
    pub(super) fn tell_buyers(&mut self, nodes: &[u32]) {
        if nodes.is_empty() {
            return;
        }
        let mut told = BTreeSet::new();
        for id in self.replicas_on(nodes) {
            let replica = &self.replicas[id as usize];
            let Some(buyer) = &mut self.services[replica.service as usize].buyer else { continue };
            let place = buyer.places.iter().position(|place| replica.class == Some(place.class));
            if let Some(at) = place.filter(|&at| replica.is_active() && told.insert((replica.service, at))) {
                buyer.mix.preempted(at);
            }
        }
    }
}
