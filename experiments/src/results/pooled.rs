//! Figures over the trials of one variant: what was got, in each trial and pooled.
//!
//! Memory grows with the number of figures, and by eight bytes for each value that differs between
//! trials: no record is kept.

use super::figure::{FigureDef, find};
use super::figures::Figures;
use super::part::{Distribution, Part, Pooled, Spread};
use super::scope::Scope;
use crate::statistics::Interval;
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
    /// Of a promise: trials that held it, of how many.
    pub held: Option<(u32, u32)>,
}

impl Estimate {
    /// The sum over trials of an amount.
    pub fn total(&self) -> f64 {
        self.each.iter().flatten().sum()
    }

    pub(super) fn new(got: Option<f64>, each: Vec<Option<f64>>) -> Self {
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
    columns: BTreeMap<&'static str, Column>,
    spreads: BTreeMap<Distribution, Spread>,
}

/// All figures of one variant over its trials.
#[derive(Clone, Debug, Default)]
pub struct PooledFigures {
    trials: u32,
    scopes: BTreeMap<Scope, ScopeColumns>,
}

impl PooledFigures {
    /// Adds a trial; they come in order.
    pub fn add(&mut self, figures: &Figures) {
        for own in &figures.scopes {
            let columns = self.scopes.entry(own.scope.clone()).or_default();
            for (figure, part) in &own.parts {
                let value = own.value(figure.0, part).unwrap_or(NONE);
                columns.add(figure.0, part, value, self.trials);
            }
            for (of, spread) in &own.spreads {
                match columns.spreads.get_mut(of) {
                    Some(sum) => sum.merge(spread),
                    None => drop(columns.spreads.insert(*of, spread.clone())),
                }
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
        let Some((own, column)) = self.scopes.get(scope).and_then(|own| Some((own, own.columns.get(find(id)?.id)?)))
        else {
            return absent();
        };
        let mut each = column.each.clone();
        each.pad(self.trials);
        let spread = column.distribution().and_then(|of| own.spreads.get(&of));
        Estimate::new(column.pooled.value(spread).map(|value| value * column.figure.scale), each.values())
    }

    /// What a figure is pooled to.
    pub fn got(&self, scope: &Scope, id: &str) -> Option<f64> {
        let own = self.scopes.get(scope)?;
        let column = own.columns.get(id)?;
        let spread = column.distribution().and_then(|of| own.spreads.get(&of));
        column.pooled.value(spread).map(|value| value * column.figure.scale)
    }

    /// A merged distribution.
    pub fn spread(&self, scope: &Scope, of: Distribution) -> Option<&Spread> {
        self.scopes.get(scope)?.spreads.get(&of)
    }

    /// The scopes that there are.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.keys()
    }
}

impl ScopeColumns {
    fn add(&mut self, figure: &'static FigureDef, part: &Part, value: f64, before: u32) {
        if let Some(column) = self.columns.get_mut(figure.id) {
            column.each.pad(before);
            column.each.push(value);
            column.pooled.add(part);
            return;
        }
        let mut each = if before == 0 { Each::Alike(value, 0) } else { Each::Alike(NONE, before) };
        each.push(value);
        self.columns.insert(figure.id, Column { figure, pooled: Pooled::new(*part), each });
    }
}

impl Column {
    fn distribution(&self) -> Option<Distribution> {
        self.pooled.distribution()
    }
}
