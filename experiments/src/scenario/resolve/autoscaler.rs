//! Autoscalers: the user's own manifests, their metrics bound to signals.

use super::baselines::{self, Place};
use super::bindings::{self, bindings};
use super::command;
use super::files::{Files, Input};
use super::manifest::{self, Context, Scaled};
use super::policy;
use super::settings::Notes;
use super::{Make, MakeError, ResolvedAutoscaler, ResolvedService};
use crate::registry::Registry;
use crate::scenario::language::units::{Duration, NonNegative};
use crate::scenario::language::{Diagnostic, list};
use crate::scenario::schema;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ports::{SignalSource, TargetId};
use flashcrowd_core::serving::Discipline;
use flashcrowd_policies::autoscalers::FixedReplicas;
use flashcrowd_policies::autoscalers::hpa::manifest::{ManifestError, read_bytes as read_hpa};
use flashcrowd_policies::autoscalers::hpa::{
    BoundMetric, Container, ControllerSettings, Hpa, HpaOptions, Quirks, Variant, bind,
};
use flashcrowd_policies::manifest::{self as kind, Kind};
use flashcrowd_policies::metrics::MetricNameError;
use std::collections::BTreeMap;
use std::sync::Arc;

const FLAG: &str = "flag default of kube-controller-manager";

/// What all services of a scenario share.
pub(super) struct Stage<'a> {
    /// Names of all services, by position.
    pub(super) services: &'a [&'a str],
    pub(super) pools: &'a [PoolConfig],
    /// Policies that the program was started with.
    pub(super) registry: &'a Registry,
}

pub(super) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    stage: &Stage<'_>,
    service: &schema::Service,
    resolved: &mut ResolvedService,
    target: TargetId,
) -> Result<(), Diagnostic> {
    let before = (!service.bind.is_empty()).then(|| resolved.clone());
    scale(notes, files, stage, service, resolved, target)?;
    let binds = matches!(service.autoscaler, Some(schema::Autoscaler::Manifest(_) | schema::Autoscaler::Command(_)));
    let Some(before) = before else { return Ok(()) };
    if !binds {
        notes.warn(format!("service `{}`: `bind` has no effect without a manifest", resolved.name));
        return Ok(());
    }
    let signals = resolved.autoscaler.as_ref().map_or(&[][..], |scaler| &scaler.signals);
    let unread = |name: &&String| signals.iter().all(|signal| signal.name != **name);
    let doubtful: Vec<&String> = service.bind.keys().filter(unread).collect();
    for name in bindings::unread(notes.document, files, stage, service, &before, target, &doubtful) {
        let names: Vec<&str> = signals.iter().map(|signal| signal.name.as_str()).collect();
        let reads = if names.is_empty() { "nothing".to_owned() } else { list(names) };
        notes.warn(format!(
            "service `{}`: `bind` of `{name}` has no effect: its autoscaler reads {reads}",
            resolved.name
        ));
    }
    Ok(())
}

/// Makes the autoscaler of a service.
pub(super) fn scale(
    notes: &mut Notes<'_>,
    files: &mut Files,
    stage: &Stage<'_>,
    service: &schema::Service,
    resolved: &mut ResolvedService,
    target: TargetId,
) -> Result<(), Diagnostic> {
    let Stage { services, pools, registry } = *stage;
    at_zero(notes, service, resolved)?;
    let name = resolved.name.to_string();
    let path = format!("services.{name}.autoscaler");
    let replicas = format!("services.{name}.replicas");
    match &service.autoscaler {
        None => {
            let count = notes.or(&replicas, service.replicas, 1, "one replica, and nobody changes it");
            resolved.initial_replicas = Some(count);
        }
        Some(schema::Autoscaler::Fixed(fixed)) => {
            notes.given(&path, "");
            let count = notes.or(&replicas, service.replicas, fixed.replicas, "as many as its autoscaler keeps");
            resolved.initial_replicas = Some(count);
            let replicas = fixed.replicas;
            let make: Make = Arc::new(move |making| Ok(vec![FixedReplicas::new(making.target, replicas).boxed()]));
            let made = ResolvedAutoscaler::new(format!("fixed/{replicas}"), Some((replicas, replicas)), target, make);
            resolved.autoscaler = Some(made.map_err(|error| notes.error(&path, error.to_string()))?);
        }
        Some(schema::Autoscaler::Manifest(schema::GivenManifest(given))) => {
            notes.given(&path, "");
            let field = manifest_path(notes, &path);
            let file = files.read(notes, &field, &given.path)?;
            match kind::detect(&file.bytes).map_err(|error| manifest_error(&file.shown, &error))? {
                Kind::Hpa => manifest_of(notes, &file, service, given, resolved, target)?,
                kind => {
                    let bindings = bindings(notes, &name, &service.bind)?;
                    let containers = containers(service);
                    let mut cx = Context {
                        notes,
                        path,
                        given,
                        file: &file,
                        service: resolved,
                        services,
                        target,
                        bindings,
                        containers,
                    };
                    let scaled = manifest::resolve(&mut cx, kind)?;
                    adopt(notes, service, resolved, scaled);
                }
            }
        }
        Some(schema::Autoscaler::Command(schema::GivenCommand(given))) => {
            notes.given(&path, "");
            let folder = files.base.clone();
            let chosen = bindings(notes, &name, &service.bind)?;
            let made = command::resolve(
                &mut Place { notes, path, service: resolved, pools, target },
                given,
                folder,
                services,
                &chosen,
            )?;
            let count = notes.or(&replicas, service.replicas, 1, "one replica, until its policy says more");
            resolved.initial_replicas = Some(count);
            resolved.autoscaler = Some(made);
        }
        Some(schema::Autoscaler::Policy(given)) => {
            notes.given(&path, "");
            let made = policy::resolve(&mut Place { notes, path, service: resolved, pools, target }, given, registry)?;
            let count = notes.or(&replicas, service.replicas, 1, "one replica, until its policy says more");
            resolved.initial_replicas = Some(count);
            resolved.autoscaler = Some(made);
        }
        Some(own) => {
            notes.given(&path, "");
            let made = own_policy(&mut Place { notes, path, service: resolved, pools, target }, own)?;
            let fewest = made.min_replicas().unwrap_or(1);
            let count = notes.or(&replicas, service.replicas, fewest, "as few as its autoscaler keeps");
            resolved.initial_replicas = Some(count);
            resolved.autoscaler = Some(made);
        }
    }
    Ok(())
}

/// A service takes what its manifest came to.
fn adopt(notes: &mut Notes<'_>, service: &schema::Service, resolved: &mut ResolvedService, scaled: Scaled) {
    let replicas = format!("services.{}.replicas", resolved.name);
    let (initial, why) = scaled.initial;
    resolved.initial_replicas = Some(notes.or(&replicas, service.replicas, initial, why));
    if service.at_zero.is_none() && service.queue.is_none() {
        let (room, who) = scaled.at_zero;
        let shown = if room == u32::MAX { "unlimited".to_owned() } else { room.to_string() };
        let assumed = scaled.autoscaler.min_replicas() == Some(0);
        notes.default(&format!("services.{}.at_zero", resolved.name), &shown, who, assumed);
        resolved.queue = manifest::with_gateway(resolved.queue, room);
    }
    resolved.autoscaler = Some(scaled.autoscaler);
}

/// Who holds requests while no replica is ready, if the scenario says so.
fn at_zero(notes: &mut Notes<'_>, service: &schema::Service, resolved: &mut ResolvedService) -> Result<(), Diagnostic> {
    let path = format!("services.{}.at_zero", resolved.name);
    let Some(given) = service.at_zero else { return Ok(()) };
    notes.given(&path, "");
    if let Some(schema::Queue::Shared(_)) = service.queue {
        return Err(notes.error(&path, "a shared queue holds them anyway: its `capacity` says how many"));
    }
    let room = match given {
        schema::AtZero::Activator => manifest::ACTIVATOR.0,
        schema::AtZero::Handle => manifest::HANDLE.0,
        schema::AtZero::Refused => manifest::REFUSED.0,
        schema::AtZero::Hold(room) => room,
    };
    resolved.queue = manifest::with_gateway(resolved.queue, room);
    Ok(())
}

/// One of the program's own policies.
fn own_policy(place: &mut Place<'_, '_>, given: &schema::Autoscaler) -> Result<ResolvedAutoscaler, Diagnostic> {
    match given {
        schema::Autoscaler::QueueDepth(given) => baselines::queue_depth(place, given),
        schema::Autoscaler::ConcurrencyTarget(given) => baselines::concurrency_target(place, given),
        schema::Autoscaler::LatencyTarget(given) => baselines::latency_target(place, given),
        schema::Autoscaler::Timetable(given) => baselines::timetable(place, given),
        schema::Autoscaler::Predictive(given) => baselines::predictive(place, given),
        schema::Autoscaler::Clairvoyant(given) => baselines::clairvoyant(place, given),
        schema::Autoscaler::Fixed(_)
        | schema::Autoscaler::Manifest(_)
        | schema::Autoscaler::Command(_)
        | schema::Autoscaler::Policy(_) => Err(place.notes.error(&place.path, "not a policy of the program's own")),
    }
}

fn manifest_of(
    notes: &mut Notes<'_>,
    file: &Input,
    service: &schema::Service,
    given: &schema::Manifest,
    resolved: &mut ResolvedService,
    target: TargetId,
) -> Result<(), Diagnostic> {
    let name = resolved.name.to_string();
    let path = format!("services.{name}.autoscaler");
    let read = read_hpa(&file.bytes, given.name.as_deref());
    let manifest = read.map_err(|error| manifest_error(&file.shown, &error))?;
    for warning in &manifest.warnings {
        notes
            .warn(format!("{}:{}:{}: {}: {}", file.shown, warning.line, warning.column, warning.path, warning.message));
    }
    if manifest.target.name != manifest::base_name(&name) {
        notes.warn(format!(
            "{}: scales `{}`, here it is applied to the service `{name}`",
            file.shown, manifest.target.name
        ));
    }
    if given.delay_clock.is_some() {
        return Err(notes.error(&format!("{path}.delay_clock"), "`delay_clock` has no meaning for an HPA"));
    }
    let min = manifest.spec.min_replicas.unwrap_or(1).max(0) as u32;
    let bounds = format!("{min} to {}", manifest.spec.max_replicas);
    notes.manifest(&format!("{path}.replicas"), &bounds, file.shown.clone());
    let initial =
        notes.or(&format!("services.{name}.replicas"), service.replicas, min, "`minReplicas` of the manifest");
    resolved.initial_replicas = Some(initial);
    let chosen = bindings(notes, &name, &service.bind)?;
    let metrics = bind(&manifest.spec, &chosen).map_err(|error| metric_error(file, &name, &error))?;
    if let Some(error) = metrics.iter().find_map(|metric| no_such_truth(file, resolved, metric)) {
        return Err(error);
    }
    for (metric, binding) in metrics.iter().zip(&manifest.spec.metrics) {
        let signal = format!("{:?} every {}", metric.request.source, metric.request.pipeline.scrape_period);
        let text = format!("{} = {signal}", binding.source.metric_name());
        notes.manifest(&format!("{path}.metrics"), &text, file.shown.clone());
    }
    let options = HpaOptions {
        settings: settings(notes, &path, given)?,
        sync_period: sync_period(notes, &path, given)?,
        phase: given.phase.map(Duration::get),
        containers: containers(service),
        ..HpaOptions::new(manifest.name.clone(), target, metrics)
    };
    let (shown, high) = (format!("hpa/{}", options.name), manifest.spec.max_replicas.max(0) as u32);
    let (spec, kept) = (manifest.spec.clone(), options.clone());
    let make: Make = Arc::new(move |_| match Hpa::new(&spec, kept.clone()) {
        Ok(hpa) => Ok(vec![hpa.boxed()]),
        Err(errors) => {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(MakeError::Refused(texts.join("; ")))
        }
    });
    let made = ResolvedAutoscaler::new(shown, Some((min, high)), target, make);
    let made = made.map_err(|error| Diagnostic::about(&file.shown, error.to_string()))?;
    resolved.autoscaler = Some(made.with_hpa(manifest.spec, options));
    Ok(())
}

/// Where the manifest's path is written: alone, or in its field.
fn manifest_path(notes: &Notes<'_>, path: &str) -> String {
    let field = format!("{path}.path");
    if notes.document.get(&field).is_some() { field } else { path.to_owned() }
}

pub(crate) fn manifest_error(file: &str, error: &ManifestError) -> Diagnostic {
    let mut diagnostic = Diagnostic::about(file, error.message.clone());
    diagnostic.line = error.line.unwrap_or(0) as u32;
    diagnostic.column = error.column.unwrap_or(1) as u32;
    match &error.hint {
        Some(hint) => diagnostic.with_help(hint.clone()),
        None => diagnostic,
    }
}

/// A metric that has no binding: shown where the manifest names it.
fn metric_error(file: &Input, service: &str, error: &MetricNameError) -> Diagnostic {
    let name = match error {
        MetricNameError::Unsupported { name, .. } | MetricNameError::Unknown { name, .. } => name,
    };
    let diagnostic = at_metric(file, name, error.to_string());
    diagnostic.with_help(format!("in the scenario: `services.{service}.bind: {{\"{name}\": WaitingRequests}}`"))
}

/// A metric of something that the service does not have: it would be 0 for ever.
fn no_such_truth(file: &Input, service: &ResolvedService, metric: &BoundMetric) -> Option<Diagnostic> {
    let (name, source) = (&metric.request.name, metric.request.source);
    match &service.discipline {
        Discipline::ContinuousBatch(engine) => {
            (source == SignalSource::TensorActive && engine.peak_token_s == 0.0).then(|| {
                let message = format!(
                    "the metric `{name}` is a share of the GPU's peak FLOP/s, which the catalogue does not have for the \
                     model or GPU of `{}`",
                    service.name
                );
                at_metric(file, name, message)
            })
        }
        _ => source.is_of_tokens().then(|| {
            let message =
                format!("the metric `{name}` is one of a token-level engine, and `{}` serves no tokens", service.name);
            let help = "serve it with `serving: ContinuousBatch()`, or bind the name to another signal";
            at_metric(file, name, message).with_help(help)
        }),
    }
}

/// A message at the place where the manifest names a metric.
fn at_metric(file: &Input, name: &str, message: String) -> Diagnostic {
    let text = String::from_utf8_lossy(&file.bytes);
    let found = text.lines().zip(1..).find_map(|(line, number)| Some((number, line.find(name)?)));
    let mut diagnostic = Diagnostic::about(&file.shown, message);
    if let Some((line, column)) = found {
        diagnostic.line = line;
        diagnostic.column = column as u32 + 1;
    }
    diagnostic
}

fn settings(notes: &mut Notes<'_>, path: &str, given: &schema::Manifest) -> Result<ControllerSettings, Diagnostic> {
    let defaults = ControllerSettings::default();
    let variant = given.variant.clone().unwrap_or_else(|| defaults.variant.name().to_owned());
    let names = [Variant::K8s128.name(), Variant::K8s2026Backport.name()];
    let found = Variant::from_name(&variant).ok_or_else(|| {
        super::fleet::unknown(notes, &format!("{path}.variant"), "HPA variant", &variant, names.into_iter())
    })?;
    notes.or(&format!("{path}.variant"), given.variant.clone(), variant, "the version whose decisions are recorded");
    let mut ns = |field: &str, value: Option<Duration>, default_ns: i64| {
        let default = Duration(SimDuration::from_ms((default_ns / 1_000_000) as u64));
        let span = notes.or(&format!("{path}.{field}"), value, default, FLAG).get();
        (span.as_ps() / 1_000) as i64
    };
    let downscale_stabilization_ns =
        ns("downscale_stabilization", given.downscale_stabilization, defaults.downscale_stabilization_ns);
    let cpu_initialization_ns =
        ns("cpu_initialization_period", given.cpu_initialization_period, defaults.cpu_initialization_ns);
    let initial_readiness_delay_ns =
        ns("initial_readiness_delay", given.initial_readiness_delay, defaults.initial_readiness_delay_ns);
    let tolerance = given.tolerance.map(NonNegative::get);
    Ok(ControllerSettings {
        variant: found,
        tolerance: notes.or(&format!("{path}.tolerance"), tolerance, defaults.tolerance, FLAG),
        downscale_stabilization_ns,
        cpu_initialization_ns,
        initial_readiness_delay_ns,
        scale_to_zero_gate: given.scale_to_zero.unwrap_or(false),
        quirks: Quirks { average_value_uses_status: given.faithful.unwrap_or(true) },
    })
}

fn sync_period(notes: &mut Notes<'_>, path: &str, given: &schema::Manifest) -> Result<SimDuration, Diagnostic> {
    let path = format!("{path}.sync_period");
    let period = notes.or(&path, given.sync_period, Duration(SimDuration::from_s(15)), FLAG).get();
    if period < SimDuration::from_ms(100) {
        return Err(notes.error(&path, "a sync period below 100ms would run for ever"));
    }
    Ok(period)
}

fn containers(service: &schema::Service) -> Vec<Container> {
    let Some(cpu) = &service.cpu else { return Vec::new() };
    let mut requests = BTreeMap::new();
    if let Some(cores) = cpu.request_cores {
        requests.insert("cpu".to_owned(), (cores.get() * 1_000.0).round() as i64);
    }
    if let Some(memory) = cpu.request_memory {
        requests.insert("memory".to_owned(), i64::try_from(memory.0).unwrap_or(i64::MAX).saturating_mul(1_000));
    }
    vec![Container { name: cpu.container.clone().unwrap_or_else(|| "main".to_owned()), requests }]
}
