//! The results of a scenario: figures by variant over its trials, gathered run by run.

use crate::figures::Figures;
use crate::pooled::{Estimate, PooledFigures};
use crate::ready::Ready;
use crate::run::{Run, Sink};
use crate::scope::Scope;
use crate::story::{self, Outage, Worst};
use crate::world::unlike;
use flashcrowd_core::ledger::{Latency, RunRecord};
use flashcrowd_scenario::files::hash;
use flashcrowd_scenario::{Loaded, Resolved};

/// The results of a scenario: figures by variant, and what is told of each. No record is kept but the
/// first of each variant.
#[derive(Clone, Debug)]
pub struct Results<'l> {
    /// The scenario.
    pub loaded: &'l Loaded,
    /// By variant.
    pub variants: Vec<VariantResults>,
    /// By variant, in which ways its world is another than the baseline's.
    pub unlike: Vec<Vec<&'static str>>,
    /// By variant, the digests of its runs.
    digests: Vec<Vec<String>>,
    pub(crate) bound: Ready,
}

/// What one variant left behind.
#[derive(Clone, Debug, Default)]
pub struct VariantResults {
    /// Figures over its trials.
    pub figures: PooledFigures,
    /// The stretch of any trial in which most requests were late.
    pub worst: Option<Worst>,
    /// Outages of its first trial.
    pub outages: Vec<Outage>,
    /// The record of its first trial, without its latencies: figures have those.
    pub first: Option<Box<RunRecord>>,
}

impl<'l> Results<'l> {
    /// Of a scenario that is about to be played.
    pub fn new(loaded: &'l Loaded) -> Self {
        let baseline = loaded.variants.get(loaded.baseline);
        let of = |own: &Resolved| baseline.map_or_else(Vec::new, |baseline| unlike(baseline, own));
        Results {
            loaded,
            unlike: loaded.variants.iter().map(of).collect(),
            variants: vec![VariantResults::default(); loaded.variants.len()],
            digests: vec![Vec::new(); loaded.variants.len()],
            bound: Ready::new(loaded),
        }
    }

    /// Adds a run; they come in the order of the trials.
    pub fn add(&mut self, run: &Run) {
        let figures = Figures::of(&self.loaded.variants[run.variant], run);
        if self.add_figures(run, figures) {
            self.keep_first(run.variant, run.record.clone());
        }
    }

    /// Adds a run that nobody else needs any more, and whose figures are known.
    pub fn take_with(&mut self, run: Run, figures: Figures) {
        if self.add_figures(&run, figures) {
            self.keep_first(run.variant, run.record);
        }
    }

    fn keep_first(&mut self, variant: usize, mut record: RunRecord) {
        record.services.iter_mut().for_each(|service| service.latency = Latency::default());
        self.variants[variant].first = Some(Box::new(record));
    }

    /// True if it is the first of its variant, so that its record must be kept.
    fn add_figures(&mut self, run: &Run, figures: Figures) -> bool {
        let resolved = &self.loaded.variants[run.variant];
        let own = &mut self.variants[run.variant];
        own.figures.add(figures);
        let worst = Worst::of(resolved, run);
        if worst.as_ref().map_or(0, |worst| worst.late) > own.worst.as_ref().map_or(0, |worst| worst.late) {
            own.worst = worst;
        }
        let is_first = own.first.is_none();
        if is_first {
            own.outages = story::outages(resolved, &run.record);
        }
        self.digests[run.variant].push(run.record.digest.clone());
        self.bound.add(resolved, run);
        is_first
    }

    /// One digest of all runs, by variant, then replicate: that of the run, if there is one only.
    pub fn digest(&self) -> String {
        let all: Vec<&str> = self.digests.iter().flatten().map(String::as_str).collect();
        match all[..] {
            [only] => only.to_owned(),
            _ => hash(all.join("\n").as_bytes()),
        }
    }

    /// The variant that is the clairvoyant bound, by position.
    pub fn bound(&self) -> Option<usize> {
        self.bound.variant()
    }

    /// A figure of a variant over its trials.
    pub fn estimate(&self, variant: usize, scope: &Scope, id: &str) -> Estimate {
        self.variants[variant].figures.estimate(scope, id)
    }

    /// The pooled value of a figure of a variant.
    pub fn got(&self, variant: usize, scope: &Scope, id: &str) -> Option<f64> {
        self.variants[variant].figures.got(scope, id)
    }
}

impl Sink for Results<'_> {
    fn take(&mut self, run: Run) {
        let figures = Figures::of(&self.loaded.variants[run.variant], &run);
        self.take_with(run, figures);
    }
}
