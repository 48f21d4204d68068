//! Trials as rows of a table: a column for each figure of anything.

use super::catalogue::{catalogue, find};
use super::figures::{FigureId, Values};
use super::pooled::PooledFigures;
use super::scope::{Scope, ScopeKind};
use std::collections::{BTreeMap, BTreeSet};

/// The columns of a table of trials: figures of the whole, of routes, services, their SLOs, and of pools.
#[derive(Clone, Debug, Default)]
pub struct FigureColumns {
    /// By scope, positions in the catalogue.
    places: BTreeMap<Scope, BTreeSet<usize>>,
}

impl FigureColumns {
    /// What has columns. Divisions of the bill beside pools stand in a run's own summary: here they would be
    /// most columns.
    pub const KINDS: [ScopeKind; 5] =
        [ScopeKind::All, ScopeKind::Route, ScopeKind::Service, ScopeKind::Slo, ScopeKind::Pool];

    /// Adds the figures that a trial has.
    pub fn add(&mut self, trial: &[Values]) {
        for own in trial {
            for (figure, _) in &own.values {
                let at = position(*figure);
                if self.places.get(&own.scope).is_none_or(|known| !known.contains(&at)) {
                    self.places.entry(own.scope.clone()).or_default().insert(at);
                }
            }
        }
    }

    /// Adds the columns of other trials.
    #[must_use]
    pub fn with(mut self, other: FigureColumns) -> FigureColumns {
        for (scope, places) in other.places {
            self.places.entry(scope).or_default().extend(places);
        }
        self
    }

    /// Adds the figures that the trials of a variant have.
    pub(crate) fn add_pooled(&mut self, pooled: &PooledFigures) {
        for scope in pooled.scopes().filter(|scope| FigureColumns::KINDS.contains(&scope.kind)) {
            let places = self.places.entry(scope.clone()).or_default();
            places.extend(pooled.ids(scope).filter_map(find).map(|figure| position(FigureId(figure))));
        }
    }

    /// The values of one trial of a variant; empty where it has none.
    pub(crate) fn row_pooled<'a>(
        &'a self,
        pooled: &'a PooledFigures,
        trial: u32,
    ) -> impl Iterator<Item = Option<f64>> + 'a {
        self.columns().map(move |(scope, at)| pooled.value(scope, catalogue()[at].id, trial))
    }

    fn columns(&self) -> impl Iterator<Item = (&Scope, usize)> {
        self.places.iter().flat_map(|(scope, places)| places.iter().map(move |at| (scope, *at)))
    }

    /// Their names: `cost_usd`, `chat.ttft.p99`, `pool.l40s.cost_usd`.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.columns().map(|(scope, at)| {
            let id = catalogue()[at].id;
            match scope.kind {
                ScopeKind::All => id.to_owned(),
                ScopeKind::Pool => format!("pool.{}.{id}", scope.name),
                _ => format!("{}.{id}", scope.name),
            }
        })
    }

    /// The values of a trial; empty where it has none.
    pub fn row<'a>(&'a self, trial: &'a [Values]) -> impl Iterator<Item = Option<f64>> + 'a {
        let known: BTreeMap<(&Scope, usize), f64> = trial
            .iter()
            .flat_map(|own| own.values.iter().map(move |(figure, value)| ((&own.scope, position(*figure)), *value)))
            .collect();
        self.columns().map(move |column| known.get(&column).copied())
    }
}

/// Its place in the catalogue, which is the order of columns.
fn position(figure: FigureId) -> usize {
    catalogue().iter().position(|known| known.id == figure.0.id).unwrap_or(usize::MAX)
}
