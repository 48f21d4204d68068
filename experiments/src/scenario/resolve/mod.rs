//! From the scenario as written to what a run is made of: defaults filled in, names looked up,
//! files read, limits checked. What is refused is refused here, before anything runs.

mod autoscaler;
mod baselines;
mod batch;
mod bindings;
mod capacity;
mod command;
mod engine;
mod faults;
pub(crate) mod files;
mod fleet;
mod foresight;
mod idle;
mod limits;
mod links;
mod manifest;
mod nodes;
mod policy;
mod residents;
mod routes;
mod scaler;
mod service;
pub mod settings;
mod startup;
pub(crate) mod tiers;
mod traffic;

pub(crate) use autoscaler::manifest_error;
pub use files::InputHash;
pub use routes::ResolvedRoute;
pub use scaler::{Make, MakeError, Making, ResolvedAutoscaler};
pub use settings::{Setting, SettingOrigin};
pub(crate) use traffic::source_error;
pub use traffic::{ResolvedTraffic, Source, TraceFile};

use super::language::units::Duration;
use super::language::{Diagnostic, Document};
use super::schema;
use crate::profiles::Profile;
use crate::registry::Registry;
use capacity::ResolvedCapacity;
use files::Files;
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{PoolConfig, Region, Startup};
use flashcrowd_core::network::Geography;
use flashcrowd_core::ports::{Placement, Router, SourceError, TargetId};
use flashcrowd_core::serving::{CpuModel, Discipline, QueueMode, ServiceConfig, ServiceTime, Slo};
use flashcrowd_core::simulation::Limits;
use flashcrowd_core::units::Bytes;
use flashcrowd_core::{SimDuration, SimTime, World};
use flashcrowd_policies::capacity::Future;
use flashcrowd_policies::placement::{Pack, Spread};
use flashcrowd_policies::routers::replicas as routing;
use settings::Notes;
use std::path::Path;
use std::sync::Arc;

/// One variant of a scenario, resolved: no option is open.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Name of the scenario.
    pub name: String,
    /// Name of the variant; empty if the scenario has none.
    pub variant: String,
    /// What was set beyond the scenario's text, in order.
    pub overrides: Vec<String>,
    /// What it is about.
    pub about: String,
    /// Seed.
    pub seed: u64,
    /// End of the run.
    pub horizon: SimTime,
    /// Start of the measured part.
    pub warmup: SimTime,
    /// Independent repetitions.
    pub replicates: u32,
    /// Regions.
    pub regions: Vec<Region>,
    /// Pools.
    pub pools: Vec<PoolConfig>,
    /// Services, sorted by name.
    pub services: Vec<ResolvedService>,
    /// Routes, sorted by name.
    pub routes: Vec<ResolvedRoute>,
    /// Distances between regions.
    pub geography: Geography,
    /// Traffic, sorted by name.
    pub traffic: Vec<ResolvedTraffic>,
    /// Every setting with its origin.
    pub settings: Vec<Setting>,
    /// What the user should know before trusting results.
    pub warnings: Vec<String>,
    /// Hashes of the files that were read.
    pub inputs: Vec<InputHash>,
    /// Period of the series.
    pub series_period: SimDuration,
    faults: faults::ResolvedFaults,
    pack: bool,
    node_scan_period: SimDuration,
    nodes: nodes::ResolvedNodes,
    request_sample: u64,
    limits: Limits,
}

/// A service, resolved.
#[derive(Clone, Debug)]
pub struct ResolvedService {
    /// Its name.
    pub name: Arc<str>,
    /// Its model's name.
    pub model: Option<String>,
    /// Pools that may host it.
    pub pools: Vec<u32>,
    /// How a replica works.
    pub discipline: Discipline,
    /// Where the times of a token-level engine come from.
    pub profile: Option<Profile>,
    /// What is promised.
    pub slos: Vec<Slo>,
    /// Who sets the number of replicas.
    pub autoscaler: Option<ResolvedAutoscaler>,
    /// GPUs of one group.
    pub gpus_per_group: u32,
    /// Groups of a replica.
    pub groups: u32,
    /// The service on whose replicas it is resident, by position.
    pub resident_on: Option<u32>,
    /// How a replica starts.
    pub startup: Startup,
    /// Where attempts wait.
    pub queue: QueueMode,
    capacity: Option<ResolvedCapacity>,
    requeues: u32,
    starts_cold: bool,
    service_time: ServiceTime,
    router: RouterKind,
    network: Option<Distribution>,
    initial_replicas: Option<u32>,
    memory_per_gpu: Bytes,
    drain_timeout: SimDuration,
    kernel_share: f64,
    cpu: CpuModel,
}

/// Which router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouterKind {
    RoundRobin,
    LeastOutstanding,
    PowerOfChoices(u32),
    Random,
}

impl ResolvedService {
    /// Replicas at the start.
    pub fn initial_replicas(&self) -> u32 {
        self.initial_replicas.unwrap_or(1)
    }

    fn config(&self, future: impl FnOnce() -> Future) -> ServiceConfig {
        let router: Box<dyn Router> = match self.router {
            RouterKind::RoundRobin => Box::new(routing::RoundRobin::default()),
            RouterKind::LeastOutstanding => Box::new(routing::LeastOutstanding::default()),
            RouterKind::PowerOfChoices(d) => Box::new(routing::PowerOfChoices::new(d as usize)),
            RouterKind::Random => Box::new(routing::Random),
        };
        ServiceConfig {
            name: Arc::clone(&self.name),
            discipline: self.discipline.clone(),
            service_time: self.service_time.clone(),
            queue: self.queue,
            router,
            network: self.network.clone(),
            initial_replicas: self.initial_replicas(),
            resident_on: self.resident_on,
            gpus_per_group: self.gpus_per_group,
            groups: self.groups,
            memory_per_gpu: self.memory_per_gpu,
            pools: self.pools.clone(),
            startup: self.startup.clone(),
            drain_timeout: self.drain_timeout,
            kernel_share: self.kernel_share,
            cpu: self.cpu,
            slos: self.slos.clone(),
            requeues: self.requeues,
            starts_cold: self.starts_cold,
            capacity: self.capacity.as_ref().map(|capacity| capacity.make(future)),
        }
    }
}

impl Resolved {
    /// The world of one replicate.
    ///
    /// # Errors
    /// A trace that can no longer be read.
    pub fn world(&self, replicate: u32) -> Result<World, SourceError> {
        let seed = Seed { seed: self.seed, replicate };
        let clients: Result<Vec<_>, _> =
            self.traffic.iter().map(|traffic| traffic.client(seed, self.horizon)).collect();
        let mut controllers = Vec::new();
        for (service, target) in self.services.iter().zip(0..) {
            if let Some(autoscaler) = &service.autoscaler {
                let oracle = || self.oracle(target, seed);
                match autoscaler.make(&Making { target: TargetId(target), seed, oracle: &oracle }) {
                    Ok(made) => controllers.extend(made),
                    Err(MakeError::Source(error)) => return Err(error),
                    Err(MakeError::Refused(message)) => {
                        let place = format!("services.{}.autoscaler", service.name).into();
                        return Err(SourceError { place, message, hint: None });
                    }
                }
            }
        }
        let placement: Box<dyn Placement> = if self.pack { Box::new(Pack) } else { Box::new(Spread) };
        Ok(World {
            seed,
            horizon: self.horizon,
            warmup: self.warmup,
            regions: self.regions.clone(),
            pools: self.pools.clone(),
            services: self.service_configs(seed)?,
            clients: clients?,
            controllers,
            geography: self.geography.clone(),
            routes: self.routes.iter().map(ResolvedRoute::config).collect(),
            faults: self.faults.sources(seed)?,
            placement,
            node_scan_period: self.node_scan_period,
            node_autoscaler: self.nodes.make(seed),
            drains_on_notice: self.nodes.drains_on_notice,
            series_period: self.series_period,
            limits: self.limits,
            occupancy_levels: 0,
            keep_history: false,
            request_sample: self.request_sample,
        })
    }
}

impl Resolved {
    /// Whether the same requests come as to another variant, replicate for replicate. How long clients
    /// wait and whether they try again is no part of it.
    pub(crate) fn has_traffic_of(&self, other: &Resolved) -> bool {
        let called =
            |resolved: &Resolved| resolved.traffic.iter().map(|own| resolved.called_by(own)).collect::<Vec<_>>();
        self.traffic.len() == other.traffic.len()
            && self.traffic.iter().zip(&other.traffic).all(|(own, other)| own.sends_as(other))
            && called(self) == called(other)
    }

    /// The name that a client calls.
    fn called_by(&self, traffic: &ResolvedTraffic) -> Arc<str> {
        match traffic.route() {
            Some(route) => Arc::clone(&self.routes[route as usize].name),
            None => Arc::clone(&self.services[traffic.service as usize].name),
        }
    }

    /// Whether the same befalls the fleet as that of another variant.
    pub(crate) fn has_faults_of(&self, other: &Resolved) -> bool {
        format!("{:?}", self.faults) == format!("{:?}", other.faults)
    }

    fn service_configs(&self, seed: Seed) -> Result<Vec<ServiceConfig>, SourceError> {
        let config = |service: &ResolvedService| {
            let foresees = service.capacity.as_ref().is_some_and(ResolvedCapacity::foresees);
            let places = if foresees { capacity::places(&service.pools, &self.pools) } else { Vec::new() };
            let future = if foresees { self.faults.future(&places, seed, self.horizon)? } else { Future::default() };
            Ok(service.config(|| future))
        };
        self.services.iter().map(config).collect()
    }
}

/// Most entries of traffic: the engine's events have two bytes for a client.
const MAX_CLIENTS: usize = 65_535;

/// Where a document's relative paths start, and whether its files are embedded in the program.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// Folder of the scenario file.
    pub folder: &'a Path,
    /// Whether the scenario is one of those shipped in the program.
    pub embedded: bool,
    /// Where paths start that an override gives.
    pub typed: &'a Path,
    /// Policies of the user's own crate.
    pub registry: &'a Registry,
}

/// Resolves a document whose variant's overrides were applied.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn resolve(document: &Document, base: Base<'_>, stem: &str, variant: &str) -> Result<Resolved, Diagnostic> {
    let raw: schema::Scenario = document.deserialize()?;
    let mut notes = Notes::new(document);
    let (folder, typed) = (base.folder.to_owned(), base.typed.to_owned());
    let mut files = Files { base: folder, typed, embedded: base.embedded, hashes: Vec::new() };
    let bounds = limits::Bounds::new(&raw.limits);
    refuse_empty(&notes, &raw)?;
    let regions = fleet::regions(&notes, &raw.regions)?;
    let pools = fleet::pools(&mut notes, &raw.pools, &regions, u64::from(bounds.entities))?;
    let links = links::resolve(&mut notes, &raw.links)?;
    let residents = residents::Residents::new(&mut notes, &raw.services)?;
    let names: Vec<&str> = raw.services.keys().map(String::as_str).collect();
    let mut services = Vec::new();
    for ((name, given), target) in raw.services.iter().zip(0..) {
        let (effective, engines) = (residents.effective(given), residents.engines(name));
        let stock = service::Stock { pools: &pools, regions: &regions, links: &links };
        let mut resolved = service::resolve(&mut notes, &mut files, name, &effective, engines, &stock)?;
        resolved.resident_on = residents.owner(given);
        if resolved.resident_on.is_none() {
            let stage = autoscaler::Stage { services: &names, pools: &pools, registry: base.registry };
            autoscaler::resolve(&mut notes, &mut files, &stage, given, &mut resolved, TargetId(target))?;
        }
        services.push(resolved);
    }
    residents::join(&notes, &mut services, &pools)?;
    let routes = routes::routes(&mut notes, &raw.routes, &services, &pools, &regions)?;
    let placed = raw.traffic.values().any(|traffic| traffic.client().is_some_and(|client| client.origin.is_some()));
    let needed = placed || !raw.routes.is_empty();
    let geography = routes::geography(&mut notes, raw.geography.as_ref(), &regions, needed)?;
    let faults = faults::resolve(
        &mut notes,
        &mut files,
        &raw,
        &faults::Fleet { regions: &regions, pools: &pools, raw: &raw.pools },
    )?;
    let map = routes::Map { regions: &regions, pools: &pools, services: &services, routes: &routes };
    let mut traffic = Vec::new();
    for (name, given) in &raw.traffic {
        traffic.push(traffic::resolve(&mut notes, &mut files, name, given, &map)?);
    }
    let horizon = horizon(&mut notes, &raw, &traffic)?;
    let warmup = notes.or("warmup", raw.warmup, Duration(SimDuration::ZERO), "all requests are measured").get();
    if warmup >= horizon {
        return Err(notes.error("warmup", "the warm-up is as long as the run: nothing would be measured"));
    }
    let series = default_series_period(horizon);
    let series_period = notes.or("series_period", raw.series_period, series, "15s; between 40 and 10,000 rows").get();
    if series_period < SimDuration::from_ms(1) {
        return Err(notes.error("series_period", "expected at least 1ms"));
    }
    let scan = Duration(SimDuration::from_s(10));
    let scan_source = "scan-interval of the Kubernetes cluster autoscaler";
    let node_scan_period = notes.or("node_scan_period", raw.node_scan_period, scan, scan_source).get();
    let nodes = nodes::resolve(&mut notes, &raw, &pools)?;
    let replicates = notes.or("replicates", raw.replicates, 1, "one run");
    notes.within("replicates", u64::from(replicates), 1, 100_000)?;
    let resolved = Resolved {
        name: raw.name.clone().unwrap_or_else(|| stem.to_owned()),
        variant: variant.to_owned(),
        overrides: Vec::new(),
        about: raw.about.clone().unwrap_or_default(),
        seed: notes.or("seed", raw.seed, 1, "a fixed seed, so that runs can be repeated"),
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
        pack: matches!(raw.placement, Some(schema::Placement::Pack)),
        node_scan_period,
        nodes,
        request_sample: 0,
        series_period,
        limits: bounds.engine(),
        settings: Vec::new(),
        warnings: Vec::new(),
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
        inputs: files.hashes,
        ..resolved
    })
}

/// A scenario needs services and traffic, and not more of it than events can name.
fn refuse_empty(notes: &Notes<'_>, raw: &schema::Scenario) -> Result<(), Diagnostic> {
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
    raw: &schema::Scenario,
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
        let Source::Trace(file) = &client.source else {
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

/// A quarter of a minute; multiples of it for long runs, a fortieth of short ones.
fn default_series_period(horizon: SimDuration) -> Duration {
    let quarter = SimDuration::from_s(15);
    if horizon < SimDuration::from_s(600) {
        return Duration(SimDuration::from_ms((horizon.as_ms() / 40).max(1)));
    }
    let rows = horizon.as_ps().div_ceil(quarter.as_ps()).max(1);
    Duration(quarter * rows.div_ceil(10_000))
}
