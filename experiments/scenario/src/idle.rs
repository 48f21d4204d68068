//! What a scenario says and nothing comes of: settings that others make meaningless, things that
//! nobody uses, and what lies after the end of the run. None of it is an error; all of it is
//! likely to be a mistake.

use crate::autoscaler::resolved::ResolvedAutoscaler;
use crate::resolved::Resolved;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::ports::SignalSource;
use flashcrowd_core::serving::QueueMode;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::units::Duration;
use flashcrowd_language::words::duration;

impl Notes<'_> {
    /// Warns of a setting without effect, with its line.
    fn idle(&mut self, path: &str, why: &str) {
        let line = self.document.line_at(path).map_or_else(String::new, |line| format!(" (line {line})"));
        self.warn(format!("`{path}`{line} has no effect: {why}"));
        self.idle.push(path.to_owned());
    }
}

/// Warns of everything that has no effect.
pub(crate) fn warn(notes: &mut Notes<'_>, raw: &spec::Scenario, resolved: &Resolved) {
    whole(notes, raw, resolved);
    for (name, pool) in &raw.pools {
        pool_of(notes, raw, name, pool);
    }
    unused(notes, raw, resolved);
    for (name, given) in &raw.services {
        if let Some(service) = resolved.services.iter().find(|service| *service.config.name == **name) {
            service_of(notes, given, service, resolved);
        }
    }
    for (name, given) in &raw.traffic {
        if let Some(client) = given.called().client() {
            client_of(notes, &format!("traffic.{name}.client"), client, resolved);
        }
    }
    late(notes, raw, resolved);
}

fn whole(notes: &mut Notes<'_>, raw: &spec::Scenario, resolved: &Resolved) {
    let plain = matches!(raw.node_autoscaler, None | Some(spec::NodeAutoscaler::Plain));
    if raw.node_scan_period.is_some() && !plain {
        notes.idle("node_scan_period", "it is the plain node autoscaler's; this one has its own settings");
    }
    let spot = raw.pools.values().any(|pool| matches!(pool.market, Some(spec::Market::Spot)));
    if raw.drains_on_notice.is_some() && !spot {
        notes.idle("drains_on_notice", "no pool is bought as Spot, and nothing else gives notice");
    }
    let placed =
        raw.traffic.values().any(|traffic| traffic.called().client().is_some_and(|client| client.origin.is_some()));
    if raw.geography.is_some() && !placed && resolved.routes.is_empty() {
        notes.idle("geography", "no client has an `origin`, and there is no route");
    }
    for name in raw.links.keys().filter(|name| !uses_link(raw, name)) {
        notes.idle(&format!("links.{name}"), "no start-up stage crosses it (`via`)");
    }
}

fn uses_link(raw: &spec::Scenario, link: &str) -> bool {
    let names = |via: &[String]| via.iter().any(|name| name == link);
    let crosses = |work: &spec::StageWork| matches!(work, spec::StageWork::Transfer(given) if names(&given.via));
    let stage = |stage: &spec::StartupStage| {
        let own = [Some(&stage.cold), stage.cached.as_ref(), stage.disk.as_ref()];
        own.into_iter().flatten().any(crosses) || stage.peers.as_ref().is_some_and(|peers| names(&peers.via))
    };
    raw.services.values().filter_map(|service| service.startup.as_ref()).any(|startup| {
        let stages = [&startup.image, &startup.weights, &startup.engine, &startup.compile, &startup.graphs];
        stages.into_iter().flatten().any(stage)
    })
}

fn pool_of(notes: &mut Notes<'_>, raw: &spec::Scenario, name: &str, pool: &spec::Pool) {
    let path = |field: &str| format!("pools.{name}.{field}");
    if !matches!(pool.market, Some(spec::Market::Spot)) {
        let why = "only what is bought as Spot is reclaimed: `market: Spot`";
        if pool.notice.is_some() {
            notes.idle(&path("notice"), why);
        }
        if pool.missed_notices.is_some() {
            notes.idle(&path("missed_notices"), why);
        }
        if pool.supply.is_some() {
            notes.idle(&path("supply"), "only what is bought as Spot has a market: `market: Spot`");
        }
    }
    let plain = matches!(raw.node_autoscaler, None | Some(spec::NodeAutoscaler::Plain));
    if pool.idle_timeout.is_some() && !plain {
        notes.idle(&path("idle_timeout"), "it is the plain node autoscaler's; this one has its own settings");
    } else if pool.idle_timeout.is_some() && pool.min_nodes == Some(pool.max_nodes) {
        notes.idle(&path("idle_timeout"), "`min_nodes` keeps all of its nodes");
    }
}

/// Pools, services and routes that nothing uses.
fn unused(notes: &mut Notes<'_>, raw: &spec::Scenario, resolved: &Resolved) {
    for (pool, at) in resolved.pools.iter().zip(0..) {
        if !resolved.services.iter().any(|service| service.config.pools.contains(&at)) {
            let paid = if pool.min_nodes > 0 { ": its nodes are paid for and stay empty" } else { "" };
            notes.warn(format!("no service may use the pool `{}`{paid}", pool.name));
        }
    }
    let named =
        |name: &str| raw.traffic.values().any(|traffic| traffic.called().service().is_none_or(|called| called == name));
    for route in resolved.routes.iter().filter(|route| !named(&route.name)) {
        notes.warn(format!("nothing calls the route `{}`: give traffic `service: \"{0}\"`", route.name));
    }
    let in_route = |at: u32| resolved.routes.iter().any(|route| route.cells.contains(&at));
    let idle = resolved.services.iter().zip(0..).filter(|(service, at)| !in_route(*at) && !named(&service.config.name));
    let idle: Vec<String> = idle.map(|(service, _)| format!("`{}`", service.config.name)).collect();
    if let Some(first) = idle.first() {
        let others = if idle.len() > 1 { format!(" and {} others", idle.len() - 1) } else { String::new() };
        notes.warn(format!("nothing calls the service {first}{others}: traffic names its `service`"));
    }
}

fn service_of(notes: &mut Notes<'_>, given: &spec::Service, service: &ResolvedService, resolved: &Resolved) {
    let name = &service.config.name;
    let path = |field: &str| format!("services.{name}.{field}");
    of_routes(notes, given, name);
    if matches!(service.config.queue, QueueMode::Shared { .. }) && given.router.is_some() {
        notes.idle(&path("router"), "from a shared queue whoever has room takes the next");
    }
    if let (Some(_), Some(spec::Queue::PerReplica(queue))) = (&given.at_zero, &given.queue)
        && queue.gateway.is_some()
    {
        notes.idle(&path("queue.gateway"), "`at_zero` says how many wait while no replica is ready");
    }
    let none = service.config.initial_replicas == 0;
    let most = service.autoscaler.as_ref().map_or(Some(0), ResolvedAutoscaler::max_replicas);
    if none && most == Some(0) && service.config.resident_on.is_none() && !shared(resolved) {
        notes
            .warn(format!("service `{name}` has no replicas and no autoscaler that makes any: nothing is ever served"));
    }
    if given.starts_cold == Some(true) && none {
        notes.idle(&path("starts_cold"), "there are no replicas at the start");
    }
    if let Some(most) = service.autoscaler.as_ref().and_then(ResolvedAutoscaler::max_replicas)
        && given.replicas.is_some_and(|replicas| replicas > most)
    {
        notes.warn(format!(
            "service `{name}` begins with {} replicas, its autoscaler asks for at most {most}",
            service.config.initial_replicas
        ));
    }
    cpu_of(notes, given, service);
}

/// Fields of a service that are its route's have no route where it has no `regions`.
fn of_routes(notes: &mut Notes<'_>, given: &spec::Service, name: &str) {
    let fields = [
        ("routing", given.routing.is_some()),
        ("health", given.health.is_some()),
        ("connect_timeout", given.connect_timeout.is_some()),
        ("retries_elsewhere", given.retries_elsewhere.is_some()),
    ];
    // A copy of a service with `regions` has left these to its route.
    for (field, _) in fields.into_iter().filter(|(_, given)| *given && !name.contains('@')) {
        notes.idle(&format!("services.{name}.{field}"), "the service has no `regions`");
    }
}

/// Whether a controller scales other services than its own.
fn shared(resolved: &Resolved) -> bool {
    let scalers = resolved.services.iter().filter_map(|service| service.autoscaler.as_ref());
    scalers.into_iter().any(|scaler| scaler.describe().starts_with("wva/"))
}

/// Controllers that read the CPU or memory of a server process that has none.
fn cpu_of(notes: &mut Notes<'_>, given: &spec::Service, service: &ResolvedService) {
    let Some(scaler) = &service.autoscaler else { return };
    let name = &service.config.name;
    let reads = |source: SignalSource| scaler.signals.iter().any(|signal| signal.source == source);
    let cpu = given.cpu.as_ref();
    let wants = [
        (
            SignalSource::CpuCores,
            "CPU",
            "cores",
            cpu.is_some_and(|cpu| cpu.idle_cores.is_some() || cpu.cores_per_request.is_some()),
        ),
        (
            SignalSource::MemoryBytes,
            "memory",
            "memory",
            cpu.is_some_and(|cpu| cpu.idle_memory.is_some() || cpu.memory_per_request.is_some()),
        ),
    ];
    for (_, what, field, _) in wants.into_iter().filter(|(source, .., known)| reads(*source) && !known) {
        notes.warn(format!(
            "service `{name}`: its autoscaler reads the {what} of the server process, which is 0 for ever here: give \
             the service `cpu: (idle_{field}: ..., {field}_per_request: ..., request_{field}: ...)`"
        ));
    }
    let Some((spec, options)) = scaler.hpa() else { return };
    for metric in &spec.metrics {
        let resource = metric.source.metric_name();
        let asked = matches!(metric.target, flashcrowd_policies::autoscalers::hpa::Target::Utilization(_));
        if asked && !options.containers.iter().any(|container| container.requests.contains_key(resource)) {
            let field = if resource == "cpu" { "request_cores" } else { "request_memory" };
            notes.warn(format!(
                "service `{name}`: the HPA's `{resource}` is a share of what the container requests, and `cpu` of the \
                 service has no `{field}`: the metric is an error at every sync"
            ));
        }
    }
}

fn client_of(notes: &mut Notes<'_>, path: &str, client: &spec::Client, resolved: &Resolved) {
    let at = |field: &str| format!("{path}.{field}");
    let limited = client.timeout.is_some() || client.attempt_timeout.is_some();
    if client.cancel_on_timeout.is_some() && !limited {
        notes.idle(&at("cancel_on_timeout"), "the client has no `timeout`");
    }
    if client.propagates_deadline == Some(true) && !limited {
        notes.idle(&at("propagates_deadline"), "the client has no `timeout`");
    } else if client.propagates_deadline == Some(true) && client.cancel_on_timeout != Some(false) {
        notes.idle(&at("propagates_deadline"), "a time-out withdraws the work: `cancel_on_timeout`");
    }
    if let (Some(whole), Some(attempt)) = (client.timeout, client.attempt_timeout)
        && attempt.get() >= whole.get()
    {
        notes.idle(&at("attempt_timeout"), "the request is given up no later, by `timeout`");
    }
    if let Some(retries) = &client.retries {
        let first = retries.backoff.filter(|_| retries.full_jitter != Some(true));
        let patience = client.timeout.map(Duration::get);
        if first.zip(patience).is_some_and(|(wait, patience)| wait.get() >= patience) {
            notes.idle(&at("retries"), "the request is given up (`timeout`) before the first `backoff` ends");
        }
    }
    if client.origin.is_none() && client.residency.is_none() && resolved.routes.is_empty() {
        for (field, given) in [
            ("round_trips", client.round_trips.is_some()),
            ("response_size", client.response_size.is_some()),
            ("response_size_per_token", client.response_size_per_token.is_some()),
        ] {
            if given {
                notes.idle(&at(field), "the client has no `origin`, so that distance does not matter");
            }
        }
    }
}

/// What lies after the end of the run.
fn late(notes: &mut Notes<'_>, raw: &spec::Scenario, resolved: &Resolved) {
    let horizon = resolved.horizon.since(SimTime::ZERO);
    let end = duration(horizon.as_s_f64());
    for (name, at) in resolved.faults.later_than(resolved.horizon) {
        let begins = duration(at.as_s_f64());
        notes.idle(&name, &format!("it begins at {begins}, and the run ends at {end}"));
    }
    let mut steps = |path: &str, instants: Vec<Duration>| {
        let late = instants.iter().filter(|at| at.get() > horizon).count();
        if late > 0 {
            let why = format!("{late} of {} steps lie after the end of the run at {end}", instants.len());
            notes.warn(format!("`{path}`: {why}"));
        }
    };
    for (name, market) in &raw.markets {
        if let spec::SpotMarket::Steps(given) = market {
            for (zone, own) in &given.zones {
                steps(&format!("markets.{name}.zones.{zone}"), own.iter().map(|step| step.at).collect());
            }
        }
    }
    for (name, traffic) in &raw.traffic {
        if let spec::Traffic::Schedule(given) = traffic {
            // A ramp that is under way at the end of the run leads to the step after it.
            let mut own: Vec<Duration> = given.steps.iter().map(|step| step.at).collect();
            if given.ramp == Some(true) && own.last().is_some_and(|last| last.get() > horizon) {
                own.pop();
            }
            steps(&format!("traffic.{name}.steps"), own);
        }
    }
    for (name, service) in &raw.services {
        if let Some(spec::Autoscaler::Timetable(given)) = &service.autoscaler {
            // A step is taken its lead before its time; a cold start by default, and no longer than an hour.
            let lead = given.lead.map_or(SimDuration::from_s(3_600), Duration::get);
            let taken = given.steps.iter().map(|step| Duration(step.at.get().saturating_sub(lead)));
            steps(&format!("services.{name}.autoscaler.steps"), taken.collect());
        }
    }
}
