//! Routes across regions, distances, and where clients are.

use super::routing::routing;
use crate::errors::unknown;
use crate::fleet::resolve::cloud_of;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::network::Geography;
use flashcrowd_core::network::{ClientPlace, HealthConfig, RouteConfig};
use flashcrowd_core::ports::{GlobalRouter, Maker};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{ByteSize, Duration, NonNegative};
use flashcrowd_profiles::tables::{egress, rtt};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A route, resolved.
#[derive(Clone, Debug)]
pub struct ResolvedRoute {
    /// Its name.
    pub name: Arc<str>,
    /// Its cells, as services.
    pub cells: Vec<u32>,
    /// How failures are noticed.
    pub health: HealthConfig,
    routing: Maker<dyn GlobalRouter>,
    connect_timeout: SimDuration,
    retries_elsewhere: bool,
}

impl ResolvedRoute {
    pub(crate) fn config(&self) -> RouteConfig {
        RouteConfig {
            name: Arc::clone(&self.name),
            cells: self.cells.clone(),
            router: self.routing.make(),
            health: Some(self.health),
            connect_timeout: self.connect_timeout,
            retries_elsewhere: self.retries_elsewhere,
        }
    }
}

/// Most routes, and most cells of one.
const MOST: usize = 1_000;

/// The region in which a service may be placed, if all of its pools lie in one.
pub(crate) fn region_of(service: &ResolvedService, pools: &[PoolConfig]) -> Option<u32> {
    let mut regions = service.config.pools.iter().map(|&pool| pools[pool as usize].region);
    let first = regions.next()?;
    regions.all(|region| region == first).then_some(first)
}

pub(crate) fn routes(
    notes: &mut Notes<'_>,
    given: &BTreeMap<String, spec::Route>,
    services: &[ResolvedService],
    pools: &[PoolConfig],
    regions: &[Region],
) -> Result<Vec<ResolvedRoute>, Diagnostic> {
    if given.len() > MOST {
        return Err(notes.error("routes", format!("{} routes; expected at most {MOST}", given.len())));
    }
    let mut routes = Vec::new();
    for (name, route) in given {
        if route.cells.len() > MOST {
            let message = format!("{} cells; expected at most {MOST}", route.cells.len());
            return Err(notes.error(&format!("routes.{name}.cells"), message));
        }
        let path = |field: &str| format!("routes.{name}.{field}");
        if services.iter().any(|service| *service.config.name == **name) {
            return Err(notes.error(&format!("routes.{name}"), format!("there is a service `{name}`, too")));
        }
        let mut cells: Vec<u32> = Vec::new();
        for (cell, i) in route.cells.iter().zip(0..) {
            let at = format!("{}.{i}", path("cells"));
            let found = services.iter().position(|service| *service.config.name == **cell);
            let names = services.iter().map(|service| &*service.config.name);
            let found = found.ok_or_else(|| unknown(notes, &at, "service", cell, names))? as u32;
            let service = &services[found as usize];
            if region_of(service, pools).is_none() {
                let message = format!("the pools of `{cell}` lie in several regions; a cell is in one");
                return Err(notes.error(&at, message).with_help("give the service a `region`"));
            }
            if service.config.resident_on.is_some() || cells.contains(&found) {
                return Err(notes.error(&at, format!("`{cell}` cannot be a cell: it is resident, or named twice")));
            }
            cells.push(found);
        }
        // By name, as services are: the order in which a file lists them is no one's business.
        cells.sort_unstable();
        if cells.is_empty() {
            return Err(notes.error(&path("cells"), "a route needs at least one cell"));
        }
        let region = |cell: &u32| region_of(&services[*cell as usize], pools).unwrap_or(0);
        let cell_regions: Vec<&Region> = cells.iter().map(|cell| &regions[region(cell) as usize]).collect();
        let connect = Duration(SimDuration::from_s(1));
        routes.push(ResolvedRoute {
            name: name.as_str().into(),
            routing: routing(notes, name, route.routing.as_ref(), &cell_regions)?,
            health: health(notes, name, &route.health.clone().unwrap_or_default())?,
            connect_timeout: {
                let at = path("connect_timeout");
                if route.connect_timeout.is_none() {
                    notes.default(&at, &connect.to_string(), "a guess: clients wait from 0.2 to 30 s", true);
                } else {
                    notes.given(&at, "");
                }
                route.connect_timeout.unwrap_or(connect).get()
            },
            retries_elsewhere: notes.or(
                &path("retries_elsewhere"),
                route.retries_elsewhere,
                true,
                "a retry goes to another region, where there is one",
            ),
            cells,
        });
    }
    Ok(routes)
}

fn health(notes: &mut Notes<'_>, name: &str, given: &spec::Health) -> Result<HealthConfig, Diagnostic> {
    let path = |field: &str| format!("routes.{name}.health.{field}");
    let s = |s| Duration(SimDuration::from_s(s));
    let interval = notes.or(&path("interval"), given.interval, s(30), "Route 53's standard interval");
    if interval.get() < SimDuration::from_ms(1) {
        return Err(notes.error(&path("interval"), "expected at least 1ms"));
    }
    let failures = notes.or(&path("failures"), given.failures, 3, "Route 53's failure threshold");
    let successes =
        notes.or(&path("successes"), given.successes, 2, "two good checks to return, as Apigee's guide has");
    notes.within(&path("failures"), u64::from(failures), 1, 1_000)?;
    notes.within(&path("successes"), u64::from(successes), 1, 1_000)?;
    Ok(HealthConfig {
        interval: interval.get(),
        timeout: notes.or(&path("timeout"), given.timeout, s(4), "Route 53 connects within 4 s").get(),
        failures,
        successes,
        hold: notes.or(&path("hold"), given.hold, s(0), "back as soon as its probes succeed").get(),
        time_to_live: notes.or(&path("time_to_live"), given.time_to_live, s(60), "a usual time to live").get(),
        needs_ready: notes.or(
            &path("needs_ready"),
            given.needs_ready,
            true,
            "the probe asks the service, not the machine before it",
        ),
    })
}

/// Distances and egress prices; nothing where no client has a place.
pub(crate) fn geography(
    notes: &mut Notes<'_>,
    given: Option<&spec::Geography>,
    regions: &[Region],
    needed: bool,
) -> Result<Geography, Diagnostic> {
    if !needed && given.is_none() {
        return Ok(Geography::default());
    }
    let given = given.cloned().unwrap_or_default();
    let count = regions.len();
    let mut table = vec![vec![None; count]; count];
    for (pair, i) in given.round_trips.iter().zip(0..) {
        let find = |name: &str, field: &str| {
            let at = format!("geography.round_trips.{i}.{field}");
            let found = regions.iter().position(|region| *region.name == *name);
            found.ok_or_else(|| unknown(notes, &at, "region", name, regions.iter().map(|region| &*region.name)))
        };
        let (from, to) = (find(&pair.from, "from")?, find(&pair.to, "to")?);
        if let Some(other) = table[from][to].filter(|other| *other != pair.takes.get()) {
            let message = format!(
                "the round trip between `{}` and `{}` is given twice, as {} and as {}",
                pair.from,
                pair.to,
                Duration(other),
                pair.takes
            );
            let error = notes.error(&format!("geography.round_trips.{i}"), message);
            return Err(error.with_help("a round trip is the same in both directions: leave one out"));
        }
        (table[from][to], table[to][from]) = (Some(pair.takes.get()), Some(pair.takes.get()));
    }
    let mut round_trips = vec![vec![SimDuration::ZERO; count]; count];
    for from in 0..count {
        for to in 0..count {
            round_trips[from][to] = match table[from][to] {
                Some(given) => given,
                None => known_distance(notes, regions, from, to)?,
            };
        }
    }
    let cloud_rate = |from: usize| cloud_of(&regions[from].name).map_or(0.0, |cloud| egress(cloud).inter_region);
    let rate = |from| given.egress_per_gb.map_or_else(|| cloud_rate(from), NonNegative::get);
    // A dollar for 10^9 bytes is a thousand pico-dollars for one.
    let per_byte = |from| (rate(from) * 1_000.0).round() as u64;
    let price = |from: usize, to: usize| if from == to { 0 } else { per_byte(from) };
    let egress = (0..count).map(|from| (0..count).map(|to| price(from, to)).collect()).collect();
    Ok(Geography { round_trips, egress_pico_usd_per_byte: egress })
}

fn known_distance(notes: &Notes<'_>, regions: &[Region], from: usize, to: usize) -> Result<SimDuration, Diagnostic> {
    if from == to {
        return Ok(SimDuration::ZERO);
    }
    let (from, to) = (&regions[from].name, &regions[to].name);
    let table = || rtt((cloud_of(from)?, from), (cloud_of(to)?, to));
    if let Some(known) = table() {
        return Ok(known);
    }
    let error = notes.error("regions", format!("no round trip is known between `{from}` and `{to}`"));
    Err(error
        .with_help(format!("give it: geography: (round_trips: [(from: \"{from}\", to: \"{to}\", takes: \"80ms\")])")))
}

/// Whom a client calls.
pub(crate) enum Callee<'a> {
    /// A route, by position.
    Route(u32, &'a ResolvedRoute),
    /// A service.
    Service(&'a ResolvedService),
}

/// What all clients of a scenario share.
pub(crate) struct Map<'a> {
    pub(crate) regions: &'a [Region],
    pub(crate) pools: &'a [PoolConfig],
    pub(crate) services: &'a [ResolvedService],
    pub(crate) routes: &'a [ResolvedRoute],
}

/// Where a client is and where its requests may go; nothing if distance does not matter.
pub(crate) fn place(
    notes: &mut Notes<'_>,
    path: &str,
    client: &spec::Client,
    callee: &Callee<'_>,
    map: &Map<'_>,
) -> Result<Option<ClientPlace>, Diagnostic> {
    let route = match callee {
        Callee::Route(route, _) => Some(*route),
        Callee::Service(_) => None,
    };
    if route.is_none() && client.origin.is_none() && client.residency.is_none() {
        return Ok(None);
    }
    let allowed = allowed(notes, path, client, map.regions)?;
    served_within(notes, path, &allowed, callee, map)?;
    let round_trips = notes.or(&format!("{path}.round_trips"), client.round_trips, 1, "connections are kept open");
    notes.within(&format!("{path}.round_trips"), u64::from(round_trips), 1, 100)?;
    let size = format!("{path}.response_size");
    let fixed = notes.or(&size, client.response_size, ByteSize(0), "a response is its tokens");
    let per_token = client.response_size_per_token;
    let four = "a token of English text is about four characters";
    let per_token = notes.or(&format!("{size}_per_token"), per_token, ByteSize(BYTES_PER_TOKEN), four);
    Ok(Some(ClientPlace {
        origin: origin(notes, path, client, map.regions)?,
        allowed,
        route,
        round_trips,
        response_bytes: [fixed.0, per_token.0],
    }))
}

/// A token of English text is about four characters; streamed one by one, each has its frame as well,
/// which is left out.
const BYTES_PER_TOKEN: u64 = 4;

fn origin(notes: &Notes<'_>, path: &str, client: &spec::Client, regions: &[Region]) -> Result<u32, Diagnostic> {
    let at = format!("{path}.origin");
    let Some(wanted) = &client.origin else {
        if regions.len() == 1 {
            return Ok(0);
        }
        return Err(notes.error(path, "there are several regions: say where this client is, by `client.origin`"));
    };
    let found = regions.iter().position(|region| *region.name == **wanted);
    let found = found.ok_or_else(|| unknown(notes, &at, "region", wanted, regions.iter().map(|region| &*region.name)));
    found.map(|region| region as u32)
}

/// Regions whose law allows a client's requests, sorted.
fn allowed(notes: &Notes<'_>, path: &str, client: &spec::Client, regions: &[Region]) -> Result<Vec<u32>, Diagnostic> {
    let Some(residency) = &client.residency else { return Ok((0..regions.len() as u32).collect()) };
    for (wanted, i) in residency.iter().zip(0..) {
        if !regions.iter().any(|region| *region.jurisdiction == **wanted) {
            let at = format!("{path}.residency.{i}");
            let mut known: Vec<&str> = regions.iter().map(|region| &*region.jurisdiction).collect();
            known.retain(|name| !name.is_empty());
            known.sort_unstable();
            known.dedup();
            return Err(unknown(notes, &at, "region of the jurisdiction", wanted, known.into_iter()));
        }
    }
    let within = |region: &Region| residency.iter().any(|wanted| *region.jurisdiction == **wanted);
    Ok((0..).zip(regions).filter(|(_, region)| within(region)).map(|(at, _)| at).collect())
}

/// Refuses what cannot be served within the law: this is known before anything runs.
fn served_within(
    notes: &Notes<'_>,
    path: &str,
    allowed: &[u32],
    callee: &Callee<'_>,
    map: &Map<'_>,
) -> Result<(), Diagnostic> {
    let at = format!("{path}.residency");
    let may = |region: u32| allowed.binary_search(&region).is_ok();
    match callee {
        Callee::Route(_, route) => {
            let cell = |cell: &&u32| region_of(&map.services[**cell as usize], map.pools).is_some_and(may);
            if route.cells.iter().any(|cell_of| cell(&cell_of)) {
                return Ok(());
            }
            let message = format!("no cell of `{}` lies where these requests may be served", route.name);
            Err(notes.error(&at, message).with_help("add a region of that jurisdiction, or name another"))
        }
        Callee::Service(service) => {
            let outside = service.config.pools.iter().find(|&&pool| !may(map.pools[pool as usize].region));
            let Some(&pool) = outside else { return Ok(()) };
            let message = format!(
                "`{}` may have replicas in pool `{}`, where these requests may not be served",
                service.config.name, map.pools[pool as usize].name
            );
            Err(notes.error(&at, message).with_help("give the service a `region`, or `regions` and so a route"))
        }
    }
}
