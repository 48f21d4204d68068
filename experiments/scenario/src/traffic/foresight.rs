//! What the clairvoyant bound knows: the arrivals of each service, those of a route's clients shared
//! among its cells.
//!
//! An arrival is given to the cell to which its route would send it if no cell were loaded: the route's
//! own policy chooses among the cells that the client may reach, each with one idle replica. `Nearest`,
//! `SpillOver`, `LatencyAware` and `LeastLoaded` then take the nearest, `Weighted` draws by its weights,
//! `PrefixAffinity` goes by the prompt or the user. A region that an outage of the scenario keeps
//! dark takes none while it lasts, as if health checks took no time; if all are dark, the choice stands.
//! Who fails over later, or spills over since a bound's replicas are slow to start, is not foreseen.

use crate::network::resolve::ResolvedRoute;
use crate::resolved::Resolved;
use crate::traffic::resolve::ResolvedTraffic;
use flashcrowd_core::clock::{Seed, Stream};
use flashcrowd_core::network::ClientPlace;
use flashcrowd_core::ports::{CellView, Fault, GlobalRouter, SourceError};
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::baselines::Oracle;

/// Arrivals are counted by the second.
const STEP: SimDuration = SimDuration::from_s(1);

/// What will arrive at a service, from second copies of its sources.
pub(crate) fn oracle(resolved: &Resolved, service: u32, seed: Seed) -> Result<Oracle, SourceError> {
    let mut oracle = Oracle::new(STEP);
    for traffic in &resolved.traffic {
        let route = traffic.place.as_ref().and_then(|place| Some((place, place.route?)));
        match route {
            None if traffic.service == service => of_client(resolved, traffic, seed, |at, _, _| oracle.add(at))?,
            Some((place, route)) if resolved.routes[route as usize].cells.contains(&service) => {
                let mut share = Share::new(resolved, &resolved.routes[route as usize], place, seed)?;
                let users = seed.key(&format!("name-service/{}", traffic.name));
                // As the engine tells the prompts of its clients apart.
                let prompts = Seed::new(0).key(&traffic.name);
                of_client(resolved, traffic, seed, |at, n, prefix| {
                    // Without a prompt of its own a request goes by its user, each with another number.
                    let own = || users ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let affinity = prefix.map_or_else(own, |first| first ^ prompts);
                    if share.cell_of(at, affinity) == service {
                        oracle.add(at);
                    }
                })?;
            }
            _ => {}
        }
    }
    Ok(oracle)
}

/// Shows each arrival of a client: when, which, and how its prompt begins.
fn of_client(
    resolved: &Resolved,
    traffic: &ResolvedTraffic,
    seed: Seed,
    mut see: impl FnMut(SimTime, u64, Option<u64>),
) -> Result<(), SourceError> {
    let Traffic::Open(mut source) = traffic.client(seed, resolved.horizon)?.traffic else { return Ok(()) };
    let mut n = 0;
    while let Some(arrival) = source.next_arrival()?.filter(|arrival| arrival.at < resolved.horizon) {
        see(arrival.at, n, source.prefix().hashes.first().copied());
        n += 1;
    }
    Ok(())
}

/// How the arrivals of one client are shared among the cells of its route.
struct Share {
    router: Box<dyn GlobalRouter>,
    stream: Stream,
    /// Cells that the client may reach, the nearest first, with their services and regions.
    cells: Vec<(CellView, u32, u32)>,
    /// When which region goes dark, and when it no longer is.
    outages: Vec<(SimTime, u32, bool)>,
    passed: usize,
    /// By region: outages that hold.
    dark: Vec<u32>,
}

impl Share {
    fn new(world: &Resolved, route: &ResolvedRoute, place: &ClientPlace, seed: Seed) -> Result<Self, SourceError> {
        let region = |service: u32| {
            let pool = world.services[service as usize].config.pools.first();
            pool.map_or(0, |&pool| world.pools[pool as usize].region)
        };
        let cell = |(&service, cell): (&u32, u32)| {
            let (region, name) = (region(service), &world.services[service as usize].config.name);
            let round_trip = world.geography.round_trip(place.origin, region);
            (CellView { cell, key: Seed::new(0).key(name), round_trip, ready: 1, outstanding: 0 }, service, region)
        };
        let mut cells: Vec<_> = route.cells.iter().zip(0..).map(cell).collect();
        cells.retain(|(_, _, region)| place.allowed.binary_search(region).is_ok());
        cells.sort_by_key(|(view, _, _)| (view.round_trip, view.cell));
        let mut outages = Vec::new();
        for mut source in world.faults.sources(seed)? {
            while let Some(next) = source.next_fault()?.filter(|next| next.at < world.horizon) {
                if let Fault::Unreachable { region, begins } = next.fault {
                    outages.push((next.at, region, begins));
                }
            }
        }
        outages.sort_by_key(|outage| outage.0);
        let stream = seed.stream(&format!("route/{}", route.name));
        let (router, dark) = (route.config().router, vec![0; world.regions.len()]);
        Ok(Share { router, stream, cells, outages, passed: 0, dark })
    }

    /// The cell of an arrival, as a service; arrivals come in order of time.
    fn cell_of(&mut self, at: SimTime, affinity: u64) -> u32 {
        while let Some(&(_, region, begins)) = self.outages.get(self.passed).filter(|outage| outage.0 <= at) {
            let count = &mut self.dark[region as usize];
            *count = if begins { *count + 1 } else { count.saturating_sub(1) };
            self.passed += 1;
        }
        let lit = |cell: &&(CellView, u32, u32)| self.dark[cell.2 as usize] == 0;
        let mut among: Vec<&(CellView, u32, u32)> = self.cells.iter().filter(lit).collect();
        if among.is_empty() {
            among = self.cells.iter().collect();
        }
        let views: Vec<CellView> = among.iter().map(|cell| cell.0).collect();
        let chosen = if views.len() > 1 { self.router.choose(&views, affinity, &mut self.stream) } else { 0 };
        among.get(chosen).or(among.first()).map_or(u32::MAX, |cell| cell.1)
    }
}
