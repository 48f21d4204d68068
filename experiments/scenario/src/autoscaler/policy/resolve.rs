//! Policies of the user's own crate: found in the registry, made with the settings they bring.

use crate::autoscaler::baselines::resolve::Place;
use crate::autoscaler::resolved::{Make, MakeError, ResolvedAutoscaler};
use crate::registry::{RefusedConfig, Registry, Settings};
use crate::spec;
use flashcrowd_core::ports::Controller;
use flashcrowd_language::units::Fraction;
use flashcrowd_language::{Diagnostic, list, nearest};
use std::sync::Arc;

pub(crate) fn resolve(
    place: &mut Place<'_, '_>,
    given: &spec::Policy,
    registry: &Registry,
) -> Result<ResolvedAutoscaler, Diagnostic> {
    // A service's name may hold what separates the names of a path.
    if place.service.config.name.contains(['.', '=']) {
        place.path = format!("services.\"{}\".autoscaler", place.service.config.name);
    }
    let path = place.at("config");
    let document = place.notes.document;
    if given.config.is_some() && document.get(&path).is_none() {
        return Err(place
            .notes
            .error("services", "a service whose name holds quotes cannot have a policy with settings"));
    }
    let settings = Settings { document: document.clone(), path };
    match registry.make(&given.name, &settings, place.target) {
        None => return Err(unknown(place, &given.name, registry)),
        Some(Err(RefusedConfig::Unreadable(error))) => return Err(*error),
        Some(_) => {}
    }
    let failure = given.scrape_failure.map_or(0.0, Fraction::get);
    if given.scrape_failure.is_some() {
        place.notes.given(&place.at("scrape_failure"), "");
    }
    let (name, registry, settings) = (given.name.clone(), registry.clone(), Arc::new(settings));
    let make: Make = Arc::new(move |making| {
        let refused = || MakeError::Refused(format!("there is no policy `{name}`"));
        match registry.make(&name, &settings, making.target).ok_or_else(refused)? {
            Ok(controller) if failure > 0.0 => Ok(vec![with_failures(controller, failure)]),
            Ok(controller) => Ok(vec![controller]),
            Err(refused) => Err(MakeError::Refused(refused.to_string())),
        }
    });
    place.finish(&given.name, None, make)
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
