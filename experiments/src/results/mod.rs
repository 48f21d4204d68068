//! Results: every figure once, trials, what a run leaves behind.
//!
//! | file | holds |
//! | --- | --- |
//! | `figure` | the catalogue: id, unit, what is better, scopes, how trials are pooled |
//! | `promises`, `requests`, `money`, `replicas` | the figures themselves |
//! | `scope`, `view`, `by_service` | what a figure is about, and a record seen from there |
//! | `part`, `spread` | exact, mergeable contributions of one trial |
//! | `trial`, `figures`, `pooled` | a trial, its figures, figures over trials |
//! | `verdict` | which promises held, in how many trials, and why not |
//! | `story` | the worst moment and the outages of a variant |
//! | `bound` | how far from the clairvoyant bound |
//! | `summary` | `summary.json`, and its schema |
//! | `table`, `tables` | tables: columns with name, unit and kind; CSV |
//! | `folder`, `place` | the output folder, and whose files it holds |
//! | `spool` | all summaries as one JSON text |
//! | `world` | whether two variants may be paired |
//! | `whole` | a file that is whole or as it was |
//! | `break_even` | below which price spot would have been cheaper |
//! | `hgrm` | distributions in the text form of `HdrHistogram` |

pub mod bound;
mod break_even;
mod by_service;
mod figure;
mod figures;
mod folder;
mod hgrm;
mod money;
mod part;
mod place;
mod pooled;
mod promises;
mod replicas;
mod requests;
mod scope;
mod spool;
mod spread;
mod story;
pub mod summary;
mod table;
mod tables;
mod trial;
mod verdict;
mod view;
mod whole;
mod world;

pub use figure::{Better, FigureDef, STATISTICS, Statistic, Unit, catalogue, find, part_name, part_words};
pub use figures::{FigureId, Figures, ScopeFigures};
pub use folder::{ExportError, OutputFolder};
pub use hgrm::hgrm;
pub use part::{Distribution, Integer, Part, Pool, Quantile, Within};
pub use pooled::{Estimate, PooledFigures};
pub(crate) use scope::way_name;
pub use scope::{Group, Scope, ScopeKind, Use, groups};
pub use spool::Summaries;
pub use spread::Spread;
pub use story::{Outage, Worst};
pub use table::{Cell, Column, Kind, Source, Table};
pub use tables::{TABLES, TableDef};
pub use trial::{Trial, trials};
pub use verdict::{Verdict, cheapest_that_holds, missed, verdicts};
pub(crate) use verdict::{keeps, promised_otherwise};
pub(crate) use whole::write_whole;
pub(crate) use world::unlike;

use crate::run::{Run, Sink};
use crate::scenario::load::Loaded;
use crate::scenario::resolve::Resolved;
use crate::scenario::resolve::files::Hasher;
use flashcrowd_core::ledger::{Latency, RunRecord};

/// The results of a scenario: figures by variant, and what is told of each. No record is kept but the
/// first of each variant.
#[derive(Clone, Debug)]
pub struct Results<'l> {
    /// The scenario.
    pub loaded: &'l Loaded,
    /// By variant.
    pub variants: Vec<VariantResults>,
    /// By variant, in which ways its world is another than the baseline's.
    pub(crate) unlike: Vec<Vec<&'static str>>,
    digests: Digests,
    bound: bound::Ready,
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

/// One digest of all runs, in order: that of the run, if there is one only.
#[derive(Clone, Debug, Default)]
struct Digests {
    hasher: Hasher,
    first: Option<String>,
    count: u32,
}

impl Digests {
    fn add(&mut self, digest: &str) {
        if self.count > 0 {
            self.hasher.update(b"\n");
        }
        self.hasher.update(digest.as_bytes());
        self.first.get_or_insert_with(|| digest.to_owned());
        self.count += 1;
    }

    fn all(&self) -> String {
        match &self.first {
            Some(only) if self.count == 1 => only.clone(),
            _ => self.hasher.finish(),
        }
    }
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
            digests: Digests::default(),
            bound: bound::Ready::new(loaded),
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
        self.digests.add(&run.record.digest);
        self.bound.add(resolved, run);
        is_first
    }

    /// One digest of all runs, in order.
    pub fn digest(&self) -> String {
        self.digests.all()
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
