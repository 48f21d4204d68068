//! Capacity that a policy buys for one service: where, in which market, and what it was refused.
//!
//! Once a period the engine shows the policy the market, tries as many spot replicas as it misses,
//! each answered at once, and then makes the on-demand replicas as many as it wants.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime};
use crate::fleet::Life;
use crate::id::{DemandId, NodeId, PodId, PoolId, RegionId, ServiceId, UnitId, ZoneId};
use crate::ports::{Maker, MarketView, PlaceView, SpotMix};
use crate::units::Market;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A place where spot capacity may be bought.
#[derive(Clone, Copy, Debug)]
struct Place {
    pool: PoolId,
    zone: ZoneId,
    demand: DemandId,
}

/// A policy that buys a service's capacity.
pub(super) struct Buyer {
    mix: Box<dyn SpotMix>,
    places: Vec<Place>,
    /// The class of what is not spot, if there is any.
    on_demand: Option<DemandId>,
    looks: u64,
    /// When it looks next by its period.
    due: SimTime,
    /// Whether it looks again at this instant.
    stirred: bool,
}

impl Buyer {
    /// The place that a demand is about, if it is one.
    fn place_of(&self, demand: DemandId) -> Option<usize> {
        self.places.iter().position(|place| place.demand == demand)
    }
}

impl Simulation {
    /// Gives services their buyers: each zone of each of a service's spot pools is a place.
    pub(super) fn add_buyers(&mut self) {
        for service in self.services.ids() {
            if let Some(mix) = self.services[service].config.capacity.as_ref().map(Maker::make) {
                self.add_buyer(service, mix);
            }
        }
    }

    fn add_buyer(&mut self, service: ServiceId, mix: Box<dyn SpotMix>) {
        let demand = self.services[service].demand;
        let pools = &self.fleet.demand(demand).pools;
        let (spot, other): (Vec<PoolId>, Vec<PoolId>) =
            pools.iter().partition(|&&at| self.fleet.pool(at).market == Market::Spot);
        let zones_of = |at: PoolId| self.fleet.pool(at).zones.iter().map(move |&zone| (at, ZoneId::new(zone)));
        let zones: Vec<(PoolId, ZoneId)> = spot.into_iter().flat_map(zones_of).collect();
        let demands = self.fleet.demands_mut();
        let places = zones.into_iter().map(|(pool, zone)| {
            let demand = demands.class(demand, vec![pool], Some(zone));
            Place { pool, zone, demand }
        });
        let places = places.collect();
        let on_demand = (!other.is_empty()).then(|| demands.class(demand, other, None));
        let (due, stirred) = (SimTime::ZERO, false);
        self.services[service].buyer = Some(Buyer { mix, places, on_demand, looks: 0, due, stirred });
    }

    /// The first look, at the start of the run.
    pub(super) fn open_market(&mut self, service: ServiceId) {
        let warm = !self.services[service].config.starts_cold;
        if warm {
            self.trade(service, true);
        }
        let after = if warm { self.market_period(service) } else { SimDuration::ZERO };
        self.plan_look(service, after);
    }

    fn market_period(&self, service: ServiceId) -> SimDuration {
        let buyer = self.services[service].buyer.as_ref();
        buyer.map_or(SimDuration::MAX, |buyer| buyer.mix.period()).max(SimDuration::from_ms(1))
    }

    fn plan_look(&mut self, service: ServiceId, after: SimDuration) {
        let Some(buyer) = &mut self.services[service].buyer else { return };
        buyer.looks += 1;
        let (at, event) = (self.agenda.now() + after, Event::Market { service });
        buyer.due = at;
        // After the controllers, whose wishes it serves, and the node autoscaler, which is entity 0.
        self.agenda.schedule(at, Class::NodeAutoscaler, Entity::Buyer(service), buyer.looks, event);
    }

    pub(super) fn look_at_market(&mut self, service: ServiceId) {
        let Some(buyer) = &mut self.services[service].buyer else { return };
        buyer.stirred = false;
        let planned = buyer.due <= self.agenda.now();
        self.trade(service, false);
        if planned {
            self.plan_look(service, self.market_period(service));
        }
    }

    /// Something changed for a service's buyer: one that watches looks at this instant.
    pub(super) fn stir_buyer(&mut self, service: ServiceId) {
        let Some(buyer) = &mut self.services[service].buyer else { return };
        if !buyer.mix.watches() || std::mem::replace(&mut buyer.stirred, true) {
            return;
        }
        buyer.looks += 1;
        let (now, event) = (self.agenda.now(), Event::Market { service });
        self.agenda.schedule(now, Class::NodeAutoscaler, Entity::Buyer(service), buyer.looks, event);
    }

    /// Capacity came back: all buyers that watch look.
    pub(super) fn stir_buyers(&mut self) {
        for service in self.services.ids() {
            self.stir_buyer(service);
        }
    }

    /// One look: spot first, then what stands beside it. With `ready`, what is bought is ready at once.
    fn trade(&mut self, service: ServiceId, ready: bool) {
        let Some(mut buyer) = self.services[service].buyer.take() else { return };
        let short = [self.trade_spot(service, &mut buyer, ready), self.trade_on_demand(service, &mut buyer, ready)];
        self.services[service].buyer = Some(buyer);
        // What it was refused, it misses only if it has not enough without.
        let book = &self.services[service];
        let active = book.pods.iter().filter(|&&id| self.fleet.pod(id).is_active()).count();
        let refused = short.contains(&true) && (active as u64) < u64::from(book.register.spec());
        self.services[service].waits.set_refused(refused, self.agenda.now());
    }

    /// True if something wanted was refused.
    fn trade_spot(&mut self, service: ServiceId, buyer: &mut Buyer, ready: bool) -> bool {
        let mut seen = self.view_market(service, buyer);
        let (wanted, have) = (buyer.mix.spot_wanted(&seen), seen.spot());
        if have > wanted {
            let spot: BTreeSet<DemandId> = buyer.places.iter().map(|place| place.demand).collect();
            self.give_up(service, have - wanted, |demand| spot.contains(&demand));
        }
        let mut short = false;
        for _ in have..wanted {
            let Some(at) = buyer.mix.next_place(&seen) else { break };
            let Some(place) = buyer.places.get(at).copied() else { break };
            let granted = self.buy(service, place.demand, ready);
            let book = &mut self.services[service].market;
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
    fn trade_on_demand(&mut self, service: ServiceId, buyer: &mut Buyer, ready: bool) -> bool {
        let Some(demand) = buyer.on_demand else { return false };
        let seen = self.view_market(service, buyer);
        let (wanted, have) = (buyer.mix.on_demand_wanted(&seen), seen.on_demand);
        self.give_up(service, have.saturating_sub(wanted), |own| own == demand);
        for _ in have..wanted {
            if !self.buy(service, demand, ready) {
                self.services[service].market.on_demand_refused += 1;
                return true;
            }
        }
        false
    }

    fn view_market(&self, service: ServiceId, buyer: &Buyer) -> MarketView {
        let place = |place: &Place| {
            let pool = self.fleet.pool(place.pool);
            let region = self.fleet.region(RegionId::new(pool.region));
            PlaceView {
                region: Arc::clone(&region.name),
                zone: Arc::clone(&region.zones[place.zone.get() as usize]),
                gpu: Arc::clone(&pool.gpu),
                price: self.books.bill().price_of(self.fleet.stock(place.pool).zones[place.zone].rate),
                own: 0,
                ready: 0,
            }
        };
        let mut seen = MarketView {
            now: self.agenda.now(),
            target: self.services[service].register.spec(),
            places: buyer.places.iter().map(place).collect(),
            on_demand: 0,
            on_demand_ready: 0,
        };
        for &id in &self.services[service].pods {
            let pod = self.fleet.pod(id);
            if !pod.is_counted() {
                continue;
            }
            let ready = u32::from(pod.life == Life::Ready);
            if let Some(at) = buyer.place_of(self.fleet.unit(pod.unit).demand) {
                seen.places[at].own += 1;
                seen.places[at].ready += ready;
            } else {
                seen.on_demand += 1;
                seen.on_demand_ready += ready;
            }
        }
        seen
    }

    /// Deletes the newest replicas of some demands.
    fn give_up(&mut self, service: ServiceId, count: u32, of: impl Fn(DemandId) -> bool) {
        let own = |id: &&PodId| {
            let pod = self.fleet.pod(**id);
            pod.is_counted() && of(self.fleet.unit(pod.unit).demand)
        };
        let pods = &self.services[service].pods;
        let newest: Vec<PodId> = pods.iter().rev().filter(own).take(count as usize).copied().collect();
        for id in newest {
            self.delete_replica(id);
        }
    }

    /// One more replica of a demand, if there is room for it or a node is granted.
    fn buy(&mut self, service: ServiceId, demand: DemandId, ready: bool) -> bool {
        if self.services[service].pods.len() as u64 >= u64::from(self.world.limits.replicas) {
            return false;
        }
        if !self.fleet.has_room(demand, 1) {
            let Some((pool, zone)) = self.fleet.pool_to_grow(self.fleet.demand(demand)) else { return false };
            if !ready {
                self.order_node(pool, zone);
            }
        }
        if ready {
            self.create_ready_replica(service, demand);
        } else {
            self.create_replica(service, demand);
        }
        true
    }

    /// Nodes were lost before they were ready: what was bought with them will never come, so it is given
    /// up, and its buyer is told.
    pub(super) fn give_up_unbacked(&mut self) {
        for service in self.services.ids() {
            let Some(mut buyer) = self.services[service].buyer.take() else { continue };
            let demands: Vec<DemandId> = buyer.places.iter().map(|place| place.demand).chain(buyer.on_demand).collect();
            for (at, demand) in demands.into_iter().enumerate() {
                if self.give_up_waiting(demand) && at < buyer.places.len() {
                    buyer.mix.preempted(at);
                }
            }
            self.services[service].buyer = Some(buyer);
            self.stir_buyer(service);
        }
    }

    /// Deletes the newest units of a demand that wait for more room than there is; whether there were any.
    fn give_up_waiting(&mut self, demand: DemandId) -> bool {
        let own = |unit: &&UnitId| self.fleet.unit(**unit).demand == demand;
        let waiting: Vec<UnitId> = self.fleet.pending().iter().rev().filter(own).copied().collect();
        let mut lost = false;
        for unit in waiting {
            if self.fleet.has_room(demand, 0) {
                break;
            }
            let leader = self.fleet.unit(unit).leader();
            self.count_preempted(leader);
            self.delete_replica(leader);
            lost = true;
        }
        lost
    }

    /// Tells policies that replicas of theirs on those nodes are reclaimed: once for each place.
    pub(super) fn tell_buyers(&mut self, nodes: &[NodeId]) {
        let mut told = BTreeSet::new();
        for id in self.fleet.pods_on(nodes) {
            let pod = self.fleet.pod(id);
            let service = pod.service();
            let Some(buyer) = &mut self.services[service].buyer else { continue };
            let place = buyer.place_of(self.fleet.unit(pod.unit).demand);
            if let Some(at) = place.filter(|&at| pod.is_active() && told.insert((service, at))) {
                buyer.mix.preempted(at);
            }
        }
    }
}
