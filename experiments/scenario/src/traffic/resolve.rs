//! Traffic: each entry becomes a client with a source that can be opened anew for each replicate.

use super::client::retries;
use super::place::{Place, Source};
use crate::errors::unknown;
use crate::files::{Base, Files};
use crate::network::resolve::{self as network, Callee, Map};
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::network::ClientPlace;
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::serving::Discipline;
use flashcrowd_core::traffic::{ClientConfig, RetryPolicy};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::units::Duration;
use flashcrowd_language::{Diagnostic, Document};
use flashcrowd_policies::clock::WallClock;
use std::sync::Arc;

/// A client, ready to be made for any replicate.
#[derive(Clone, Debug)]
pub struct ResolvedTraffic {
    /// Its name.
    pub name: Arc<str>,
    /// The service that it calls, by position.
    pub service: u32,
    /// Where its requests come from.
    pub source: Arc<dyn Source>,
    timeout: SimDuration,
    attempt_timeout: SimDuration,
    cancel_on_timeout: bool,
    retries: RetryPolicy,
    propagates_deadline: bool,
    max_in_flight: u32,
    /// Where it is and where it may go, if distance matters.
    pub place: Option<ClientPlace>,
}

impl ResolvedTraffic {
    /// The route that it calls, if it calls one.
    pub(crate) fn route(&self) -> Option<u32> {
        self.place.as_ref().and_then(|place| place.route)
    }

    /// Whether the same requests leave the same place as from another one.
    pub(crate) fn sends_as(&self, other: &ResolvedTraffic) -> bool {
        let origin = |traffic: &ResolvedTraffic| traffic.place.as_ref().map(|place| place.origin);
        // A source is plain data, whose text has all that it is.
        let same = || format!("{:?}", self.source) == format!("{:?}", other.source);
        self.name == other.name && origin(self) == origin(other) && same()
    }
}

impl ResolvedTraffic {
    /// The client with its source at the start.
    ///
    /// # Errors
    /// A trace that can no longer be read.
    pub fn client(&self, seed: Seed, horizon: SimTime) -> Result<ClientConfig, SourceError> {
        Ok(ClientConfig {
            name: Arc::clone(&self.name),
            service: self.service,
            traffic: self.source.open(seed, horizon, &self.name)?,
            timeout: self.timeout,
            attempt_timeout: self.attempt_timeout,
            cancel_on_timeout: self.cancel_on_timeout,
            retries: self.retries.clone(),
            propagates_deadline: self.propagates_deadline,
            max_in_flight: self.max_in_flight,
            place: self.place.clone(),
        })
    }

    /// Requests that are to be expected within `horizon_s`; for users, if service took no time.
    pub fn expected_requests(&self, horizon_s: f64) -> f64 {
        self.source.expected_requests(horizon_s)
    }
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    name: &str,
    traffic: &super::Traffic,
    map: &Map<'_>,
    load: f64,
) -> Result<ResolvedTraffic, Diagnostic> {
    let path = format!("traffic.{name}");
    notes.given(&path, "");
    let services = map.services;
    let callee = callee(notes, &path, traffic.called().service(), map)?;
    let service = match &callee {
        Callee::Route(_, route) => route.cells[0] as usize,
        Callee::Service(service) => {
            services.iter().position(|known| known.config.name == service.config.name).unwrap_or(0)
        }
    };
    let client = traffic.called().client().cloned().unwrap_or_default();
    let source = traffic.make(&mut Place { notes, files, path: path.clone(), name, load })?;
    if matches!(services[service].config.discipline, Discipline::ContinuousBatch(_)) {
        needs_tokens(notes, &path, &*source, &services[service])?;
    }
    if client.max_in_flight.is_some() && source.users() > 0 {
        let users = source.users();
        notes.warn(format!("traffic `{name}`: `max_in_flight` has no effect on users: {users} send one request each"));
    }
    let of = |field: &str| format!("{path}.client.{field}");
    let never = |span: Option<Duration>| span.map_or(SimDuration::MAX, Duration::get);
    let (cancel, deadline) = (client.cancel_on_timeout, client.propagates_deadline);
    Ok(ResolvedTraffic {
        name: name.into(),
        service: service as u32,
        source,
        timeout: never(notes.or_none(&of("timeout"), client.timeout, "it waits for as long as it takes")),
        attempt_timeout: never(notes.or_none(&of("attempt_timeout"), client.attempt_timeout, "no limit of its own")),
        cancel_on_timeout: notes.or(&of("cancel_on_timeout"), cancel, true, "a closed connection ends the work"),
        retries: retries(notes, &path, client.retries.as_ref())?,
        propagates_deadline: notes.or(&of("propagates_deadline"), deadline, false, "few clients send one"),
        max_in_flight: max_in_flight(notes, &of("max_in_flight"), client.max_in_flight)?,
        place: network::place(notes, &format!("{path}.client"), &client, &callee, map)?,
    })
}

fn max_in_flight(notes: &mut Notes<'_>, at: &str, given: Option<u32>) -> Result<u32, Diagnostic> {
    if let Some(most) = notes.or_none(at, given, "it sends whatever is on its way") {
        notes.within(at, u64::from(most), 1, u64::from(u32::MAX))?;
        return Ok(most);
    }
    Ok(u32::MAX)
}

/// When the earliest recording began, of those that say so.
pub(crate) fn start_of<'a>(sources: impl Iterator<Item = &'a dyn Source>) -> Option<WallClock> {
    sources.filter_map(|source| source.trace()?.summary.starts_at).min().map(WallClock::new)
}

/// The same before traffic is resolved: traces are read for it, and what is wrong with them is said later.
pub(crate) fn recorded_start(document: &Document, base: &Base<'_>, raw: &spec::Scenario) -> Option<WallClock> {
    let (folder, typed) = (base.folder.to_owned(), base.typed.to_owned());
    let mut files = Files { base: folder, typed, embedded: base.embedded, hashes: Vec::new() };
    let mut notes = Notes::new(document);
    let traces = raw.traffic.iter().filter(|(_, traffic)| matches!(traffic, super::Traffic::Trace(_)));
    let sources = traces.filter_map(|(name, traffic)| {
        let path = format!("traffic.{name}");
        traffic.make(&mut Place { notes: &mut notes, files: &mut files, path, name, load: 1.0 }).ok()
    });
    let sources: Vec<Arc<dyn Source>> = sources.collect();
    start_of(sources.iter().map(|source| &**source))
}

/// Who is called: a route or a service of that name, or the only one there is.
fn callee<'a>(notes: &Notes<'_>, path: &str, wanted: Option<&str>, map: &Map<'a>) -> Result<Callee<'a>, Diagnostic> {
    let Map { services, routes, .. } = *map;
    let route = |at: usize| Callee::Route(at as u32, &routes[at]);
    let Some(wanted) = wanted else {
        let in_routes = |at: u32| routes.iter().any(|route| route.cells.contains(&at));
        let direct = (0..services.len() as u32).filter(|at| !in_routes(*at)).count();
        return match (routes.len(), direct) {
            (1, 0) => Ok(route(0)),
            (0, 1) => Ok(Callee::Service(&services[0])),
            _ => Err(notes.error(path, "there are several services: say which one is called, by `service`")),
        };
    };
    if let Some(at) = routes.iter().position(|known| *known.name == *wanted) {
        return Ok(route(at));
    }
    let found = services.iter().find(|known| *known.config.name == *wanted);
    let names = routes.iter().map(|route| &*route.name).chain(services.iter().map(|service| &*service.config.name));
    found.map(Callee::Service).ok_or_else(|| unknown(notes, &format!("{path}.service"), "service", wanted, names))
}

/// A token-level engine serves nothing else, so its traffic must say how many.
fn needs_tokens(
    notes: &Notes<'_>,
    path: &str,
    source: &dyn Source,
    service: &ResolvedService,
) -> Result<(), Diagnostic> {
    if let Some(lacks) = source.trace().and_then(|trace| trace.lacks) {
        let message = format!("`{}` serves tokens, and no column says those of the {lacks}", service.config.name);
        let help = format!("name it: `columns: (..., {lacks}: \"{lacks}_tokens\")`");
        return Err(notes.error(&format!("{path}.columns"), message).with_help(help));
    }
    let Some(distributions) = source.distributions() else { return Ok(()) };
    let missing = match (&distributions.prompt, &distributions.output) {
        (Some(_), Some(_)) => return Ok(()),
        (None, _) => "prompt_tokens",
        (_, None) => "output_tokens",
    };
    let message = format!("`{}` serves tokens, and this traffic has no `{missing}`", service.config.name);
    let help =
        "for example `prompt_tokens: LogNormal(p50: 510, p99: 6200), output_tokens: LogNormal(p50: 140, p99: 1100)`";
    Err(notes.error(path, message).with_help(help))
}
