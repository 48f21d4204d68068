//! Autoscalers: the user's own manifests, their metrics bound to signals.

use super::baselines::resolve::{self as baselines, Place};
use super::bindings::bindings;
use super::command;
use super::hpa;
use super::manifest::{self, Context, Scaled};
use super::policy::resolve as policy;
use crate::autoscaler::resolved::{Make, ResolvedAutoscaler};
use crate::errors::manifest_error;
use crate::files::{Files, Input};
use crate::registry::Registry;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ports::TargetId;
use flashcrowd_language::units::Duration;
use flashcrowd_language::{Diagnostic, Document, list};
use flashcrowd_policies::autoscalers::FixedReplicas;
use flashcrowd_policies::manifest::{self as kind, Kind};
use std::sync::Arc;

/// What all services of a scenario share.
pub(crate) struct Stage<'a> {
    /// Names of all services, by position.
    pub(crate) services: &'a [&'a str],
    pub(crate) pools: &'a [PoolConfig],
    /// Policies that the program was started with.
    pub(crate) registry: &'a Registry,
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    stage: &Stage<'_>,
    service: &spec::Service,
    resolved: &mut ResolvedService,
    target: TargetId,
) -> Result<(), Diagnostic> {
    let before = (!service.bind.is_empty()).then(|| resolved.clone());
    scale(notes, files, stage, service, resolved, target)?;
    let binds = matches!(service.autoscaler, Some(spec::Autoscaler::Manifest(_) | spec::Autoscaler::Command(_)));
    let Some(before) = before else { return Ok(()) };
    if !binds {
        notes.warn(format!("service `{}`: `bind` has no effect without a manifest", resolved.config.name));
        return Ok(());
    }
    let signals = resolved.autoscaler.as_ref().map_or(&[][..], |scaler| &scaler.signals);
    let is_unread = |name: &&String| signals.iter().all(|signal| signal.name != **name);
    let doubtful: Vec<&String> = service.bind.keys().filter(is_unread).collect();
    for name in unread(notes.document, files, stage, service, &before, target, &doubtful) {
        let names: Vec<&str> = signals.iter().map(|signal| signal.name.as_str()).collect();
        let reads = if names.is_empty() { "nothing".to_owned() } else { list(names) };
        notes.warn(format!(
            "service `{}`: `bind` of `{name}` has no effect: its autoscaler reads {reads}",
            resolved.config.name
        ));
    }
    Ok(())
}

/// Which of some bindings the autoscaler does not read. A metric may reach it under another name
/// than the one that was bound, so each is given a mark, and what carries a mark is read.
fn unread<'a>(
    document: &Document,
    files: &Files,
    stage: &Stage<'_>,
    service: &spec::Service,
    before: &ResolvedService,
    target: TargetId,
    doubtful: &[&'a String],
) -> Vec<&'a String> {
    let mark = |i: usize| SimDuration::from_s(3_600) + SimDuration::from_ps(i as u64 + 1);
    let mut marked = service.clone();
    for (i, name) in doubtful.iter().enumerate() {
        if let Some(binding) = marked.bind.get_mut(*name) {
            *binding = with_period(binding, mark(i));
        }
    }
    let mut files =
        Files { base: files.base.clone(), typed: files.typed.clone(), embedded: files.embedded, hashes: Vec::new() };
    let mut resolved = before.clone();
    if doubtful.is_empty()
        || scale(&mut Notes::new(document), &mut files, stage, &marked, &mut resolved, target).is_err()
    {
        return Vec::new();
    }
    let signals = resolved.autoscaler.as_ref().map_or(&[][..], |scaler| &scaler.signals);
    let carried = |i: usize| signals.iter().any(|signal| signal.pipeline.scrape_period == mark(i));
    doubtful.iter().enumerate().filter(|(i, _)| !carried(*i)).map(|(_, name)| *name).collect()
}

/// The same signal, scraped at another period.
fn with_period(binding: &spec::Binding, period: SimDuration) -> spec::Binding {
    let mut signal = match binding {
        spec::Binding::Signal(signal) => (**signal).clone(),
        // The word is the variant's own name.
        word => spec::SignalBinding { source: format!("{word:?}"), ..spec::SignalBinding::default() },
    };
    signal.scrape_period = Some(Duration(period));
    spec::Binding::Signal(Box::new(signal))
}

/// Makes the autoscaler of a service.
fn scale(
    notes: &mut Notes<'_>,
    files: &mut Files,
    stage: &Stage<'_>,
    service: &spec::Service,
    resolved: &mut ResolvedService,
    target: TargetId,
) -> Result<(), Diagnostic> {
    let Stage { services, pools, registry } = *stage;
    at_zero(notes, service, resolved)?;
    let name = resolved.config.name.to_string();
    let path = format!("services.{name}.autoscaler");
    let replicas = format!("services.{name}.replicas");
    match &service.autoscaler {
        None => {
            let count = notes.or(&replicas, service.replicas, 1, "one replica, and nobody changes it");
            resolved.config.initial_replicas = count;
        }
        Some(spec::Autoscaler::Fixed(fixed)) => {
            notes.given(&path, "");
            let count = notes.or(&replicas, service.replicas, fixed.replicas, "as many as its autoscaler keeps");
            resolved.config.initial_replicas = count;
            let replicas = fixed.replicas;
            let make: Make = Arc::new(move |making| Ok(vec![FixedReplicas::new(making.target, replicas).boxed()]));
            let made = ResolvedAutoscaler::new(format!("fixed/{replicas}"), Some((replicas, replicas)), target, make);
            resolved.autoscaler = Some(made.map_err(|error| notes.error(&path, error.to_string()))?);
        }
        Some(spec::Autoscaler::Manifest(given)) => {
            notes.given(&path, "");
            let file = manifest_file(notes, files, &path, given)?;
            match kind::detect(&file.bytes).map_err(|error| manifest_error(&file.shown, &error))? {
                Kind::Hpa => hpa::resolve(notes, &file, service, given, resolved, target)?,
                kind => {
                    let bindings = bindings(notes, &name, &service.bind)?;
                    let containers = hpa::containers(service);
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
        Some(spec::Autoscaler::Command(given)) => {
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
            resolved.config.initial_replicas = count;
            resolved.autoscaler = Some(made);
        }
        Some(spec::Autoscaler::Policy(given)) => {
            notes.given(&path, "");
            let made = policy::resolve(&mut Place { notes, path, service: resolved, pools, target }, given, registry)?;
            let count = notes.or(&replicas, service.replicas, 1, "one replica, until its policy says more");
            resolved.config.initial_replicas = count;
            resolved.autoscaler = Some(made);
        }
        Some(own) => {
            notes.given(&path, "");
            let made = own_policy(&mut Place { notes, path, service: resolved, pools, target }, own)?;
            let fewest = made.min_replicas().unwrap_or(1);
            let count = notes.or(&replicas, service.replicas, fewest, "as few as its autoscaler keeps");
            resolved.config.initial_replicas = count;
            resolved.autoscaler = Some(made);
        }
    }
    Ok(())
}

/// A service takes what its manifest came to.
fn adopt(notes: &mut Notes<'_>, service: &spec::Service, resolved: &mut ResolvedService, scaled: Scaled) {
    let replicas = format!("services.{}.replicas", resolved.config.name);
    let (initial, why) = scaled.initial;
    resolved.config.initial_replicas = notes.or(&replicas, service.replicas, initial, why);
    if service.at_zero.is_none() && service.queue.is_none() {
        let (room, who) = scaled.at_zero;
        let shown = if room == u32::MAX { "unlimited".to_owned() } else { room.to_string() };
        let assumed = scaled.autoscaler.min_replicas() == Some(0);
        notes.default(&format!("services.{}.at_zero", resolved.config.name), &shown, who, assumed);
        resolved.config.queue = manifest::with_gateway(resolved.config.queue, room);
    }
    resolved.autoscaler = Some(scaled.autoscaler);
}

/// Who holds requests while no replica is ready, if the scenario says so.
fn at_zero(notes: &mut Notes<'_>, service: &spec::Service, resolved: &mut ResolvedService) -> Result<(), Diagnostic> {
    let path = format!("services.{}.at_zero", resolved.config.name);
    let Some(given) = service.at_zero else { return Ok(()) };
    notes.given(&path, "");
    if let Some(spec::Queue::Shared(_)) = service.queue {
        return Err(notes.error(&path, "a shared queue holds them anyway: its `capacity` says how many"));
    }
    let room = match given {
        spec::AtZero::Activator => manifest::ACTIVATOR.0,
        spec::AtZero::Handle => manifest::HANDLE.0,
        spec::AtZero::Refused => manifest::REFUSED.0,
        spec::AtZero::Hold(room) => room,
    };
    resolved.config.queue = manifest::with_gateway(resolved.config.queue, room);
    Ok(())
}

/// One of the program's own policies.
fn own_policy(place: &mut Place<'_, '_>, given: &spec::Autoscaler) -> Result<ResolvedAutoscaler, Diagnostic> {
    match given {
        spec::Autoscaler::QueueDepth(given) => baselines::queue_depth(place, given),
        spec::Autoscaler::ConcurrencyTarget(given) => baselines::concurrency_target(place, given),
        spec::Autoscaler::LatencyTarget(given) => baselines::latency_target(place, given),
        spec::Autoscaler::Timetable(given) => baselines::timetable(place, given),
        spec::Autoscaler::Predictive(given) => baselines::predictive(place, given),
        spec::Autoscaler::Clairvoyant(given) => baselines::clairvoyant(place, given),
        spec::Autoscaler::Fixed(_)
        | spec::Autoscaler::Manifest(_)
        | spec::Autoscaler::Command(_)
        | spec::Autoscaler::Policy(_) => Err(place.notes.error(&place.path, "not a policy of the program's own")),
    }
}

/// The manifest: of its file, or as it stands in the scenario.
fn manifest_file(
    notes: &Notes<'_>,
    files: &mut Files,
    path: &str,
    given: &spec::Manifest,
) -> Result<Input, Diagnostic> {
    match (&given.path, &given.text) {
        (Some(file), None) => files.read(notes, &format!("{path}.path"), file),
        (None, Some(text)) => Ok(Input { shown: format!("{path}.text"), bytes: text.clone().into_bytes() }),
        (Some(_), Some(_)) => Err(notes.error(path, "a manifest is given by `path` or by `text`, not by both")),
        (None, None) => Err(notes.error(path, "a manifest needs the `path` of its file, or its `text`")),
    }
}
