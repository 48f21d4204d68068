//! Figures over the trials of one variant: what was got, in each trial and pooled.
//!
//! Memory grows with the number of figures, and by eight bytes for each value that differs between
//! trials: no record is kept.

use super::figure::FigureDef;
use super::figures::{Figures, ScopeFigures};
use super::part::{Distribution, Pooled};
use super::scope::Scope;
use super::spread::{Gathered, Spread};
use crate::statistics::Interval;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A figure over trials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Pooled over all trials; `None` prints a dash.
    pub got: Option<f64>,
    /// In each trial.
    pub each: Vec<Option<f64>>,
    /// Half-width of the 95 % interval of the trials' mean, by Student's t; `None` with fewer than two
    /// trials, or where a trial has no value.
    pub half_width: Option<f64>,
    /// Of an SLO: trials that held it, of how many.
    pub held: Option<(u32, u32)>,
}

impl Estimate {
    /// The sum over trials of an amount.
    pub fn total(&self) -> f64 {
        self.each.iter().flatten().sum()
    }

    pub(crate) fn new(got: Option<f64>, each: Vec<Option<f64>>) -> Self {
        let values: Option<Vec<f64>> = each.iter().copied().collect();
        let half_width = values.and_then(|values| Interval::of(&values).half_width);
        Estimate { got, each, half_width, held: None }
    }
}

/// The values of one figure in all trials so far; those that are all alike take no room.
#[derive(Clone, Debug)]
enum Each {
    Alike(f64, u32),
    Differ(Vec<f64>),
}

/// In place of no value: no figure is not a number.
const NONE: f64 = f64::NAN;

impl Each {
    fn push(&mut self, value: f64) {
        match self {
            Each::Alike(all, count) if all.to_bits() == value.to_bits() => *count += 1,
            Each::Alike(all, count) => {
                let mut values = vec![*all; *count as usize];
                values.push(value);
                *self = Each::Differ(values);
            }
            Each::Differ(values) => values.push(value),
        }
    }

    fn pad(&mut self, trials: u32) {
        while self.len() < trials {
            self.push(NONE);
        }
    }

    fn len(&self) -> u32 {
        match self {
            Each::Alike(_, count) => *count,
            Each::Differ(values) => values.len() as u32,
        }
    }

    fn get(&self, trial: u32) -> Option<f64> {
        let value = match self {
            Each::Alike(value, count) => (trial < *count).then_some(*value),
            Each::Differ(values) => values.get(trial as usize).copied(),
        };
        value.filter(|value| !value.is_nan())
    }

    fn values(&self) -> Vec<Option<f64>> {
        let some = |value: f64| (!value.is_nan()).then_some(value);
        match self {
            Each::Alike(value, count) => vec![some(*value); *count as usize],
            Each::Differ(values) => values.iter().copied().map(some).collect(),
        }
    }
}

#[derive(Clone, Debug)]
struct Column {
    figure: &'static FigureDef,
    pooled: Pooled,
    each: Each,
}

#[derive(Clone, Debug, Default)]
struct ScopeColumns {
    /// In the order of the catalogue.
    columns: Vec<Column>,
    spreads: Vec<(Distribution, Gathered)>,
}

/// All figures of one variant over its trials.
#[derive(Clone, Debug, Default)]
pub struct PooledFigures {
    trials: u32,
    scopes: BTreeMap<Scope, ScopeColumns>,
}

impl PooledFigures {
    /// Adds a trial; they come in order.
    pub fn add(&mut self, figures: Figures) {
        for own in figures.scopes {
            if let Some(columns) = self.scopes.get_mut(&own.scope) {
                columns.add(own, self.trials);
            } else {
                let scope = own.scope.clone();
                let mut columns = ScopeColumns::default();
                columns.add(own, self.trials);
                self.scopes.insert(scope, columns);
            }
        }
        self.trials += 1;
    }

    /// How many trials.
    pub fn trials(&self) -> u32 {
        self.trials
    }

    /// A figure over all trials; empty where none has it.
    pub fn estimate(&self, scope: &Scope, id: &str) -> Estimate {
        let absent = || Estimate::new(None, vec![None; self.trials as usize]);
        let Some((own, column)) = self.column(scope, id) else { return absent() };
        let mut each = column.each.values();
        each.resize(self.trials as usize, None);
        Estimate::new(own.got(column), each)
    }

    /// What a figure is pooled to.
    pub fn got(&self, scope: &Scope, id: &str) -> Option<f64> {
        let (own, column) = self.column(scope, id)?;
        own.got(column)
    }

    /// The value of a figure in one trial.
    pub(crate) fn value(&self, scope: &Scope, id: &str, trial: u32) -> Option<f64> {
        self.column(scope, id)?.1.each.get(trial)
    }

    /// Ids of the figures that a scope has.
    pub(crate) fn ids(&self, scope: &Scope) -> impl Iterator<Item = &'static str> {
        self.scopes.get(scope).into_iter().flat_map(|own| own.columns.iter().map(|column| column.figure.id))
    }

    fn column(&self, scope: &Scope, id: &str) -> Option<(&ScopeColumns, &Column)> {
        let own = self.scopes.get(scope)?;
        Some((own, own.columns.iter().find(|column| column.figure.id == id)?))
    }

    /// A merged distribution.
    pub fn spread(&self, scope: &Scope, of: Distribution) -> Option<Cow<'_, Spread>> {
        self.scopes.get(scope)?.spread(of)
    }

    /// The scopes that there are.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.keys()
    }
}

impl ScopeColumns {
    /// Adds a trial, before which there were so many.
    fn add(&mut self, own: ScopeFigures, before: u32) {
        // Trials have mostly the same figures, in the same order.
        self.columns.reserve_exact(own.parts.len().saturating_sub(self.columns.len()));
        let mut at = 0;
        for (figure, part) in &own.parts {
            let value = own.value(figure.0, part).unwrap_or(NONE);
            while self.columns.get(at).is_some_and(|column| is_before(column.figure, figure.0)) {
                at += 1;
            }
            if let Some(column) = self.columns.get_mut(at).filter(|column| std::ptr::eq(column.figure, figure.0)) {
                column.each.pad(before);
                column.each.push(value);
                column.pooled.add(part);
            } else {
                let mut each = if before == 0 { Each::Alike(value, 0) } else { Each::Alike(NONE, before) };
                each.push(value);
                self.columns.insert(at, Column { figure: figure.0, pooled: Pooled::new(*part), each });
            }
            at += 1;
        }
        for (of, spread) in own.spreads {
            match self.spreads.iter_mut().find(|known| known.0 == of) {
                Some((_, sum)) => sum.add(&spread),
                None => self.spreads.push((of, Gathered::new(spread))),
            }
        }
    }

    fn spread(&self, of: Distribution) -> Option<Cow<'_, Spread>> {
        self.spreads.iter().find(|known| known.0 == of).map(|(_, sum)| sum.spread())
    }

    fn got(&self, column: &Column) -> Option<f64> {
        let spread = column.pooled.distribution().and_then(|of| self.spread(of));
        column.pooled.value(spread.as_deref()).map(|value| value * column.figure.scale)
    }
}

/// Whether one figure stands before another in the catalogue.
fn is_before(left: &'static FigureDef, right: &'static FigureDef) -> bool {
    // All of them are elements of one slice.
    std::ptr::from_ref(left) < std::ptr::from_ref(right)
}
