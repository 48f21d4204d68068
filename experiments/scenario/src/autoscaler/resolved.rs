//! An autoscaler, resolved: its name, its bounds, and how to make it for any replicate.

use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::{Controller, SignalRequest, SourceError, TargetId};
use flashcrowd_policies::autoscalers::baselines::{ConfigError, Oracle};
use flashcrowd_policies::autoscalers::hpa::{HpaOptions, HpaSpec};
use std::fmt;
use std::sync::Arc;

/// What an autoscaler is made for.
pub struct Making<'a> {
    /// What it scales.
    pub target: TargetId,
    /// The randomness of this replicate.
    pub seed: Seed,
    /// What will arrive at the target: for bounds, which know it.
    pub oracle: &'a dyn Fn() -> Result<Oracle, SourceError>,
}

/// Makes the controllers of one target.
pub type Make = Arc<dyn Fn(&Making<'_>) -> Result<Vec<Controller>, MakeError> + Send + Sync>;

/// Why controllers could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// A policy of the program's own refuses one of its settings.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// The policy refuses its settings.
    #[error("{0}")]
    Refused(String),
    /// The arrivals could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// An autoscaler, ready to be made for any replicate.
#[derive(Clone)]
pub struct ResolvedAutoscaler {
    name: String,
    bounds: Option<(u32, u32)>,
    /// Time between its ticks, for estimates of records.
    pub(crate) period: SimDuration,
    /// What its controllers read.
    pub(crate) signals: Vec<SignalRequest>,
    hpa: Option<Arc<(HpaSpec, HpaOptions)>>,
    /// Whether it decides outside the program, where nothing holds it to determinism.
    external: bool,
    /// Whether it knows what nobody can know.
    bound: bool,
    make: Make,
}

impl fmt::Debug for ResolvedAutoscaler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedAutoscaler")
            .field("name", &self.name)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl ResolvedAutoscaler {
    /// Makes it once, so that what it refuses is said before anything runs.
    ///
    /// # Errors
    /// What the policy refuses.
    pub(crate) fn new(
        name: impl Into<String>,
        bounds: Option<(u32, u32)>,
        target: TargetId,
        make: Make,
    ) -> Result<Self, MakeError> {
        let nothing = || Ok(Oracle::default());
        let made = make(&Making { target, seed: Seed { seed: 0, replicate: 0 }, oracle: &nothing })?;
        let period = made.iter().map(|controller| controller.schedule.period).min().unwrap_or(SimDuration::from_s(15));
        let signals = made.iter().flat_map(|controller| controller.signals(target).cloned()).collect();
        Ok(ResolvedAutoscaler {
            name: name.into(),
            bounds,
            period,
            signals,
            hpa: None,
            external: false,
            bound: false,
            make,
        })
    }

    /// Notes that it is a Kubernetes HPA, whose settings the lints look at.
    pub(crate) fn with_hpa(mut self, spec: HpaSpec, options: HpaOptions) -> Self {
        self.hpa = Some(Arc::new((spec, options)));
        self
    }

    /// Notes that it decides outside the program.
    pub(crate) fn outside(mut self) -> Self {
        self.external = true;
        self
    }

    /// Notes that it knows the future.
    pub(crate) fn knowing(mut self) -> Self {
        self.bound = true;
        self
    }

    /// Whether it knows the future, and is a bound for others.
    pub fn is_bound(&self) -> bool {
        self.bound
    }

    /// Whether it decides outside the program.
    pub fn is_external(&self) -> bool {
        self.external
    }

    /// As reports call it, such as `hpa/model-inference-hpa (2-20)`.
    pub fn describe(&self) -> String {
        match self.bounds {
            Some((low, high)) if low < high => format!("{} ({low}-{high})", self.name),
            _ => self.name.clone(),
        }
    }

    /// The most replicas that it can ask for, if it bounds itself.
    pub fn max_replicas(&self) -> Option<u32> {
        self.bounds.map(|(_, high)| high)
    }

    /// The fewest replicas that it keeps, if it bounds itself.
    pub fn min_replicas(&self) -> Option<u32> {
        self.bounds.map(|(low, _)| low)
    }

    /// Its spec and settings, if it is a Kubernetes HPA.
    pub fn hpa(&self) -> Option<&(HpaSpec, HpaOptions)> {
        self.hpa.as_deref()
    }

    /// Its controllers, outside a scenario: with a fixed seed, and for bounds nothing to know.
    ///
    /// # Errors
    /// What the policy refuses.
    pub fn controllers(&self, target: TargetId) -> Result<Vec<Controller>, MakeError> {
        let nothing = || Ok(Oracle::default());
        self.make(&Making { target, seed: Seed { seed: 1, replicate: 0 }, oracle: &nothing })
    }

    /// Its controllers for one replicate.
    ///
    /// # Errors
    /// A trace that can no longer be read; what the policy refuses was refused before.
    pub(crate) fn make(&self, making: &Making<'_>) -> Result<Vec<Controller>, MakeError> {
        (self.make)(making)
    }
}
