//! Traffic: each entry becomes a client with a source that can be opened anew for each replicate.

use crate::errors::source_error;
use crate::errors::unknown;
use crate::files::{Files, InputHash, hash_file};
use crate::network::resolve::{self as network, Callee, Map};
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::network::ClientPlace;
use flashcrowd_core::ports::{ArrivalSource, SourceError};
use flashcrowd_core::serving::Discipline;
use flashcrowd_core::traffic::{Backoff, ClientConfig, RetryBudget, RetryPolicy, Traffic};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::units::{Duration, NonNegative, Positive};
use flashcrowd_language::words::plain;
use flashcrowd_language::{Diagnostic, SizeLaw};
use flashcrowd_workloads::ParameterError;
use flashcrowd_workloads::input::open_again;
use flashcrowd_workloads::traffic::mmpp::{Chain, Mmpp, Start, State};
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestLaws, Until};
use flashcrowd_workloads::traffic::schedule::{Schedule, Timetable};
use flashcrowd_workloads::traffic::trace::{
    BlockIndex, OnBadRow, TraceFormat, TraceOptions, TraceSource, TraceSummary, format, summary,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A client, ready to be made for any replicate.
#[derive(Clone, Debug)]
pub struct ResolvedTraffic {
    /// Its name.
    pub name: Arc<str>,
    /// The service that it calls, by position.
    pub service: u32,
    /// Where its requests come from.
    pub source: Source,
    timeout: SimDuration,
    attempt_timeout: SimDuration,
    cancel_on_timeout: bool,
    retries: RetryPolicy,
    propagates_deadline: bool,
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

/// Where requests come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Poisson arrivals at this rate.
    Poisson(f64, RequestLaws),
    /// Markov-modulated Poisson arrivals.
    Mmpp(Chain, RequestLaws),
    /// A timetable of rates.
    Schedule(Timetable, RequestLaws),
    /// A recorded trace.
    Trace(Box<TraceFile>),
    /// Closed-loop users.
    Users {
        /// How many.
        users: u32,
        /// Think time in seconds.
        think: Distribution,
        /// Token laws.
        laws: RequestLaws,
    },
}

/// A recorded trace that was read through once.
#[derive(Clone, Debug)]
pub struct TraceFile {
    /// Where it is.
    pub path: PathBuf,
    /// How it is played.
    pub options: TraceOptions,
    /// What it holds.
    pub summary: TraceSummary,
    /// Its blocks, if each replicate draws its own.
    pub blocks: Option<Arc<BlockIndex>>,
}

impl TraceFile {
    fn open(&self, seed: Seed, label: &str) -> Result<TraceSource, SourceError> {
        let TraceFile { path, options, summary, blocks } = self;
        match blocks {
            Some(index) => TraceSource::open_resampled(path, options, *summary, Arc::clone(index), seed, label),
            None => TraceSource::open_checked(path, options, *summary, seed, label),
        }
    }

    /// How long it plays.
    pub fn plays_for(&self) -> SimDuration {
        let whole = self.summary.period().as_s_f64() * f64::from(self.options.repeat - 1);
        SimDuration::from_s_f64((whole + self.summary.span.as_s_f64()) * self.options.time_scale)
    }
}

impl ResolvedTraffic {
    /// The client with its source at the start.
    ///
    /// # Errors
    /// A trace that can no longer be read.
    pub fn client(&self, seed: Seed, horizon: SimTime) -> Result<ClientConfig, SourceError> {
        let until = Until { until: horizon, count: u64::MAX };
        let label = &*self.name;
        // Parameters were checked when the scenario was resolved.
        let checked = |error: ParameterError| SourceError {
            place: format!("traffic.{label}").into(),
            message: error.to_string(),
            hint: None,
        };
        let open = |source: Box<dyn ArrivalSource>| Traffic::Open(source);
        let traffic = match &self.source {
            Source::Poisson(rate, laws) => {
                open(Box::new(Poisson::new(*rate, laws, until, seed, label).map_err(checked)?))
            }
            Source::Mmpp(chain, laws) => open(Box::new(Mmpp::new(chain, laws, until, seed, label).map_err(checked)?)),
            Source::Schedule(table, laws) => {
                open(Box::new(Schedule::new(table, laws, until, seed, label).map_err(checked)?))
            }
            Source::Trace(file) => open(Box::new(file.open(seed, label)?)),
            Source::Users { users, think, laws } => {
                let none = Distribution::Constant(0.0);
                Traffic::Closed {
                    users: *users,
                    think: think.clone(),
                    prompt_tokens: laws.prompt.clone().unwrap_or(none.clone()),
                    output_tokens: laws.output.clone().unwrap_or(none),
                }
            }
        };
        Ok(ClientConfig {
            name: Arc::clone(&self.name),
            service: self.service,
            traffic,
            timeout: self.timeout,
            attempt_timeout: self.attempt_timeout,
            cancel_on_timeout: self.cancel_on_timeout,
            retries: self.retries.clone(),
            propagates_deadline: self.propagates_deadline,
            place: self.place.clone(),
        })
    }

    /// Requests that are to be expected within `horizon_s`; for users, if service took no time.
    pub fn expected_requests(&self, horizon_s: f64) -> f64 {
        match &self.source {
            Source::Poisson(rate, _) => rate * horizon_s,
            Source::Mmpp(chain, _) => chain.mean_rate() * horizon_s,
            Source::Schedule(table, _) => table.points.iter().map(|point| point.1).fold(0.0, f64::max) * horizon_s,
            Source::Trace(file) => file.summary.rows as f64 * file.options.rate_scale * f64::from(file.options.repeat),
            Source::Users { users, think, .. } => f64::from(*users) * horizon_s / think.mean().max(1e-3),
        }
    }
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    name: &str,
    traffic: &spec::Traffic,
    map: &Map<'_>,
) -> Result<ResolvedTraffic, Diagnostic> {
    let path = format!("traffic.{name}");
    notes.given(&path, "");
    let (service, client) = match traffic {
        spec::Traffic::Poisson(t) => (&t.service, &t.client),
        spec::Traffic::Mmpp(t) => (&t.service, &t.client),
        spec::Traffic::Schedule(t) => (&t.service, &t.client),
        spec::Traffic::Trace(t) => (&t.service, &t.client),
        spec::Traffic::Users(t) => (&t.service, &t.client),
    };
    let services = map.services;
    let callee = callee(notes, &path, service.as_deref(), map)?;
    let service = match &callee {
        Callee::Route(_, route) => route.cells[0] as usize,
        Callee::Service(service) => {
            services.iter().position(|known| known.config.name == service.config.name).unwrap_or(0)
        }
    };
    let client = client.clone().unwrap_or_default();
    let source = source(notes, files, &path, name, traffic)?;
    if matches!(services[service].config.discipline, Discipline::ContinuousBatch(_)) {
        needs_tokens(notes, &path, &source, &services[service])?;
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
        place: network::place(notes, &format!("{path}.client"), &client, &callee, map)?,
    })
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
fn needs_tokens(notes: &Notes<'_>, path: &str, source: &Source, service: &ResolvedService) -> Result<(), Diagnostic> {
    let laws = match source {
        Source::Poisson(_, laws) | Source::Mmpp(_, laws) | Source::Schedule(_, laws) | Source::Users { laws, .. } => {
            laws
        }
        Source::Trace(_) => return Ok(()),
    };
    let missing = match (&laws.prompt, &laws.output) {
        (Some(_), Some(_)) => return Ok(()),
        (None, _) => "prompt_tokens",
        (_, None) => "output_tokens",
    };
    let message = format!("`{}` serves tokens, and this traffic has no `{missing}`", service.config.name);
    let help =
        "for example `prompt_tokens: LogNormal(p50: 510, p99: 6200), output_tokens: LogNormal(p50: 140, p99: 1100)`";
    Err(notes.error(path, message).with_help(help))
}

fn laws(prompt: Option<&SizeLaw>, output: Option<&SizeLaw>) -> RequestLaws {
    RequestLaws {
        prompt: prompt.map(|law| law.distribution().clone()),
        output: output.map(|law| law.distribution().clone()),
        service: None,
    }
}

fn source(
    notes: &mut Notes<'_>,
    files: &mut Files,
    path: &str,
    name: &str,
    traffic: &spec::Traffic,
) -> Result<Source, Diagnostic> {
    let document = notes.document;
    let wrong = |error: ParameterError| document.error_at(path, error.to_string());
    let (seed, until) = (Seed::new(0), Until::default());
    Ok(match traffic {
        spec::Traffic::Poisson(t) => {
            let laws = laws(t.prompt_tokens.as_ref(), t.output_tokens.as_ref());
            Poisson::new(t.rate.per_s(), &laws, until, seed, name).map_err(wrong)?;
            Source::Poisson(t.rate.per_s(), laws)
        }
        spec::Traffic::Mmpp(t) => {
            let laws = laws(t.prompt_tokens.as_ref(), t.output_tokens.as_ref());
            let state = |state: &spec::MmppState| State { rate: state.rate.per_s(), mean_sojourn: state.mean.get() };
            let states = t.states.iter().map(state).collect();
            let chain = Chain { states, transitions: t.transitions.clone(), start: Start::Stationary };
            Mmpp::new(&chain, &laws, until, seed, name).map_err(wrong)?;
            Source::Mmpp(chain, laws)
        }
        spec::Traffic::Schedule(t) => {
            let laws = laws(t.prompt_tokens.as_ref(), t.output_tokens.as_ref());
            let points = t.steps.iter().map(|step| (step.at.get(), step.rate.per_s())).collect();
            let repeat = t.repeat_every.map(Duration::get);
            let ramps = notes.or(&format!("{path}.ramp"), t.ramp, false, "the rate changes in steps");
            notes.or_none(&format!("{path}.repeat_every"), t.repeat_every, "the last rate stays");
            let table = Timetable { points, ramps, repeat };
            Schedule::new(&table, &laws, until, seed, name).map_err(wrong)?;
            Source::Schedule(table, laws)
        }
        spec::Traffic::Trace(t) => trace(notes, files, path, t)?,
        spec::Traffic::Users(t) => {
            notes.within(&format!("{path}.users"), u64::from(t.users), 1, u64::from(u32::MAX - 2))?;
            let laws = laws(t.prompt_tokens.as_ref(), t.output_tokens.as_ref());
            Source::Users { users: t.users, think: t.think.distribution().clone(), laws }
        }
    })
}

fn trace(notes: &mut Notes<'_>, files: &mut Files, path: &str, given: &spec::Trace) -> Result<Source, Diagnostic> {
    let setting = format!("{path}.path");
    let whole = (Duration(SimDuration::ZERO), Duration(SimDuration::MAX));
    let window =
        given.window.as_ref().map(|window| (window.from.unwrap_or(whole.0).get(), window.to.unwrap_or(whole.1).get()));
    let of = |field: &str| format!("{path}.{field}");
    let recorded = "as recorded";
    if window.is_none() {
        notes.default(&of("window"), "None", "all of it", false);
    }
    if given.resample.is_none() {
        notes.default(&of("resample"), "None", "every replicate plays it as it is", false);
    }
    let options = TraceOptions {
        time_scale: notes.or(&of("time_scale"), given.time_scale.map(Positive::get), 1.0, recorded),
        rate_scale: notes.or(&of("rate_scale"), given.rate_scale.map(Positive::get), 1.0, recorded),
        repeat: notes.or(&of("repeat"), given.repeat, 1, "once"),
        window,
        on_bad_row: match given.on_bad_row {
            Some(spec::OnBadRow::Drop) => OnBadRow::Drop,
            Some(spec::OnBadRow::Refuse) => OnBadRow::Refuse,
            None => {
                notes.default(&of("on_bad_row"), "Refuse", "a trace with a bad row may be the wrong file", false);
                OnBadRow::Refuse
            }
        },
    };
    options.check().map_err(|error| notes.error(path, error.to_string()))?;
    let file = files.locate(notes, &setting, &given.path);
    if !file.exists() {
        let error = notes.error(&setting, format!("there is no trace at `{}`", file.display()));
        return Err(error.with_help(format!(
            "the Azure LLM inference traces are public (CC-BY): \
             https://github.com/Azure/AzurePublicDataset, files `AzureLLMInferenceTrace_code.csv` and `..._conv.csv`; \
             so are those that name the blocks of prompts (Apache-2.0): https://github.com/kvcache-ai/Mooncake, \
             FAST25-release/traces; then give its place: --set {setting}=FILE"
        )));
    }
    open_again(&file).map_err(|error| notes.error(&setting, format!("`{}`: {}", given.path, plain(&error))))?;
    expect_format(notes, path, given.format, &file)?;
    let found = summary(&file, &options).map_err(|error| source_error(&error))?;
    let hash = hash_file(&file).map_err(|error| notes.error(&setting, error.to_string()))?;
    files.hashes.push(InputHash { path: given.path.clone(), hash });
    if found.dropped > 0 {
        notes.warn(format!("{}: {} rows were dropped, {} are played", given.path, found.dropped, found.rows));
    }
    let blocks = blocks(notes, path, given.resample, (&file, &options, found))?;
    Ok(Source::Trace(Box::new(TraceFile { path: file, options, summary: found, blocks })))
}

/// The blocks of a trace of which each replicate draws its own.
fn blocks(
    notes: &mut Notes<'_>,
    path: &str,
    given: Option<spec::Resample>,
    (file, options, found): (&Path, &TraceOptions, TraceSummary),
) -> Result<Option<Arc<BlockIndex>>, Diagnostic> {
    let Some(spec::Resample::Blocks(length)) = given else { return Ok(None) };
    let setting = format!("{path}.resample");
    notes.given(&setting, "");
    let index = BlockIndex::new(file, options, found, length.get()).map_err(|error| {
        let diagnostic = notes.error(&setting, format!("the trace cannot be resampled: {}", error.message));
        match error.hint {
            Some(hint) => diagnostic.with_help(hint),
            None => diagnostic,
        }
    })?;
    Ok(Some(Arc::new(index)))
}

/// Exponential backoff with full jitter, as the builders' library of AWS has it.
const EXPONENTIAL: &str = "exponential backoff with full jitter (Amazon Builders' Library)";

fn ms(ms: u64) -> Duration {
    Duration(SimDuration::from_ms(ms))
}

/// A format that the scenario names must be that of the file.
fn expect_format(
    notes: &Notes<'_>,
    path: &str,
    given: Option<spec::TraceFormat>,
    file: &Path,
) -> Result<(), Diagnostic> {
    let Some(given) = given else { return Ok(()) };
    let found = match format(file).map_err(|error| source_error(&error))? {
        TraceFormat::AzureLlm => spec::TraceFormat::AzureLlm,
        TraceFormat::Mooncake => spec::TraceFormat::Mooncake,
        TraceFormat::Bailian => spec::TraceFormat::Bailian,
    };
    if found == given {
        return Ok(());
    }
    let message = format!("the first line of `{}` is one of `{found:?}`, not of `{given:?}`", file.display());
    Err(notes.error(&format!("{path}.format"), message).with_help("leave `format` out: the first line tells it"))
}

fn retries(notes: &mut Notes<'_>, path: &str, given: Option<&spec::Retries>) -> Result<RetryPolicy, Diagnostic> {
    let Some(given) = given else {
        notes.default(&format!("{path}.client.retries"), "None", "it tries once", false);
        return Ok(RetryPolicy::none());
    };
    let path = |field: &str| format!("{path}.client.retries.{field}");
    notes.within(&path("max"), u64::from(given.max), 0, 1_000)?;
    let factor = notes.or(&path("factor"), given.factor, 2, EXPONENTIAL);
    notes.within(&path("factor"), u64::from(factor), 1, 1_000)?;
    let budget = given.budget.as_ref().map(|budget| RetryBudget {
        ratio: budget.ratio.get(),
        per_s: notes.or(&path("budget.per_s"), budget.per_s.map(NonNegative::get), 0.0, "requests alone fill it"),
        bucket: notes.or(&path("budget.bucket"), budget.bucket.map(Positive::get), 100.0, "room for a short burst"),
    });
    if budget.is_none() {
        notes.default(&path("budget"), "None", "retries are not limited together", false);
    }
    if budget.is_some_and(|budget| budget.ratio > 1e9 || budget.per_s > 1e9 || budget.bucket > 1e12) {
        return Err(notes.error(&path("budget"), "this budget limits nothing; leave it out"));
    }
    Ok(RetryPolicy {
        max_retries: given.max,
        backoff: Backoff {
            base: notes.or(&path("backoff"), given.backoff, ms(100), EXPONENTIAL).get(),
            factor,
            cap: notes.or(&path("cap"), given.cap, ms(60_000), EXPONENTIAL).get(),
            full_jitter: notes.or(&path("full_jitter"), given.full_jitter, true, EXPONENTIAL),
        },
        budget,
    })
}
