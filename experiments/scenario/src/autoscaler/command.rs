//! Policies in other languages: the program, and the metrics that it is shown.

use crate::autoscaler::baselines::resolve::Place;
use crate::autoscaler::resolved::{Make, ResolvedAutoscaler};
use crate::external::{External, ExternalConfig};
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Scope, SignalRequest};
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::metrics::{MetricBinding, resolve as known};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a policy is shown that does not say what it wants.
const USUAL: [&str; 3] = ["waiting_requests", "in_flight_requests", "requests_per_second"];

pub(crate) fn resolve(
    place: &mut Place<'_, '_>,
    given: &spec::Command,
    folder: PathBuf,
    services: &[&str],
    chosen: &BTreeMap<String, MetricBinding>,
) -> Result<ResolvedAutoscaler, Diagnostic> {
    let program =
        if place.notes.document.get(&place.at("program")).is_some() { place.at("program") } else { place.path.clone() };
    if given.program.is_empty() {
        let error = place.notes.error(&program, "a command needs a program");
        return Err(error.with_help("such as `Command([\"python3\", \"policy.py\"])`"));
    }
    let mut signals = Vec::new();
    let usual = || USUAL.iter().map(|name| (*name).to_owned()).collect();
    for (i, name) in given.signals.clone().unwrap_or_else(usual).iter().enumerate() {
        let path = place.at(&format!("signals.{i}"));
        signals.push(signal(place, &path, name, Scope::Service, chosen)?);
    }
    for (i, name) in given.replica_signals.iter().enumerate() {
        let path = place.at(&format!("replica_signals.{i}"));
        signals.push(signal(place, &path, name, Scope::Replica, chosen)?);
    }
    let period = place.span("period", given.period, 15, "as often as an HPA");
    if period < SimDuration::from_ms(100) {
        return Err(place.notes.error(&place.at("period"), "a period below 100ms would run for ever"));
    }
    let limit = place.span("time_limit", given.time_limit, 10, "long enough for a slow language to start");
    let config = ExternalConfig {
        program: given.program.clone(),
        folder,
        service: place.service.config.name.to_string(),
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        period,
        poked: given.poked.unwrap_or(false),
        signals,
        time_limit: Duration::from_secs_f64(limit.as_s_f64()),
    };
    let name = format!("command/{}", given.program.join(" "));
    let make: Make = Arc::new(move |making| Ok(vec![External::new(making.target, config.clone()).boxed()]));
    let made = place.finish(&name, None, make)?;
    Ok(made.outside())
}

fn signal(
    place: &Place<'_, '_>,
    path: &str,
    name: &str,
    scope: Scope,
    chosen: &BTreeMap<String, MetricBinding>,
) -> Result<(SignalRequest, f64), Diagnostic> {
    let at = if place.notes.document.get(path).is_some() { path } else { &place.path };
    let binding = match chosen.get(name) {
        Some(binding) => *binding,
        None => known(name).map_err(|error| place.notes.error(at, error.to_string()))?,
    };
    let serves_tokens = matches!(place.service.config.discipline, Discipline::ContinuousBatch(_));
    if binding.source.is_of_tokens() && !serves_tokens {
        let message = format!(
            "the metric `{name}` is one of a token-level engine, and `{}` serves no tokens",
            place.service.config.name
        );
        return Err(place.notes.error(at, message));
    }
    Ok((binding.request(name, scope), binding.scale))
}
