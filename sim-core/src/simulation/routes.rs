//! Requests across regions: which cell takes an attempt, which attempts are lost on the way,
//! probes, and what is counted by origin.

use super::requests::CANCELLED;
use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime, keyed, number_of, number_of_name};
use crate::id::{AttemptSlot, CellId, ClientId, PrefixSlot, RegionId, RouteId, ServerId, ServiceId};
use crate::journal::Note;
use crate::ledger::{FailBecause, Parts};
use crate::network::{Ask, RouteConfig};
use crate::traffic::{Attempt, NONE, Outcome, Request, Served};
use rand::RngExt;

impl Simulation {
    /// Adds the routes, and for each client the cells that it may reach, nearest first.
    pub(super) fn add_routes(&mut self, routes: Vec<RouteConfig>) {
        for config in routes {
            let place = |&service: &u32| {
                let service = ServiceId::new(service);
                let key = number_of_name(&self.services[service].config.name);
                (service, self.region_of_service(service), key)
            };
            let places: Vec<_> = config.cells.iter().map(place).collect();
            self.network.add_route(config, &places, self.world.seed);
        }
        for client in self.traffic.clients.values_mut() {
            let Some(place) = &client.config.place else { continue };
            client.reach = self.network.reach(place);
            client.egress_bytes = self.fleet.regions().ids().map(|_| 0).collect();
            client.served = client.reach.iter().map(|_| Served::default()).collect();
        }
    }

    /// The region of a service's first pool.
    fn region_of_service(&self, service: ServiceId) -> RegionId {
        self.first_pool(service).map_or(RegionId::new(0), |pool| self.fleet.region_of_pool(pool))
    }

    /// Plans the first probe of each cell, at its own random instant within the interval.
    pub(super) fn start_probes(&mut self) {
        for (id, cell, route) in self.network.cells() {
            let Some(health) = route.health else { continue };
            let name = &self.services[cell.service].config.name;
            let mut stream = self.world.seed.stream(&format!("probe/{}/{name}", route.name));
            let phase = stream.random_range(0..health.interval.as_ps().max(1));
            self.agenda.schedule(SimTime::from_ps(phase), Class::Scrape, id, 0, Event::Probe { cell: id });
        }
    }

    pub(super) fn probe(&mut self, id: CellId) {
        let now = self.agenda.now();
        let (cell, route) = self.network.cell(id);
        let Some(config) = route.health else { return };
        let ready = !self.services[cell.service].rotation.is_empty();
        let ok = self.faults.reaches(cell.region) && (ready || !config.needs_ready);
        if let Some(record) = self.network.probed(id, ok, now, &config) {
            self.journal.note(now, Note::Health(record));
        }
        self.agenda.schedule(now + config.interval, Class::Scrape, id, 0, Event::Probe { cell: id });
    }

    /// Chooses the service for a client's next attempt; `avoid` is the service of the attempt
    /// before.
    #[inline]
    pub(super) fn choose_service(
        &mut self,
        client: ClientId,
        number: u64,
        user: u32,
        prefix: PrefixSlot,
        avoid: ServiceId,
    ) -> ServiceId {
        let sender = &self.traffic.clients[client];
        match sender.route() {
            Some(route) => self.choose_cell(client, route, number, user, prefix, avoid),
            None => ServiceId::new(sender.config.service),
        }
    }

    #[inline(never)]
    pub(super) fn choose_cell(
        &mut self,
        client: ClientId,
        route: RouteId,
        number: u64,
        user: u32,
        prefix: PrefixSlot,
        avoid: ServiceId,
    ) -> ServiceId {
        let state = &mut self.traffic.clients[client];
        // Each user renews its DNS answer at its own instants.
        let who = if user == NONE { number } else { u64::from(user) };
        let phase = number_of(state.phase_key, who);
        let affinity = self.traffic.prefixes.get(prefix).hashes.first().copied().unwrap_or(phase);
        let origin = RegionId::new(state.config.place.as_ref().map_or(0, |place| place.origin));
        let ask = Ask { route, now: self.agenda.now(), phase, affinity, avoid, origin };
        let load = |service: ServiceId| {
            let book = &self.services[service];
            [book.rotation.len(), book.presence.count()]
        };
        let (id, cell) = self.network.choose(ask, &state.reach, load);
        // A cell is chosen once for each attempt.
        if let Some(at) = state.reach.iter().position(|reach| reach.cell == id) {
            state.served[at].attempts += 1;
        }
        cell.service
    }

    /// Whether an attempt reaches no replica: its region is cut off, or the link loses it. The
    /// attempt then ends at the client's connect timeout.
    #[inline]
    pub(super) fn is_lost_on_the_way(&self, client: ClientId, number: u64, tries: u32, service: ServiceId) -> bool {
        let all_is_well = self.network.is_calm() && self.faults.reaches_all();
        !all_is_well && self.is_lost_to_faults(client, number, tries, service)
    }

    fn is_lost_to_faults(&self, client: ClientId, number: u64, tries: u32, service: ServiceId) -> bool {
        let Some(place) = &self.traffic.clients[client].config.place else { return false };
        if place.route.is_none() {
            return false;
        }
        let region = self.region_of_service(service);
        if !self.faults.reaches(region) {
            return true;
        }
        let (loss_ppm, key) = self.network.loss(RegionId::new(place.origin), region);
        let key = key ^ self.traffic.clients[client].key;
        let draw = || keyed(key, number, u64::from(tries)).random_range(0..1_000_000);
        loss_ppm > 0 && draw() < loss_ppm
    }

    /// Plans the end of an attempt that reached no replica.
    pub(super) fn give_up_connecting(&mut self, attempt: AttemptSlot, client: ClientId) {
        let route = self.traffic.clients[client].config.place.as_ref().and_then(|place| place.route);
        let wait = route.map_or(SimDuration::ZERO, |at| self.network.connect_timeout(RouteId::new(at)));
        let (at, serial) = (self.agenda.now() + wait, self.traffic.attempts[attempt].serial);
        self.agenda.schedule(at, Class::Delivery, Entity::Nobody, serial, Event::Deliver { attempt });
    }

    /// Ends an attempt that reached no replica.
    pub(super) fn unanswered(&mut self, index: AttemptSlot) {
        let Attempt { request, service, .. } = self.traffic.attempts[index];
        self.free_attempt(index, service);
        if request < CANCELLED {
            self.try_again(request, Outcome::Failed);
            self.note_failure(request, service, FailBecause::Unreachable);
        }
    }

    /// The whole round trip between a client and a replica, which is added to the attempt's hop.
    /// Adding it all at the start makes the latency that the client sees right.
    #[inline]
    pub(super) fn distance(&self, attempt: AttemptSlot, server: ServerId) -> SimDuration {
        let region = RegionId::new(u32::from(self.serving.servers[server].region));
        let Attempt { origin, request, .. } = self.traffic.attempts[attempt];
        let trip = self.network.round_trip(RegionId::new(u32::from(origin)), region);
        if request >= CANCELLED {
            return trip;
        }
        let place = &self.traffic.clients[self.traffic.requests[request].client].config.place;
        trip * u64::from(place.as_ref().map_or(1, |place| place.round_trips))
    }

    /// Whether an attempt's client allows the region of a replica; without a route, a client allows
    /// all.
    pub(super) fn may_serve(&self, attempt: AttemptSlot, server: ServerId) -> bool {
        let request = self.traffic.attempts[attempt].request;
        let client = (request < CANCELLED).then(|| &self.traffic.clients[self.traffic.requests[request].client]);
        let place = client.and_then(|client| client.config.place.as_ref());
        let region = self.fleet.region_of(self.serving.servers[server].pod).map_or(0, RegionId::get);
        place.is_none_or(|place| place.route.is_none() || place.allowed.binary_search(&region).is_ok())
    }

    /// A region is cut off: attempts that wait at its gateways are lost.
    pub(super) fn darken(&mut self, region: RegionId) {
        let cells: Vec<ServiceId> = self.network.cells().map(|(_, cell, _)| cell.service).collect();
        for service in cells {
            if self.region_of_service(service) != region {
                continue;
            }
            let broker = self.services[service].feed.broker();
            while let Some(index) = self.brokers[broker].pull(&mut self.traffic.attempts) {
                self.unanswered(index);
            }
        }
    }

    /// Counts a served request of a client with a place: which cell served it, how fast, and the
    /// bytes sent back.
    pub(super) fn record_place(&mut self, attempt: &Attempt, request: &Request, parts: &Parts) {
        let region = RegionId::new(u32::from(self.serving.servers.at(attempt.server).region));
        let measured = request.arrived >= self.world.warmup;
        let state = &mut self.traffic.clients[request.client];
        let Some(place) = &state.config.place else { return };
        let [fixed, per_token] = place.response_bytes;
        let bytes = fixed + per_token * u64::from(request.output_tokens);
        state.egress_bytes[region] += bytes;
        if let Some(served) = state.served_by(attempt.service) {
            served.completed += 1;
            if measured {
                served.e2e.record(parts.e2e.as_us());
                served.e2e_sum_us += u128::from(parts.e2e.as_us());
                if let Some(ttft) = parts.ttft {
                    served.ttft.record(ttft.as_us());
                }
            }
        }
    }
}
