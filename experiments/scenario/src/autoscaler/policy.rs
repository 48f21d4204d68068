//! Policies of the user's own crate: found in the registry, made with the settings they bring.

use super::place::{Autoscalers, Place, Scaling};
use super::resolved::{Make, MakeError};
use crate::part::Part;
use crate::registry::{RefusedConfig, Registry, Settings};
use flashcrowd_core::ports::Controller;
use flashcrowd_language::units::Fraction;
use flashcrowd_language::{Diagnostic, list, nearest};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::sync::Arc;

/// Parameters of `Policy`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The name under which it is registered.
    pub name: String,
    /// Its settings; their form is the policy's own.
    pub config: Option<AnySettings>,
    /// Probability that a scrape of one of its signals fails; 0 by default.
    pub scrape_failure: Option<Fraction>,
}

/// Settings whose form the scenario does not know. They are read where they stand.
#[derive(Clone, Copy, Debug)]
pub struct AnySettings;

impl<'de> Deserialize<'de> for AnySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| AnySettings)
    }
}

impl JsonSchema for AnySettings {
    fn schema_name() -> Cow<'static, str> {
        "AnySettings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "description": "In the policy's own form." })
    }
}

impl Part<Autoscalers> for Policy {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let registry = place.stage.registry;
        // A service's name may hold what separates the names of a path.
        if place.service.config.name.contains(['.', '=']) {
            place.path = format!("services.\"{}\".autoscaler", place.service.config.name);
        }
        let path = place.at("config");
        let document = place.notes.document;
        if self.config.is_some() && document.get(&path).is_none() {
            return Err(place
                .notes
                .error("services", "a service whose name holds quotes cannot have a policy with settings"));
        }
        let settings = Settings { document: document.clone(), path };
        match registry.make(&self.name, &settings, place.target) {
            None => return Err(unknown(place, &self.name, registry)),
            Some(Err(RefusedConfig::Unreadable(error))) => return Err(*error),
            Some(_) => {}
        }
        let failure = self.scrape_failure.map_or(0.0, Fraction::get);
        if self.scrape_failure.is_some() {
            place.notes.given(&place.at("scrape_failure"), "");
        }
        let (name, registry, settings) = (self.name.clone(), registry.clone(), Arc::new(settings));
        let make: Make = Arc::new(move |making| {
            let refused = || MakeError::Refused(format!("there is no policy `{name}`"));
            match registry.make(&name, &settings, making.target).ok_or_else(refused)? {
                Ok(controller) if failure > 0.0 => Ok(vec![with_failures(controller, failure)]),
                Ok(controller) => Ok(vec![controller]),
                Err(refused) => Err(MakeError::Refused(refused.to_string())),
            }
        });
        place.of_user(&self.name, make)
    }
}

fn unknown(place: &Place<'_, '_>, name: &str, registry: &Registry) -> Diagnostic {
    let error = place.notes.error(&place.at("name"), format!("there is no registered policy `{name}`"));
    let names: Vec<&str> = registry.names().collect();
    if names.is_empty() {
        return error
            .with_help("this program has none: a crate of your own adds them with `flashcrowd::main_with(registry)`");
    }
    let error = error.with_label(format!("expected {}", list(names.iter().copied())));
    match nearest(name, names) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// Lets scrapes fail more often than the policy says. Either of two reasons is enough.
fn with_failures(mut controller: Controller, failure: f64) -> Controller {
    for request in controller.signals_mut() {
        let works = (1.0 - request.pipeline.scrape_failure) * (1.0 - failure);
        request.pipeline.scrape_failure = 1.0 - works;
    }
    controller
}
