//! From the scenario as written to what a run is made of: defaults filled in, names looked up,
//! files read, limits checked. What is refused is refused here, before anything runs.

use crate::autoscaler::place::Stage;
use crate::autoscaler::resolve as autoscaler;
use crate::clock::Clock;
use crate::faults::resolve as faults;
pub use crate::files::Base;
use crate::files::Files;
use crate::fleet::placement::placement;
use crate::fleet::resolve as fleet;
use crate::form;
use crate::idle;
use crate::limits::resolve as limits;
use crate::network::resolve as network;
use crate::nodes::resolve as nodes;
use crate::resolved::Resolved;
use crate::service::residents;
use crate::service::resolve as service;
use crate::settings::Notes;
use crate::spec;
use crate::startup::links;
use crate::traffic::resolve::{self as traffic, ResolvedTraffic};
use flashcrowd_core::ports::TargetId;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::units::{Duration, Positive};
use flashcrowd_language::{Diagnostic, Document};

/// Most entries of traffic: the engine's events have two bytes for a client.
const MAX_CLIENTS: usize = 65_535;

/// Loads that make sense: beyond, it is another system.
const LOADS: std::ops::RangeInclusive<f64> = 0.001..=1_000.0;

/// Resolves a document whose variant's overrides were applied.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn resolve(document: &Document, base: Base<'_>, stem: &str, variant: &str) -> Result<Resolved, Diagnostic> {
    let raw: spec::Scenario = document.deserialize().map_err(|error| form::explained(document, error))?;
    let mut notes = Notes::new(document);
    let (folder, typed) = (base.folder.to_owned(), base.typed.to_owned());
    let mut files = Files { base: folder, typed, embedded: base.embedded, hashes: Vec::new() };
    let bounds = limits::Bounds::new(&mut notes, &raw.limits);
    refuse_empty(&notes, &raw)?;
    let regions = fleet::regions(&notes, &raw.regions)?;
    let pools = fleet::pools(&mut notes, &raw.pools, &regions, u64::from(bounds.entities))?;
    let links = links::resolve(&mut notes, &raw.links)?;
    let residents = residents::Residents::new(&mut notes, &raw.services)?;
    let recorded = || traffic::recorded_start(document, &base, &raw);
    let clock = Clock::new(&mut notes, raw.starts_at.as_deref(), &recorded)?;
    let names: Vec<&str> = raw.services.keys().map(String::as_str).collect();
    let mut services = Vec::new();
    for ((name, given), target) in raw.services.iter().zip(0..) {
        let (effective, engines) = (residents.effective(given), residents.engines(name));
        let stock = service::Stock { pools: &pools, regions: &regions, links: &links };
        let mut resolved = service::resolve(&mut notes, &mut files, name, &effective, engines, &stock)?;
        resolved.config.resident_on = residents.owner(given);
        if resolved.config.resident_on.is_none() {
            let stage = Stage { services: &names, pools: &pools, registry: base.registry, clock };
            autoscaler::resolve(&mut notes, &mut files, &stage, given, &mut resolved, TargetId(target))?;
        }
        services.push(resolved);
    }
    residents::join(&notes, &mut services, &pools)?;
    let routes = network::routes(&mut notes, &raw.routes, &services, &pools, &regions)?;
    let placed =
        raw.traffic.values().any(|traffic| traffic.called().client().is_some_and(|client| client.origin.is_some()));
    let needed = placed || !raw.routes.is_empty();
    let geography = network::geography(&mut notes, raw.geography.as_ref(), &regions, needed)?;
    let faults = faults::resolve(
        &mut notes,
        &mut files,
        &raw,
        &faults::Fleet { regions: &regions, pools: &pools, raw: &raw.pools },
    )?;
    let map = network::Map { regions: &regions, pools: &pools, services: &services, routes: &routes };
    let load = load(&mut notes, raw.load)?;
    let mut traffic = Vec::new();
    for (name, given) in &raw.traffic {
        traffic.push(traffic::resolve(&mut notes, &mut files, name, given, &map, load)?);
    }
    let horizon = horizon(&mut notes, &raw, &traffic)?;
    let warmup = notes.or("warmup", raw.warmup, Duration(SimDuration::ZERO), "all requests are measured").get();
    if warmup >= horizon {
        return Err(notes.error("warmup", "the warm-up is as long as the run: nothing would be measured"));
    }
    let series_period = series_period(&mut notes, raw.series_period, horizon)?;
    let scan = Duration(SimDuration::from_s(10));
    let scan_source = "scan-interval of the Kubernetes cluster autoscaler";
    let node_scan_period = notes.or("node_scan_period", raw.node_scan_period, scan, scan_source).get();
    let nodes = nodes::resolve(&mut notes, &raw, &pools)?;
    let placement = placement(&mut notes, raw.placement.as_ref())?;
    let replicates = notes.or("replicates", raw.replicates, 1, "one run");
    notes.within("replicates", u64::from(replicates), 1, 100_000)?;
    let resolved = Resolved {
        name: raw.name.clone().unwrap_or_else(|| stem.to_owned()),
        variant: variant.to_owned(),
        overrides: Vec::new(),
        about: raw.about.clone().unwrap_or_default(),
        seed: notes.or("seed", raw.seed, 1, "a fixed seed, so that runs can be repeated"),
        starts_at: clock.known().or_else(|| traffic::start_of(traffic.iter().map(|client| &*client.source))),
        horizon: SimTime::ZERO + horizon,
        warmup: SimTime::ZERO + warmup,
        replicates,
        regions,
        pools,
        services,
        faults,
        routes,
        geography,
        traffic,
        placement,
        node_scan_period,
        nodes,
        request_sample: 0,
        series_period,
        limits: bounds.engine(),
        settings: Vec::new(),
        warnings: Vec::new(),
        idle: Vec::new(),
        inputs: Vec::new(),
    };
    bounds.check(&mut notes, &resolved)?;
    limits::Bounds::check_losses(&notes, &raw, &resolved.pools, horizon)?;
    idle::warn(&mut notes, &raw, &resolved);
    let rows = notes.or("request_samples", raw.request_samples, 10_000, "every so many requests, about this many rows");
    let expected: f64 = resolved.traffic.iter().map(|client| client.expected_requests(horizon.as_s_f64())).sum();
    let request_sample = if rows == 0 { 0 } else { (expected / f64::from(rows)).ceil().max(1.0) as u64 };
    Ok(Resolved {
        request_sample,
        settings: notes.settings,
        warnings: notes.warnings,
        idle: notes.idle,
        inputs: files.hashes,
        ..resolved
    })
}

/// What all traffic is multiplied by.
fn load(notes: &mut Notes<'_>, given: Option<Positive>) -> Result<f64, Diagnostic> {
    let load = notes.or("load", given.map(Positive::get), 1.0, "traffic as it is written");
    if LOADS.contains(&load) {
        return Ok(load);
    }
    let (low, high) = (LOADS.start(), LOADS.end());
    Err(notes.error("load", format!("`load` is {load}; expected {low} to {high}")))
}

/// A scenario needs services and traffic, and not more of it than events can name.
fn refuse_empty(notes: &Notes<'_>, raw: &spec::Scenario) -> Result<(), Diagnostic> {
    if raw.services.is_empty() {
        return Err(notes.error("services", "a scenario needs at least one service"));
    }
    match raw.traffic.len() {
        0 => Err(notes.error("traffic", "a scenario needs traffic")),
        found if found > MAX_CLIENTS => {
            Err(notes.error("traffic", format!("{found} entries of traffic; expected at most {MAX_CLIENTS}")))
        }
        _ => Ok(()),
    }
}

/// The given horizon, or the end of the longest trace and a minute for its last requests.
fn horizon(
    notes: &mut Notes<'_>,
    raw: &spec::Scenario,
    traffic: &[ResolvedTraffic],
) -> Result<SimDuration, Diagnostic> {
    if let Some(horizon) = raw.horizon {
        notes.given("horizon", &horizon.to_string());
        if horizon.get().is_zero() {
            return Err(notes.error("horizon", "the run ends as it begins: expected a horizon above zero"));
        }
        return Ok(horizon.get());
    }
    let mut longest = SimDuration::ZERO;
    for client in traffic {
        let Some(file) = client.source.trace() else {
            let error =
                notes.error("horizon", format!("the traffic `{}` never ends, and there is no `horizon`", client.name));
            return Err(error.with_help("add one: `horizon: \"2h\"`"));
        };
        longest = longest.max(file.plays_for());
    }
    let horizon = longest + SimDuration::from_s(60);
    notes.default(
        "horizon",
        &Duration(horizon).to_string(),
        "the trace's span and a minute for its last requests",
        false,
    );
    Ok(horizon)
}

/// The given period of the series, or a default.
fn series_period(
    notes: &mut Notes<'_>,
    given: Option<Duration>,
    horizon: SimDuration,
) -> Result<SimDuration, Diagnostic> {
    let default = default_series_period(horizon);
    let period = notes.or("series_period", given, default, "15s; between 40 and 10,000 rows").get();
    if period < SimDuration::from_ms(1) {
        return Err(notes.error("series_period", "expected at least 1ms"));
    }
    Ok(period)
}

/// A quarter of a minute; multiples of it for long runs, a fortieth of short ones.
fn default_series_period(horizon: SimDuration) -> Duration {
    let quarter = SimDuration::from_s(15);
    if horizon < SimDuration::from_s(600) {
        return Duration(SimDuration::from_ms((horizon.as_ms() / 40).max(1)));
    }
    let rows = horizon.as_ps().div_ceil(quarter.as_ps()).max(1);
    Duration(quarter * rows.div_ceil(10_000))
}
