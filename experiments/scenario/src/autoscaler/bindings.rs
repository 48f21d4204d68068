//! What metric names stand for: the scenario's `bind`, and which of it nothing reads.

use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Attribution, MissingAs, SignalSource, Transform};
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::units::{Duration, Fraction, Positive};
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_policies::metrics::{MetricBinding, Preset, parse_binding};
use std::collections::BTreeMap;

/// The signals that metric names stand for.
pub(crate) fn bindings(
    notes: &Notes<'_>,
    service: &str,
    given: &BTreeMap<String, spec::Binding>,
) -> Result<BTreeMap<String, MetricBinding>, Diagnostic> {
    let mut chosen = BTreeMap::new();
    for (metric, binding) in given {
        // A metric's name may hold dots and slashes.
        let path = format!("services.{service}.bind.\"{metric}\"");
        chosen.insert(metric.clone(), binding_of(notes, &path, binding)?);
    }
    Ok(chosen)
}

/// What is wrong with a metric that a service cannot have, since it serves no tokens, and what to do: the metric
/// would be 0 for ever.
pub(crate) fn of_tokens_alone(
    metric: &str,
    source: SignalSource,
    service: &ResolvedService,
) -> Option<(String, &'static str)> {
    let serving = match service.config.discipline {
        Discipline::ContinuousBatch(_) => return None,
        Discipline::Slots { .. } => "Slots",
        Discipline::Sharing { .. } => "Sharing",
        Discipline::DynamicBatch(_) => "DynamicBatch",
    };
    let name = &service.config.name;
    let message = format!(
        "the metric `{metric}` exists only with `serving: ContinuousBatch`, and `{name}` has `serving: {serving}`"
    );
    let help = "serve it with `serving: ContinuousBatch()`, or bind the name to another signal: `flashcrowd signals`";
    source.is_of_tokens().then_some((message, help))
}

fn binding_of(notes: &Notes<'_>, path: &str, given: &spec::Binding) -> Result<MetricBinding, Diagnostic> {
    let word = match given {
        spec::Binding::GpuUtilization => "GpuUtilization",
        spec::Binding::SmActive => "SmActive",
        spec::Binding::TensorActive => "TensorActive",
        spec::Binding::DramActive => "DramActive",
        spec::Binding::KvCacheUse => "KvCacheUse",
        spec::Binding::WaitingRequests => "WaitingRequests",
        spec::Binding::RunningRequests => "RunningRequests",
        spec::Binding::InFlightRequests => "InFlightRequests",
        spec::Binding::RequestsPerSecond => "RequestsPerSecond",
        spec::Binding::CompletionsPerSecond => "CompletionsPerSecond",
        spec::Binding::CpuCores => "CpuCores",
        spec::Binding::MemoryBytes => "MemoryBytes",
        spec::Binding::LatencyP50 => "LatencyP50",
        spec::Binding::LatencyP90 => "LatencyP90",
        spec::Binding::LatencyP95 => "LatencyP95",
        spec::Binding::LatencyP99 => "LatencyP99",
        spec::Binding::QueueTimeP95 => "QueueTimeP95",
        spec::Binding::TimeToFirstTokenP95 => "TimeToFirstTokenP95",
        spec::Binding::TimeToFirstTokenP99 => "TimeToFirstTokenP99",
        spec::Binding::InterTokenLatencyP95 => "InterTokenLatencyP95",
        spec::Binding::InterTokenLatencyP99 => "InterTokenLatencyP99",
        spec::Binding::TimePerOutputTokenP95 => "TimePerOutputTokenP95",
        spec::Binding::TimePerOutputTokenP99 => "TimePerOutputTokenP99",
        spec::Binding::Signal(signal) => return signal_of(notes, path, signal),
    };
    parse_binding(word).map_err(|error| notes.error(path, error.to_string()))
}

fn signal_of(notes: &Notes<'_>, path: &str, given: &spec::SignalBinding) -> Result<MetricBinding, Diagnostic> {
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
        Some(spec::Attribution::Pod) => Attribution::Pod,
        Some(spec::Attribution::Node) => Attribution::Node,
        Some(spec::Attribution::Exporter) => Attribution::Exporter,
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
