//! HPA manifests on services of a scenario: settings of the controller, and what its metrics stand for.

use super::bindings::bindings;
use super::manifest;
use super::resolved::{Make, MakeError, ResolvedAutoscaler};
use crate::errors::{manifest_error, unknown};
use crate::files::Input;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{SignalSource, TargetId};
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, NonNegative};
use flashcrowd_policies::autoscalers::hpa::manifest::read_bytes as read_hpa;
use flashcrowd_policies::autoscalers::hpa::{
    BoundMetric, Container, ControllerSettings, Hpa, HpaOptions, Quirks, Variant, bind,
};
use flashcrowd_policies::metrics::MetricNameError;
use std::collections::BTreeMap;
use std::sync::Arc;

const FLAG: &str = "flag default of kube-controller-manager";

/// A service whose replicas an HPA sets.
pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    file: &Input,
    service: &spec::Service,
    given: &spec::Manifest,
    resolved: &mut ResolvedService,
    target: TargetId,
) -> Result<(), Diagnostic> {
    let name = resolved.config.name.to_string();
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
    resolved.config.initial_replicas = initial;
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
    match &service.config.discipline {
        Discipline::ContinuousBatch(engine) => {
            (source == SignalSource::TensorActive && engine.peak_token_s == 0.0).then(|| {
                let message = format!(
                    "the metric `{name}` is a share of the GPU's peak FLOP/s, which the catalogue does not have for the \
                     model or GPU of `{}`",
                    service.config.name
                );
                at_metric(file, name, message)
            })
        }
        _ => source.is_of_tokens().then(|| {
            let message =
                format!("the metric `{name}` is one of a token-level engine, and `{}` serves no tokens", service.config.name);
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

fn settings(notes: &mut Notes<'_>, path: &str, given: &spec::Manifest) -> Result<ControllerSettings, Diagnostic> {
    let defaults = ControllerSettings::default();
    let variant = given.variant.clone().unwrap_or_else(|| defaults.variant.name().to_owned());
    let names = [Variant::K8s128.name(), Variant::K8s2026Backport.name()];
    let found = Variant::from_name(&variant)
        .ok_or_else(|| unknown(notes, &format!("{path}.variant"), "HPA variant", &variant, names.into_iter()))?;
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

fn sync_period(notes: &mut Notes<'_>, path: &str, given: &spec::Manifest) -> Result<SimDuration, Diagnostic> {
    let path = format!("{path}.sync_period");
    let period = notes.or(&path, given.sync_period, Duration(SimDuration::from_s(15)), FLAG).get();
    if period < SimDuration::from_ms(100) {
        return Err(notes.error(&path, "a sync period below 100ms would run for ever"));
    }
    Ok(period)
}

pub(crate) fn containers(service: &spec::Service) -> Vec<Container> {
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
