//! What readers of manifests share: settings of the scenario, places in the file, who holds requests at zero.

use super::spec::Manifest;
use crate::autoscaler::bindings::of_tokens_alone;
use crate::autoscaler::place::{REPLICA_SET, Scaling};
use crate::autoscaler::resolved::{Make, MakeError, ResolvedAutoscaler};
use crate::clock::Clock;
use crate::errors::manifest_error;
use crate::files::Input;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{SignalRequest, TargetId};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::hpa::Container;
use flashcrowd_policies::manifest::{Kind, ManifestError, ManifestWarning};
use flashcrowd_policies::metrics::MetricBinding;
use std::collections::BTreeMap;
use std::fmt::Display;

/// A kind of manifest that is read.
pub(crate) struct Reader {
    /// How a file shows that it is one.
    pub(crate) kind: Kind,
    /// The policies that it stands for.
    pub(crate) policies: &'static [PolicyInfo],
    pub(crate) read: fn(&mut Context<'_, '_>) -> Result<Scaling, Diagnostic>,
}

/// What a manifest is resolved for.
pub(crate) struct Context<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    /// Path of the autoscaler in the scenario.
    pub(crate) path: String,
    pub(crate) given: &'n Manifest,
    pub(crate) file: &'n Input,
    /// Which of several objects in the file.
    pub(crate) name: Option<String>,
    pub(crate) service: &'n ResolvedService,
    /// Names of all services, by position.
    pub(crate) services: &'n [&'n str],
    pub(crate) target: TargetId,
    /// The user's own bindings of metric names.
    pub(crate) bindings: BTreeMap<String, MetricBinding>,
    pub(crate) containers: Vec<Container>,
    /// When the run begins.
    pub(crate) clock: Clock<'n>,
}

/// The activator's queue for a revision (`pkg/activator/net/throttler.go`).
pub(crate) const ACTIVATOR: (u32, &str) = (10_000, "Knative's activator holds 10,000 requests of a revision");
/// A Ray Serve handle without `max_queued_requests`.
pub(crate) const HANDLE: (u32, &str) = (u32::MAX, "Ray Serve's handles queue without limit");
/// `SkyServe`'s load balancer, and a Kubernetes Service without endpoints.
pub(crate) const REFUSED: (u32, &str) = (0, "a load balancer without replicas refuses");
/// Where a manifest sets no maximum: for estimates of memory; the fleet is the limit.
pub(super) const NO_MAXIMUM: u32 = 1_000;
/// A queue of which the manifest says nothing.
pub(super) const OUTSIDE: (u32, &str) =
    (u32::MAX, "a queue outside holds them without limit: nothing in the manifest says so");

impl Context<'_, '_> {
    pub(super) fn read<T>(&self, read: Result<T, ManifestError>) -> Result<T, Diagnostic> {
        read.map_err(|error| manifest_error(&self.file.shown, &error))
    }

    pub(super) fn refused(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::about(&self.file.shown, message)
    }

    pub(super) fn warn(&mut self, warnings: &[ManifestWarning]) {
        // Once for a file is enough.
        let mut more = "; docs/controllers.md says what of a manifest is played";
        for ManifestWarning { line, column, path, message } in warnings {
            self.notes.warn(format!("{}:{line}:{column}: {path}: {message}{more}", self.file.shown));
            more = "";
        }
    }

    /// The name of what a manifest scales may differ from the service's.
    pub(super) fn check_target(&mut self, scales: &str) {
        if scales != base_name(&self.service.config.name) {
            let (file, name) = (&self.file.shown, &self.service.config.name);
            self.notes.warn(format!("{file}: scales `{scales}`, here it is applied to the service `{name}`"));
        }
    }

    pub(super) fn phase(&mut self) -> Option<SimDuration> {
        let phase = self.given.phase.map(Duration::get);
        if phase.is_some() {
            self.notes.given(&format!("{}.phase", self.path), "");
        }
        phase
    }

    pub(super) fn faithful(&mut self) -> bool {
        let path = format!("{}.faithful", self.path);
        self.notes.or(&path, self.given.faithful, true, "upstream's quirks are kept")
    }

    /// Settings of the scenario that only other kinds have.
    pub(super) fn only(&self, kind: &str, allowed: &[&str]) -> Result<(), Diagnostic> {
        let given = self.given;
        let all = [
            ("name", given.name.is_some()),
            ("min", given.min.is_some()),
            ("max", given.max.is_some()),
            ("variant", given.variant.is_some()),
            ("sync_period", given.sync_period.is_some()),
            ("tolerance", given.tolerance.is_some()),
            ("downscale_stabilization", given.downscale_stabilization.is_some()),
            ("cpu_initialization_period", given.cpu_initialization_period.is_some()),
            ("initial_readiness_delay", given.initial_readiness_delay.is_some()),
            ("scale_to_zero", given.scale_to_zero.is_some()),
            ("faithful", given.faithful.is_some()),
            ("delay_clock", given.delay_clock.is_some()),
        ];
        match all.into_iter().find(|(field, given)| *given && !allowed.contains(field)) {
            Some((field, _)) => {
                let message = format!("`{field}` has no meaning for {kind}");
                Err(self.notes.error(&format!("{}.{field}", self.path), message))
            }
            None => Ok(()),
        }
    }

    pub(super) fn done(
        &mut self,
        name: String,
        bounds: (u32, u32),
        initial: (u32, &'static str),
        at_zero: (u32, &'static str),
        make: Make,
    ) -> Result<Scaling, Diagnostic> {
        self.notes.manifest(
            &format!("{}.replicas", self.path),
            &format!("{} to {}", bounds.0, bounds.1),
            self.file.shown.clone(),
        );
        let made = ResolvedAutoscaler::new(name, Some(bounds), self.target, make);
        let autoscaler = made.map_err(|error| self.refused(error.to_string()))?;
        for request in autoscaler.signals.clone() {
            self.check_signal(&request)?;
            let text = format!("{} = {:?} every {}", request.name, request.source, request.pipeline.scrape_period);
            self.notes.manifest(&format!("{}.metrics", self.path), &text, self.file.shown.clone());
        }
        Ok(Scaling { autoscaler, initial, at_zero: Some(at_zero), order: REPLICA_SET })
    }

    /// A metric of something that the service does not have would be 0 for ever.
    pub(super) fn check_signal(&self, request: &SignalRequest) -> Result<(), Diagnostic> {
        match of_tokens_alone(&request.name, request.source, self.service) {
            Some((message, help)) => Err(self.refused(message).with_help(help)),
            None => Ok(()),
        }
    }
}

/// A policy refuses its settings.
pub(super) fn refused(error: impl Display) -> MakeError {
    MakeError::Refused(error.to_string())
}

/// A policy refuses several of its settings.
pub(super) fn several<E: Display>(errors: &[E]) -> MakeError {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    refused(texts.join("; "))
}

/// The name of a service without the region of its copy.
pub(crate) fn base_name(service: &str) -> &str {
    service.split_once('@').map_or(service, |(name, _)| name)
}
