//! The Kubernetes HPA: settings of its controller, and what its metrics stand for.

use super::context::{Context, Reader, several};
use super::spec::Manifest;
use crate::autoscaler::bindings::of_tokens_alone;
use crate::autoscaler::place::{REPLICA_SET, Scaling};
use crate::autoscaler::resolved::{Make, ResolvedAutoscaler};
use crate::errors::unknown;
use crate::files::Input;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::SignalSource;
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, NonNegative};
use flashcrowd_policies::autoscalers::hpa::{
    self, BoundMetric, ControllerSettings, Hpa, HpaOptions, HpaSpec, Quirks, Variant, bind,
};
use flashcrowd_policies::metrics::{MetricNameError, fitting};
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: hpa::KIND, policies: hpa::POLICIES, read };

const FLAG: &str = "flag default of kube-controller-manager";

fn read(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    let manifest = cx.read(hpa::manifest::read_bytes(&cx.file.bytes, cx.name.as_deref()))?;
    scale(cx, manifest)
}

/// Makes the controller of an HPA, whoever wrote it.
pub(super) fn scale(cx: &mut Context<'_, '_>, manifest: hpa::manifest::Manifest) -> Result<Scaling, Diagnostic> {
    cx.warn(&manifest.warnings);
    cx.check_target(&manifest.target.name);
    if cx.given.delay_clock.is_some() {
        return Err(cx.notes.error(&format!("{}.delay_clock", cx.path), "`delay_clock` has no meaning for an HPA"));
    }
    let min = manifest.spec.min_replicas.unwrap_or(1).max(0) as u32;
    let bounds = format!("{min} to {}", manifest.spec.max_replicas);
    cx.notes.manifest(&format!("{}.replicas", cx.path), &bounds, cx.file.shown.clone());
    let metrics = metrics(cx, &manifest.spec)?;
    let settings = settings(cx.notes, &cx.path, cx.given)?;
    cx.warn(&manifest.dependent.warnings(&settings));
    let options = HpaOptions {
        settings,
        sync_period: sync_period(cx.notes, &cx.path, cx.given)?,
        phase: cx.given.phase.map(Duration::get),
        containers: cx.containers.clone(),
        ..HpaOptions::new(manifest.name.clone(), cx.target, metrics)
    };
    let (shown, high) = (format!("hpa/{}", options.name), manifest.spec.max_replicas.max(0) as u32);
    let (spec, kept) = (manifest.spec.clone(), options.clone());
    let make: Make = Arc::new(move |_| match Hpa::new(&spec, kept.clone()) {
        Ok(hpa) => Ok(vec![hpa.boxed()]),
        Err(errors) => Err(several(&errors)),
    });
    let made = ResolvedAutoscaler::new(shown, Some((min, high)), cx.target, make);
    let made = made.map_err(|error| cx.refused(error.to_string()))?;
    let autoscaler = made.with_hpa(manifest.spec, options);
    Ok(Scaling { autoscaler, initial: (min, "`minReplicas` of the manifest"), at_zero: None, order: REPLICA_SET })
}

/// What the metrics stand for.
fn metrics(cx: &mut Context<'_, '_>, spec: &HpaSpec) -> Result<Vec<BoundMetric>, Diagnostic> {
    let name = &cx.service.config.name;
    let metrics = bind(spec, &cx.bindings).map_err(|error| metric_error(cx.file, name, &error))?;
    if let Some(error) = metrics.iter().find_map(|metric| no_such_truth(cx.file, cx.service, metric)) {
        return Err(error);
    }
    for (metric, binding) in metrics.iter().zip(&spec.metrics) {
        let signal = format!("{:?} every {}", metric.request.source, metric.request.pipeline.scrape_period);
        let text = format!("{} = {signal}", binding.source.metric_name());
        cx.notes.manifest(&format!("{}.metrics", cx.path), &text, cx.file.shown.clone());
    }
    Ok(metrics)
}

/// A metric that has no binding: shown where the manifest names it.
fn metric_error(file: &Input, service: &str, error: &MetricNameError) -> Diagnostic {
    let name = match error {
        MetricNameError::Unsupported { name, .. } | MetricNameError::Unknown { name, .. } => name,
        MetricNameError::NoSignal { word, .. } => word,
    };
    let diagnostic = at_metric(file, name, error.to_string());
    let signal = fitting(name);
    diagnostic.with_help(format!("in the scenario: `services.{service}.bind: {{\"{name}\": {signal}}}`"))
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
        _ => of_tokens_alone(name, source, service)
            .map(|(message, help)| at_metric(file, name, message).with_help(help)),
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

fn settings(notes: &mut Notes<'_>, path: &str, given: &Manifest) -> Result<ControllerSettings, Diagnostic> {
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

fn sync_period(notes: &mut Notes<'_>, path: &str, given: &Manifest) -> Result<SimDuration, Diagnostic> {
    let path = format!("{path}.sync_period");
    let period = notes.or(&path, given.sync_period, Duration(SimDuration::from_s(15)), FLAG).get();
    if period < SimDuration::from_ms(100) {
        return Err(notes.error(&path, "a sync period below 100ms would run for ever"));
    }
    Ok(period)
}
