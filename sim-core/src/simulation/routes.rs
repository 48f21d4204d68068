//! Requests across regions: which cell takes an attempt, what does not get there, probes, and what
//! is counted by origin.

use super::requests::CANCELLED;
use super::{Event, Simulation};
use crate::clock::{Class, SimDuration, SimTime, keyed, number_of, number_of_name};
use crate::fleet::Geography;
use crate::ledger::{FailBecause, HealthRecord, Parts};
use crate::ports::CellView;
use crate::serving::{Attempt, NONE, Outcome, Reach, Request, Route, RouteConfig, Served};
use rand::RngExt;

/// Routes and distances.
pub(super) struct World {
    pub(super) geography: Geography,
    pub(super) routes: Vec<Route>,
    pub(super) health: Vec<HealthRecord>,
    /// Degraded ways: both regions, what a round trip takes longer, what is lost in millionths.
    links: Vec<(u32, u32, SimDuration, u32)>,
    /// Reused for each choice.
    views: Vec<CellView>,
    link_key: u64,
}

impl World {
    pub(super) fn new(geography: Geography, link_key: u64) -> Self {
        let (routes, health, links, views) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        World { geography, routes, health, links, views, link_key }
    }

    /// A round trip as things are now.
    #[inline]
    fn round_trip(&self, from: u32, to: u32) -> SimDuration {
        let usual = self.geography.round_trip(from, to);
        if self.links.is_empty() { usual } else { usual + self.link(from, to).0 }
    }

    fn link(&self, from: u32, to: u32) -> (SimDuration, u32) {
        let found = self.links.iter().find(|link| (link.0, link.1) == (from.min(to), from.max(to)));
        found.map_or((SimDuration::ZERO, 0), |link| (link.2, link.3))
    }

    pub(super) fn set_link(&mut self, from: u32, to: u32, delay: SimDuration, loss_ppm: u32) {
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
            let name = |cell: u32| &self.services[cell as usize].state.config.name;
            let cell = |&cell: &u32| (self.region_of_service(cell), number_of_name(name(cell)));
            let places: Vec<(u32, u64)> = config.cells.iter().map(cell).collect();
            self.map.routes.push(Route::new(config, &places, self.world.seed));
        }
        for client in &mut self.clients {
            let Some(place) = &client.config.place else { continue };
            let cells = place.route.map_or(&[][..], |route| &self.map.routes[route as usize].cells);
            let allowed = cells.iter().zip(0..).filter(|(cell, _)| place.allowed.binary_search(&cell.region).is_ok());
            client.reach = allowed
                .map(|(cell, position)| Reach { cell: position, service: cell.service, region: cell.region })
                .collect();
            client.reach.sort_by_key(|reach| (self.map.geography.round_trip(place.origin, reach.region), reach.cell));
            client.egress_bytes = vec![0; self.world.regions.len()];
            client.served = client.reach.iter().map(|_| Served::default()).collect();
        }
    }

    /// The region of a service's first pool.
    fn region_of_service(&self, service: u32) -> u32 {
        let pool = self.services[service as usize].state.config.pools.first();
        pool.map_or(0, |&pool| self.world.pools[pool as usize].region)
    }

    /// Plans the first probe of each cell, at an instant of its own within the interval.
    pub(super) fn start_probes(&mut self) {
        for (route, at) in self.map.routes.iter().zip(0_u16..) {
            let Some(health) = route.config.health else { continue };
            for (state, cell) in route.cells.iter().zip(0_u16..) {
                let name = &self.services[state.service as usize].state.config.name;
                let mut stream = self.world.seed.stream(&format!("probe/{}/{name}", route.config.name));
                let phase = stream.random_range(0..health.interval.as_ps().max(1));
                let (at_time, event) = (SimTime::from_ps(phase), Event::Probe { route: at, cell });
                self.agenda.schedule(at_time, Class::Scrape, probe_entity(at, cell), 0, event);
            }
        }
    }

    pub(super) fn probe(&mut self, route: u16, cell: u16) {
        let now = self.agenda.now();
        let state = &self.map.routes[usize::from(route)].cells[usize::from(cell)];
        let (service, reachable) = (state.service, self.faults.unreachable[state.region as usize] == 0);
        let ready = !self.services[service as usize].state.ready.is_empty();
        let route_state = &mut self.map.routes[usize::from(route)];
        let Some(config) = route_state.config.health else { return };
        let ok = reachable && (ready || !config.needs_ready);
        if let Some((at, healthy)) = route_state.cells[usize::from(cell)].health.probed(ok, now, &config) {
            let (route, cell) = (u32::from(route), u32::from(cell));
            self.map.health.push(HealthRecord { at, route, cell, healthy });
        }
        let (next, event) = (now + config.interval, Event::Probe { route, cell });
        self.agenda.schedule(next, Class::Scrape, probe_entity(route, cell), 0, event);
    }

    /// The service that takes a client's next attempt; `avoid` is that of the attempt before.
    #[inline]
    pub(super) fn choose_service(&mut self, client: u32, number: u64, user: u32, prefix: u32, avoid: u32) -> u32 {
        let state = &self.clients[client as usize];
        match state.config.place.as_ref().and_then(|place| place.route) {
            Some(route) => self.choose_cell(client, route, number, user, prefix, avoid),
            None => state.config.service,
        }
    }

    fn choose_cell(&mut self, client: u32, route: u32, number: u64, user: u32, prefix: u32, avoid: u32) -> u32 {
        let now = self.agenda.now();
        let state = &self.clients[client as usize];
        // Each user asks the name service at instants of its own.
        let who = if user == NONE { number } else { u64::from(user) };
        let phase = number_of(state.phase_key, who);
        let affinity = self.prefixes.get(prefix).hashes.first().copied().unwrap_or(phase);
        let origin = state.config.place.as_ref().map_or(0, |place| place.origin);
        let table = &self.map.routes[route as usize];
        let at = table.answered_at(now, phase);
        let avoid = if table.config.retries_elsewhere { avoid } else { NONE };
        let mut views = std::mem::take(&mut self.map.views);
        // Healthy and not tried last; if there is none, healthy; if there is none, all: better a slim chance.
        for pass in 0..3 {
            for reach in &state.reach {
                let healthy = pass == 2 || table.cells[reach.cell as usize].health.at(at);
                if healthy && (pass > 0 || reach.service != avoid) {
                    let book = &self.services[reach.service as usize];
                    views.push(CellView {
                        cell: reach.cell,
                        key: table.cells[reach.cell as usize].key,
                        round_trip: self.map.round_trip(origin, reach.region),
                        ready: book.state.ready.len() as u32,
                        outstanding: book.in_flight,
                    });
                }
            }
            if !views.is_empty() {
                break;
            }
        }
        let chosen = self.map.routes[route as usize].choose(&views, affinity);
        let cell = views[chosen].cell;
        views.clear();
        self.map.views = views;
        let state = &mut self.clients[client as usize];
        // Each choice is for one attempt.
        if let Some(at) = state.reach.iter().position(|reach| reach.cell == cell) {
            state.served[at].attempts += 1;
        }
        self.map.routes[route as usize].cells[cell as usize].service
    }

    /// Whether an attempt gets to no replica: its region is dark, or the way loses it. It then ends when
    /// its client gives up to connect.
    #[inline]
    pub(super) fn is_lost_on_the_way(&self, client: u32, number: u64, tries: u32, service: u32) -> bool {
        let all_is_well = self.map.links.is_empty() && self.faults.unreachable.iter().all(|count| *count == 0);
        !all_is_well && self.is_lost_in_trouble(client, number, tries, service)
    }

    fn is_lost_in_trouble(&self, client: u32, number: u64, tries: u32, service: u32) -> bool {
        let Some(place) = &self.clients[client as usize].config.place else { return false };
        if place.route.is_none() {
            return false;
        }
        let region = self.region_of_service(service);
        if !self.is_reachable(region) {
            return true;
        }
        let loss_ppm = self.map.link(place.origin, region).1;
        let key = self.map.link_key ^ self.clients[client as usize].key;
        let draw = || keyed(key, number, u64::from(tries)).random_range(0..1_000_000);
        loss_ppm > 0 && draw() < loss_ppm
    }

    /// Plans the end of an attempt that got to no replica.
    pub(super) fn give_up_connecting(&mut self, attempt: u32, client: u32) {
        let route = self.clients[client as usize].config.place.as_ref().and_then(|place| place.route);
        let wait = route.map_or(SimDuration::ZERO, |at| self.map.routes[at as usize].config.connect_timeout);
        let (at, serial) = (self.agenda.now() + wait, self.attempts[attempt].serial);
        self.agenda.schedule(at, Class::Delivery, NONE, serial, Event::Deliver { attempt });
    }

    /// An attempt that got to no replica ends.
    pub(super) fn unanswered(&mut self, index: u32) {
        let Attempt { request, service, .. } = self.attempts[index];
        self.free_attempt(index);
        if request < CANCELLED {
            self.try_again(request, Outcome::Failed);
            self.note_failure(request, service, FailBecause::Unreachable);
        }
    }

    /// What the way from a client to a replica adds to an attempt's hop: the whole round trip, so that
    /// what the client sees is right to the end.
    #[inline]
    pub(super) fn distance(&self, attempt: u32, replica: u32) -> SimDuration {
        let (region, Attempt { origin, request, .. }) =
            (u32::from(self.servers[replica as usize].region), self.attempts[attempt]);
        let trip = self.map.round_trip(u32::from(origin), region);
        if request >= CANCELLED {
            return trip;
        }
        let place = &self.clients[self.requests[request].client as usize].config.place;
        trip * u64::from(place.as_ref().map_or(1, |place| place.round_trips))
    }

    /// Whether an attempt's client lets it run where a replica stands; a client without a route says nothing.
    pub(super) fn may_serve(&self, attempt: u32, replica: u32) -> bool {
        let request = self.attempts[attempt].request;
        let client = (request < CANCELLED).then(|| &self.clients[self.requests[request].client as usize]);
        let place = client.and_then(|client| client.config.place.as_ref());
        let region = self.region_of_replica(replica);
        place.is_none_or(|place| place.route.is_none() || place.allowed.binary_search(&region).is_ok())
    }

    pub(super) fn region_of_replica(&self, replica: u32) -> u32 {
        let node = self.replicas[replica as usize].node();
        node.map_or(0, |node| self.world.pools[self.nodes[node as usize].pool as usize].region)
    }

    /// A region goes dark: what waits at its gateways is lost.
    pub(super) fn darken(&mut self, region: u32) {
        let cells: Vec<u32> = self.map.routes.iter().flat_map(|route| &route.cells).map(|cell| cell.service).collect();
        for service in cells {
            if self.region_of_service(service) != region {
                continue;
            }
            while let Some(index) = self.services[service as usize].state.gateway.pop(&mut self.attempts) {
                self.unanswered(index);
            }
        }
    }

    /// A request of a client with a place was served: who, how fast, and what was sent back.
    pub(super) fn record_place(&mut self, attempt: &Attempt, request: &Request, parts: &Parts) {
        let region = self.servers[attempt.replica as usize].region;
        let measured = request.arrived >= self.world.warmup;
        let state = &mut self.clients[request.client as usize];
        let Some(place) = &state.config.place else { return };
        let [fixed, per_token] = place.response_bytes;
        let bytes = fixed + per_token * u64::from(request.output_tokens);
        state.egress_bytes[usize::from(region)] += bytes;
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

/// Entities of probes in the order of events; scrapes have the numbers of their signals.
fn probe_entity(route: u16, cell: u16) -> u32 {
    1 << 31 | u32::from(route) << 12 | u32::from(cell)
}
