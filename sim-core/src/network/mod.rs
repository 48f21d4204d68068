//! Regions and the links between them: distances, routes, and what probes have found.

mod geography;
mod route;

pub use geography::Geography;
pub(crate) use route::Cell;
pub use route::{ClientPlace, HealthConfig, RouteConfig};
use route::{Health, Route};

use crate::clock::{Seed, SimDuration, SimTime};
use crate::id::{CellId, RegionId, RouteId, ServiceId, Table};
use crate::ledger::HealthRecord;
use crate::ports::CellView;
use crate::traffic::Reach;

/// Routes and distances.
pub(crate) struct Network {
    geography: Geography,
    routes: Table<RouteId, Route>,
    /// The cells of all routes, in their order.
    cells: Table<CellId, Cell>,
    /// Degraded links: both regions, the delay added to a round trip, the loss in millionths.
    links: Vec<(RegionId, RegionId, SimDuration, u32)>,
    /// Reused for each choice.
    views: Vec<CellView>,
    link_key: u64,
}

/// What a client asks of a route for one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) route: RouteId,
    pub(crate) now: SimTime,
    /// When the client renews its DNS answer, within the time to live.
    pub(crate) phase: u64,
    pub(crate) affinity: u64,
    /// The service of the attempt before, which a retry may avoid.
    pub(crate) avoid: ServiceId,
    pub(crate) origin: RegionId,
}

impl Network {
    /// Distances, without routes yet.
    pub(crate) fn new(geography: Geography, link_key: u64) -> Self {
        let (links, views) = (Vec::new(), Vec::new());
        Network { geography, routes: Table::default(), cells: Table::default(), links, views, link_key }
    }

    pub(crate) fn geography(&self) -> &Geography {
        &self.geography
    }

    /// Adds a route over cells: their services, regions, and keys of their names.
    pub(crate) fn add_route(&mut self, config: RouteConfig, places: &[(ServiceId, RegionId, u64)], seed: Seed) {
        let route = RouteId::new(self.routes.len() as u32);
        let cells = places.iter().zip(0..).map(|(&(service, region, key), position)| {
            self.cells.push(Cell { route, position, service, region, key, health: Health::default() })
        });
        let cells = cells.collect();
        self.routes.push(Route::new(config, cells, seed));
    }

    /// The cells that a client may reach, nearest first.
    pub(crate) fn reach(&self, place: &ClientPlace) -> Vec<Reach> {
        let cells = place.route.map_or(&[][..], |route| &self.routes[RouteId::new(route)].cells);
        let cells = cells.iter().map(|&id| (id, &self.cells[id]));
        let allowed = cells.filter(|(_, cell)| place.allowed.binary_search(&cell.region.get()).is_ok());
        let mut reach: Vec<Reach> =
            allowed.map(|(cell, of)| Reach { cell, service: of.service, region: of.region }).collect();
        let trip = |region: RegionId| self.geography.round_trip(place.origin, region.get());
        reach.sort_by_key(|reach| (trip(reach.region), reach.cell));
        reach
    }

    /// All cells, with the routes that they belong to.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (CellId, &Cell, &RouteConfig)> {
        self.cells.iter().map(|(id, cell)| (id, cell, &self.routes[cell.route].config))
    }

    /// A cell, and the route that it belongs to.
    pub(crate) fn cell(&self, id: CellId) -> (&Cell, &RouteConfig) {
        let cell = &self.cells[id];
        (cell, &self.routes[cell.route].config)
    }

    /// Takes the result of a probe of a cell; returns the change of health, if there is one.
    pub(crate) fn probed(&mut self, id: CellId, ok: bool, now: SimTime, config: &HealthConfig) -> Option<HealthRecord> {
        let cell = &mut self.cells[id];
        let (at, healthy) = cell.health.probed(ok, now, config)?;
        Some(HealthRecord { at, route: cell.route.get(), cell: cell.position, healthy })
    }

    /// Chooses the cell for an attempt among those within reach; `load` returns the number of ready
    /// servers and of attempts of a service.
    pub(crate) fn choose(
        &mut self,
        ask: Ask,
        reach: &[Reach],
        load: impl Fn(ServiceId) -> [u32; 2],
    ) -> (CellId, &Cell) {
        let route = &self.routes[ask.route];
        let at = route.answered_at(ask.now, ask.phase);
        let avoid = if route.config.retries_elsewhere { ask.avoid } else { ServiceId::NONE };
        let mut views = std::mem::take(&mut self.views);
        // First pass: healthy cells except the one tried last. Second pass: all healthy cells.
        // Third pass: all cells, since a slim chance is better than none.
        for pass in 0..3 {
            for reach in reach {
                let cell = &self.cells[reach.cell];
                let healthy = pass == 2 || cell.health.at(at);
                if healthy && (pass > 0 || reach.service != avoid) {
                    let [ready, outstanding] = load(reach.service);
                    let round_trip = self.round_trip(ask.origin, reach.region);
                    views.push(CellView { cell: cell.position, key: cell.key, round_trip, ready, outstanding });
                }
            }
            if !views.is_empty() {
                break;
            }
        }
        let route = &mut self.routes[ask.route];
        let chosen = route.choose(&views, ask.affinity);
        let id = route.cells[views[chosen].cell as usize];
        views.clear();
        self.views = views;
        (id, &self.cells[id])
    }

    /// Whether no link is degraded.
    #[inline]
    pub(crate) fn is_calm(&self) -> bool {
        self.links.is_empty()
    }

    /// The loss on a link, in millionths, and the key of its random draws.
    pub(crate) fn loss(&self, from: RegionId, to: RegionId) -> (u32, u64) {
        (self.link(from, to).1, self.link_key)
    }

    /// How long a client of a route waits for a region that does not answer.
    pub(crate) fn connect_timeout(&self, route: RouteId) -> SimDuration {
        self.routes[route].config.connect_timeout
    }

    /// The present time of a round trip.
    #[inline]
    pub(crate) fn round_trip(&self, from: RegionId, to: RegionId) -> SimDuration {
        let usual = self.geography.round_trip(from.get(), to.get());
        if self.links.is_empty() { usual } else { usual + self.link(from, to).0 }
    }

    fn link(&self, from: RegionId, to: RegionId) -> (SimDuration, u32) {
        let found = self.links.iter().find(|link| (link.0, link.1) == (from.min(to), from.max(to)));
        found.map_or((SimDuration::ZERO, 0), |link| (link.2, link.3))
    }

    pub(crate) fn set_link(&mut self, from: RegionId, to: RegionId, delay: SimDuration, loss_ppm: u32) {
        let ends = (from.min(to), from.max(to));
        self.links.retain(|link| (link.0, link.1) != ends);
        if !delay.is_zero() || loss_ppm > 0 {
            self.links.push((ends.0, ends.1, delay, loss_ppm));
        }
    }
}
