//! Runs capacity policies: in which zones and markets they buy replicas, and what is refused.
//!
//! Once a period the engine shows the policy its places and prices, tries to get the spot replicas
//! that are missing (each attempt is answered at once), and then adjusts the on-demand replicas.

use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration};
use crate::control::{CapacityControl, SpotPlace};
use crate::fleet::Life;
use crate::id::{DemandId, NodeId, PodId, PoolId, RegionId, ServiceId, UnitId, ZoneId};
use crate::ports::{CapacityPolicy, CapacityView, Maker, PlaceView};
use crate::units::Market;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Simulation {
    /// Starts the capacity policies. Each zone of each spot pool of a service is a place.
    pub(super) fn add_capacity_policies(&mut self) {
        for service in self.services.ids() {
            if let Some(policy) = self.services[service].config.capacity.as_ref().map(Maker::make) {
                self.add_capacity_policy(service, policy);
            }
        }
    }

    fn add_capacity_policy(&mut self, service: ServiceId, policy: Box<dyn CapacityPolicy>) {
        let demand = self.services[service].demand;
        let pools = &self.fleet.demand(demand).pools;
        let (spot, other): (Vec<PoolId>, Vec<PoolId>) =
            pools.iter().partition(|&&at| self.fleet.pool(at).market == Market::Spot);
        let zones_of = |at: PoolId| self.fleet.pool(at).zones.iter().map(move |&zone| (at, ZoneId::new(zone)));
        let zones: Vec<(PoolId, ZoneId)> = spot.into_iter().flat_map(zones_of).collect();
        let demands = self.fleet.demands_mut();
        let places = zones.into_iter().map(|(pool, zone)| {
            let demand = demands.class(demand, vec![pool], Some(zone));
            SpotPlace { pool, zone, demand }
        });
        let places = places.collect();
        let on_demand = (!other.is_empty()).then(|| demands.class(demand, other, None));
        self.services[service].capacity = Some(CapacityControl::new(policy, places, on_demand));
    }

    /// The first look, at the start of the run.
    pub(super) fn start_capacity(&mut self, service: ServiceId) {
        let warm = !self.services[service].config.starts_cold;
        if warm {
            self.buy_capacity(service, true);
        }
        let after = if warm { self.capacity_period(service) } else { SimDuration::ZERO };
        self.plan_capacity_look(service, after);
    }

    fn capacity_period(&self, service: ServiceId) -> SimDuration {
        let control = self.services[service].capacity.as_ref();
        control.map_or(SimDuration::MAX, |control| control.policy.period()).max(SimDuration::from_ms(1))
    }

    fn plan_capacity_look(&mut self, service: ServiceId, after: SimDuration) {
        let Some(control) = &mut self.services[service].capacity else { return };
        let (at, event) = (self.agenda.now() + after, Event::Capacity { service });
        let look = control.plan_look(at);
        // It runs after the controllers, whose register it follows, and after the node autoscaler.
        self.agenda.schedule(at, Class::NodeAutoscaler, Entity::CapacityPolicy(service), look, event);
    }

    pub(super) fn capacity_look(&mut self, service: ServiceId) {
        let Some(control) = &mut self.services[service].capacity else { return };
        let planned = control.look(self.agenda.now());
        self.buy_capacity(service, false);
        if planned {
            self.plan_capacity_look(service, self.capacity_period(service));
        }
    }

    /// Wakes the capacity policy of a service at this instant, if it watches for changes.
    pub(super) fn wake_capacity_policy(&mut self, service: ServiceId) {
        let Some(control) = &mut self.services[service].capacity else { return };
        let Some(look) = control.wake() else { return };
        let (now, event) = (self.agenda.now(), Event::Capacity { service });
        self.agenda.schedule(now, Class::NodeAutoscaler, Entity::CapacityPolicy(service), look, event);
    }

    /// Capacity came back: wakes all capacity policies that watch for changes.
    pub(super) fn wake_capacity_policies(&mut self) {
        for service in self.services.ids() {
            self.wake_capacity_policy(service);
        }
    }

    /// One look: spot replicas first, then on-demand ones. With `ready`, new replicas are ready at
    /// once.
    fn buy_capacity(&mut self, service: ServiceId, ready: bool) {
        let Some(mut control) = self.services[service].capacity.take() else { return };
        let short = [self.buy_spot(service, &mut control, ready), self.buy_on_demand(service, &mut control, ready)];
        self.services[service].capacity = Some(control);
        // A refusal counts as a shortage only if the service has too few replicas without it.
        let book = &self.services[service];
        let active = book.pods.iter().filter(|&&id| self.fleet.pod(id).is_active()).count();
        let refused = short.contains(&true) && (active as u64) < u64::from(book.register.spec());
        self.services[service].waits.set_refused(refused, self.agenda.now());
    }

    /// True if the market refused a replica.
    fn buy_spot(&mut self, service: ServiceId, control: &mut CapacityControl, ready: bool) -> bool {
        let mut seen = self.view_capacity(service, control);
        let (wanted, have) = (control.policy.spot_wanted(&seen), seen.spot());
        if have > wanted {
            let spot: BTreeSet<DemandId> = control.places().iter().map(|place| place.demand).collect();
            self.give_up(service, have - wanted, |demand| spot.contains(&demand));
        }
        let mut short = false;
        for _ in have..wanted {
            let Some(at) = control.policy.next_place(&seen) else { break };
            let Some(place) = control.places().get(at).copied() else { break };
            let granted = self.buy_replica(service, place.demand, ready);
            let book = &mut self.services[service].capacity_record;
            book.attempts += 1;
            book.refused += u64::from(!granted);
            short |= !granted;
            control.policy.answered(at, granted);
            seen.places[at].own += u32::from(granted);
            seen.places[at].ready += u32::from(granted && ready);
        }
        short
    }

    /// True if the market refused a replica.
    fn buy_on_demand(&mut self, service: ServiceId, control: &mut CapacityControl, ready: bool) -> bool {
        let Some(demand) = control.on_demand() else { return false };
        let seen = self.view_capacity(service, control);
        let (wanted, have) = (control.policy.on_demand_wanted(&seen), seen.on_demand);
        self.give_up(service, have.saturating_sub(wanted), |own| own == demand);
        for _ in have..wanted {
            if !self.buy_replica(service, demand, ready) {
                self.services[service].capacity_record.on_demand_refused += 1;
                return true;
            }
        }
        false
    }

    fn view_capacity(&self, service: ServiceId, control: &CapacityControl) -> CapacityView {
        let place = |place: &SpotPlace| {
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
        let mut seen = CapacityView {
            now: self.agenda.now(),
            target: self.services[service].register.spec(),
            places: control.places().iter().map(place).collect(),
            on_demand: 0,
            on_demand_ready: 0,
        };
        for &id in &self.services[service].pods {
            let pod = self.fleet.pod(id);
            if !pod.is_counted() {
                continue;
            }
            let ready = u32::from(pod.life == Life::Ready);
            if let Some(at) = control.place_of(self.fleet.unit(pod.unit).demand) {
                seen.places[at].own += 1;
                seen.places[at].ready += ready;
            } else {
                seen.on_demand += 1;
                seen.on_demand_ready += ready;
            }
        }
        seen
    }

    /// Deletes the newest replicas of the demands that `of` selects.
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

    /// Creates one more replica, if there is room for it or a node is granted.
    fn buy_replica(&mut self, service: ServiceId, demand: DemandId, ready: bool) -> bool {
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

    /// Nodes were lost while they booted: replicas that were to run on them are given up, and their
    /// capacity policy is told.
    pub(super) fn give_up_unbacked(&mut self) {
        for service in self.services.ids() {
            let Some(mut control) = self.services[service].capacity.take() else { continue };
            let demands: Vec<DemandId> =
                control.places().iter().map(|place| place.demand).chain(control.on_demand()).collect();
            for (at, demand) in demands.into_iter().enumerate() {
                if self.give_up_waiting(demand) && at < control.places().len() {
                    control.policy.preempted(at);
                }
            }
            self.services[service].capacity = Some(control);
            self.wake_capacity_policy(service);
        }
    }

    /// Deletes the newest waiting units of a demand until the rest fit; true if there were any.
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

    /// Tells capacity policies that their replicas on these nodes are reclaimed: once for each
    /// place.
    pub(super) fn tell_capacity_policies(&mut self, nodes: &[NodeId]) {
        let mut told = BTreeSet::new();
        for id in self.fleet.pods_on(nodes) {
            let pod = self.fleet.pod(id);
            let service = pod.service();
            let Some(control) = &mut self.services[service].capacity else { continue };
            let place = control.place_of(self.fleet.unit(pod.unit).demand);
            if let Some(at) = place.filter(|&at| pod.is_active() && told.insert((service, at))) {
                control.policy.preempted(at);
            }
        }
    }
}
