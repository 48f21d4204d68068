//! Policies in other languages: the program, and the metrics that it is shown.

use super::bindings::of_tokens_alone;
use super::place::{Autoscalers, Place, Scaling};
use super::resolved::Make;
use crate::external::{External, ExternalConfig};
use crate::part::Part;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Scope, SignalRequest};
use flashcrowd_language::{Diagnostic, units};
use flashcrowd_policies::metrics::{MetricBinding, resolve as known};
use flashcrowd_policies::{PolicyInfo, Port};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Parameters of `Command`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "program"))]
pub struct Command {
    /// Program and arguments; it runs in the scenario's folder.
    #[schemars(extend("x-example" = "[\"python3\", \"policy.py\"]"))]
    pub program: Vec<String>,
    /// Time between observations; 15s by default.
    #[schemars(extend("x-example" = r#""15s""#))]
    pub period: Option<units::Duration>,
    /// Metrics of the whole service that it is shown, by name.
    #[schemars(extend("x-example" = r#"["waiting_requests"]"#))]
    pub signals: Option<Vec<String>>,
    /// Metrics of each replica that it is shown, by name.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"["running_requests"]"#))]
    pub replica_signals: Vec<String>,
    /// Whether a request that nobody serves wakes it; false by default.
    pub poked: Option<bool>,
    /// How long it may take for a decision; 10s by default.
    #[schemars(extend("x-example" = r#""10s""#))]
    pub time_limit: Option<units::Duration>,
    /// The most replicas that it will ask for, for estimates of memory.
    #[schemars(extend("x-example" = "16"))]
    pub max: Option<u32>,
}

const INFO: PolicyInfo =
    PolicyInfo::own(Port::Autoscaler, "command", "a policy of yours in any language, by JSON lines");

/// What a policy is shown that does not say what it wants.
const USUAL: [&str; 3] = ["waiting_requests", "in_flight_requests", "requests_per_second"];

impl Part<Autoscalers> for Command {
    const POLICIES: &'static [PolicyInfo] = &[INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let program = if place.notes.document.get(&place.at("program")).is_some() {
            place.at("program")
        } else {
            place.path.clone()
        };
        if self.program.is_empty() {
            let error = place.notes.error(&program, "a command needs a program");
            return Err(error.with_help("such as `Command([\"python3\", \"policy.py\"])`"));
        }
        let chosen = place.bindings()?;
        let mut signals = Vec::new();
        let usual = || USUAL.iter().map(|name| (*name).to_owned()).collect();
        for (i, name) in self.signals.clone().unwrap_or_else(usual).iter().enumerate() {
            let path = place.at(&format!("signals.{i}"));
            signals.push(signal(place, &path, name, Scope::Service, &chosen)?);
        }
        for (i, name) in self.replica_signals.iter().enumerate() {
            let path = place.at(&format!("replica_signals.{i}"));
            signals.push(signal(place, &path, name, Scope::Replica, &chosen)?);
        }
        let period = place.span("period", self.period, 15, "as often as an HPA");
        if period < SimDuration::from_ms(100) {
            return Err(place.notes.error(&place.at("period"), "a period below 100ms would run for ever"));
        }
        let limit = place.span("time_limit", self.time_limit, 10, "long enough for a slow language to start");
        let config = ExternalConfig {
            program: self.program.clone(),
            folder: place.files.base.clone(),
            service: place.service.config.name.to_string(),
            services: place.stage.services.iter().map(|name| (*name).to_owned()).collect(),
            period,
            poked: self.poked.unwrap_or(false),
            signals,
            time_limit: Duration::from_secs_f64(limit.as_s_f64()),
        };
        let name = format!("command/{}", self.program.join(" "));
        let make: Make = Arc::new(move |making| Ok(vec![External::new(making.target, config.clone()).boxed()]));
        let made = place.of_user(&name, make)?;
        Ok(Scaling { autoscaler: made.autoscaler.outside(), ..made })
    }
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
    if let Some((message, help)) = of_tokens_alone(name, binding.source, place.service) {
        return Err(place.notes.error(at, message).with_help(help));
    }
    Ok((binding.request(name, scope), binding.scale))
}
