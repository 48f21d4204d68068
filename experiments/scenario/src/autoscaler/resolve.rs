//! Who sets the number of a service's replicas, and what of `bind` it reads.

use super::manifest::context::{ACTIVATOR, HANDLE, REFUSED};
use super::place::{Place, Scaling, Stage};
use crate::files::Files;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::ScaleDownOrder;
use flashcrowd_core::ports::TargetId;
use flashcrowd_core::serving::QueueMode;
use flashcrowd_language::units::Duration;
use flashcrowd_language::{Diagnostic, Document, list};
use flashcrowd_policies::autoscalers::hpa::Container;
use std::collections::BTreeMap;

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
    at_zero(notes, service, resolved)?;
    let Some(autoscaler) = &service.autoscaler else {
        let path = format!("services.{}.replicas", resolved.config.name);
        let count = notes.or(&path, service.replicas, 1, "one replica, and nobody changes it");
        resolved.config.initial_replicas = count;
        return Ok(());
    };
    let path = format!("services.{}.autoscaler", resolved.config.name);
    notes.given(&path, "");
    let containers = containers(service.cpu.as_ref());
    let mut place = Place { notes, files, stage, path, service: resolved, target, bind: &service.bind, containers };
    let made = autoscaler.make(&mut place)?;
    adopt(notes, service, resolved, made);
    Ok(())
}

/// What a pod's containers request, as an HPA reads it.
fn containers(given: Option<&spec::Cpu>) -> Vec<Container> {
    let Some(cpu) = given else { return Vec::new() };
    let mut requests = BTreeMap::new();
    if let Some(cores) = cpu.request_cores {
        requests.insert("cpu".to_owned(), (cores.get() * 1_000.0).round() as i64);
    }
    if let Some(memory) = cpu.request_memory {
        requests.insert("memory".to_owned(), i64::try_from(memory.0).unwrap_or(i64::MAX).saturating_mul(1_000));
    }
    vec![Container { name: cpu.container.clone().unwrap_or_else(|| "main".to_owned()), requests }]
}

/// A service takes what its autoscaler came to.
fn adopt(notes: &mut Notes<'_>, service: &spec::Service, resolved: &mut ResolvedService, made: Scaling) {
    let replicas = format!("services.{}.replicas", resolved.config.name);
    let (initial, why) = made.initial;
    resolved.config.initial_replicas = notes.or(&replicas, service.replicas, initial, why);
    if let Some((room, who)) = made.at_zero.filter(|_| service.at_zero.is_none() && service.queue.is_none()) {
        let shown = if room == u32::MAX { "unlimited".to_owned() } else { room.to_string() };
        let assumed = made.autoscaler.min_replicas() == Some(0);
        notes.default(&format!("services.{}.at_zero", resolved.config.name), &shown, who, assumed);
        resolved.config.queue = with_gateway(resolved.config.queue, room);
    }
    resolved.config.scale_down_order = scale_down_order(notes, service, &resolved.config.name, made.order);
    resolved.autoscaler = Some(made.autoscaler);
}

/// Which replicas go first: as the scenario says, or as those do whose manifest it is.
fn scale_down_order(
    notes: &mut Notes<'_>,
    service: &spec::Service,
    name: &str,
    (usual, who): (ScaleDownOrder, &'static str),
) -> ScaleDownOrder {
    let path = format!("services.{name}.scale_down_order");
    let given = service.scale_down_order.map(|given| match given {
        spec::ScaleDownOrder::ReplicaSet => ScaleDownOrder::ReplicaSet,
        spec::ScaleDownOrder::SparsestNode => ScaleDownOrder::SparsestNode,
    });
    if let Some(given) = given {
        notes.given(&path, "");
        return given;
    }
    notes.default(&path, &format!("{usual:?}"), who, false);
    usual
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
        spec::AtZero::Activator => ACTIVATOR.0,
        spec::AtZero::Handle => HANDLE.0,
        spec::AtZero::Refused => REFUSED.0,
        spec::AtZero::Hold(room) => room,
    };
    resolved.config.queue = with_gateway(resolved.config.queue, room);
    Ok(())
}

/// The gateway of a service with so much room while no replica is ready.
fn with_gateway(queue: QueueMode, room: u32) -> QueueMode {
    match queue {
        QueueMode::PerReplica { capacity, .. } => QueueMode::PerReplica { capacity, gateway: room },
        shared @ QueueMode::Shared { .. } => shared,
    }
}
