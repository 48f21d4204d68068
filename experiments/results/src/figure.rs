//! A figure: its id and unit, which direction is better, the kinds of things that it is about, and the
//! way in which trials are pooled.

use super::latency::Statistic;
use super::part::{Distribution, Part, Pool};
use super::scope::ScopeKind;
use super::view::View;

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

/// How a trial's part is found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
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
    pub(crate) scale: f64,
    pub(crate) of: Of,
}

impl FigureDef {
    pub(crate) const fn plain(
        id: &'static str,
        words: &'static str,
        (unit, better, pool): (Unit, Better, Pool),
        scopes: &'static [ScopeKind],
        of: fn(&View<'_>) -> Option<Part>,
    ) -> Self {
        FigureDef { id, words, unit, better, scopes, pool, scale: 1.0, of: Of::Plain(of) }
    }

    pub(crate) const fn scaled(self, scale: f64) -> Self {
        FigureDef { scale, ..self }
    }

    /// What a trial contributes, if the figure is about that.
    pub(crate) fn part(&self, view: &View<'_>) -> Option<Part> {
        match self.of {
            Of::Plain(of) => of(view),
            Of::Latency(of, statistic) => view.latency(of, statistic),
            Of::Bound => None,
        }
    }
}
