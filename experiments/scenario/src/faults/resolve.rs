//! Faults and spot markets: names looked up, files read, and the sources of one run.

use crate::errors::source_error;
use crate::errors::unknown;
use crate::files::Files;
use crate::fleet::resolve::paid_share;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::ports::{Area, Fault, FaultSource, SourceError};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Fraction, Positive};
use flashcrowd_policies::capacity::Future;
use flashcrowd_workloads::ParameterError;
use flashcrowd_workloads::faults::capacity::{MarketCapacity, NodeLifetimes, Place, recorded};
use flashcrowd_workloads::faults::failures::NodeFailures;
use flashcrowd_workloads::faults::links::{self, BadLink};
use flashcrowd_workloads::faults::outages::{self, Kind, Outage, OutageLaw, Outages};
use flashcrowd_workloads::faults::{Listed, prices};
use flashcrowd_workloads::markets::CapacitySeries;
use flashcrowd_workloads::markets::generated::{MarketLaw, measured_market};
use flashcrowd_workloads::markets::lifetimes::{Bathtub, Lifetime};
use flashcrowd_workloads::markets::recorded::{
    TimeUnit, read_bamboo, read_parcae_csv, read_parcae_json, read_skypilot, read_skypilot_folder,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Faults of the fleet, resolved; the sources of each run are made from them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolvedFaults(Vec<(Arc<str>, Source)>);

#[derive(Clone, Debug)]
enum Source {
    Drawn(MarketLaw, Vec<Vec<Place>>),
    Recorded(Vec<(Place, CapacitySeries)>),
    Lifetimes { place: Place, nodes: u32, lifetime: Lifetime, away: SimDuration },
    Listed(Listed),
    Outages(OutageLaw),
    NodeFailures { pool: u32, every: SimDuration },
}

impl Source {
    fn make(&self, name: &str, seed: Seed) -> Result<Box<dyn FaultSource>, ParameterError> {
        Ok(match self {
            Source::Drawn(law, places) => Box::new(MarketCapacity::new(law, places.clone(), seed, name)?),
            Source::Recorded(zones) => {
                let zones: Vec<(Place, &CapacitySeries)> =
                    zones.iter().map(|(place, series)| (*place, series)).collect();
                Box::new(recorded(&zones))
            }
            Source::Lifetimes { place, nodes, lifetime, away } => {
                let label = format!("{name}/{}/{}", place.pool, place.zone);
                Box::new(NodeLifetimes::new(*place, *nodes, *lifetime, *away, seed, &label)?)
            }
            Source::Listed(listed) => Box::new(listed.clone()),
            Source::Outages(law) => Box::new(Outages::new(*law, seed, name)?),
            Source::NodeFailures { pool, every } => Box::new(NodeFailures::new(*pool, *every, seed, name)?),
        })
    }
}

impl ResolvedFaults {
    /// The sources of one run.
    pub(crate) fn sources(&self, seed: Seed) -> Result<Vec<Box<dyn FaultSource>>, SourceError> {
        let make = |(name, source): &(Arc<str>, Source)| {
            source.make(name, seed).map_err(|error| SourceError {
                place: Arc::clone(name),
                message: error.to_string(),
                hint: None,
            })
        };
        self.0.iter().map(make).collect()
    }

    /// What the market will hold at some places, from second copies of the sources.
    pub(crate) fn future(&self, places: &[(u32, u32)], seed: Seed, horizon: SimTime) -> Result<Future, SourceError> {
        let mut future = Future { places: vec![Vec::new(); places.len()] };
        for mut source in self.sources(seed)? {
            while let Some(next) = source.next_fault()?.filter(|next| next.at <= horizon) {
                if let Fault::Capacity { pool, zone, nodes } = next.fault
                    && let Some(at) = places.iter().position(|place| *place == (pool, zone))
                {
                    future.places[at].push((next.at, nodes));
                }
            }
        }
        Ok(future)
    }

    /// Faults of a list that begin at that time or later, with their names and beginnings.
    pub(crate) fn later_than(&self, end: SimTime) -> BTreeMap<String, SimTime> {
        let begins = |(name, source): &(Arc<str>, Source)| {
            let Source::Listed(listed) = source else { return None };
            Some((name.replace('/', "."), listed.begins()?))
        };
        // Prices are listed for each zone: it is enough if one list begins in time.
        let mut first: BTreeMap<String, SimTime> = BTreeMap::new();
        for (name, at) in self.0.iter().filter_map(begins) {
            let known = first.entry(name).or_insert(at);
            *known = at.min(*known);
        }
        first.retain(|_, at| *at >= end);
        first
    }

    /// Whether the capacity of a pool is that of a market.
    fn supplies(&self, pool: u32) -> bool {
        let of = |place: &Place| place.pool == pool;
        self.0.iter().any(|(_, source)| match source {
            Source::Drawn(_, places) => places.iter().flatten().any(of),
            Source::Recorded(zones) => zones.iter().any(|(place, _)| of(place)),
            Source::Lifetimes { place, .. } => of(place),
            _ => false,
        })
    }
}

/// What faults may hit.
pub(crate) struct Fleet<'a> {
    pub(crate) regions: &'a [Region],
    pub(crate) pools: &'a [PoolConfig],
    pub(crate) raw: &'a BTreeMap<String, spec::Pool>,
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    raw: &spec::Scenario,
    fleet: &Fleet<'_>,
) -> Result<ResolvedFaults, Diagnostic> {
    let mut found = ResolvedFaults::default();
    for (name, market) in &raw.markets {
        let path = format!("markets.{name}");
        notes.given(&path, "");
        for source in supply(notes, files, name, market, raw, fleet)? {
            check(notes, &path, name, &source)?;
            found.0.push((format!("markets/{name}").into(), source));
        }
    }
    for (name, fault) in &raw.faults {
        let path = format!("faults.{name}");
        notes.given(&path, "");
        for source in fault_of(notes, files, &path, fault, fleet)? {
            check(notes, &path, name, &source)?;
            found.0.push((format!("faults/{name}").into(), source));
        }
    }
    links_do_not_overlap(notes, raw, fleet)?;
    for ((name, pool), at) in raw.pools.iter().zip(0..) {
        if let Some(wanted) = &pool.supply
            && !raw.markets.contains_key(wanted)
        {
            let names = raw.markets.keys().map(String::as_str);
            return Err(unknown(notes, &format!("pools.{name}.supply"), "market", wanted, names));
        }
        if fleet.pools[at as usize].market == Market::Spot && !found.supplies(at) {
            notes.warn(format!("pool `{name}` is bought as Spot and has no `supply`: nothing of it is ever reclaimed"));
        }
    }
    Ok(found)
}

/// Reports what a source refuses before anything runs.
fn check(notes: &Notes<'_>, path: &str, name: &str, source: &Source) -> Result<(), Diagnostic> {
    source.make(name, Seed::new(1)).map(|_| ()).map_err(|error| notes.error(path, error.to_string()))
}

/// Places that buy from a market, with the names of their zones.
fn buyers<'a>(name: &str, raw: &spec::Scenario, fleet: &Fleet<'a>) -> Vec<(Place, &'a str)> {
    let mut places = Vec::new();
    for (given, (pool, at)) in raw.pools.values().zip(fleet.pools.iter().zip(0..)) {
        if given.supply.as_deref() == Some(name) {
            let zones = &fleet.regions[pool.region as usize].zones;
            places.extend(pool.zones.iter().map(|&zone| (Place { pool: at, zone }, &*zones[zone as usize])));
        }
    }
    places
}

/// Which zone of a market a place buys from: that of its name, or the one whose name begins with it and
/// goes on with an underscore, as in `us-east-1a_v100_1`.
fn zone_among(names: &[&str], wanted: &str) -> Option<usize> {
    let begins = |name: &&str| name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('_'));
    names.iter().position(|name| *name == wanted).or_else(|| names.iter().position(begins))
}

fn supply(
    notes: &mut Notes<'_>,
    files: &mut Files,
    name: &str,
    market: &spec::SpotMarket,
    raw: &spec::Scenario,
    fleet: &Fleet<'_>,
) -> Result<Vec<Source>, Diagnostic> {
    let path = format!("markets.{name}");
    let buyers = buyers(name, raw, fleet);
    if buyers.is_empty() {
        notes.warn(format!("no pool buys from the market `{name}`: give one `supply: \"{name}\"`"));
        return Ok(Vec::new());
    }
    let zones_of = |notes: &Notes<'_>, names: &[&str]| -> Result<Vec<usize>, Diagnostic> {
        let find = |(_, zone): &(Place, &str)| {
            zone_among(names, zone).ok_or_else(|| unknown(notes, &path, "zone", zone, names.iter().copied()))
        };
        buyers.iter().map(find).collect()
    };
    match market {
        spec::SpotMarket::Measured(given) => {
            notes.within(&format!("{path}.nodes"), u64::from(given.nodes), 1, MOST_NODES)?;
            let mut law = measured_market(given.nodes);
            let scale = |given: Option<_>| given.map_or(1.0, Positive::get);
            for zone in &mut law.zones {
                zone.mean_up = SimDuration::from_s_f64(zone.mean_up.as_s_f64() * scale(given.up_scale));
                zone.mean_down = SimDuration::from_s_f64(zone.mean_down.as_s_f64() * scale(given.down_scale));
            }
            let names: Vec<&str> = law.zones.iter().map(|zone| zone.name.as_str()).collect();
            let mut places = vec![Vec::new(); law.zones.len()];
            for (zone, (place, _)) in zones_of(notes, &names)?.into_iter().zip(&buyers) {
                places[zone].push(*place);
            }
            Ok(vec![Source::Drawn(law, places)])
        }
        spec::SpotMarket::Recorded(given) => {
            let factor = notes.or(&format!("{path}.nodes_per_count"), given.nodes_per_count, 1, "as recorded");
            let zones = recordings(notes, files, &path, given)?;
            let names: Vec<&str> = zones.iter().map(|(zone, _)| zone.as_str()).collect();
            // A recording of one zone holds for every place that buys from it.
            let chosen = if zones.len() == 1 { vec![0; buyers.len()] } else { zones_of(notes, &names)? };
            let of = |(zone, (place, _)): (usize, &(Place, &str))| (*place, scaled(&zones[zone].1, factor));
            Ok(vec![Source::Recorded(chosen.into_iter().zip(&buyers).map(of).collect())])
        }
        spec::SpotMarket::Steps(given) => {
            let mut zones = Vec::new();
            for (zone, steps) in &given.zones {
                zones.push((zone.as_str(), stepped(notes, &format!("{path}.zones.{zone}"), steps)?));
            }
            let names: Vec<&str> = zones.iter().map(|(zone, _)| *zone).collect();
            let of = |(zone, (place, _)): (usize, &(Place, &str))| (*place, zones[zone].1.clone());
            Ok(vec![Source::Recorded(zones_of(notes, &names)?.into_iter().zip(&buyers).map(of).collect())])
        }
        spec::SpotMarket::Lifetimes(given) => {
            let lifetime = match &given.lifetime {
                spec::Lifetime::Exponential(mean) => Lifetime::Exponential { mean: mean.get() },
                spec::Lifetime::Bathtub => Lifetime::Bathtub(Bathtub::default()),
            };
            let source = |(place, _): &(Place, &str)| Source::Lifetimes {
                place: *place,
                nodes: given.nodes,
                lifetime,
                away: given.away.get(),
            };
            Ok(buyers.iter().map(source).collect())
        }
    }
}

/// Most nodes of one zone of a market.
const MOST_NODES: u64 = 100_000;

fn scaled(series: &CapacitySeries, factor: u32) -> CapacitySeries {
    let steps = series.steps().iter().map(|(at, nodes)| (*at, nodes.saturating_mul(factor)));
    CapacitySeries::from_samples(steps, series.end())
}

fn stepped(notes: &Notes<'_>, path: &str, steps: &[spec::CapacityStep]) -> Result<CapacitySeries, Diagnostic> {
    if steps.first().is_none_or(|step| !step.at.get().is_zero()) {
        return Err(notes.error(path, "the first step must be at zero"));
    }
    for (pair, i) in steps.windows(2).zip(1..) {
        if pair[1].at.get() <= pair[0].at.get() {
            return Err(notes.error(&format!("{path}.{i}.at"), "steps must follow one another in time"));
        }
    }
    let sample = |step: &spec::CapacityStep| (SimTime::ZERO + step.at.get(), step.nodes);
    Ok(CapacitySeries::from_samples(steps.iter().map(sample), SimTime::MAX))
}

fn recordings(
    notes: &Notes<'_>,
    files: &mut Files,
    path: &str,
    given: &spec::Recorded,
) -> Result<Vec<(String, CapacitySeries)>, Diagnostic> {
    let field = format!("{path}.path");
    let place = files.locate(notes, &field, &given.path);
    let one = |series: Result<CapacitySeries, SourceError>| series.map(|series| vec![(String::new(), series)]);
    let read = match given.format {
        None | Some(spec::SpotFormat::SkyPilot) if place.is_dir() => {
            read_skypilot_folder(&place).map(|zones| zones.into_iter().map(|zone| (zone.zone, zone.capacity)).collect())
        }
        None | Some(spec::SpotFormat::SkyPilot) => read_skypilot(&place).map(|zone| vec![(zone.zone, zone.capacity)]),
        Some(spec::SpotFormat::BambooSeconds) => one(read_bamboo(&place, TimeUnit::Seconds)),
        Some(spec::SpotFormat::BambooHours) => one(read_bamboo(&place, TimeUnit::Hours)),
        Some(spec::SpotFormat::ParcaeCsv) => one(read_parcae_csv(&place)),
        Some(spec::SpotFormat::ParcaeJson) => one(read_parcae_json(&place)),
    };
    read.map_err(|error| source_error(&error))
}

fn fault_of(
    notes: &mut Notes<'_>,
    files: &mut Files,
    path: &str,
    fault: &spec::FaultSpec,
    fleet: &Fleet<'_>,
) -> Result<Vec<Source>, Diagnostic> {
    let refused = |error: ParameterError| notes.error(path, error.to_string());
    let source = match fault {
        spec::FaultSpec::Outage(given) => {
            let area = area(notes, path, given.region.as_deref(), given.zone.as_deref(), fleet)?;
            let (at, lasts) = (SimTime::ZERO + given.at.get(), given.lasts.get());
            let kind = kind(given.kind);
            Source::Listed(outages::listed(&[Outage { at, lasts, area, kind }]).map_err(refused)?)
        }
        spec::FaultSpec::Outages(given) => {
            let area = area(notes, path, given.region.as_deref(), given.zone.as_deref(), fleet)?;
            let usual = OutageLaw::region(area.region);
            let guess = "a guess: one in a year or two, four hours long";
            if given.every.is_none() {
                notes.default(&format!("{path}.every"), "1.5 years", guess, true);
            }
            let mean_gap_h = given.every.map_or(usual.mean_gap_h, |every| every.get().as_s_f64() / 3_600.0);
            let median = notes.or(&format!("{path}.median"), given.median, Duration(usual.median), guess).get();
            let sigma = given.sigma.map_or(usual.sigma, Positive::get);
            let kind = kind(given.kind);
            Source::Outages(OutageLaw { area, kind, mean_gap_h, median, sigma })
        }
        spec::FaultSpec::NodeFailures(given) => {
            let pool = pool(notes, &format!("{path}.pool"), &given.pool, fleet)?;
            Source::NodeFailures { pool, every: given.every.get() }
        }
        spec::FaultSpec::BadLink(given) => {
            Source::Listed(links::listed(&[bad_link(notes, path, given, fleet)?]).map_err(refused)?)
        }
        spec::FaultSpec::Prices(given) => return price_series(notes, files, path, given, fleet),
    };
    Ok(vec![source])
}

fn bad_link(notes: &Notes<'_>, path: &str, given: &spec::BadLink, fleet: &Fleet<'_>) -> Result<BadLink, Diagnostic> {
    let between = (
        region(notes, &format!("{path}.from"), &given.from, fleet)?,
        region(notes, &format!("{path}.to"), &given.to, fleet)?,
    );
    Ok(BadLink {
        at: SimTime::ZERO + given.at.get(),
        lasts: given.lasts.get(),
        between,
        delay: given.adds.map_or(SimDuration::ZERO, Duration::get),
        loss_ppm: ppm(given.loses.map_or(0.0, Fraction::get)),
    })
}

/// The end of one window mends its link, so windows of one link, each a fault of its own, may not overlap.
fn links_do_not_overlap(notes: &Notes<'_>, raw: &spec::Scenario, fleet: &Fleet<'_>) -> Result<(), Diagnostic> {
    let mut windows = Vec::new();
    for (name, fault) in &raw.faults {
        if let spec::FaultSpec::BadLink(given) = fault {
            let path = format!("faults.{name}");
            windows.push(bad_link(notes, &path, given, fleet)?);
            links::listed(&windows).map_err(|error| notes.error(&path, error.to_string()))?;
        }
    }
    Ok(())
}

fn price_series(
    notes: &Notes<'_>,
    files: &mut Files,
    path: &str,
    given: &spec::Prices,
    fleet: &Fleet<'_>,
) -> Result<Vec<Source>, Diagnostic> {
    let field = format!("{path}.path");
    let file = files.locate(notes, &field, &given.path);
    let at = pool(notes, &format!("{path}.pool"), &given.pool, fleet)?;
    let config = &fleet.pools[at as usize];
    let names = &fleet.regions[config.region as usize].zones;
    let wanted = |zone: &&u32| given.zone.as_ref().is_none_or(|wanted| *names[**zone as usize] == **wanted);
    let zones: Vec<u32> = config.zones.iter().filter(wanted).copied().collect();
    if zones.is_empty() {
        let own = config.zones.iter().map(|&zone| &*names[zone as usize]);
        let wanted = given.zone.as_deref().unwrap_or_default();
        return Err(unknown(notes, &format!("{path}.zone"), "zone of the pool", wanted, own));
    }
    // The negotiated discount applies to any market price.
    let left = fleet.raw.get(&*config.name).map_or(1.0, paid_share);
    let read = |zone: u32| {
        let listed = prices::from_csv(Place { pool: at, zone }, &file)?;
        Ok(Source::Listed(listed.at_prices_times(left)))
    };
    zones.into_iter().map(read).collect::<Result<_, _>>().map_err(|error| source_error(&error))
}

fn ppm(share: f64) -> u32 {
    (share * 1e6).round() as u32
}

fn kind(given: Option<spec::OutageKind>) -> Kind {
    match given {
        None | Some(spec::OutageKind::Total) => Kind::Total,
        Some(spec::OutageKind::Partial(share)) => Kind::Partial { share_ppm: ppm(share.get()) },
        Some(spec::OutageKind::ControlPlane) => Kind::ControlPlane,
    }
}

fn region(notes: &Notes<'_>, path: &str, wanted: &str, fleet: &Fleet<'_>) -> Result<u32, Diagnostic> {
    let found = fleet.regions.iter().position(|region| *region.name == *wanted);
    let names = fleet.regions.iter().map(|region| &*region.name);
    found.map(|at| at as u32).ok_or_else(|| unknown(notes, path, "region", wanted, names))
}

fn pool(notes: &Notes<'_>, path: &str, wanted: &str, fleet: &Fleet<'_>) -> Result<u32, Diagnostic> {
    let found = fleet.pools.iter().position(|pool| *pool.name == *wanted);
    let names = fleet.pools.iter().map(|pool| &*pool.name);
    found.map(|at| at as u32).ok_or_else(|| unknown(notes, path, "pool", wanted, names))
}

fn area(
    notes: &Notes<'_>,
    path: &str,
    given: Option<&str>,
    zone: Option<&str>,
    fleet: &Fleet<'_>,
) -> Result<Area, Diagnostic> {
    let at = match given {
        Some(wanted) => region(notes, &format!("{path}.region"), wanted, fleet)?,
        None if fleet.regions.len() == 1 => 0,
        None => return Err(notes.error(path, "there are several regions: say which one, by `region`")),
    };
    let zones = &fleet.regions[at as usize].zones;
    let find = |wanted: &str| {
        let found = zones.iter().position(|known| **known == *wanted);
        let names = zones.iter().map(|zone| &**zone);
        found.map(|zone| zone as u32).ok_or_else(|| unknown(notes, &format!("{path}.zone"), "zone", wanted, names))
    };
    Ok(Area { region: at, zone: zone.map(find).transpose()? })
}
