//! `flashcrowd replay`: a policy alone on recorded metrics.

use super::args::{Format, ReplayArgs};
use super::outcome::{Outcome, print};
use crate::replay::open_loop::{self, Replayed, Step};
use crate::replay::policy::policy;
use crate::replay::signals::Recording;
use crate::replay::{Tick, containers, dry_run};
use flashcrowd_core::ports::{Explanation, MetricExplanation};
use flashcrowd_language::words::duration;
use flashcrowd_language::words::plain;
use flashcrowd_language::{Diagnostic, list};
use flashcrowd_policies::autoscalers::hpa::{self, ControllerSettings, CurrentValue, HpaConfig, Variant, manifest};
use flashcrowd_scenario::files::read_small;
use flashcrowd_scenario::manifest_error;
use flashcrowd_scenario::{Registry, kind_of_manifest};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

pub(super) fn replay(args: &ReplayArgs, registry: &Registry) -> Outcome {
    let shown = args.manifest.display().to_string();
    if crate::replay::policy::inline(&args.manifest).is_some() {
        return any(args, &shown, registry);
    }
    let bytes = read(&args.manifest)?;
    let found = kind_of_manifest(&bytes, args.name.as_deref());
    let (kind, name) = found.map_err(|error| manifest_error(&shown, &error))?;
    if kind != hpa::KIND {
        return any(args, &shown, registry);
    }
    let read_manifest = manifest::read_bytes(&bytes, name.as_deref());
    let manifest = read_manifest.map_err(|error| manifest_error(&shown, &error))?;
    let variant = Variant::from_name(&args.variant).ok_or_else(|| {
        let names = [Variant::K8s128.name(), Variant::K8s2026Backport.name()];
        let error = Diagnostic::about("--variant", format!("there is no HPA variant `{}`", args.variant));
        error.with_label(format!("expected {}", list(names)))
    })?;
    let settings = ControllerSettings { variant, ..ControllerSettings::default() };
    let config = HpaConfig::new(&manifest.spec, settings, containers(&manifest.spec.metrics)).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Diagnostic::about(&shown, texts.join("; "))
    })?;
    let only = match config.metrics() {
        [metric] => Some(metric.source.metric_name().to_owned()),
        _ => None,
    };
    let file = args.signals.display().to_string();
    let recording = Recording::read(&file, &read(&args.signals)?, only.as_deref())?;
    let ticks = dry_run(&config, &file, &recording, args.sync_period_s, args.replicas)?;
    let names: Vec<&str> = config.metrics().iter().map(|metric| metric.source.metric_name()).collect();
    match args.format {
        Format::Json => {
            print(&serde_json::to_string_pretty(&json_of(&manifest.name, &names, &ticks)).unwrap_or_default())?;
        }
        Format::Text => {
            let mut warnings = manifest.warnings;
            warnings.extend(manifest.dependent.warnings(config.settings()));
            print(&text_of(&manifest.name, &warnings, &names, &ticks))?;
        }
    }
    Ok(0)
}

/// A policy of any other kind.
fn any(args: &ReplayArgs, shown: &str, registry: &Registry) -> Outcome {
    let file = args.signals.display().to_string();
    let recording = Recording::read(&file, &read(&args.signals)?, None)?;
    let autoscaler = policy(shown, args.name.as_deref(), &recording, registry)?;
    let replayed = open_loop::replay(&autoscaler, &file, &recording, args.replicas)?;
    match args.format {
        Format::Json => {
            print(&serde_json::to_string_pretty(&json_of_any(&autoscaler.describe(), &replayed)).unwrap_or_default())?;
        }
        Format::Text => print(&text_of_any(&autoscaler.describe(), &replayed))?,
    }
    Ok(0)
}

/// What each metric showed and asked for, in words.
fn words(explanation: &Explanation) -> (String, String) {
    let metric = |metric: &MetricExplanation| match (metric.current, metric.proposal) {
        (Some(current), Some(proposal)) => format!("{} = {current:.4} -> {proposal}", metric.name),
        (None, Some(proposal)) => format!("{} -> {proposal}", metric.name),
        (Some(current), None) => format!("{} = {current:.4}", metric.name),
        (None, None) => format!("{}: {}", metric.name, metric.note),
    };
    let metrics: Vec<String> = explanation.metrics.iter().map(metric).collect();
    let limits: Vec<&str> = explanation.limits.iter().map(|limit| limit.name).collect();
    let why = [explanation.reason.clone(), limits.join(", ")];
    let why: Vec<String> = why.into_iter().filter(|words| !words.is_empty()).collect();
    (metrics.join(", "), why.join("; "))
}

fn text_of_any(name: &str, replayed: &Replayed) -> String {
    let mut text = String::new();
    let changes = replayed.steps.iter().filter(|step| step.replicas.0 != step.replicas.1 || step.jobs > 0).count();
    let _ = writeln!(text, "{name}: dry run, {} decisions, {changes} changes", replayed.decisions);
    let _ = writeln!(text, "Open loop: the recorded values do not react to what is decided here.\n");
    let _ = writeln!(text, "{:>10}  {:>6}    {:<5} {:<52} why", "after", "from", "to", "metric = current -> proposal");
    for step in replayed.steps.iter().take(SHOWN) {
        let (metrics, mut why) = words(&step.explanation);
        if step.jobs > 0 {
            why = format!("{} jobs; {why}", step.jobs);
        }
        if let Some(mode) = step.mode {
            why = format!("mode {mode:?}; {why}");
        }
        let (before, after) = step.replicas;
        let at = duration(step.at_s);
        let why = if replayed.steps.iter().any(|other| other.controller != step.controller) {
            format!("{why} ({})", step.controller)
        } else {
            why
        };
        let _ = writeln!(text, "{at:>10}  {before:>6} -> {after:<5} {metrics:<52} {why}");
    }
    if replayed.steps.len() > SHOWN {
        let _ = writeln!(text, "and {} more: --format json", replayed.steps.len() - SHOWN);
    }
    text
}

fn json_of_any(name: &str, replayed: &Replayed) -> Value {
    let row = |step: &Step| {
        let metrics: Vec<Value> = step
            .explanation
            .metrics
            .iter()
            .map(|metric| json!({ "name": *metric.name, "current": metric.current, "proposal": metric.proposal, "note": metric.note }))
            .collect();
        let limits: Vec<Value> = step
            .explanation
            .limits
            .iter()
            .map(|limit| json!({ "name": limit.name, "before": limit.before, "after": limit.after }))
            .collect();
        json!({
            "at_s": step.at_s,
            "controller": step.controller,
            "before": step.replicas.0,
            "desired": step.replicas.1,
            "jobs": step.jobs,
            "mode": step.mode.map(|mode| format!("{mode:?}").to_lowercase()),
            "reason": step.explanation.reason,
            "error": step.explanation.error,
            "metrics": metrics,
            "limits": limits,
        })
    };
    json!({
        "schema": "flashcrowd/replay/1",
        "policy": name,
        "open_loop": true,
        "decisions": replayed.decisions,
        "ticks": replayed.steps.iter().map(row).collect::<Vec<_>>(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let shown = path.display().to_string();
    read_small(path).map_err(|error| Diagnostic::about(&shown, format!("cannot read the file: {}", plain(&error))))
}

fn current(value: &CurrentValue) -> Option<f64> {
    match value {
        CurrentValue::Utilization { percent, .. } => Some(f64::from(*percent)),
        CurrentValue::Average(average) => average.map(|milli| milli as f64 / 1e3),
        CurrentValue::Value(milli) => Some(*milli as f64 / 1e3),
    }
}

/// Each metric's current value and proposal at a tick.
fn readings(tick: &Tick) -> Vec<Option<(Option<f64>, i32)>> {
    let metrics = tick.decision.metrics.as_deref().unwrap_or(&[]);
    let reading = |outcome: &flashcrowd_policies::autoscalers::hpa::MetricOutcome| {
        outcome.result.as_ref().ok().map(|proposal| (current(&proposal.current), proposal.replicas))
    };
    metrics.iter().map(reading).collect()
}

fn json_of(name: &str, metrics: &[&str], ticks: &[Tick]) -> Value {
    let rows: Vec<Value> = ticks
        .iter()
        .map(|tick| {
            let metrics: Vec<Value> = metrics
                .iter()
                .zip(readings(tick))
                .map(|(name, reading)| {
                    json!({
                        "name": name,
                        "current": reading.and_then(|reading| reading.0),
                        "proposal": reading.map(|reading| reading.1),
                    })
                })
                .collect();
            let limits: Vec<Value> = tick
                .decision
                .limits
                .iter()
                .map(|limit| json!({ "name": limit.name, "before": limit.before, "after": limit.after }))
                .collect();
            json!({
                "at_s": tick.at_s,
                "before": tick.before,
                "desired": tick.decision.desired,
                "reason": tick.decision.reason,
                "error": tick.decision.error,
                "metrics": metrics,
                "limits": limits,
            })
        })
        .collect();
    json!({
        "schema": "flashcrowd/replay/1",
        "policy": format!("hpa/{name}"),
        "open_loop": true,
        "ticks": rows,
    })
}

/// Changes that are printed in words.
const SHOWN: usize = 40;

fn text_of(name: &str, warnings: &[manifest::ManifestWarning], metrics: &[&str], ticks: &[Tick]) -> String {
    let mut text = String::new();
    let span = ticks.last().map_or(0.0, |tick| tick.at_s);
    let changes: Vec<&Tick> = ticks.iter().filter(|tick| tick.decision.desired != tick.before).collect();
    let _ = writeln!(
        text,
        "hpa/{name}: dry run on {} of recorded metrics, {} reconciles, {} changes",
        duration(span),
        ticks.len(),
        changes.len()
    );
    let _ = writeln!(text, "Open loop: the recorded values do not react to what is decided here.\n");
    for warning in warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = writeln!(text, "{:>10}  {:>6}    {:<5} {:<52} why", "after", "from", "to", "metric = current -> proposal");
    for tick in changes.iter().take(SHOWN) {
        let values: Vec<String> = metrics
            .iter()
            .zip(readings(tick))
            .map(|(name, reading)| match reading {
                Some((Some(value), proposal)) => format!("{name} = {value} -> {proposal}"),
                Some((None, proposal)) => format!("{name} -> {proposal}"),
                None => format!("{name} failed"),
            })
            .collect();
        let limits: Vec<&str> = tick.decision.limits.iter().map(|limit| limit.name).collect();
        let why = [tick.decision.reason.clone(), limits.join(", ")];
        let why: Vec<String> = why.into_iter().filter(|words| !words.is_empty()).collect();
        let _ = writeln!(
            text,
            "{:>10}  {:>6} -> {:<5} {:<52} {}",
            duration(tick.at_s),
            tick.before,
            tick.decision.desired,
            values.join(", "),
            why.join("; ")
        );
    }
    if changes.len() > SHOWN {
        let _ = writeln!(text, "and {} more: --format json", changes.len() - SHOWN);
    }
    let failed = ticks.iter().filter(|tick| tick.decision.error.is_some()).count();
    if failed > 0 {
        let _ = writeln!(text, "{failed} reconciles ended with an error (a metric had no sample)");
    }
    text
}
