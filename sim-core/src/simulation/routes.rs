//! Requests across regions: which cell takes an attempt, what does not get there, probes, and what
//! is counted by origin.

use super::requests::CANCELLED;
use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime, keyed, number_of, number_of_name};
use crate::fleet::Geography;
use crate::id::{CellId, ClientId, RegionId, RouteId, ServerId, ServiceId, Table};
use crate::journal::Note;
use crate::ledger::{FailBecause, HealthRecord, Parts};
use crate::ports::CellView;
use crate::serving::{Attempt, Cell, Health, NONE, Outcome, Reach, Route, RouteConfig, Served};
use rand::RngExt;

/// Routes and distances.
pub(super) struct World {
    pub(super) geography: Geography,
    routes: Table<RouteId, Route>,
    /// The cells of all routes, in their order.
    cells: Table<CellId, Cell>,
    /// Degraded ways: both regions, what a round trip takes longer, what is lost in millionths.
    links: Vec<(RegionId, RegionId, SimDuration, u32)>,
    /// Reused for each choice.
    views: Vec<CellView>,
    link_key: u64,
}

impl World {
    pub(super) fn new(geography: Geography, link_key: u64) -> Self {
        let (links, views) = (Vec::new(), Vec::new());
        World { geography, routes: Table::default(), cells: Table::default(), links, views, link_key }
    }

    /// A round trip as things are now.
    #[inline]
    fn round_trip(&self, from: RegionId, to: RegionId) -> SimDuration {
        let usual = self.geography.round_trip(from.get(), to.get());
        if self.links.is_empty() { usual } else { usual + self.link(from, to).0 }
    }

    fn link(&self, from: RegionId, to: RegionId) -> (SimDuration, u32) {
        let found = self.links.iter().find(|link| (link.0, link.1) == (from.min(to), from.max(to)));
        found.map_or((SimDuration::ZERO, 0), |link| (link.2, link.3))
    }

    pub(super) fn set_link(&mut self, from: RegionId, to: RegionId, delay: SimDuration, loss_ppm: u32) {
        let ends = (from.min(to), from.max(to));
        self.links.retain(|link| (link.0, link.1) != ends);
        if !delay.is_zero() || loss_ppm > 0 {
            self.links.push((ends.0, ends.1, delay, loss_ppm));
        }
    }
}

impl Simulation {
    /// Adds routes, and what each client may reach of the one it calls, nearest first.
    pub(super) fn add_routes(&mut self, routes: Vec<RouteConfig>) {
        for config in routes {
            let route = RouteId::new(self.network.routes.len() as u32);
            let mut cells = Vec::new();
            for (&service, position) in config.cells.iter().zip(0..) {
                let service = ServiceId::new(service);
                let key = number_of_name(&self.services[service].config.name);
                let region = self.region_of_service(service);
                let cell = Cell { route, position, service, region, key, health: Health::default() };
                cells.push(self.network.cells.push(cell));
            }
            self.network.routes.push(Route::new(config, cells, self.world.seed));
        }
        for client in self.traffic.clients.values_mut() {
            let Some(place) = &client.config.place else { continue };
            let cells = place.route.map_or(&[][..], |route| &self.network.routes[RouteId::new(route)].cells);
            let cells = cells.iter().map(|&id| (id, &self.network.cells[id]));
            let allowed = cells.filter(|(_, cell)| place.allowed.binary_search(&cell.region.get()).is_ok());
            client.reach =
                allowed.map(|(id, cell)| Reach { cell: id, service: cell.service, region: cell.region }).collect();
            let trip = |region: RegionId| self.network.geography.round_trip(place.origin, region.get());
            client.reach.sort_by_key(|reach| (trip(reach.region), reach.cell));
            client.egress_bytes = self.fleet.regions().ids().map(|_| 0).collect();
            client.served = client.reach.iter().map(|_| Served::default()).collect();
        }
    }

    /// The region of a service's first pool.
    fn region_of_service(&self, service: ServiceId) -> RegionId {
        self.first_pool(service).map_or(RegionId::new(0), |pool| self.fleet.region_of_pool(pool))
    }

    /// Plans the first probe of each cell, at an instant of its own within the interval.
    pub(super) fn start_probes(&mut self) {
        for (id, cell) in self.network.cells.iter() {
            let route = &self.network.routes[cell.route].config;
            let Some(health) = route.health else { continue };
            let name = &self.services[cell.service].config.name;
            let mut stream = self.world.seed.stream(&format!("probe/{}/{name}", route.name));
            let phase = stream.random_range(0..health.interval.as_ps().max(1));
            self.agenda.schedule(SimTime::from_ps(phase), Class::Scrape, id, 0, Event::Probe { cell: id });
        }
    }

    pub(super) fn probe(&mut self, id: CellId) {
        let now = self.agenda.now();
        let cell = &mut self.network.cells[id];
        let ready = !self.services[cell.service].rotation.is_empty();
        let Some(config) = self.network.routes[cell.route].config.health else { return };
        let ok = self.faults.reaches(cell.region) && (ready || !config.needs_ready);
        if let Some((at, healthy)) = cell.health.probed(ok, now, &config) {
            let record = HealthRecord { at, route: cell.route.get(), cell: cell.position, healthy };
            self.journal.note(now, Note::Health(record));
        }
        self.agenda.schedule(now + config.interval, Class::Scrape, id, 0, Event::Probe { cell: id });
    }

    /// The service that takes a client's next attempt; `avoid` is that of the attempt before.
    #[inline]
    pub(super) fn choose_service(
        &mut self,
        client: ClientId,
        number: u64,
        user: u32,
        prefix: u32,
        avoid: ServiceId,
    ) -> ServiceId {
        let state = &self.traffic.clients[client];
        match state.config.place.as_ref().and_then(|place| place.route) {
            Some(route) => self.choose_cell(client, RouteId::new(route), number, user, prefix, avoid),
            None => ServiceId::new(state.config.service),
        }
    }

    #[inline(never)]
    fn choose_cell(
        &mut self,
        client: ClientId,
        route: RouteId,
        number: u64,
        user: u32,
        prefix: u32,
        avoid: ServiceId,
    ) -> ServiceId {
        let now = self.agenda.now();
        let state = &self.traffic.clients[client];
        // Each user asks the name service at instants of its own.
        let who = if user == NONE { number } else { u64::from(user) };
        let phase = number_of(state.phase_key, who);
        let affinity = self.traffic.prefixes.get(prefix).hashes.first().copied().unwrap_or(phase);
        let origin = RegionId::new(state.config.place.as_ref().map_or(0, |place| place.origin));
        let table = &self.network.routes[route];
        let at = table.answered_at(now, phase);
        let avoid = if table.config.retries_elsewhere { avoid } else { ServiceId::NONE };
        let mut views = std::mem::take(&mut self.network.views);
        // Healthy and not tried last; if there is none, healthy; if there is none, all: better a slim chance.
        for pass in 0..3 {
            for reach in &state.reach {
                let cell = &self.network.cells[reach.cell];
                let healthy = pass == 2 || cell.health.at(at);
                if healthy && (pass > 0 || reach.service != avoid) {
                    let book = &self.services[reach.service];
                    views.push(CellView {
                        cell: cell.position,
                        key: cell.key,
                        round_trip: self.network.round_trip(origin, reach.region),
                        ready: book.rotation.len(),
                        outstanding: book.presence.count(),
                    });
                }
            }
            if !views.is_empty() {
                break;
            }
        }
        let chosen = self.network.routes[route].choose(&views, affinity);
        let position = views[chosen].cell;
        views.clear();
        self.network.views = views;
        let cell = self.network.routes[route].cells[position as usize];
        let state = &mut self.traffic.clients[client];
        // Each choice is for one attempt.
        if let Some(at) = state.reach.iter().position(|reach| reach.cell == cell) {
            state.served[at].attempts += 1;
        }
        self.network.cells[cell].service
    }

    /// Whether an attempt gets to no replica: its region is dark, or the way loses it. It then ends when
    /// its client gives up to connect.
    #[inline]
    pub(super) fn is_lost_on_the_way(&self, client: ClientId, number: u64, tries: u32, service: ServiceId) -> bool {
        let all_is_well = self.network.links.is_empty() && self.faults.reaches_all();
        !all_is_well && self.is_lost_in_trouble(client, number, tries, service)
    }

    fn is_lost_in_trouble(&self, client: ClientId, number: u64, tries: u32, service: ServiceId) -> bool {
        let Some(place) = &self.traffic.clients[client].config.place else { return false };
        if place.route.is_none() {
            return false;
        }
        let region = self.region_of_service(service);
        if !self.faults.reaches(region) {
            return true;
        }
        let loss_ppm = self.network.link(RegionId::new(place.origin), region).1;
        let key = self.network.link_key ^ self.traffic.clients[client].key;
        let draw = || keyed(key, number, u64::from(tries)).random_range(0..1_000_000);
        loss_ppm > 0 && draw() < loss_ppm
    }

    /// Plans the end of an attempt that got to no replica.
    pub(super) fn give_up_connecting(&mut self, attempt: u32, client: ClientId) {
        let route = self.traffic.clients[client].config.place.as_ref().and_then(|place| place.route);
        let wait = route.map_or(SimDuration::ZERO, |at| self.network.routes[RouteId::new(at)].config.connect_timeout);
        let (at, serial) = (self.agenda.now() + wait, self.traffic.attempts[attempt].serial);
        self.agenda.schedule(at, Class::Delivery, Entity::Nobody, serial, Event::Deliver { attempt });
    }

    /// An attempt that got to no replica ends.
    pub(super) fn unanswered(&mut self, index: u32) {
        let Attempt { request, service, .. } = self.traffic.attempts[index];
        self.free_attempt(index);
        if request < CANCELLED {
            self.try_again(request, Outcome::Failed);
            self.note_failure(request, service, FailBecause::Unreachable);
        }
    }

    /// What the way from a client to a replica adds to an attempt's hop: the whole round trip, so that
    /// what the client sees is right to the end.
    #[inline]
    pub(super) fn distance(&self, attempt: u32, server: ServerId) -> SimDuration {
        let region = RegionId::new(u32::from(self.serving.servers[server].region));
        let Attempt { origin, request, .. } = self.traffic.attempts[attempt];
        let trip = self.network.round_trip(RegionId::new(u32::from(origin)), region);
        if request >= CANCELLED {
            return trip;
        }
        let place = &self.traffic.clients[self.traffic.requests[request].client].config.place;
        trip * u64::from(place.as_ref().map_or(1, |place| place.round_trips))
    }

    /// Whether an attempt's client lets it run where a replica stands; a client without a route says nothing.
    pub(super) fn may_serve(&self, attempt: u32, server: ServerId) -> bool {
        let request = self.traffic.attempts[attempt].request;
        let client = (request < CANCELLED).then(|| &self.traffic.clients[self.traffic.requests[request].client]);
        let place = client.and_then(|client| client.config.place.as_ref());
        let region = self.fleet.region_of(self.serving.servers[server].pod).map_or(0, RegionId::get);
        place.is_none_or(|place| place.route.is_none() || place.allowed.binary_search(&region).is_ok())
    }

    /// A region goes dark: what waits at its gateways is lost.
    pub(super) fn darken(&mut self, region: RegionId) {
        let cells: Vec<ServiceId> = self.network.cells.values().map(|cell| cell.service).collect();
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

    /// A request of a client with a place was served: who, how fast, and what was sent back.
    pub(super) fn record_place(&mut self, attempt: u32, request: u32, parts: &Parts) {
        let (attempt, request) = (&self.traffic.attempts[attempt], &self.traffic.requests[request]);
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
