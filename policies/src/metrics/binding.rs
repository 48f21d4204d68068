//! What a metric's name stands for: a signal, its factor, its pipeline.

use super::presets::Preset;
use flashcrowd_core::ports::{Pipeline, Sampler, Scope, SignalRequest, SignalSource};

/// What a metric's name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricBinding {
    /// What is measured.
    pub source: SignalSource,
    /// The metric's value is the signal's times this (1000 where a name says ms, 0.01 for ratios).
    pub scale: f64,
    /// The preset that `pipeline` began with.
    pub preset: Preset,
    /// Through which pipeline.
    pub pipeline: Pipeline,
    /// Whether only pods export it, so that without one there is no series.
    pub of_pods: bool,
}

impl MetricBinding {
    /// The request for this signal under `name`. What only pods export is theirs, where the service's
    /// own value is asked for.
    pub fn request(&self, name: &str, scope: Scope) -> SignalRequest {
        let scope = if self.of_pods && scope == Scope::Service { Scope::Pods } else { scope };
        SignalRequest { name: name.to_owned(), source: self.source, scope, pipeline: self.pipeline }
    }

    /// The same signal through another pipeline; what the name itself implies is kept.
    #[must_use]
    pub fn through(mut self, preset: Preset) -> Self {
        let transform = self.pipeline.transform;
        let wanted = preset.pipeline();
        let sampler = match (self.pipeline.sampler, wanted.sampler) {
            // Gauges and counters have a value at each instant, whoever exports them.
            _ if !self.source.is_integral() => Sampler::Instant,
            // A profiling field stays a mean, now over the preset's own period.
            (Sampler::WindowMean(_), Sampler::Nvml(_)) => {
                Sampler::WindowMean(wanted.collect_period.unwrap_or(wanted.scrape_period))
            }
            (own, Sampler::Instant) => own,
            (_, sampler) => sampler,
        };
        self.preset = preset;
        self.pipeline = Pipeline { transform, sampler, ..wanted };
        self
    }

    pub(super) fn gauge(source: SignalSource, scale: f64) -> Self {
        let preset = Preset::VllmGauge15s;
        MetricBinding { source, scale, preset, pipeline: preset.pipeline(), of_pods: false }
    }
}
