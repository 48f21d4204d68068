//! A figure of two variants, and the interval of its difference.

use super::options::{Options, chosen};
use flashcrowd_results::statistics::{chance_of, paired as of_pairs, welch};
use flashcrowd_results::{Estimate, FigureDef, Group, Results, Scope, Unit, find, groups};
use flashcrowd_scenario::Loaded;
use std::collections::BTreeSet;

/// Relative differences of bills up to this are of rounding.
const ROUNDING: f64 = 1e-9;

/// The level of confidence of intervals.
const LEVEL: f64 = 0.95;

/// One figure of a variant against the baseline.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The variant.
    pub variant: String,
    /// What the figure is about.
    pub scope: Scope,
    /// The figure.
    pub figure: &'static FigureDef,
    /// Of the baseline.
    pub baseline: Estimate,
    /// Of the variant.
    pub value: Estimate,
    /// Mean of the differences by replicate; of worlds that may not be paired, the difference of the
    /// means. `None` where a replicate has no value.
    pub difference: Option<f64>,
    /// Half-width of its 95 % interval.
    pub half_width: Option<f64>,
    /// How likely a difference as large is by chance alone, of this figure by itself.
    pub chance: Option<f64>,
    /// Half-width that independent runs would have.
    pub unpaired_half_width: Option<f64>,
    /// Whether replicates were paired.
    pub paired: bool,
}

impl Difference {
    /// Whether zero lies outside its interval. Without an interval nothing can be said.
    pub fn differs(&self) -> bool {
        matches!((self.difference, self.half_width), (Some(by), Some(half)) if by.abs() > half)
    }

    /// Whether all replicates are the same: to the last bit, and in money to what rounding the lines of a
    /// bill to trillionths of a dollar leaves.
    pub fn is_none(&self) -> bool {
        let same = |(one, other): (&Option<f64>, &Option<f64>)| match (one, other) {
            (Some(one), Some(other)) if self.figure.unit == Unit::Usd => (one - other).abs() <= one.abs() * ROUNDING,
            _ => one == other,
        };
        let (base, own) = (&self.baseline.each, &self.value.each);
        base.len() == own.len() && base.iter().zip(own).all(same)
    }

    pub(super) fn new(results: &Results<'_>, variant: usize, scope: &Scope, figure: &'static FigureDef) -> Self {
        let loaded = results.loaded;
        let [base, own] = [loaded.baseline, variant].map(|at| results.estimate(at, scope, figure.id));
        let paired = results.unlike[variant].is_empty() && base.each.len() == own.each.len();
        let values = |estimate: &Estimate| -> Option<Vec<f64>> { estimate.each.iter().copied().collect() };
        let both = values(&base).zip(values(&own));
        let unpaired = both.as_ref().and_then(|(base, own)| welch(own, base, LEVEL));
        let interval = match &both {
            Some((base, own)) if paired => of_pairs(own, base, LEVEL),
            _ => unpaired,
        };
        let (difference, half_width) = interval.map_or((None, None), |found| (Some(found.mean), found.half_width));
        let unpaired_half_width = unpaired.and_then(|found| found.half_width);
        // What rounding the lines of bills leaves is no uncertainty.
        let size = base.got.unwrap_or(0.0).abs().max(own.got.unwrap_or(0.0).abs());
        let exact = |half: f64| if figure.unit == Unit::Usd && half <= size * ROUNDING { 0.0 } else { half };
        Difference {
            variant: loaded.variants[variant].variant.clone(),
            scope: scope.clone(),
            figure,
            baseline: base,
            value: own,
            difference,
            half_width: half_width.map(exact),
            chance: interval.as_ref().and_then(chance_of),
            unpaired_half_width: unpaired_half_width.map(exact),
            paired,
        }
    }
}

impl Options {
    /// Chosen figures that no variant has.
    pub(super) fn absent<'o>(&'o self, loaded: &Loaded, rows: &[Difference]) -> Vec<&'o str> {
        let has = |name: &str| {
            chosen(loaded, name, "--figures")
                .is_ok_and(|(scope, figure)| rows.iter().any(|row| row.scope == scope && row.figure.id == figure.id))
        };
        self.figures.iter().map(String::as_str).filter(|name| !has(name)).collect()
    }
}

/// Figures of each route and service that are compared, after its SLOs.
const OF_GROUPS: [&str; 9] = [
    "attainment",
    "e2e.mean",
    "e2e.p99",
    "ttft.p99",
    "not_served",
    "replicas_mean",
    "reversals",
    "preempted",
    "cost_usd",
];

/// Figures of an SLO that are compared.
const OF_SLOS: [&str; 2] = ["observed_s", "attainment"];

/// Figures of the whole run that are compared.
const OF_ALL: [&str; 4] = ["cost_usd", "usd_per_week", "usd_per_1k_good", "not_served"];

/// What is compared of the groups of a variant and of the baseline, in order.
fn compared(results: &Results<'_>, variant: usize, options: &Options) -> Vec<(Scope, &'static FigureDef)> {
    let loaded = results.loaded;
    if !options.figures.is_empty() {
        return options.figures.iter().filter_map(|name| chosen(loaded, name, "--figures").ok()).collect();
    }
    let mut scopes: Vec<(Scope, &[&str])> = Vec::new();
    let mut known = BTreeSet::new();
    let mut add = |scope: Scope, figures: &'static [&'static str]| {
        if known.insert(scope.clone()) {
            scopes.push((scope, figures));
        }
    };
    let wanted = |group: &Group| options.service.as_ref().is_none_or(|wanted| *wanted == group.name);
    // What only one of the two has is compared with nothing.
    for resolved in [loaded.baseline, variant].map(|at| &loaded.variants[at]) {
        for group in groups(resolved).iter().filter(|group| wanted(group)) {
            for slo in group.slos(resolved) {
                add(group.slo_scope(slo), &OF_SLOS);
            }
            add(group.scope(), &OF_GROUPS);
        }
    }
    add(Scope::all(), &OF_ALL);
    let figures = |(scope, ids): (Scope, &[&'static str])| -> Vec<(Scope, &'static FigureDef)> {
        ids.iter().filter_map(|id| Some((scope.clone(), find(id)?))).collect()
    };
    scopes.into_iter().flat_map(figures).collect()
}

/// All differences from the baseline, by variant; figures that neither has are left out.
pub fn differences(results: &Results<'_>, options: &Options) -> Vec<Difference> {
    let others = (0..results.variants.len()).filter(|variant| *variant != results.loaded.baseline);
    let of_variant = |variant| {
        let figures = compared(results, variant, options);
        figures.into_iter().map(move |(scope, figure)| Difference::new(results, variant, &scope, figure))
    };
    others.flat_map(of_variant).filter(|row| row.baseline.got.is_some() || row.value.got.is_some()).collect()
}
