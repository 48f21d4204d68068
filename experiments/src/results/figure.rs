//! The catalogue: every figure that the program prints, once.
//!
//! A figure has an id, a unit, a direction that is better, the kinds of things that it is about, and a
//! way in which trials are pooled. Reports, summaries, assertions, comparisons and `--strict` read it,
//! and nothing else computes a figure. `flashcrowd figures` prints the table.

use super::part::{Distribution, Part, Pool};
use super::scope::ScopeKind;
use super::view::View;
use super::{bound, money, promises, replicas, requests};
use flashcrowd_core::ports::LatencyPart;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a value is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A share between 0 and 1.
    Share,
    /// US dollars.
    Usd,
    /// A number of things.
    Count,
    /// A mean number of things, or a rate.
    Number,
}

impl Unit {
    /// The name in the table of figures.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Share => "share",
            Unit::Usd => "usd",
            Unit::Count => "count",
            Unit::Number => "number",
        }
    }
}

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less of it.
    Lower,
    /// More of it.
    Higher,
    /// Neither: it describes.
    Neither,
}

impl Better {
    /// The name in the table of figures.
    pub const fn name(self) -> &'static str {
        match self {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "-",
        }
    }
}

/// Which value of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// The mean.
    Mean,
    /// A quantile.
    Quantile(f64),
    /// The highest.
    Max,
}

/// Statistics by the names of ids and summaries.
pub const STATISTICS: [(&str, Statistic); 7] = [
    ("mean", Statistic::Mean),
    ("p50", Statistic::Quantile(0.5)),
    ("p90", Statistic::Quantile(0.9)),
    ("p95", Statistic::Quantile(0.95)),
    ("p99", Statistic::Quantile(0.99)),
    ("p999", Statistic::Quantile(0.999)),
    ("max", Statistic::Max),
];

/// How a trial's part is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Plain(fn(&View<'_>) -> Option<Part>),
    Latency(Distribution, Statistic),
    /// Against another variant's trial: `bound` computes it.
    Bound,
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub struct FigureDef {
    /// Its id, unit last: `ttft.p99`, `cost_usd`.
    pub id: &'static str,
    /// In words, without the unit.
    pub words: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What is better.
    pub better: Better,
    /// What it is about.
    pub scopes: &'static [ScopeKind],
    /// How trials are pooled.
    pub pool: Pool,
    /// What one unit of its parts is in the figure's unit.
    pub(super) scale: f64,
    pub(super) of: Of,
}

impl FigureDef {
    pub(super) const fn plain(
        id: &'static str,
        words: &'static str,
        (unit, better, pool): (Unit, Better, Pool),
        scopes: &'static [ScopeKind],
        of: fn(&View<'_>) -> Option<Part>,
    ) -> Self {
        FigureDef { id, words, unit, better, scopes, pool, scale: 1.0, of: Of::Plain(of) }
    }

    pub(super) const fn scaled(self, scale: f64) -> Self {
        FigureDef { scale, ..self }
    }

    /// What a trial contributes, if the figure is about that.
    pub(super) fn part(&self, view: &View<'_>) -> Option<Part> {
        match self.of {
            Of::Plain(of) => of(view),
            Of::Latency(of, statistic) => view.latency(of, statistic),
            Of::Bound => None,
        }
    }
}

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
    all.extend(promises::FIGURES);
    all.extend(latencies());
    all.extend(requests::FIGURES);
    all.extend(money::FIGURES);
    all.extend(replicas::FIGURES);
    all.extend(bound::FIGURES);
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

/// The name of a latency part in ids and summaries.
pub fn part_name(part: LatencyPart) -> &'static str {
    Distribution::of(part).name()
}

/// A part of the latency in words.
pub const fn part_words(part: LatencyPart) -> &'static str {
    match part {
        LatencyPart::EndToEnd => "end-to-end latency",
        LatencyPart::Queue => "queue time",
        LatencyPart::ColdStart => "cold-start wait",
        LatencyPart::Service => "service time",
        LatencyPart::TimeToFirstToken => "time to first token",
        LatencyPart::TimePerOutputToken => "time per output token",
        LatencyPart::InterToken => "inter-token latency",
        LatencyPart::NoCapacity => "wait for a full pool",
        LatencyPart::Retries => "time of earlier attempts",
        LatencyPart::Network => "time on the way",
    }
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
