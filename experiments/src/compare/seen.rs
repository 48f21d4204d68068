//! What is compared: routes and services, in which variants they are, and their SLOs.

use super::options::Options;
use flashcrowd_results::{Group, Results, Verdict, cheapest_that_holds, groups, verdicts};
use std::collections::BTreeMap;

/// What is compared, with all verdicts.
pub(super) struct Seen<'r, 'l> {
    pub(super) results: &'r Results<'l>,
    pub(super) options: &'r Options,
    /// By variant.
    pub(super) judged: Vec<Vec<Verdict>>,
    /// The cheapest variant that holds all.
    pub(super) cheapest: Option<usize>,
}

impl<'r, 'l> Seen<'r, 'l> {
    pub(super) fn new(results: &'r Results<'l>, options: &'r Options) -> Self {
        let judged: Vec<Vec<Verdict>> = (0..results.variants.len()).map(|at| verdicts(results, at)).collect();
        let cheapest = cheapest_that_holds(results, &judged);
        Seen { results, options, judged, cheapest }
    }

    /// The SLOs of a route or service in a variant.
    pub(super) fn of(&self, variant: usize, group: &str) -> Vec<&Verdict> {
        self.judged[variant].iter().filter(|verdict| verdict.group.name == group).collect()
    }

    /// The routes and services that are shown: those of the baseline, and those that other variants add.
    pub(super) fn groups(&self) -> Vec<Shown> {
        let loaded = self.results.loaded;
        let base = loaded.baseline;
        let mut shown: Vec<Shown> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for variant in std::iter::once(base).chain(others(self.results)) {
            for group in groups(&loaded.variants[variant]) {
                if self.options.service.as_ref().is_some_and(|wanted| *wanted != group.name) {
                    continue;
                }
                let place = *places.entry(group.name.clone()).or_insert_with(|| {
                    shown.push(Shown { group: group.clone(), within: Vec::new(), slos: Vec::new() });
                    shown.len() - 1
                });
                shown[place].within.push(variant);
            }
        }
        for verdict in std::iter::once(base).chain(others(self.results)).flat_map(|variant| &self.judged[variant]) {
            let Some(place) = places.get(&verdict.group.name) else { continue };
            let slos = &mut shown[*place].slos;
            if !slos.contains(&verdict.words) {
                slos.push(verdict.words.clone());
            }
        }
        shown
    }
}

/// A route or service, the variants in which it is, and its SLOs in any of them.
pub(super) struct Shown {
    pub(super) group: Group,
    pub(super) within: Vec<usize>,
    pub(super) slos: Vec<String>,
}

/// The variants beside the baseline.
pub(super) fn others<'r>(results: &'r Results<'_>) -> impl Iterator<Item = usize> + 'r {
    (0..results.variants.len()).filter(|variant| *variant != results.loaded.baseline)
}
