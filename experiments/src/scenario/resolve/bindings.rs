//! What metric names stand for: the scenario's `bind`, and which of it nothing reads.

use super::ResolvedService;
use super::autoscaler::{Stage, scale};
use super::files::Files;
use super::settings::Notes;
use crate::scenario::language::units::{Duration, Fraction, Positive};
use crate::scenario::language::{Diagnostic, Document, list, nearest};
use crate::scenario::schema;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Attribution, MissingAs, SignalSource, TargetId, Transform};
use flashcrowd_policies::metrics::{MetricBinding, Preset, parse_binding};
use std::collections::BTreeMap;

/// Which of some bindings the autoscaler does not read. A metric may reach it under another name
/// than the one that was bound, so each is given a mark, and what carries a mark is read.
pub(super) fn unread<'a>(
    document: &Document,
    files: &Files,
    stage: &Stage<'_>,
    service: &schema::Service,
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
fn with_period(binding: &schema::Binding, period: SimDuration) -> schema::Binding {
    let mut signal = match binding {
        schema::Binding::Signal(signal) => (**signal).clone(),
        // The word is the variant's own name.
        word => schema::SignalBinding { source: format!("{word:?}"), ..schema::SignalBinding::default() },
    };
    signal.scrape_period = Some(Duration(period));
    schema::Binding::Signal(Box::new(signal))
}

pub(super) fn bindings(
    notes: &Notes<'_>,
    service: &str,
    given: &BTreeMap<String, schema::Binding>,
) -> Result<BTreeMap<String, MetricBinding>, Diagnostic> {
    let mut chosen = BTreeMap::new();
    for (metric, binding) in given {
        // A metric's name may hold dots and slashes.
        let path = format!("services.{service}.bind.\"{metric}\"");
        chosen.insert(metric.clone(), binding_of(notes, &path, binding)?);
    }
    Ok(chosen)
}

fn binding_of(notes: &Notes<'_>, path: &str, given: &schema::Binding) -> Result<MetricBinding, Diagnostic> {
    let word = match given {
        schema::Binding::GpuUtilization => "GpuUtilization",
        schema::Binding::SmActive => "SmActive",
        schema::Binding::TensorActive => "TensorActive",
        schema::Binding::DramActive => "DramActive",
        schema::Binding::KvCacheUse => "KvCacheUse",
        schema::Binding::WaitingRequests => "WaitingRequests",
        schema::Binding::RunningRequests => "RunningRequests",
        schema::Binding::InFlightRequests => "InFlightRequests",
        schema::Binding::RequestsPerSecond => "RequestsPerSecond",
        schema::Binding::CompletionsPerSecond => "CompletionsPerSecond",
        schema::Binding::CpuCores => "CpuCores",
        schema::Binding::MemoryBytes => "MemoryBytes",
        schema::Binding::LatencyP50 => "LatencyP50",
        schema::Binding::LatencyP90 => "LatencyP90",
        schema::Binding::LatencyP95 => "LatencyP95",
        schema::Binding::LatencyP99 => "LatencyP99",
        schema::Binding::QueueTimeP95 => "QueueTimeP95",
        schema::Binding::TimeToFirstTokenP95 => "TimeToFirstTokenP95",
        schema::Binding::TimeToFirstTokenP99 => "TimeToFirstTokenP99",
        schema::Binding::InterTokenLatencyP95 => "InterTokenLatencyP95",
        schema::Binding::InterTokenLatencyP99 => "InterTokenLatencyP99",
        schema::Binding::TimePerOutputTokenP95 => "TimePerOutputTokenP95",
        schema::Binding::TimePerOutputTokenP99 => "TimePerOutputTokenP99",
        schema::Binding::Signal(signal) => return signal_of(notes, path, signal),
    };
    parse_binding(word).map_err(|error| notes.error(path, error.to_string()))
}

fn signal_of(notes: &Notes<'_>, path: &str, given: &schema::SignalBinding) -> Result<MetricBinding, Diagnostic> {
    let source = parse_binding(&given.source);
    let mut binding = source.map_err(|error| notes.error(&format!("{path}.source"), error.to_string()))?;
    if let Some(name) = &given.preset {
        let preset = Preset::from_name(name).ok_or_else(|| unknown_preset(notes, path, name))?;
        binding = binding.through(preset);
    }
    if let Some(scale) = given.scale.map(Positive::get) {
        if !(1e-12..=1e12).contains(&scale) {
            return Err(notes.error(&format!("{path}.scale"), format!("`scale` is {scale}; expected 1e-12 to 1e12")));
        }
        binding.scale = scale;
    }
    let pipeline = &mut binding.pipeline;
    let positive = |field: &str, span: Option<Duration>| match span {
        Some(span) if span.get() < SimDuration::from_ms(10) => {
            Err(notes.error(&format!("{path}.{field}"), "expected at least 10ms"))
        }
        other => Ok(other.map(Duration::get)),
    };
    pipeline.scrape_period = positive("scrape_period", given.scrape_period)?.unwrap_or(pipeline.scrape_period);
    pipeline.collect_period = positive("collect_period", given.collect_period)?.or(pipeline.collect_period);
    pipeline.rule_period = positive("rule_period", given.rule_period)?.or(pipeline.rule_period);
    pipeline.relist_period = positive("relist_period", given.relist_period)?.or(pipeline.relist_period);
    pipeline.scrape_failure = given.scrape_failure.map_or(pipeline.scrape_failure, Fraction::get);
    let ranges = [
        positive("rate_over", given.rate_over)?.map(Transform::Rate),
        positive("average_over", given.average_over)?.map(Transform::AvgOver),
        positive("max_over", given.max_over)?.map(Transform::MaxOver),
    ];
    let mut ranges = ranges.into_iter().flatten();
    pipeline.transform = ranges.next().unwrap_or(pipeline.transform);
    if ranges.next().is_some() {
        return Err(notes.error(path, "give at most one of `rate_over`, `average_over` and `max_over`"));
    }
    if let (SignalSource::LatencyQuantile { window, .. }, Some(over)) =
        (&mut binding.source, positive("quantile_over", given.quantile_over)?)
    {
        *window = over;
    }
    pipeline.missing = if given.missing_as_zero == Some(true) { MissingAs::Zero } else { pipeline.missing };
    pipeline.attribution = match given.attribution {
        None => pipeline.attribution,
        Some(schema::Attribution::Pod) => Attribution::Pod,
        Some(schema::Attribution::Node) => Attribution::Node,
        Some(schema::Attribution::Exporter) => Attribution::Exporter,
    };
    Ok(binding)
}

fn unknown_preset(notes: &Notes<'_>, path: &str, name: &str) -> Diagnostic {
    let names = Preset::ALL.map(Preset::name);
    let error = notes.error(&format!("{path}.preset"), format!("there is no pipeline preset `{name}`"));
    let error = error.with_label(format!("expected {}", list(names)));
    match nearest(name, names) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    }
}
