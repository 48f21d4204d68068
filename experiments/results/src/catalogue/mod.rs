//! The catalogue: every figure that the program prints, once.
//!
//! Reports, summaries, assertions, comparisons and `--strict` read it, and nothing else computes a
//! figure. `flashcrowd figures` prints the table.

mod beside;
mod money;
mod replicas;
mod requests;
mod slos;

use crate::figure::{Better, FigureDef, Of, Unit};
use crate::latency::{STATISTICS, Statistic, part_words};
use crate::part::{Distribution, Pool};
use crate::scope::ScopeKind;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const SERVED: &[ScopeKind] = &[ScopeKind::Service, ScopeKind::Route];
const SERVED_BY_ORIGIN: &[ScopeKind] = &[ScopeKind::Service, ScopeKind::Route, ScopeKind::Origin, ScopeKind::Way];

/// `p99` of a distribution by its name, with a name for each, which lives as long as the program.
fn latencies() -> Vec<FigureDef> {
    let mut figures = Vec::new();
    for of in Distribution::ALL {
        for (name, statistic) in STATISTICS {
            let pool = match statistic {
                Statistic::Mean => Pool::SumOverSum,
                Statistic::Quantile(_) => Pool::Merge,
                Statistic::Max => Pool::Max,
            };
            let own = matches!(of, Distribution::E2e | Distribution::Ttft);
            figures.push(FigureDef {
                id: String::leak(format!("{}.{name}", of.name())),
                words: String::leak(format!("{} {name}", part_words(of.part()))),
                unit: Unit::Seconds,
                better: Better::Lower,
                scopes: if own { SERVED_BY_ORIGIN } else { SERVED },
                pool,
                scale: 1e-6,
                of: Of::Latency(of, statistic),
            });
        }
    }
    figures
}

static CATALOGUE: LazyLock<Vec<FigureDef>> = LazyLock::new(|| {
    let mut all = Vec::new();
    all.extend_from_slice(slos::FIGURES);
    all.extend(latencies());
    all.extend_from_slice(requests::FIGURES);
    all.extend_from_slice(money::FIGURES);
    all.extend_from_slice(replicas::FIGURES);
    all.extend_from_slice(beside::FIGURES);
    all
});

static BY_ID: LazyLock<BTreeMap<&str, &FigureDef>> =
    LazyLock::new(|| catalogue().iter().map(|figure| (figure.id, figure)).collect());

/// Every figure, in the order of the table.
pub fn catalogue() -> &'static [FigureDef] {
    &CATALOGUE
}

/// A figure by its id.
pub fn find(id: &str) -> Option<&'static FigureDef> {
    BY_ID.get(id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_stands_once_and_parts_fit_their_pools() {
        let mut ids: Vec<&str> = catalogue().iter().map(|figure| figure.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
        for figure in catalogue() {
            assert!(!figure.scopes.is_empty() && !figure.words.is_empty(), "{}", figure.id);
            let usd = figure.id.contains("usd");
            assert_eq!(usd, figure.unit == Unit::Usd, "{}", figure.id);
        }
    }
}
